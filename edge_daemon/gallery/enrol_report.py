"""The result of an import, which the command prints and the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from edge_daemon.gallery.agreement import Exemplar, RefusedPhotograph, Twin, find_twins
from edge_daemon.gallery.flat_photographs import MatchedPhotograph, UnmatchedPhotograph
from edge_daemon.gallery.found_photographs import count_photographs, unclaimed_folders
from edge_daemon.gallery.roster import RosterRow
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import gallery as tables
from edge_daemon.store.gallery import LookAlike, StudentRow


@dataclass(frozen=True, slots=True)
class EnrolReport:
    """The result of an import."""

    students: int
    """Number of students now on the roster."""
    accepted: int
    """Number of photographs that became templates."""
    refused: tuple[RefusedPhotograph, ...]
    without_consent: tuple[str, ...]
    without_template: tuple[str, ...]
    """Everybody on the roster who can't be recognised, including students without consent."""
    removed_before: tuple[str, ...]
    """Students on the roster whom `enrol remove` removed and nobody readmitted; they have no template."""
    left: tuple[str, ...]
    """Enrolled students who are no longer on this roster."""
    twins: tuple[Twin, ...]
    look_alikes: tuple[LookAlike, ...]
    unclaimed: tuple[str, ...]
    """Folders of photographs whose names match no student on the roster."""
    matched: tuple[MatchedPhotograph, ...]
    """Photographs in the shared folder, each with the student whom it was matched to."""
    unmatched: tuple[UnmatchedPhotograph, ...]
    """Photographs in the shared folder that match no student."""
    out_of_focus: tuple[str, ...]
    """Enrolled students whose photographs are all out of focus; the report asks for sharper ones."""
    taken: tuple[tuple[str, str], ...]
    """Student and path of each accepted photograph."""
    withdrawn: tuple[str, ...]
    """Students who had templates, and whose consent this import withdrew; templates and key are destroyed."""
    lost: tuple[tuple[str, int], ...]
    """Consenting students who had templates and now have none, with the number of templates that they had."""
    kept: tuple[str, ...]
    """Consenting students who have no photograph in the folder, and whose earlier templates stay."""
    unopened: tuple[tuple[str, int], ...]
    """Students without consent, each with the number of their photographs in the folder."""


@dataclass(frozen=True, slots=True)
class FinishedImport:
    """An import that the gallery has stored, with its input and the state before it."""

    roster: Sequence[RosterRow]
    before: Mapping[str, StudentRow]
    """The students before the import, by id."""
    had: Mapping[str, int]
    """Number of templates of each student who had any before the import."""
    barred: frozenset[str]
    """Students on the roster who were removed and not readmitted."""
    students: Sequence[StudentRow]
    """The students on the roster, as they are stored now."""
    folder: Path | None
    """The folder of photographs; None if only the roster was renewed."""
    matched: Sequence[MatchedPhotograph]
    unmatched: Sequence[UnmatchedPhotograph]
    exemplars: Mapping[str, Sequence[Exemplar]]
    """The accepted photographs of each student."""
    refused: Sequence[RefusedPhotograph]
    faces: Mapping[str, Sequence[Exemplar]]
    """The accepted photographs and the stored vectors that stay, by student."""
    missing: Sequence[str]
    """Consenting students of whom the folder has no photograph, and who keep their templates."""


@dataclass(frozen=True, slots=True)
class ImportedRows:
    """The rows of the gallery after an import that the report needs."""

    template_counts: Mapping[str, int]
    out_of_focus: Set[str]
    look_alikes: tuple[LookAlike, ...]


def imported_rows(store: GalleryStore) -> ImportedRows:
    """Read the rows that the report needs."""
    counts, look_alikes = tables.template_counts(store.db), tables.look_alikes(store.db)
    return ImportedRows(counts, store.poorly_photographed(), tuple(look_alikes))


def enrol_report(rows: ImportedRows, done: FinishedImport) -> EnrolReport:
    """Return the report of a finished import. It compares all faces and reads the folder, which takes a while."""
    ids = {student.student_id for student in done.students}
    with_template = rows.template_counts
    without_consent = tuple(s.student_id for s in done.students if not s.consent and s.student_id not in done.barred)
    return EnrolReport(
        students=len(done.students),
        accepted=sum(len(own) for own in done.exemplars.values()),
        taken=tuple(sorted((student_id, one.photograph) for student_id, own in done.exemplars.items() for one in own)),
        refused=tuple(done.refused),
        out_of_focus=tuple(sorted(rows.out_of_focus & ids)),
        without_consent=without_consent,
        without_template=tuple(s.student_id for s in done.students if s.student_id not in with_template),
        removed_before=tuple(s.student_id for s in done.students if s.student_id in done.barred),
        left=tuple(row.student_id for row in done.before.values() if row.student_id not in ids),
        twins=tuple(find_twins(done.faces)),
        look_alikes=rows.look_alikes,
        unclaimed=unclaimed_folders(done.folder, ids) if done.folder is not None else (),
        matched=tuple(done.matched),
        unmatched=tuple(done.unmatched),
        withdrawn=tuple(s.student_id for s in done.students if s.student_id in done.had and _withdrew(done.before, s)),
        lost=tuple(
            (s.student_id, done.had[s.student_id])
            for s in done.students
            if s.consent and s.student_id in done.had and s.student_id not in with_template
        ),
        kept=tuple(student_id for student_id in done.missing if student_id in done.faces),
        unopened=_unopened(done, without_consent),
    )


def _withdrew(before: Mapping[str, StudentRow], student: StudentRow) -> bool:
    return not student.consent and student.student_id in before and before[student.student_id].consent


def _unopened(done: FinishedImport, without_consent: Sequence[str]) -> tuple[tuple[str, int], ...]:
    if done.folder is None or not without_consent:
        return ()
    found = count_photographs(done.folder, [row.student for row in done.roster])
    return tuple((student_id, found[student_id]) for student_id in without_consent if student_id in found)
