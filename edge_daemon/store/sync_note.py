"""The note about the last run of `sync`, a small file for `status`, for the metrics and for the next run."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import cattrs
from cattrs.preconf.json import make_converter

from edge_daemon.store.database import shared_mode
from edge_daemon.timestamps import parsed, written

FILE = "sync.json"

_FORMAT = 1
_converter = make_converter()
_converter.register_unstructure_hook(datetime, written)
_converter.register_structure_hook(datetime, lambda text, _: parsed(text))


@dataclass(frozen=True, slots=True)
class SyncNote:
    """The result of the last run, and the documents that the server already has."""

    began_at: datetime | None = None
    ended_at: datetime | None = None
    """End of the run; None if it was stopped from outside."""
    summary: str = ""
    reached_at: datetime | None = None
    """Time at which the school's server last accepted a document."""
    documents: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 by path of the documents that are replaced when they change: the key and the days' event logs."""
    days_until: str = ""
    """Last day whose event log is complete on the server, as YYYY-MM-DD."""
    key_etag: str = ""
    """ETag of `key.json` on the server at the last check."""


@dataclass(slots=True)
class Notebook:
    """Collects during a run the data of the next note."""

    documents: dict[str, str] = field(default_factory=dict)
    days_until: str = ""
    key_etag: str = ""
    reached: bool = False
    """Whether the school's server accepted a document in this run."""

    def forget_server(self) -> None:
        """Forget which documents the server has, because it was emptied or replaced."""
        self.documents, self.days_until, self.key_etag = {}, "", ""

    @classmethod
    def of(cls, note: SyncNote) -> Notebook:
        """Return a notebook that begins with the last note's data about the server."""
        return cls(dict(note.documents), note.days_until, note.key_etag)


def read_note(folder: Path) -> SyncNote:
    """Return the note in a folder; an empty note if there is none or it is damaged.

    Raises:
        PermissionError: the file belongs to another user.
    """
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
            return SyncNote()
        return _converter.structure(document, SyncNote)
    except PermissionError:
        raise
    except (OSError, ValueError, RecursionError, cattrs.BaseValidationError):
        return SyncNote()


def write_note(folder: Path, note: SyncNote) -> None:
    """Replace the note. It is not synced to the card, because a lost note means only that documents are sent again.

    Raises:
        OSError: the folder can't be written.
    """
    part = folder / f".{FILE}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), shared_mode(folder))
            json.dump({"format": _FORMAT, **_converter.unstructure(note)}, file, ensure_ascii=False)
        part.replace(folder / FILE)
    except OSError:
        part.unlink(missing_ok=True)
        raise
