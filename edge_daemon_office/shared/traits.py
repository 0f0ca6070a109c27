"""What analysers measure on one face, and what a register says of it (docs/EXTENDING.md).

A trait is a frozen dataclass of numbers with a `VERSION`, and a field of `Traits`; `attendance/trait_columns.py` stores
any such class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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


VISIBLE_PARTS = ("bare", "lower_hidden", "upper_hidden", "profile")
"""What can be seen of a face: all of it, eyes and brow, nose and mouth, one side."""


@dataclass(frozen=True, slots=True)
class VisibleParts:
    """What can be seen of one face, as probabilities by the verifier; the four add up to 1."""

    VERSION: ClassVar[int] = 1

    bare: float
    lower_hidden: float
    """By a mask, a hand, a book: eyes and brow are to be seen."""
    upper_hidden: float
    """By dark glasses, a hood, a hat: nose and mouth are to be seen."""
    profile: float
    """Turned aside."""

    @property
    def part(self) -> str:
        """The most probable of `VISIBLE_PARTS`."""
        return max(VISIBLE_PARTS, key=lambda name: float(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Traits:
    """What is measured on a face, each under its own name; None: not measured."""

    mask: MaskProbabilities | None = None
    visible: VisibleParts | None = None
    """By the verifier, of every face; the others are by analysers, which can be switched off."""

    @property
    def are_analysed(self) -> bool:
        """Whether an analyser has measured anything."""
        return replace(self, visible=None) != NO_TRAITS


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
