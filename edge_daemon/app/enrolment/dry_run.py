"""`enrol import --dry-run`: makes an import and undoes it, to show the report of a real import in advance."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.app.enrolment.import_students import checked_photographs
from edge_daemon.errors import PhotographError
from edge_daemon.gallery.roster import Roster
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.store.database import gallery_in_memory

if TYPE_CHECKING:
    from edge_daemon.gallery.enrol_report import EnrolReport

_KEY_BYTES = 32


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


def plan_import(roster: Roster, photos: Path | None) -> PlannedEnrolment:
    """Return the students and photographs that an import would read; no photograph is opened.

    Raises:
        PhotographError: there is no such folder of photographs.
    """
    students = [row.student for row in roster.rows]
    files = _files(roster, photos) if photos is not None else {}
    return PlannedEnrolment(
        form=roster.form,
        students=len(students),
        consenting=sum(one.consent for one in students),
        with_email=sum(bool(one.email) for one in students),
        with_guardian=sum(bool(one.guardian_email) for one in students),
        courses=tuple(dict.fromkeys(course for one in students for course in one.courses)),
        photographs=tuple(files.items()),
    )


def try_import(
    home: Home,
    roster: Roster,
    photos: Path | None,
    readmit: Sequence[str],
    watch: Callable[[int, int], None],
    *,
    drop_missing: bool = False,
) -> EnrolReport:
    """Return the report that `import_students` would return; arguments and errors are those of that function.

    Photographs are read, which takes as long as the import itself. A home that does not exist is not made.
    """
    from edge_daemon.gallery.roster_import import import_roster  # imported here: OpenCV loads slowly on a Pi

    with ExitStack() as stack:
        photographs = checked_photographs(home, roster, photos, readmit, stack, is_complete=drop_missing)
        store = stack.enter_context(_gallery_to_try(home))
        now = datetime.now(timezone.utc)
        chosen = frozenset(readmit)
        return import_roster(roster.rows, photographs, store, now, readmit=chosen, watch=watch, is_trial=True)


@contextmanager
def _gallery_to_try(home: Home) -> Iterator[GalleryStore]:
    """Open the gallery until the block ends; if it does not exist, open an empty gallery in memory."""
    if home.gallery_db_path.exists():
        with opened_gallery(home) as store:
            yield store
        return
    db = gallery_in_memory()
    with closing(db.conn):
        yield GalleryStore(db, os.urandom(_KEY_BYTES))


def _files(roster: Roster, photos: Path) -> dict[str, tuple[str, ...]]:
    from edge_daemon.gallery.flat_photographs import match_files
    from edge_daemon.gallery.photographs import photographs_of
    from edge_daemon.gallery.roster_import import check_folder

    check_folder(photos)
    matched, _ = match_files(photos, [row.student for row in roster.rows])
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
    return files
