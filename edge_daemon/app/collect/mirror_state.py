"""What is remembered of a server between two runs: versions of its files, and of the folders that were listed."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from edge_daemon.app.collect.proof_index import ProofIndex

_LIST_ALL_AFTER: Final = timedelta(days=7)
"""All folders are listed again after it: a server's times of change may be wrong."""


@dataclass(slots=True)
class MirrorState:
    """The versions that were seen last, and those that are seen now."""

    base: str
    """Address of the server."""
    listed_at: datetime
    """When all folders were listed last."""
    files: dict[str, str] = field(default_factory=dict)
    """Version by path."""
    folders: dict[str, str] = field(default_factory=dict)
    next_files: dict[str, str] = field(default_factory=dict)
    next_folders: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, index: ProofIndex, base: str) -> MirrorState:
        """Return what is remembered of a server."""
        now = datetime.now(timezone.utc)
        with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
            kept = json.loads(index.word(f"server {base}") or "{}")
            listed_at = datetime.fromisoformat(kept["listed_at"])
            if timedelta(0) <= now - listed_at < _LIST_ALL_AFTER:
                return cls(base, listed_at, dict(kept["files"]), dict(kept["folders"]))
            return cls(base, now, dict(kept["files"]))
        return cls(base, now)

    def forget(self, path: str) -> None:
        """Have a document, and the folder that it lies in, looked at again by the next run."""
        self.next_files.pop(path, None)
        self.next_folders.pop(path.rpartition("/")[0], None)

    def keep(self, index: ProofIndex) -> None:
        """Remember what was seen now; a document in a folder that was not listed is as it was."""
        files = {**{path: v for path, v in self.files.items() if path.rpartition("/")[0] in self.next_folders}}
        files |= self.next_files
        fields = {"listed_at": self.listed_at.isoformat(), "files": files, "folders": self.next_folders}
        index.keep_word(f"server {self.base}", json.dumps(fields, separators=(",", ":")))
