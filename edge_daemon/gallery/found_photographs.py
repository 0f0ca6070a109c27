"""Finds the students of a list who have photographs in a folder; no photograph is opened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from edge_daemon.errors import PhotographError
from edge_daemon.gallery.flat_photographs import match_files
from edge_daemon.gallery.photographs import photographs_of, spellings
from edge_daemon.types import Student


def count_photographs(folder: Path, students: Sequence[Student]) -> Counter[str]:
    """Return the number of files of each student who has any, by student id.

    Args:
        folder: an existing folder of photographs.
        students: all students of the list, with or without consent.
    """
    return _counted(folder, students)[0]


def check_whose(folder: Path, students: Sequence[Student]) -> None:
    """Check that the folder has a file of somebody on the list, if anybody on it consents.

    An import from the wrong folder would delete the templates of everybody.

    Raises:
        PhotographError: there is no such file.
    """
    if not any(student.consent for student in students):
        return
    found, reasons = _counted(folder, students)
    if found:
        return
    reason = f" ({reasons[0]})" if reasons else ""
    raise PhotographError(
        f"no photograph here belongs to a student of this list{reason}",
        str(folder),
        "is this the right folder? nothing was changed",
    )


def unclaimed_folders(folder: Path, ids: set[str]) -> tuple[str, ...]:
    """Return the folders of photographs that are named like none of the ids, sorted."""
    claimed = {form for student_id in ids for form in spellings(student_id)}
    return tuple(
        sorted(e.name for e in os.scandir(folder) if e.is_dir() and e.name not in claimed and e.name[:1] != ".")
    )


def _counted(folder: Path, students: Sequence[Student]) -> tuple[Counter[str], list[str]]:
    """Return the number of files by student id, and why folders of students can't be read."""
    found = Counter(one.student_id for one in match_files(folder, students)[0])
    reasons: list[str] = []
    for student in students:
        try:
            own = len(photographs_of(folder, student.student_id))
        except PhotographError as error:
            reasons.append(error.line())
            continue
        if own:
            found[student.student_id] += own
    return found, reasons
