"""A room in figures: what its row and its rank need, so that they need no register once it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_daemon.app.collect.document_tree import DocumentProblem


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """The registers and commitments of a room in figures."""

    sha256: str = ""
    """Digest of all that was found: the same digest, the same documents."""
    registers: int = 0
    """Lessons that have one, rehearsals too; all other figures are without those."""
    held: int = 0
    captures_planned: int = 0
    captures_taken: int = 0
    last_start: datetime | None = None
    recent: tuple[tuple[int, int], ...] = ()
    """Captures planned and taken of the last lessons, the latest last."""
    overdue: tuple[tuple[datetime, datetime], ...] = ()
    """Begin and end of lessons that were promised and have no register here."""
    repeated: int = 0
    """Files that hold what another file holds, byte for byte."""


@dataclass(frozen=True, slots=True)
class RoomState:
    """What a run found in a room, for the next one."""

    tree: str
    """Its files and folders with their times of change (`tree_text`)."""
    device: str
    summary: RoomSummary
    problems: list[DocumentProblem]
