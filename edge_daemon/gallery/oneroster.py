"""Reads a roster from OneRoster files (1EdTech OneRoster 1.2, CSV binding; 1.1 is accepted as well).

The folder has `users.csv` and `enrollments.csv`, in bulk. `classes.csv`, `roles.csv`, `manifest.csv` and `consent.csv`
are optional. The last one is an addition of this program. OneRoster has no field for consent to face recognition, and
without consent there is no template. docs/ENROLMENT.md describes how the office states consent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timezone, tzinfo
from pathlib import Path
from typing import Final

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list import teachers
from edge_daemon.gallery.class_list.cells import CONSENT, one_address
from edge_daemon.gallery.class_list.student_ids import damage
from edge_daemon.gallery.class_list.table import in_order
from edge_daemon.gallery.enrolment_dates import school_date, slash_order
from edge_daemon.gallery.oneroster_records import (
    TODO,
    Findings,
    Record,
    check_bulk,
    file_of,
    is_oneroster_column,
    read_records,
)
from edge_daemon.gallery.roster import Roster, RosterRow, read_names, read_roster, read_table
from edge_daemon.types import EnrolmentPeriod, Student

_GUARDIANS: Final = frozenset({"guardian", "parent", "relative"})
_STUDENTS: Final = frozenset({"student", ""})
_ROLES: Final = _GUARDIANS | {"student", "teacher", "administrator", "aide", "proctor"}
"""Roles of OneRoster 1.1 and 1.2 in an enrolment. An unknown role may be a student's, so a remark names its row."""
_KEPT: Final = ("identifier", "username", "grades")
"""Further columns by which an office identifies students."""


def read_students(path: Path, today: date, zone: tzinfo = timezone.utc) -> Roster:
    """Return the students of a roster, or of OneRoster files, given by their folder or by `users.csv` in it.

    Args:
        path: the roster, the folder or `users.csv`; the header decides the format, not the name.
        today: enrolments that ended before this day are ignored; those that begin later count from their first day on.
        zone: the school's time zone, for instants in place of a day.

    Raises:
        RosterError: a file can't be read, has no students, or needs a decision by a person.
    """
    users = file_of(path, "users.csv") if path.is_dir() else path
    if path.is_dir() and not users.exists():
        raise RosterError("there is no users.csv", str(path), "name a roster, or the folder of OneRoster files")
    table = read_table(users, is_oneroster_column)
    header = table.rows[0].cells if table.rows else ()
    if "sourcedid" not in (cell.strip().lower() for cell in header):
        return read_roster(users)
    return _Export(users, today, zone).roster()


def read_student_names(path: Path) -> dict[str, str]:
    """Return names by id from a list with any columns, or from `users.csv` of OneRoster files.

    Raises:
        RosterError: the file can't be read, or has no columns for ids and names.
    """
    users = file_of(path, "users.csv") if path.is_dir() else path
    table = read_table(users, is_oneroster_column)
    header = table.rows[0].cells if table.rows else ()
    if "sourcedid" not in (cell.strip().lower() for cell in header):
        return read_names(users)
    records = read_records(users, ("sourcedId", "givenName", "familyName"), Findings())
    return {record["sourcedId"]: _name(record) for record in records if record["sourcedId"]}


class _Ids:
    """Looks up identifiers: first exactly, then ignoring case, as for GUIDs."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._exact = frozenset(ids)
        folded = Counter(one.casefold() for one in self._exact)
        self._folded = {one.casefold(): one for one in self._exact if folded[one.casefold()] == 1}

    def find(self, one: str) -> str | None:
        """Return the identifier as the file that defines it writes it; None if it is unknown."""
        return one if one in self._exact else self._folded.get(one.casefold())


@dataclass(frozen=True, slots=True)
class _Class:
    """A class that may have enrolments."""

    is_active: bool
    names: tuple[str, ...] = ()
    """Code and title of the class, without those that another class has as well."""


class _Export:
    """The files of one export."""

    def __init__(self, users: Path, today: date, zone: tzinfo) -> None:
        self._path, self._folder, self._today, self._zone = users, users.parent, today, zone
        self._findings = Findings()
        self._known_classes: dict[str, _Class] | None = None

    def roster(self) -> Roster:
        """Return the students of the export."""
        rows = read_records(self._path, ("sourcedId", "givenName", "familyName"), self._findings, key="sourcedId")
        users = {row["sourcedId"]: row for row in rows}
        enrolments = self._enrolments()
        check_bulk(self._folder, rows, enrolments, self._findings)
        self._findings.count_inactive(self._path, rows)
        self._findings.count_inactive(file_of(self._folder, "enrollments.csv"), enrolments)
        periods, classes = self._periods(enrolments, users), self._classes_of_teachers(enrolments, users)
        guardians = self._guardians(users)
        agreed = self._consent(users)
        agents = _Ids(guardians)
        found = [
            self._student(row, periods[user_id], (guardians, agents), agreed, classes)
            for user_id, row in users.items()
            if user_id in periods and row.is_active
        ]
        students = [row for row in found if row is not None]
        self._findings.check(self._folder)
        if not students:
            left_out = "; ".join(str(one) for one in self._findings.left_out[:5])
            what = "no student is enrolled in a class" + (f" ({left_out})" if left_out else "")
            raise RosterError(what, str(file_of(self._folder, "enrollments.csv")), TODO)
        remarks, left_out_rows = in_order(self._findings.remarks), in_order(self._findings.left_out)
        return Roster(tuple(students), remarks, left_out_rows, "OneRoster files")

    def _enrolments(self) -> list[Record]:
        path = file_of(self._folder, "enrollments.csv")
        if not path.exists():
            raise RosterError("is missing", str(path), "export enrollments.csv beside users.csv")
        return read_records(path, ("classSourcedId", "userSourcedId", "role"), self._findings)

    def _periods(
        self, enrolments: Sequence[Record], users: Mapping[str, Record]
    ) -> Mapping[str, tuple[EnrolmentPeriod, ...]]:
        """Return the courses of each student, with their dates, by user id.

        A class gives several courses: its id, and each of its names that no other class has.
        """
        path = file_of(self._folder, "enrollments.csv")
        classes = self._known_classes = self._classes()
        user_ids, class_ids = _Ids(users), _Ids(classes or ())
        students = [row for row in enrolments if row["role"].lower() == "student" and row.is_active]
        for row in enrolments:
            if row.is_active and row["role"].lower() not in _ROLES:
                text = f"has the role {row['role'][:20]!r}, expected student or teacher"
                self._findings.leave_out(path, row.line, text)
        order = slash_order([row[column] for row in students for column in ("beginDate", "endDate")])
        found: dict[str, dict[EnrolmentPeriod, None]] = {}
        for row in students:
            user_id = user_ids.find(row["userSourcedId"])
            class_id = class_ids.find(row["classSourcedId"]) if classes is not None else row["classSourcedId"]
            dates = {column: school_date(row[column], self._zone, order) for column in ("beginDate", "endDate")}
            unread = next((column for column, day in dates.items() if row[column] and day is None), "")
            begin, end = dates["beginDate"], dates["endDate"]
            if unread:
                text = f"{unread} is {row[unread][:30]!r}, expected a date such as 2026-07-31"
                self._findings.leave_out(path, row.line, text)
            elif user_id is None:
                self._findings.leave_out(path, row.line, f"the user {row['userSourcedId'][:60]!r} is not in users.csv")
            elif not class_id:
                text = f"the class {row['classSourcedId'][:60]!r} is not in classes.csv"
                self._findings.leave_out(path, row.line, text)
            elif begin is not None and end is not None and end <= begin:
                self._findings.leave_out(path, row.line, f"ends on {end}, before it begins on {begin}")
            elif (end is None or end > self._today) and (classes is None or classes[class_id].is_active):
                names = (class_id, *(classes[class_id].names if classes else ()))
                periods = {EnrolmentPeriod(name, begin, end): None for name in names}
                found.setdefault(user_id, {}).update(periods)
        if order:
            self._findings.remark(path, 0, f"dates such as 06/10/2026 are read with the {order}")
        return {user_id: tuple(periods) for user_id, periods in found.items()}

    def _classes_of_teachers(self, enrolments: Sequence[Record], users: Mapping[str, Record]) -> teachers.Teachers:
        """Return the addresses of teachers by course: the id and each name of every class that they teach."""
        user_ids = _Ids(row["sourcedId"] for row in users.values() if row.is_active)
        classes = self._known_classes
        class_ids = _Ids(classes or ())
        found: dict[str, dict[str, None]] = {}
        for row in enrolments:
            user_id = user_ids.find(row["userSourcedId"])
            if row["role"].lower() != "teacher" or not row.is_active or user_id is None or self._has_ended(row):
                continue
            address, odd = one_address(users[user_id]["email"])
            class_id = class_ids.find(row["classSourcedId"]) if classes is not None else row["classSourcedId"]
            if odd:
                self._findings.remark(self._path, users[user_id].line, f"the teacher's email {odd}")
            if not address or not class_id:
                continue
            for name in (class_id, *(classes[class_id].names if classes else ())):
                found.setdefault(name, {})[address] = None
        return {name: tuple(addresses)[: teachers.MOST] for name, addresses in found.items()}

    def _has_ended(self, row: Record) -> bool:
        end = school_date(row["endDate"], self._zone, "")
        return end is not None and end <= self._today

    def _classes(self) -> dict[str, _Class] | None:
        """Return the classes; None without classes.csv."""
        path = file_of(self._folder, "classes.csv")
        if not path.exists():
            return None
        rows = read_records(path, ("sourcedId", "title"), self._findings, key="sourcedId")
        self._findings.count_inactive(path, rows)
        active = [row for row in rows if row.is_active]
        both = {row["sourcedId"]: {row["classCode"], row["title"]} - {""} for row in active}
        taken = Counter(name for names in both.values() for name in names) + Counter(both.keys())
        classes = {row["sourcedId"]: _Class(row.is_active) for row in rows}
        own = {class_id: tuple(sorted(n for n in names if taken[n] == 1)) for class_id, names in both.items()}
        return classes | {class_id: _Class(True, names) for class_id, names in own.items()}

    def _guardians(self, users: Mapping[str, Record]) -> Mapping[str, str]:
        """Return the addresses of users with a guardian role, by user id.

        A student's `agents` can also name people who are no guardians, so the role decides.
        """
        roles = {user_id: {row["role"].lower()} for user_id, row in users.items() if row.is_active}
        path = file_of(self._folder, "roles.csv")
        if path.exists():
            user_ids = _Ids(roles)
            for row in read_records(path, ("userSourcedId", "role"), self._findings):
                user_id = user_ids.find(row["userSourcedId"])
                if row.is_active and user_id is not None:
                    roles[user_id].add(row["role"].lower())
        return {user_id: users[user_id]["email"] for user_id, names in roles.items() if names & _GUARDIANS}

    def _consent(self, users: Mapping[str, Record]) -> Mapping[str, bool] | None:
        """Return the consents from consent.csv; None without such a file."""
        path = file_of(self._folder, "consent.csv")
        if not path.exists():
            return None
        user_ids = _Ids(users)
        agreed: dict[str, bool] = {}
        for row in read_records(path, ("sourcedId", "consent"), self._findings, key="sourcedId"):
            answer = CONSENT.get(row["consent"].lower())
            if answer is None:
                text = f"consent is {row['consent'][:20]!r}, expected yes or no"
                self._findings.refuse(path, row.line, text)
            user_id = user_ids.find(row["sourcedId"]) or row["sourcedId"]
            agreed[user_id] = bool(answer) and agreed.get(user_id, True)
        return agreed

    def _student(
        self,
        row: Record,
        periods: tuple[EnrolmentPeriod, ...],
        guardians: tuple[Mapping[str, str], _Ids],
        agreed: Mapping[str, bool] | None,
        classes: teachers.Teachers,
    ) -> RosterRow | None:
        """Return the student; None if the row is damaged."""
        user_id, stated = row["sourcedId"], row["metadata.consent"]
        consent = CONSENT.get(stated.lower())
        if consent is None:
            text = f"metadata.consent is {stated[:20]!r}, expected yes or no"
            self._findings.refuse(self._path, row.line, text)
        if damaged := damage(user_id):
            self._findings.leave_out(self._path, row.line, damaged)
            return None
        if row["role"].lower() not in _STUDENTS:
            text = f"has the role {row['role'][:20]!r}, but is enrolled as a student and read as one"
            self._findings.remark(self._path, row.line, text)
        if agreed is not None:  # if both files state a consent, one no is enough
            consent = agreed.get(user_id, False) and (bool(consent) or not stated)
        known = (guardians[1].find(agent.strip()) for agent in row["agentSourcedIds"].split(","))
        guardian = next((guardians[0][agent] for agent in known if agent and guardians[0][agent]), "")
        student = Student(
            user_id,
            _name(row),
            self._address(row, "email", row["email"]),
            self._address(row, "guardian's email", guardian),
            bool(consent),
            tuple(dict.fromkeys(period.course for period in periods)),
            periods if any(period.begin or period.end for period in periods) else (),
        )
        extra = {column: row[column] for column in _KEPT if row[column]}
        taught = teachers.as_text(classes, student.courses)
        return RosterRow(student, {**extra, teachers.COLUMN: taught} if taught else extra, row.line)

    def _address(self, row: Record, column: str, cell: str) -> str:
        address, odd = one_address(cell)
        if odd:
            self._findings.remark(self._path, row.line, f"the {column} {odd}")
        return address


def _name(row: Record) -> str:
    given = row["preferredGivenName"] or row["givenName"]
    return " ".join(filter(None, (given, row["preferredFamilyName"] or row["familyName"])))
