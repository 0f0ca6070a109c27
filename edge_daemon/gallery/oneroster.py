"""Reading a roster from OneRoster files (1EdTech OneRoster 1.2, CSV binding; those of 1.1 are read as well).

A folder with `users.csv` and `enrollments.csv`, in bulk; `classes.csv`, `roles.csv`, `manifest.csv` and our own
`consent.csv` where they are there. OneRoster knows no consent to face recognition, and without consent there is no
template: docs/ENROLMENT.md says how it is told.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from edge_daemon.errors import RosterError
from edge_daemon.gallery.roster import CONSENT, RosterRow, csv_records, csv_text, read_roster, refuse
from edge_daemon.types import Student

_GUARDIANS: Final = frozenset({"guardian", "parent", "relative"})
_KEPT: Final = ("identifier", "username", "grades")
"""Further columns that an office knows students by."""
_TODO = "export in bulk again; nothing was changed"


@dataclass(frozen=True, slots=True)
class _Row:
    """A record of a file; a column that is not there is empty."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column.lower(), "")


def read_students(path: Path, today: date) -> list[RosterRow]:
    """Return the students of a roster, or of OneRoster files: their folder, or `users.csv` in it.

    Args:
        path: told apart by the header, not by the name.
        today: enrolments that ended before count no more.

    Raises:
        RosterError: a file can't be read, or any row is wrong.
    """
    users = path / "users.csv" if path.is_dir() else path
    if path.is_dir() and not users.exists():
        raise RosterError("there is no users.csv", str(path), "name a roster, or the folder of OneRoster files")
    header = next(csv_records(csv_text(users), users), (1, [""]))[1]
    if "sourcedid" not in (cell.strip().lower() for cell in header):
        return read_roster(users)
    return _read_oneroster(users, today)


def _read_oneroster(path: Path, today: date) -> list[RosterRow]:
    folder = path.parent
    _check_bulk(folder)
    users = {row["sourcedId"]: row for row in _rows(path, ("sourcedId", "givenName", "familyName"), key="sourcedId")}
    courses = _courses(folder, users, today)
    guardians = _guardians(folder, users)
    agreed = _consent(folder)
    found = [
        _student(row, courses[user_id], guardians, agreed)
        for user_id, row in users.items()
        if user_id in courses and _is_active(row)
    ]
    if not found:
        raise RosterError("no student is enrolled in a class", str(folder / "enrollments.csv"), _TODO)
    refuse([problem for problem in found if isinstance(problem, str)], path)
    return [row for row in found if isinstance(row, RosterRow)]


def _check_bulk(folder: Path) -> None:
    """Refuse files that hold changes only: who is not in them is not gone."""
    path = folder / "manifest.csv"
    if not path.exists():
        return
    for row in _rows(path, ("propertyName", "value")):
        if row["propertyName"] in ("file.users", "file.enrollments", "file.classes") and row["value"] == "delta":
            raise RosterError(f"{row['propertyName']} is a delta", f"{path}, line {row.line}", _TODO)


def _courses(folder: Path, users: Mapping[str, _Row], today: date) -> dict[str, tuple[str, ...]]:
    """Return the courses of each student: the ids of their classes, and names that only one class has."""
    path = folder / "enrollments.csv"
    if not path.exists():
        raise RosterError("is missing", str(path), "export enrollments.csv beside users.csv")
    names = _class_names(folder)
    problems: list[str] = []
    courses: dict[str, list[str]] = {}
    for row in _rows(path, ("classSourcedId", "userSourcedId", "role")):
        if row["role"].lower() != "student" or not _is_active(row):
            continue
        try:
            ended = bool(row["endDate"]) and date.fromisoformat(row["endDate"]) <= today  # the end is exclusive
        except ValueError:
            problems.append(f"line {row.line}: endDate is {row['endDate'][:20]!r}, expected a date such as 2026-07-31")
            continue
        if row["userSourcedId"] not in users:
            problems.append(f"line {row.line}: the user {row['userSourcedId'][:60]!r} is not in users.csv")
        elif not ended and (names is None or row["classSourcedId"] in names):
            more = () if names is None else names[row["classSourcedId"]]
            courses.setdefault(row["userSourcedId"], []).extend((row["classSourcedId"], *more))
    refuse(problems, path)
    return {user_id: tuple(dict.fromkeys(filter(None, ids))) for user_id, ids in courses.items()}


def _class_names(folder: Path) -> dict[str, tuple[str, ...]] | None:
    """Return code and title of each active class, where no other class has the same; None without classes.csv."""
    path = folder / "classes.csv"
    if not path.exists():
        return None
    rows = [row for row in _rows(path, ("sourcedId", "title"), key="sourcedId") if _is_active(row)]
    both = {row["sourcedId"]: {row["classCode"], row["title"]} - {""} for row in rows}
    taken = Counter(name for names in both.values() for name in names) + Counter(both.keys())
    return {class_id: tuple(sorted(n for n in names if taken[n] == 1)) for class_id, names in both.items()}


def _guardians(folder: Path, users: Mapping[str, _Row]) -> dict[str, str]:
    """Return the addresses of users who are guardians by their role; a student's agents may be others, too."""
    roles = {user_id: {row["role"].lower()} for user_id, row in users.items() if _is_active(row)}
    path = folder / "roles.csv"
    if path.exists():
        for row in _rows(path, ("userSourcedId", "role")):
            if _is_active(row) and row["userSourcedId"] in roles:
                roles[row["userSourcedId"]].add(row["role"].lower())
    return {user_id: users[user_id]["email"] for user_id, names in roles.items() if names & _GUARDIANS}


def _consent(folder: Path) -> dict[str, bool] | None:
    """Return who agreed by consent.csv; None without such a file."""
    path = folder / "consent.csv"
    if not path.exists():
        return None
    agreed: dict[str, bool] = {}
    problems: list[str] = []
    for row in _rows(path, ("sourcedId", "consent"), key="sourcedId"):
        answer = CONSENT.get(row["consent"].lower())
        if answer is None:
            problems.append(f"line {row.line}: consent is {row['consent'][:20]!r}, expected yes or no")
        agreed[row["sourcedId"]] = bool(answer)
    refuse(problems, path)
    return agreed


def _student(
    row: _Row, courses: tuple[str, ...], guardians: Mapping[str, str], agreed: Mapping[str, bool] | None
) -> RosterRow | str:
    """Return the student, or what is wrong with the row."""
    said = row["metadata.consent"]
    consent = CONSENT.get(said.lower())
    if consent is None:
        return f"line {row.line}: metadata.consent is {said[:20]!r}, expected yes or no"
    if agreed is not None:  # where both are asked, one no is enough
        consent = agreed.get(row["sourcedId"], False) and (consent or not said)
    name = " ".join(
        filter(None, (row["preferredGivenName"] or row["givenName"], row["preferredFamilyName"] or row["familyName"]))
    )
    agents = (agent.strip() for agent in row["agentSourcedIds"].split(","))
    guardian = next((guardians[agent] for agent in agents if guardians.get(agent)), "")
    student = Student(row["sourcedId"], name, row["email"], guardian, consent, courses)
    return RosterRow(student, {column: row[column] for column in _KEPT if row[column]})


def _is_active(row: _Row) -> bool:
    """Return whether a record is in force: in bulk the status is empty, in deltas it is a word."""
    return row["status"].lower() in ("", "active")


def _rows(path: Path, required: tuple[str, ...], *, key: str = "") -> list[_Row]:
    """Return the records of a file.

    Raises:
        RosterError: it can't be read, a column is missing, or records are wrong: ragged, with control characters, or
            without a key of their own.
    """
    records = csv_records(csv_text(path), path)
    header = [cell.strip().lower() for cell in next(records, (1, []))[1]]
    missing = [column for column in required if column.lower() not in header]
    if missing:
        raise RosterError(f"the columns {', '.join(missing)} are missing", f"{path}, line 1", _TODO)
    rows: list[_Row] = []
    problems: list[str] = []
    first: dict[str, int] = {}
    for line, cells in records:
        row = _Row(line, {name: cell.strip() for name, cell in zip(header, cells, strict=False)})
        problem = _problem(row, cells, header) or _key_problem(row, key, first)
        if problem:
            problems.append(f"line {line}: {problem}")
        rows.append(row)
    refuse(problems, path)
    return rows


def _problem(row: _Row, cells: list[str], header: list[str]) -> str:
    if len(cells) != len(header):
        return f"{len(cells)} fields where the header has {len(header)}"
    spoilt: Iterator[str] = (n for n, cell in row.cells.items() if any(unicodedata.category(c) == "Cc" for c in cell))
    return next((f"the {name} has a control character" for name in spoilt), "")


def _key_problem(row: _Row, key: str, first: dict[str, int]) -> str:
    """Return what is wrong with the record's key, and note where it was."""
    if not key:
        return ""
    if not row[key]:
        return f"the {key} is empty"
    line = first.setdefault(row[key], row.line)
    return "" if line == row.line else f"the {key} {row[key][:60]!r} is already on line {line}"
