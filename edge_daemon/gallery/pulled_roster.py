"""Checks a roster from the network more strictly, because nobody reviews it before it takes effect.

The roster is the CSV of `enrol import`, without photographs. Names may have any printable characters because they are
escaped for display. Ids and mail addresses appear in commands, files and mail headers, so they must have a strict form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list.cells import ADDRESS
from edge_daemon.gallery.class_list.columns import is_column_name
from edge_daemon.gallery.class_list.csv_table import csv_table
from edge_daemon.gallery.class_list.decoding import decoded_strictly
from edge_daemon.gallery.class_list.table import Remark
from edge_daemon.gallery.roster import RosterRow, refuse, roster_of
from edge_daemon.plain_text import is_plain
from edge_daemon.store.gallery import StudentRow

ROSTER: Final = "roster.csv"
MAX_STUDENTS: Final = 5000
LARGE_CHANGE: Final = "large_change_until"
"""Column with the last day on which the device accepts a roster that changes most of the students."""

_PATH: Final = Path(ROSTER)
_TODO: Final = "correct it at the office; nothing was changed"
_ID: Final = re.compile(r"\w[\w .@+/:-]{0,99}")


def parse_pulled_roster(data: bytes) -> list[RosterRow]:
    """Return the students of a pulled roster.

    Raises:
        RosterError: something is wrong, or would have to be guessed. The message lists all problems with their line
            numbers.
    """
    roster = roster_of(csv_table(decoded_strictly(data, _PATH), is_column_name), _PATH)
    refuse([remark for remark in (*roster.left_out, *roster.remarks) if remark.guessed], _PATH)
    rows = list(roster.rows)
    if len(rows) > MAX_STUDENTS:
        raise RosterError(f"has {len(rows)} students, at most {MAX_STUDENTS} are accepted", ROSTER, _TODO)
    refuse([Remark(what, row.line) for row in rows if (what := _fault(row))], _PATH)
    return rows


def check_change(before: Sequence[StudentRow], roster: Sequence[RosterRow], today: date) -> None:
    """Refuse a roster that drops most students, or their consent: a bad export is the more likely reason.

    A student who leaves can come back, but the templates of a withdrawn consent are erased permanently.

    Raises:
        RosterError: more than half of the students would go, and the roster does not confirm this.
    """
    until = _large_change_until(roster)
    if until is not None and today <= until:
        return
    consents = {row.student.student_id: row.student.consent for row in roster}
    on_roster = [row for row in before if row.position is not None]
    _check_share("removes {} of {} students", [row.student_id not in consents for row in on_roster])
    consenting = [row for row in on_roster if row.consent]
    _check_share(
        "withdraws the consent of {} of {} students", [not consents.get(row.student_id, True) for row in consenting]
    )


def without_marks(roster: Sequence[RosterRow]) -> list[RosterRow]:
    """Return the roster without the column that only `check_change` uses."""
    return [
        replace(row, extra={key: value for key, value in row.extra.items() if key.lower() != LARGE_CHANGE})
        for row in roster
    ]


def _check_share(what: str, going: Sequence[bool]) -> None:
    if 2 * sum(going) > len(going):
        hint = f"if that is meant, add a column {LARGE_CHANGE} with a day such as 2026-09-30; nothing was changed"
        raise RosterError(what.format(sum(going), len(going)), ROSTER, hint)


def _large_change_until(roster: Sequence[RosterRow]) -> date | None:
    """Return the first day in the column `LARGE_CHANGE`; None if there is none."""
    for row in roster:
        for key, value in row.extra.items():
            if key.lower() == LARGE_CHANGE and value:
                try:
                    return date.fromisoformat(value)
                except ValueError as error:
                    raise RosterError(f"{LARGE_CHANGE} is not a day such as 2026-09-30", ROSTER, _TODO) from error
    return None


def _fault(row: RosterRow) -> str:
    student = row.student
    if not _ID.fullmatch(student.student_id):
        return "the student_id has characters that ids may not have (letters, digits and . _ - + @ : / are allowed)"
    fields = {"name": student.name, **{f"column {n}": v for n, v in enumerate(row.extra.values(), 1)}}
    spoilt = [name for name, value in fields.items() if not is_plain(value)]
    if spoilt:
        return f"the {spoilt[0]} has characters that can't be printed"
    for name, address in (("email", student.email), ("guardian_email", student.guardian_email)):
        if address and not ADDRESS.fullmatch(address):
            return f"the {name} is not one mail address"
    return ""
