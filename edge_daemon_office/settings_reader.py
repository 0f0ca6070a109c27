"""Checks values of `office.toml`; every error names the key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from edge_daemon_office.errors import OfficeError


class SettingsReader:
    """Checks values.

    Args:
        folder: the office's folder; paths are relative to it.
        path: the file that messages name.
    """

    def __init__(self, folder: Path, path: Path) -> None:
        self.folder, self.file = folder, path

    def path(self, where: str, value: object) -> Path:
        """Return a value of the settings as a path; raise OfficeError if it is not a text."""
        return self.folder / Path(self.text(where, value)).expanduser()

    def text(self, where: str, value: object) -> str:
        """Return a value of the settings; raise OfficeError if it is not a text."""
        if not isinstance(value, str):
            raise self.error(where, "is not a text", "put it between quotes")
        return value

    def whole(self, where: str, value: object, least: int, most: int) -> int:
        """Return a value of the settings; raise OfficeError if it is not a whole number from `least` to `most`."""
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.error(where, "is out of range", f"write a whole number from {least} to {most}")
        return value

    def table(self, where: str, value: object) -> Mapping[str, Any]:
        """Return a value of the settings; raise OfficeError if it is not a table."""
        if not isinstance(value, dict):
            raise self.error(where, "is not a table", "see docs/OFFICE.md")
        return value

    def known(self, where: str, table: Mapping[str, Any], keys: Collection[str]) -> None:
        """Refuse unknown keys; `where` ends with a dot."""
        for key in table:
            if key not in keys:
                raise self.error(f"{where}{key}", "is not a setting", f"use one of {', '.join(sorted(keys))}")

    def error(self, where: str, what: str, hint: str) -> OfficeError:
        """Return the error about a key, with the file's name."""
        return OfficeError(what, f"{self.file}, {where}", hint)
