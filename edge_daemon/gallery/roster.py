"""Reads the roster, a list exported by an office: CSV from many programs, or an Excel workbook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list import student_ids, teachers
from edge_daemon.gallery.class_list.cells import (
    CHECKIN_CONSENT,
    CONSENT,
    PLAIN_CONSENT,
    has_control,
    on_one_line,
    one_address,
)
from edge_daemon.gallery.class_list.columns import COLUMNS, Columns, is_column_name, plain, understood
from edge_daemon.gallery.class_list.csv_table import csv_table
from edge_daemon.gallery.class_list.decoding import decoded, read_bytes
from edge_daemon.gallery.class_list.header_words import FOOTERS
from edge_daemon.gallery.class_list.table import Remark, Table, TableRow, in_order, named
from edge_daemon.gallery.class_list.workbook import is_workbook, workbook_table
from edge_daemon.types import Student

_SHOWN_LINES = 5
_TITLE_ROWS = 15
"""Rows that are searched for a header, because titles of reports may precede it."""
_MIN_KNOWN = 2
_TOTALS = frozenset(("total", "totals", "subtotal", "sum", "summe", "gesamt", "somme", "suma"))
_TODO = "correct the roster and import it again; nothing was changed"


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One student of the roster, with the columns that only the office uses."""

    student: Student
    extra: Mapping[str, str]
    line: int = field(default=0, compare=False)
    """Line of the file, if known."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The students of a roster in its order, with remarks on how it was read."""

    rows: tuple[RosterRow, ...]
    remarks: tuple[Remark, ...] = ()
    """Guesses and irregularities."""
    left_out: tuple[Remark, ...] = ()
    """Damaged rows, which enrol nobody."""
    form: str = ""
    """The form of the list, in words."""


def read_roster(path: Path) -> Roster:
    """Return the students of a roster.

    The file is CSV or an Excel workbook with the columns of `COLUMNS` in any order, under these names or those of
    `header_words.py`. `courses` is optional (`;` between them), and further columns are kept. An empty consent means
    no.

    Raises:
        RosterError: the file can't be read, or a row is wrong. The message lists all problems with their line numbers.
    """
    return roster_of(read_table(path, is_column_name), path)


def read_table(path: Path, known: Callable[[str], bool]) -> Table:
    """Return the rows of a list from any program.

    Args:
        path: CSV or an Excel workbook; the content decides which.
        known: returns whether a cell is a column name.

    Raises:
        RosterError: the file can't be read.
    """
    data = read_bytes(path)
    if is_workbook(data):
        return workbook_table(data, path)
    text, remarks = decoded(data)
    if text.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<table", "<?xml")):
        raise RosterError("is a web page or XML, whatever its name", str(path), "save it as 'CSV UTF-8' or .xlsx")
    return csv_table(text, known, remarks)


def read_names(path: Path) -> dict[str, str]:
    """Return the names of students by id, from a list with any further columns.

    Raises:
        RosterError: the file can't be read, or has no columns for ids and names.
    """
    table = read_table(path, is_column_name)
    columns, rows, _ = _header(table, path, ("student_id", "name"))
    found = (_cells(row, columns) for row in rows)
    return {cells["student_id"]: cells["name"] for cells in found if cells["student_id"]}


def without_lost_zeros(roster: Roster, known: Iterable[str], path: Path) -> Roster:
    """Leave out students whose ids lost leading zeros in a spreadsheet, as the enrolled ids show.

    Args:
        roster: the roster as read.
        known: ids of the gallery.
        path: names the roster in errors.

    Raises:
        RosterError: no student is left.
    """
    lost = student_ids.lost_zeros([row.student.student_id for row in roster.rows], padded=known)
    if not lost:
        return roster
    text = "the student_id {!r} lost zeros in front: {!r} is enrolled"
    damaged = {row.line: row.student.student_id for row in roster.rows if row.student.student_id in lost}
    left_out = [Remark(text.format(one, lost[one]), line) for line, one in damaged.items()]
    rows = tuple(row for row in roster.rows if row.student.student_id not in lost)
    if not rows:
        refuse(left_out, path)
    return replace(roster, rows=rows, left_out=in_order([*roster.left_out, *left_out]))


def roster_of(table: Table, path: Path) -> Roster:
    """Return the students of a table; `path` names it in errors.

    Raises:
        RosterError: a row is wrong. The message lists all problems with their line numbers.
    """
    if not table.rows and not table.damaged:
        raise RosterError("is empty", str(path), "export the roster again, with a header line")
    columns, records, remarks = _header(table, path, COLUMNS)
    records, footers = _without_footers(records, columns)
    reading = _Reading(list(table.damaged), [*table.remarks, *remarks, *footers])
    zeros = student_ids.lost_zeros(_cells(row, columns)["student_id"] for row in records)
    for row in records:
        reading.take(row, columns, zeros)
    reading.look_at_all()
    if reading.problems or not reading.rows:
        # In one message, so that the office can fix all lines at once.
        wrong = in_order(reading.problems + reading.left_out)
        refuse(wrong, path)
        raise RosterError("has no students", str(path), _TODO)
    return Roster(reading.rows, in_order(reading.remarks), in_order(reading.left_out), _form(table.form, columns))


def refuse(problems: Sequence[Remark], path: Path) -> None:
    """Raise a RosterError that lists all problems with their line numbers, if there are any."""
    if problems:
        raise RosterError(named(problems), str(path), _TODO)


def _is_totals(student_id: str, cells: Sequence[str]) -> bool:
    """Return whether a row is a line of totals: its id begins with such a word, and all other cells are numbers.

    An id can begin with such a word by itself: `suma.patel`. A student has a name or a consent in words.
    """
    first = student_id.partition(" ")[0].rstrip(":").casefold()
    others = [cell.strip() for cell in cells if cell.strip() != student_id.strip()]
    return first in _TOTALS and all(re.fullmatch(r"[\d.,%\s]*", cell) for cell in others)


class _Reading:
    """Processes the rows of a roster, and keeps problems apart from remarks."""

    def __init__(self, left_out: list[Remark], remarks: list[Remark]) -> None:
        self.left_out, self.remarks = left_out, remarks
        self.problems: list[Remark] = []
        """Problems because of which the whole roster is refused: a person must decide."""
        self._first: dict[str, RosterRow] = {}
        self._short: list[int] = []
        self._words: set[str] = set()

    @property
    def rows(self) -> tuple[RosterRow, ...]:
        """The students, in the order of the list."""
        return tuple(self._first.values())

    def take(self, record: TableRow, columns: Columns, zeros: Mapping[str, str]) -> None:
        """Add one row, or record its problem."""
        line = record.line
        surplus = record.cells[len(columns.names) :]
        if any(cell.strip() for cell in surplus):
            self._damaged(line, f"{len(record.cells)} fields where the header has {len(columns.names)}")
            return
        cells = _cells(record, columns)
        student_id = cells["student_id"]
        wrong = student_ids.damage(student_id)
        if _is_totals(student_id, record.cells):
            wrong = f"{student_id!r} is a line of totals and no student"
        if student_id in zeros:
            wrong = f"the student_id {student_id!r} lost zeros in front: {zeros[student_id]!r}?"
        if wrong:
            self._damaged(line, wrong)
            return
        addresses = {name: one_address(cells[name]) for name in ("email", "guardian_email")}
        is_short = len(record.cells) < len(columns.names)
        if is_short and any(cells[name] and not address for name, (address, _) in addresses.items()):
            self._damaged(line, f"{len(record.cells)} fields where the header has {len(columns.names)}")
            return
        problem = self._problem(cells)
        if problem:
            self.problems.append(Remark(problem, line))
            return
        if is_short:
            self._short.append(line)
        row, odd = _row(cells, {name: address for name, (address, _) in addresses.items()}, line)
        self.remarks += [Remark(f"the {teachers.COLUMN} {odd}", line)] if odd else []
        self._add(row)
        self._remark_cells(line, cells, {name: odd for name, (_, odd) in addresses.items()})

    def look_at_all(self) -> None:
        """Add the remarks that need the whole list."""
        if self._short:
            lines = _lines(self._short)
            self.remarks.append(Remark(f"cells are missing at the end of {lines}: they are read as empty"))
        if self._words:
            words = ", ".join(sorted(map(repr, self._words)))
            self.remarks.append(Remark(f"the consent is read out of {words}"))
        folded: dict[str, str] = {}
        for student_id in self._first:
            other = folded.setdefault(student_id.casefold(), student_id)
            if other != student_id:
                text = f"the student_ids {other!r} and {student_id!r} differ only in capitals"
                self.remarks.append(Remark(text, self._first[student_id].line, guessed=False))
        for student_id in student_ids.maybe_lost_zeros(self._first):
            text = f"the student_id {student_id!r} is shorter than the others: did it lose a zero in front?"
            self.remarks.append(Remark(text, self._first[student_id].line, guessed=False))

    def _damaged(self, line: int, text: str) -> None:
        self.left_out.append(Remark(text, line))

    def _problem(self, cells: Mapping[str, str]) -> str:
        """Return why the whole roster is refused because of a row."""
        student_id = cells["student_id"]
        if not student_id:
            return "the student_id is empty"
        if has_control(student_id):
            return f"the student_id {student_id!r} has a control character"
        if {".", ".."} & set(student_id.split("/")):
            return f"the student_id {student_id!r} can't name a folder of photographs"
        spoilt = [name for name, cell in cells.items() if has_control(on_one_line(cell))]
        if spoilt:
            return f"the {spoilt[0]} has a control character"
        if cells["consent"].lower() not in CONSENT:
            return f"consent is {cells['consent']!r}, expected yes or no"
        stated = cells.get(CHECKIN_CONSENT, "").strip()
        if stated.lower() not in CONSENT:
            return f"{CHECKIN_CONSENT} is {stated[:20]!r}, expected yes or no"
        return ""

    def _add(self, row: RosterRow) -> None:
        student_id = row.student.student_id
        first = self._first.get(student_id)
        if first is None:
            self._first[student_id] = row
            return
        text = f"student_id {student_id!r} is already on line {first.line}"
        if _without_courses(first) == _without_courses(row):  # some systems write one row for each course
            self._first[student_id] = _together(first, row)
            self.remarks.append(Remark(f"{text} with the same cells: their courses are put together", row.line))
        else:
            self.problems.append(Remark(text, row.line))

    def _remark_cells(self, line: int, cells: Mapping[str, str], addresses: Mapping[str, str]) -> None:
        self.remarks += [Remark(f"the {name} {odd}", line) for name, odd in addresses.items() if odd]
        broken = [name for name, cell in cells.items() if name not in addresses and has_control(cell)]
        self.remarks += [
            Remark(f"the {name} has a control character (line break or tab), read as a blank", line) for name in broken
        ]
        if not cells["name"]:
            self.remarks.append(Remark("the name is empty", line, guessed=False))
        if student_ids.is_misread(cells["name"]) or "\ufffd" in cells["name"]:
            text = f"the name was saved in one encoding and read in another ({cells['name']!r})"
            self.remarks.append(Remark(text, line, guessed=False))
        if cells["consent"].lower() not in PLAIN_CONSENT:
            self._words.add(cells["consent"].lower())


def _header(table: Table, path: Path, wanted: tuple[str, ...]) -> tuple[Columns, Sequence[TableRow], list[Remark]]:
    """Return the columns, the rows below them, and remarks on both."""
    at = _header_at(table.rows)
    row = table.rows[at] if table.rows else TableRow(1, ())
    columns = understood(row.cells, wanted)
    where = f"{path}, line {row.line}"
    if columns.unclear:
        raise RosterError(columns.unclear, where, _TODO)
    if columns.missing:
        todo = f"the first line has to name the columns; {_TODO}"
        raise RosterError(f"the columns {', '.join(columns.missing)} are missing", where, todo)
    remarks = []
    if at:
        remarks.append(Remark(f"the lines above the header on line {row.line} is left out"))
    if columns.translated:
        meanings = ", ".join(f"{name!r} is {meaning}" for name, meaning in columns.translated)
        remarks.append(Remark(f"columns: {meanings}"))
    below = [one for one in table.rows[at + 1 :] if not _repeats(one, row)]
    if len(below) < len(table.rows) - at - 1:
        remarks.append(Remark("the header is repeated; it is read once"))
    return columns, below, remarks


def _repeats(row: TableRow, header: TableRow) -> bool:
    """Return whether a row repeats the header, as in lists of several pages or files."""
    return [cell.strip("\ufeff \t") for cell in row.cells] == [cell.strip("\ufeff \t") for cell in header.cells]


def _header_at(rows: Sequence[TableRow]) -> int:
    """Return the index of the row with the most column names; the first row if none has any."""
    known = [sum(map(is_column_name, row.cells)) for row in rows[:_TITLE_ROWS]]
    best = max(known, default=0)
    return known.index(best) if best >= _MIN_KNOWN else 0


def _without_footers(rows: Sequence[TableRow], columns: Columns) -> tuple[Sequence[TableRow], list[Remark]]:
    """Drop lines below the list that are not students: `Total: 30 students`."""
    end = len(rows)
    while end and _is_footer(rows[end - 1], columns):
        end -= 1
    footers = [Remark("is not a student and is left out", row.line) for row in rows[end:]]
    return rows[:end], footers


def _is_footer(row: TableRow, columns: Columns) -> bool:
    filled = [cell.strip() for cell in row.cells if cell.strip()]
    cells = _cells(row, columns)
    if len(filled) > 2 or cells["email"] or cells["guardian_email"] or cells["consent"]:
        return False
    words = plain(filled[0]).split()
    if len(filled) == 1:
        return (words[:1] == [] or words[0] in FOOTERS or ":" in filled[0] or len(words) > 2) and (
            not cells["student_id"] or cells["student_id"] == filled[0]
        )
    return bool(words) and words[0] in FOOTERS and not any(sign.isalpha() for sign in filled[1])


def _cells(record: TableRow, columns: Columns) -> dict[str, str]:
    """Return the cells of a row by column, with the name assembled and missing cells empty."""
    texts = [*(cell.strip() for cell in record.cells), *[""] * (len(columns.names) - len(record.cells))]
    cells = {name: text for name, text in zip(columns.names, texts, strict=False) if name}
    if "name" not in cells:
        parts = (cells.pop("given_name", ""), cells.pop("family_name", ""))
        cells["name"] = " ".join(filter(None, parts))
    return {**dict.fromkeys(COLUMNS, ""), **cells}


def _row(cells: Mapping[str, str], addresses: Mapping[str, str], line: int) -> tuple[RosterRow, str]:
    """Return a row, and a remark on its teachers."""
    known = (*COLUMNS, "courses", teachers.COLUMN)
    rest = {name: on_one_line(cell) for name, cell in cells.items() if name not in known}
    courses = tuple(one.strip() for one in re.split(r"[;\r\n]", cells.get("courses", "")) if one.strip())
    student = Student(
        cells["student_id"],
        on_one_line(cells["name"]),
        addresses["email"],
        addresses["guardian_email"],
        CONSENT[cells["consent"].lower()],
        courses,
    )
    found, odd = teachers.understood(cells.get(teachers.COLUMN, ""), courses)
    return RosterRow(student, _with_teachers(rest, found, courses), line), odd


def _with_teachers(extra: Mapping[str, str], found: teachers.Teachers, courses: Sequence[str]) -> Mapping[str, str]:
    text = teachers.as_text(found, courses)
    return {**extra, teachers.COLUMN: text} if text else extra


def _without_courses(row: RosterRow) -> RosterRow:
    extra = {name: cell for name, cell in row.extra.items() if name != teachers.COLUMN}
    return replace(row, student=replace(row.student, courses=()), extra=extra)


def _together(first: RosterRow, row: RosterRow) -> RosterRow:
    """Combine two rows of a student into one, with the courses and teachers of both."""
    courses = tuple(dict.fromkeys(first.student.courses + row.student.courses))
    one, other = (
        teachers.understood(each.extra.get(teachers.COLUMN, ""), each.student.courses)[0] for each in (first, row)
    )
    extra = _with_teachers(_without_courses(first).extra, teachers.joined(one, other), courses)
    return replace(first, student=replace(first.student, courses=courses), extra=extra)


def _form(form: str, columns: Columns) -> str:
    known = (*COLUMNS, "courses", teachers.COLUMN, "given_name", "family_name")
    kept = [name for name in columns.names if name and name not in known]
    return f"{form}; further columns: {', '.join(kept)}" if kept else form


def _lines(lines: Iterable[int]) -> str:
    numbers = [str(line) for line in lines]
    shown = ", ".join(numbers[:_SHOWN_LINES])
    more = f" and {len(numbers) - _SHOWN_LINES} more" if len(numbers) > _SHOWN_LINES else ""
    return f"line {shown}{more}" if len(numbers) == 1 else f"lines {shown}{more}"
