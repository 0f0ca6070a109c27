"""What analysers measure on one face, and what a register says of it (docs/ANALYSERS.md).

A trait is a frozen dataclass of numbers with a `VERSION`, and a field of `Traits`; `attendance/trait_columns.py` stores
any such class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MaskProbabilities:
    """How one face wears a mask; the three add up to 1."""

    VERSION: ClassVar[int] = 1
    """Raised when the numbers come to mean something else: stored numbers of another version are not read."""

    none: float
    right: float
    """Over nose and mouth."""
    wrong: float
    """Below the nose, or below the mouth."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What analysers measured on a face, each under its own name; None: not measured."""

    mask: MaskProbabilities | None = None


NO_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class MaskCounts:
    """How many people of the room wore a mask; nothing of it is known by student."""

    none: int
    right: int
    wrong: int
    undecided: int

    def in_words(self) -> str:
        """Return the counts for a person to read."""
        return f"{self.none} none, {self.right} right, {self.wrong} wrong, {self.undecided} undecided"
