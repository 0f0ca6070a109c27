"""What the first pass has parsed, kept for the second in a temporary file, so that no document is parsed twice."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Mapping
from types import TracebackType

_MOST_BYTES = 2**30
"""Largest size of the file; what is beyond it is parsed again."""


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
        """Keep the fields of a document; return where they lie, None where there is no more room."""
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
        """Return the fields that lie at a place."""
        self._file.seek(place[0])
        fields: Mapping[str, object] = marshal.loads(self._file.read(place[1]))  # noqa: S302 - our own unnamed file
        return fields
