"""`enrol import --dry-run`: shows how a roster and a folder are understood; nothing is written or decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_daemon.errors import PhotographError
from edge_daemon.gallery.roster import Roster


@dataclass(frozen=True, slots=True)
class PlannedEnrolment:
    """The students and photographs that an import would read."""

    form: str
    """The format of the roster."""
    students: int
    consenting: int
    with_email: int
    with_guardian: int
    courses: tuple[str, ...]
    photographs: tuple[tuple[str, tuple[str, ...]], ...]
    """Files of each consenting student, by id; empty without a folder."""
    unmatched: tuple[str, ...]
    """Files and folders that belong to no student, with the reason."""


def plan_import(roster: Roster, photos: Path | None) -> PlannedEnrolment:
    """Return the students and photographs that an import would read; no photograph is opened.

    Raises:
        PhotographError: there is no such folder of photographs.
    """
    students = [row.student for row in roster.rows]
    files, unmatched = _files(roster, photos) if photos is not None else ({}, ())
    return PlannedEnrolment(
        form=roster.form,
        students=len(students),
        consenting=sum(one.consent for one in students),
        with_email=sum(bool(one.email) for one in students),
        with_guardian=sum(bool(one.guardian_email) for one in students),
        courses=tuple(dict.fromkeys(course for one in students for course in one.courses)),
        photographs=tuple(files.items()),
        unmatched=unmatched,
    )


def _files(roster: Roster, photos: Path) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    from edge_daemon.gallery.flat_photographs import match_files
    from edge_daemon.gallery.found_photographs import unclaimed_folders
    from edge_daemon.gallery.photographs import photographs_of
    from edge_daemon.gallery.roster_import import check_folder

    check_folder(photos)
    matched, unmatched = match_files(photos, [row.student for row in roster.rows])
    files: dict[str, tuple[str, ...]] = {}
    for row in roster.rows:
        student_id = row.student.student_id
        if not row.student.consent:
            continue
        try:
            own = [f"{path.parent.name}/{path.name}" for path in photographs_of(photos, student_id)]
        except PhotographError:
            own = []
        own += [f"{one.path.name} (by {one.by})" for one in matched if one.student_id == student_id]
        files[student_id] = tuple(own)
    folders = unclaimed_folders(photos, {row.student.student_id for row in roster.rows})
    return files, (
        *(f"{one.name}: {one.reason}" for one in unmatched),
        *(f"{name}: a folder that is named like no id of this roster" for name in folders),
    )
