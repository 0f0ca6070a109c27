"""Stores, from one run to the next, which version each document and folder on a server had."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from edge_daemon.app.collect.proof_index import ProofIndex

_LIST_ALL_AFTER: Final = timedelta(days=7)
"""After this time all folders are listed again, because a server's modification times may be wrong."""


@dataclass(slots=True)
class MirrorState:
    """The versions of a server's documents and folders in the last run.

    Attributes whose names begin with `next_` have the versions of this run.
    """

    base: str
    """Address of the server."""
    listed_at: datetime
    """When all folders were listed last."""
    files: dict[str, str] = field(default_factory=dict)
    """Version of each file, by path."""
    folders: dict[str, str] = field(default_factory=dict)
    cursor: str = ""
    """The cursor from the server's last list; empty if the server has no feed, or if everything has to be listed."""
    next_cursor: str = ""
    next_files: dict[str, str] = field(default_factory=dict)
    next_folders: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, index: ProofIndex, base: str) -> MirrorState:
        """Return the state that the last run stored for a server; without folders if all have to be listed again."""
        now = datetime.now(timezone.utc)
        with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
            kept = json.loads(index.word(f"server {base}") or "{}")
            listed_at = datetime.fromisoformat(kept["listed_at"])
            if timedelta(0) <= now - listed_at < _LIST_ALL_AFTER:
                cursor = str(kept.get("cursor", ""))
                return cls(base, listed_at, dict(kept["files"]), dict(kept["folders"]), cursor)
            return cls(base, now, dict(kept["files"]))
        return cls(base, now)

    def forget(self, path: str) -> None:
        """Make the next run check a document and its folder again."""
        self.next_files.pop(path, None)
        self.next_folders.pop(path.rpartition("/")[0], None)

    def keep(self, index: ProofIndex) -> None:
        """Store the versions of this run. Documents in unchanged folders, which this run did not list, keep theirs."""
        files = {**{path: v for path, v in self.files.items() if path.rpartition("/")[0] in self.next_folders}}
        files |= self.next_files
        fields = {
            "listed_at": self.listed_at.isoformat(),
            "files": files,
            "folders": self.next_folders,
            "cursor": self.next_cursor,
        }
        index.keep_word(f"server {self.base}", json.dumps(fields, separators=(",", ":")))
