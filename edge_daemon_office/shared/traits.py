"""What analysers measure on one face, and what a register reports of it (docs/EXTENDING.md).

A trait is a frozen dataclass of numbers with a `VERSION`, and a field of `Traits`. `attendance/trait_columns.py` stores
any such class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MaskProbabilities:
    """How one face wears a mask; the three add up to 1."""

    VERSION: ClassVar[int] = 1
    """Increased when the meaning of the numbers changes. Stored numbers of another version are not read."""

    none: float
    right: float
    """The mask covers nose and mouth."""
    wrong: float
    """The mask is below the nose, or below the mouth."""


VISIBLE_PARTS = ("bare", "lower_hidden", "upper_hidden", "profile")
"""Visible parts of a face: the whole face; eyes and brow; nose and mouth; one side."""


@dataclass(frozen=True, slots=True)
class VisibleParts:
    """Probabilities of the visible parts of one face, from the verifier; the four add up to 1."""

    VERSION: ClassVar[int] = 1

    bare: float
    lower_hidden: float
    """A mask, a hand or a book hides the lower half: eyes and brow are visible."""
    upper_hidden: float
    """Dark glasses, a hood or a hat hide the upper half: nose and mouth are visible."""
    profile: float
    """The face is turned to the side."""

    @property
    def part(self) -> str:
        """The most probable of `VISIBLE_PARTS`."""
        return max(VISIBLE_PARTS, key=lambda name: float(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Traits:
    """Measurements of a face, each under its own name; None: not measured."""

    mask: MaskProbabilities | None = None
    visible: VisibleParts | None = None
    """From the verifier, which runs on every face. Analysers, which can be switched off, measure the others."""

    @property
    def are_analysed(self) -> bool:
        """Whether an analyser has measured anything."""
        return replace(self, visible=None) != NO_TRAITS


NO_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class MaskCounts:
    """How many people in the room wore a mask. The counts are never kept by student."""

    none: int
    right: int
    wrong: int
    undecided: int

    def in_words(self) -> str:
        """Return the counts as readable text."""
        return f"{self.none} none, {self.right} right, {self.wrong} wrong, {self.undecided} undecided"
