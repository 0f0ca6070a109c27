"""Read the data folders. A wrong folder gives one line that says what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge_daemon.errors import EdgeError
from edge_daemon.types import Picture


class DataError(EdgeError):
    """The folder does not have the form that the benchmark needs."""


def rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file that has at least these columns.

    Raises:
        DataError: the file does not exist, or a column or all rows are missing.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = [c for c in columns if c not in (reader.fieldnames or [])]
            found = [] if missing else list(reader)
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror}", str(path), "name another --data folder") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError("is not a CSV file in UTF-8", str(path)) from error
    if missing:
        raise DataError(f"has no column {', '.join(missing)}", str(path))
    if not found:
        raise DataError("has no rows", str(path))
    if any(row[c] is None for row in found for c in columns):
        raise DataError("has a row with too few values", str(path))
    return found


def number(row: dict[str, str], column: str, path: Path) -> float:
    """Return a value in a row as a number; raises DataError if it is not one."""
    try:
        return float(row[column])
    except ValueError as error:
        raise DataError(f"{row[column]!r} is not a number (column {column})", str(path)) from error


def picture(path: Path) -> Picture:
    """Return a picture (H, W, 3) in BGR, oriented as the file says; raises DataError if it can't be read."""
    try:
        found = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:
        found = None
    if found is None:
        raise DataError("no such picture, or it can't be read", str(path))
    return np.asarray(found, np.uint8)
