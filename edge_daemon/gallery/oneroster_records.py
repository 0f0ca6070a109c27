"""Reads the files of a OneRoster export as records, ignoring the case of file names. Damage affects only its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list.cells import has_control, on_one_line
from edge_daemon.gallery.class_list.columns import is_column_name
from edge_daemon.gallery.class_list.table import Remark, TableRow, in_order
from edge_daemon.gallery.roster import read_table, refuse
from edge_daemon.plain_text import counted

TODO: Final = "export in bulk again; nothing was changed"
_COLUMNS: Final = frozenset(
    (
        *("sourcedid", "status", "datelastmodified", "enableduser", "orgsourcedids", "role", "username", "givenname"),
        *("familyname", "identifier", "email", "agentsourcedids", "grades", "classsourcedid", "schoolsourcedid"),
        *("usersourcedid", "begindate", "enddate", "title", "classcode", "coursesourcedid", "propertyname", "value"),
        *("consent", "metadata.consent"),
    )
)


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a file. A missing column reads as empty."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column.lower(), "")

    @property
    def is_active(self) -> bool:
        """Whether the record is valid. Its status is empty in a bulk export and a word in a delta export."""
        return self["status"].lower() in ("", "active")


@dataclass(slots=True)
class Findings:
    """Findings that accumulate while the files of an export are read."""

    remarks: list[Remark] = field(default_factory=list)
    left_out: list[Remark] = field(default_factory=list)
    problems: list[Remark] = field(default_factory=list)
    """Problems because of which the whole export is refused."""

    def leave_out(self, path: Path, line: int, text: str) -> None:
        """Record a row that is left out."""
        self.left_out.append(Remark(text, line, file=path.name))

    def remark(self, path: Path, line: int, text: str) -> None:
        """Record an irregularity that is no reason to refuse anything."""
        self.remarks.append(Remark(text, line, file=path.name))

    def count_inactive(self, path: Path, records: Sequence[Record]) -> None:
        """Remark how many records of a file are left out because they are not active."""
        inactive = [one for one in records if not one.is_active]
        if inactive:
            words = ", ".join(sorted({repr(one["status"][:30]) for one in inactive}))
            text = f"{counted(len(inactive), 'record')} left out because of the status {words}"
            self.remarks.append(Remark(text, guessed=False, file=path.name))

    def refuse(self, path: Path, line: int, text: str) -> None:
        """Record a problem because of which the whole export is refused."""
        self.problems.append(Remark(text, line, file=path.name))

    def check(self, folder: Path) -> None:
        """Raise RosterError if a problem refuses the export; the message also lists the rows that were left out."""
        if self.problems:
            refuse(in_order(self.problems + self.left_out), folder)


def is_oneroster_column(cell: str) -> bool:
    """Return whether a cell is a column name of OneRoster, or of the program's own roster."""
    return cell.strip().lower() in _COLUMNS or is_column_name(cell)


def file_of(folder: Path, name: str) -> Path:
    """Return the path of a file in an export, ignoring the case of its name; its usual path if it is missing."""
    path = folder / name
    if path.exists():
        return path
    try:
        return next((one for one in sorted(folder.iterdir()) if one.name.lower() == name), path)
    except OSError:
        return path


def read_records(path: Path, required: tuple[str, ...], findings: Findings, *, key: str = "") -> list[Record]:
    """Return the records of a file. Damaged rows are left out, and reported in the findings.

    Args:
        path: the file.
        required: columns that must exist.
        findings: receives remarks and problems.
        key: column that is unique among records; identical records are read once.

    Raises:
        RosterError: the file can't be read, or a column is missing.
    """
    table = read_table(path, is_oneroster_column)
    findings.left_out += [replace(one, file=path.name) for one in table.damaged]
    findings.remarks += [replace(one, file=path.name) for one in table.remarks]
    header = [cell.strip().lower() for cell in table.rows[0].cells] if table.rows else []
    missing = [column for column in required if column.lower() not in header]
    if missing:
        raise RosterError(f"the columns {', '.join(missing)} are missing", f"{path}, line 1", TODO)
    first: dict[str, Record] = {}
    records: list[Record] = []
    for row in table.rows[1:]:
        record = Record(row.line, {name: cell.strip() for name, cell in zip(header, row.cells, strict=False)})
        problem = _damage(row, header, record, required) or ("" if not key or record[key] else f"the {key} is empty")
        if problem:
            findings.leave_out(path, row.line, problem)
            continue
        record = _one_lined(record, path, findings)
        same = first.setdefault(record[key], record) if key else record
        if same is record:
            records.append(record)
        elif same.cells == record.cells:
            findings.remark(path, row.line, f"is the same as line {same.line}, and is read once")
        else:
            findings.refuse(path, row.line, f"the {key} {record[key][:60]!r} is already on line {same.line}")
    return records


def check_bulk(folder: Path, users: Sequence[Record], enrolments: Sequence[Record], findings: Findings) -> None:
    """Refuse files that contain only changes, because in them a missing student need not have left.

    The manifest states whether files have only changes (a delta) or everything (bulk). Without a manifest the records
    show it. A bulk export leaves `status` and `dateLastModified` empty. A delta has both in every record, and some
    records are `tobedeleted`.

    Raises:
        RosterError: the files are a delta.
    """
    path = file_of(folder, "manifest.csv")
    files = ("file.users", "file.enrollments", "file.classes")
    stated = {}
    if path.exists():
        rows = read_records(path, ("propertyName", "value"), findings)
        stated = {row["propertyName"].lower(): row for row in rows if row["propertyName"].lower() in files}
    for name, row in stated.items():
        value = row["value"].lower()
        if value == "delta":
            raise RosterError(f"{name} is a delta", f"{path}, line {row.line}", TODO)
        there = file_of(folder, f"{name.removeprefix('file.')}.csv").exists()
        if value == "absent" and there:
            findings.remarks.append(
                Remark(f"{path.name}: {name} is absent, but the file is there and is read", row.line)
            )
    if not stated:
        for name, records in (("users.csv", users), ("enrollments.csv", enrolments)):
            if _is_delta(records):
                what = "is a delta: every record has status and dateLastModified, and some are to be deleted"
                raise RosterError(what, str(folder / name), TODO)


def _is_delta(records: Iterable[Record]) -> bool:
    every = list(records)
    dated = all(record["status"] and record["dateLastModified"] for record in every)
    return bool(every) and dated and any(record["status"].lower() == "tobedeleted" for record in every)


def _damage(row: TableRow, header: Sequence[str], record: Record, required: tuple[str, ...]) -> str:
    surplus = any(cell.strip() for cell in row.cells[len(header) :])
    cut = any(header.index(column.lower()) >= len(row.cells) for column in required)
    if surplus or cut:
        return f"{len(row.cells)} fields where the header has {len(header)}"
    spoilt = (name for name, cell in record.cells.items() if has_control(on_one_line(cell)))
    return next((f"the {name} has a control character" for name in spoilt), "")


def _one_lined(record: Record, path: Path, findings: Findings) -> Record:
    broken = [name for name, cell in record.cells.items() if has_control(cell)]
    if not broken:
        return record
    for name in broken:
        findings.remark(path, record.line, f"the {name} has a control character (line break or tab), read as a blank")
    return Record(record.line, {name: on_one_line(cell) for name, cell in record.cells.items()})
