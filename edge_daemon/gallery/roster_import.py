"""Enrolment: turns a roster and photographs into sealed templates, completely or not at all."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from edge_daemon.errors import GalleryError, PhotographError
from edge_daemon.gallery import erasure, phrases
from edge_daemon.gallery.agreement import Exemplar, RefusedPhotograph, find_look_alikes, keep_agreeing
from edge_daemon.gallery.enrol_report import EnrolReport, FinishedImport, enrol_report, imported_rows
from edge_daemon.gallery.flat_photographs import MatchedPhotograph, UnmatchedPhotograph, match_files
from edge_daemon.gallery.focus import detail
from edge_daemon.gallery.photograph_gate import check_size, choose_face
from edge_daemon.gallery.photographs import photographs_of, read_photograph
from edge_daemon.gallery.roster import RosterRow
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.store import gallery as tables
from edge_daemon.store.database import check_writable, trial
from edge_daemon.store.gallery import GalleryChange, LookAlike, StudentRow, TemplateRow, Tombstone
from edge_daemon.types import Face, Picture, Student, Vector


class PhotographReader(Protocol):
    """Reads faces and templates from a photograph for enrolment."""

    def faces(self, picture: Picture) -> list[Face]:
        """Return all faces of a photograph (BGR, uint8), largest first."""

    def templates(self, picture: Picture, face: Face) -> tuple[Vector, Vector]:
        """Return a face's templates, own size first: vectors (n, 192) of length 1, and the face width of each, px."""

    def covered_templates(self, picture: Picture, face: Face) -> list[tuple[Vector, Vector]]:
        """Return, for each face cover, the templates of the face with the cover painted on, as `templates` does."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """The folder of photographs, and the objects that read them."""

    folder: Path
    reader: PhotographReader
    embedder: EmbedderId
    decode: Callable[[bytes], Picture]
    """Decodes an untrusted file: a `DecoderProcess`."""
    is_complete: bool = False
    """Whether students without a photograph in the folder lose their templates."""


@dataclass(frozen=True, slots=True)
class _FlatFiles:
    """Photographs of all students in one folder."""

    matched: Sequence[MatchedPhotograph]
    unmatched: Sequence[UnmatchedPhotograph]

    def by_student(self) -> Mapping[str, list[Path]]:
        """Return the photographs of each student who has any."""
        found: dict[str, list[Path]] = {}
        for one in self.matched:
            found.setdefault(one.student_id, []).append(one.path)
        return found


def import_roster(
    roster: Sequence[RosterRow],
    photographs: Photographs | None,
    store: GalleryStore,
    now: datetime,
    *,
    readmit: frozenset[str] = frozenset(),
    watch: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - names for the caller
    is_trial: bool = False,
) -> EnrolReport:
    """Update the gallery to the roster and photographs. A repetition changes nothing.

    A student who is no longer on the roster leaves lessons and registers, but the sealed data stays until `enrol
    remove`. An export that lacks a page must not destroy a year of photographs. A student whose consent is withdrawn
    loses the templates at once, and the key under which backups hold them. A removed student stays without template,
    whatever the roster says, until readmitted by name: a weekly export must not undo an erasure.

    Args:
        roster: the whole roster, from `read_roster`.
        photographs: the folder of photographs. If None, the templates of consenting students stay as they are.
        store: the gallery.
        now: the time that tombstones get.
        readmit: ids of removed students who are enrolled again.
        watch: called with the number of finished photographs and their total.
        is_trial: True to undo everything after the report.

    Raises:
        PhotographError: the folder of photographs does not exist; nothing was changed.
        GalleryError: the device key is another one, or another command changed the gallery meanwhile; nothing was
            changed.
        StoreError: the database can't be written; nothing was changed.
    """
    if not is_trial:
        store.begin_slot_keys()
    before = {row.student_id: row for row in tables.student_rows(store.db)}
    _check_before_the_work(store, before.values())
    barred = _barred(store, roster, before) - readmit
    roster = [_bare(row) if row.student.student_id in barred else row for row in roster]
    had = tables.template_counts(store.db)
    files, exemplars, refused = _photographs_read(roster, photographs, watch)
    missing = _missing(roster, photographs, {*exemplars, *(one.student_id for one in refused if one.photograph)})
    faces = _joined(exemplars, _stored(store, roster, photographs, missing))
    sealed, marks = _sealed_roster(store, roster, before, now)
    change = _change(store, sealed, marks, exemplars, faces, photographs, now, missing)
    done = FinishedImport(
        roster=roster,
        before=before,
        had=had,
        barred=barred,
        students=sealed,
        folder=photographs.folder if photographs is not None else None,
        matched=files.matched,
        unmatched=files.unmatched,
        exemplars=exemplars,
        refused=refused,
        faces=faces,
        missing=missing,
    )
    return _tried(store, change, done) if is_trial else _written(store, change, done)


def _written(store: GalleryStore, change: GalleryChange, done: FinishedImport) -> EnrolReport:
    """Write an import, and return its report."""
    if not tables.replace_roster(store.db, change, [row.wrapped_key for row in done.before.values()]):
        raise _changed_meanwhile()
    phrases.drop_without_consent(store)
    tables.wipe_log(store.db)  # after everything that is deleted
    erasure.append_to_file(store.db, change.tombstones)
    return enrol_report(imported_rows(store), done)


def _tried(store: GalleryStore, change: GalleryChange, done: FinishedImport) -> EnrolReport:
    """Write an import, read what its report needs, and undo the import; return the report.

    The report is made afterwards, because a running lesson can't write meanwhile.
    """
    with trial(store.db):
        if not tables.put_roster(store.db, change, [row.wrapped_key for row in done.before.values()]):
            raise _changed_meanwhile()
        rows = imported_rows(store)
    return enrol_report(rows, done)


def _changed_meanwhile() -> GalleryError:
    return GalleryError("another command changed the gallery meanwhile", "gallery", "import the roster again")


def _photographs_read(
    roster: Sequence[RosterRow], photographs: Photographs | None, watch: Callable[[int, int], None]
) -> tuple[_FlatFiles, dict[str, list[Exemplar]], list[RefusedPhotograph]]:
    """Read the photographs of students who consent; the results are empty if `photographs` is None."""
    if photographs is None:
        return _FlatFiles((), ()), {}, []
    check_folder(photographs.folder)
    files = _FlatFiles(*match_files(photographs.folder, [row.student for row in roster]))
    consenting = [row.student for row in roster if row.student.consent]
    return files, *_read_all(consenting, files, photographs, watch)


def _change(
    store: GalleryStore,
    sealed: Sequence[StudentRow],
    marks: Sequence[Tombstone],
    exemplars: Mapping[str, Sequence[Exemplar]],
    faces: Mapping[str, Sequence[Exemplar]],
    photographs: Photographs | None,
    now: datetime,
    missing: Sequence[str],
) -> GalleryChange:
    """Return the changes to write in one transaction."""
    return GalleryChange(
        students=sealed,
        templates=_sealed_templates(store, sealed, exemplars, photographs, now),
        replaced=frozenset(s.student_id for s in sealed if photographs is not None or not s.consent) - {*missing},
        look_alikes=_look_alikes_kept(store, sealed) if photographs is None else find_look_alikes(faces),
        tombstones=marks,
        embedder=(photographs.embedder.sha256, photographs.embedder.preprocessing) if photographs else None,
    )


def _missing(roster: Sequence[RosterRow], photographs: Photographs | None, found: Set[str]) -> list[str]:
    """Return the consenting students of whom the folder has no photograph, if they keep their templates."""
    if photographs is None or photographs.is_complete:
        return []
    return [i for i in (row.student.student_id for row in roster if row.student.consent) if i not in found]


def _stored(
    store: GalleryStore, roster: Sequence[RosterRow], photographs: Photographs | None, missing: Sequence[str]
) -> dict[str, list[Exemplar]]:
    """Return the stored vectors of consenting students that this face model made and this import keeps."""
    if photographs is None:
        return {}
    consenting = {row.student.student_id for row in roster if row.student.consent}
    faces = store.faces(photographs.embedder, staying_of=frozenset(missing))
    return {i: [stored_exemplar(i, vector) for vector in own] for i, own in faces.items() if i in consenting}


def stored_exemplar(student_id: str, vector: Vector) -> Exemplar:
    """Return a stored vector as an `Exemplar`, so that it can be compared with photographs."""
    return Exemplar(student_id, "stored earlier", vector.tobytes(), vector[None], np.zeros(1, np.float32))


def _joined(
    exemplars: Mapping[str, Sequence[Exemplar]], stored: Mapping[str, Sequence[Exemplar]]
) -> dict[str, list[Exemplar]]:
    ids = dict.fromkeys((*exemplars, *stored))
    return {student_id: [*exemplars.get(student_id, ()), *stored.get(student_id, ())] for student_id in ids}


def check_folder(folder: Path) -> None:
    """Raise PhotographError if the folder of photographs does not exist or can't be read."""
    if not folder.is_dir():
        raise PhotographError("there is no such folder of photographs", str(folder), "give the right one with --photos")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise PhotographError("the folder of photographs can't be read", str(folder), "check its owner and mode")


def _check_before_the_work(store: GalleryStore, rows: Iterable[StudentRow]) -> None:
    """Check that the gallery can be written and its keys open, before minutes are spent on reading photographs."""
    check_writable(store.db)
    for row in rows:
        store.data_key(row)


def _barred(store: GalleryStore, roster: Sequence[RosterRow], before: Mapping[str, StudentRow]) -> frozenset[str]:
    """Return the students who were removed and never readmitted. A readmitted one is in the gallery, with consent."""
    removed = store.removed_ids([row.student.student_id for row in roster])
    return frozenset(i for i in removed if i not in before or not before[i].consent)


def _bare(row: RosterRow) -> RosterRow:
    """Return the row of a removed student with the id only. A teacher fills in the register for this student."""
    return RosterRow(replace(row.student, name="", email="", guardian_email="", consent=False), {})


def _read_all(
    students: Sequence[Student], flat: _FlatFiles, photographs: Photographs, watch: Callable[[int, int], None]
) -> tuple[dict[str, list[Exemplar]], list[RefusedPhotograph]]:
    refused: list[RefusedPhotograph] = []
    files: list[tuple[str, Path]] = []
    loose = flat.by_student()
    for student in students:
        try:
            files += [(student.student_id, path) for path in photographs_of(photographs.folder, student.student_id)]
        except PhotographError as error:
            if student.student_id not in loose:
                refused.append(RefusedPhotograph("", student.student_id, _reason(error)))
        files += [(student.student_id, path) for path in loose.get(student.student_id, ())]
    read: dict[str, list[Exemplar]] = {}
    for done, (student_id, path) in enumerate(files):
        watch(done, len(files))
        try:
            read.setdefault(student_id, []).append(_read(student_id, path, photographs))
        except PhotographError as error:
            refused.append(RefusedPhotograph(_short(path, photographs.folder), student_id, _reason(error)))
    watch(len(files), len(files))
    exemplars, disagreeing = keep_agreeing(read)
    return exemplars, refused + disagreeing


def _read(student_id: str, path: Path, photographs: Photographs) -> Exemplar:
    photograph = read_photograph(path, photographs.decode)
    check_size(photograph.picture)
    face = choose_face(photograph.picture, photographs.reader.faces(photograph.picture))
    vectors, widths_px = photographs.reader.templates(photograph.picture, face)
    yaw_deg = face.pose.yaw_deg if face.pose is not None else None
    return Exemplar(
        student_id,
        _short(path, photographs.folder),
        photograph.sha256,
        vectors,
        widths_px,
        yaw_deg,
        face.quality.sharpness,
        tuple(photographs.reader.covered_templates(photograph.picture, face)),
        detail(photograph.picture, face.box),
    )


def _short(path: Path, folder: Path) -> str:
    return path.name if path.parent == folder else f"{path.parent.name}/{path.name}"


def _reason(error: PhotographError) -> str:
    return f"{error.what}; {error.hint}" if error.hint else error.what


def _sealed_roster(
    store: GalleryStore, roster: Sequence[RosterRow], before: Mapping[str, StudentRow], now: datetime
) -> tuple[list[StudentRow], list[Tombstone]]:
    """Seal the roster, and mark the keys of withdrawn consents, which must not seal anything any more."""
    destroyed = erasure.destroyed_keys(store.db)
    students: list[StudentRow] = []
    marks: list[Tombstone] = []
    for position, row in enumerate(roster):
        old = before.get(row.student.student_id)
        withdrawn = old is not None and old.consent and not row.student.consent
        if old is not None and withdrawn:
            marks.append(store.tombstone(old, "templates", now))
        fresh = old is None or withdrawn or erasure.key_sha256(old) in destroyed
        wrapped = store.new_key(row.student.student_id) if old is None or fresh else old.wrapped_key
        students.append(store.sealed_student(row.student, row.extra, position, wrapped))
    return students, marks


def _look_alikes_kept(store: GalleryStore, students: Iterable[StudentRow]) -> list[LookAlike]:
    consenting = {student.student_id for student in students if student.consent}
    return [pair for pair in tables.look_alikes(store.db) if {pair.a, pair.b} <= consenting]


def _sealed_templates(
    store: GalleryStore,
    students: Sequence[StudentRow],
    exemplars: Mapping[str, Sequence[Exemplar]],
    photographs: Photographs | None,
    now: datetime,
) -> list[TemplateRow]:
    if photographs is None:
        return []
    sealed = []
    for student in students:
        for exemplar in exemplars.get(student.student_id, ()):
            # Keyed by the data key: after its destruction nobody can prove that a photograph was enrolled.
            name = hmac.new(store.data_key(student), exemplar.sha256, hashlib.sha256).hexdigest()
            sealed.append(store.sealed_template(student, photographs.embedder, name, exemplar, now))
    return sealed
