"""A room in figures: all that the lists of rooms show, so that the room's registers need not be read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_daemon.app.collect.document_tree import DocumentProblem


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """The registers and commitments of a room in figures."""

    sha256: str = ""
    """Digest of all findings; the same digest means the same documents."""
    registers: int = 0
    """Number of lessons with a register, including rehearsals; all other figures exclude rehearsals."""
    held: int = 0
    captures_planned: int = 0
    captures_taken: int = 0
    last_start: datetime | None = None
    recent: tuple[tuple[int, int], ...] = ()
    """Numbers of planned and of taken captures of each of the last lessons; the latest lesson comes last."""
    overdue: tuple[tuple[datetime, datetime], ...] = ()
    """Begin and end of promised lessons that have no register here."""
    repeated: int = 0
    """Number of files that are byte-for-byte copies of another file."""


@dataclass(frozen=True, slots=True)
class RoomState:
    """The state of a room after a run, stored for the next run."""

    tree: str
    """The room's files and folders with their modification times (`tree_text`)."""
    device: str
    summary: RoomSummary
    problems: list[DocumentProblem]
