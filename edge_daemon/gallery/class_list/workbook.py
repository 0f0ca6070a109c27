"""Reads the first sheet of an Excel workbook (.xlsx). openpyxl is imported only for a workbook."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list.table import Remark, Table, TableRow

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell, MergedCell
    from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell

MAX_UNPACKED_BYTES: Final = 256 * 2**20
"""Limit for the unpacked workbook: a few kilobytes may unpack to gigabytes."""
MAX_ROWS, MAX_COLUMNS = 100_000, 500
_MAX_BLANK_ROWS: Final = 1000
"""Largest number of blank rows in a row. A format for a whole column creates a million of them."""
_TODO: Final = "save it as 'CSV UTF-8' and import that"
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_EXCEL_DIGITS: Final = 15


def is_workbook(data: bytes) -> bool:
    """Return whether the content of a file is a workbook, of any Excel version and with any name."""
    return data.startswith((_ZIP, _OLE))


def workbook_table(data: bytes, path: Path) -> Table:
    """Return the rows of the first sheet, with cells as Excel shows them and without blank rows.

    Raises:
        RosterError: the file is of another kind, too large or damaged, or openpyxl is not installed.
    """
    if data.startswith(_OLE):
        raise RosterError(
            "is an old Excel file (.xls) or has a password", str(path), "save it as .xlsx without password"
        )
    _check_size(data, path)
    try:
        import openpyxl  # only here: most rosters are CSV, and it loads slowly on a Pi
    except ImportError as error:
        raise RosterError("needs openpyxl to be read, which is not installed", str(path), _TODO) from error
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints missing parts of a damaged style list
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            names = book.sheetnames
            sheet = book.worksheets[0]
            rows = list(_rows(sheet.iter_rows(max_col=MAX_COLUMNS), path))
        finally:
            book.close()
    except RosterError:
        raise
    except Exception as error:  # a damaged file makes openpyxl raise exceptions of any type
        raise RosterError(f"can't be read as a workbook ({type(error).__name__})", str(path), _TODO) from error
    remarks = [Remark(f"only the first of {len(names)} sheets is read ({names[0]!r})")] if len(names) > 1 else []
    return Table(tuple(rows), f"Excel workbook, sheet {names[0]!r}", tuple(remarks))


def _check_size(data: bytes, path: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise RosterError("is a damaged Excel file", str(path), "save it again") from error
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise RosterError("is a zip file, but not an Excel workbook", str(path), _TODO)
    if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise RosterError(f"is larger than {MAX_UNPACKED_BYTES >> 20} MiB when unpacked", str(path), _TODO)


def _rows(rows: Iterator[tuple[Cell | MergedCell | ReadOnlyCell | EmptyCell, ...]], path: Path) -> Iterator[TableRow]:
    blank = 0
    for line, cells in enumerate(rows, 1):
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1].strip():
            texts.pop()
        blank = 0 if texts else blank + 1
        if blank > _MAX_BLANK_ROWS:
            return
        if line > MAX_ROWS:
            raise RosterError(f"has more than {MAX_ROWS} rows", str(path), "is this the roster?")
        if texts:
            yield TableRow(line, tuple(texts))


def _text(cell: Cell | MergedCell | ReadOnlyCell | EmptyCell) -> str:
    """Return a cell as Excel shows it, as far as a list needs it: `00123` for 123 in the format 00000."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return _number(value, getattr(cell, "number_format", None) or "General")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)


def _number(value: int | float, number_format: str) -> str:
    whole = int(value) if value == value and abs(value) != float("inf") and value == int(value) else None
    if whole is None:
        return str(value)
    # Excel keeps fifteen digits and fills up with zeros; `student_ids` detects such an id.
    digits = str(whole if abs(whole) < 10**_EXCEL_DIGITS else int(Decimal(f"{value:.{_EXCEL_DIGITS - 1}e}")))
    if set(number_format) == {"0"}:
        return digits.zfill(len(number_format))
    return digits
