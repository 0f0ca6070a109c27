"""A temporary file with the documents that the first pass parsed, so that the second need not parse them again."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Mapping
from types import TracebackType

_MOST_BYTES = 2**30
"""Limit for the file's size; documents beyond it are parsed again."""


class Spill:
    """Parsed documents, written one after the other to an unnamed file of this process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="edge-daemon-")  # noqa: SIM115 - closed by __exit__
        self._end = 0

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def put(self, fields: Mapping[str, object]) -> tuple[int, int] | None:
        """Store the fields of a document; return their position, None if there is no more room."""
        data = marshal.dumps(dict(fields))
        if self._end + len(data) > _MOST_BYTES:
            return None
        try:
            self._file.seek(self._end)
            self._file.write(data)
        except OSError:  # the disk is full: the document is parsed again
            return None
        place = (self._end, len(data))
        self._end += len(data)
        return place

    def get(self, place: tuple[int, int]) -> Mapping[str, object]:
        """Return the fields at a position."""
        self._file.seek(place[0])
        fields: Mapping[str, object] = marshal.loads(self._file.read(place[1]))  # noqa: S302 - our own unnamed file
        return fields
