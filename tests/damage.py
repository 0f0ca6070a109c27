"""Damages files as a failing card does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def spoil_page(path: Path, table: str) -> None:
    """Write nonsense over the first page of a table, in the file itself."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        page = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = conn.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def flip(path: Path, at: int) -> None:
    """Change one byte; a negative position counts from the end."""
    with path.open("r+b") as file:
        file.seek(at, 0 if at >= 0 else 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0x55]))
