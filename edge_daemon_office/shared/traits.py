"""What analysers measure on one face, and what a register reports of it (docs/EXTENDING.md).

A trait is a frozen dataclass of numbers with a `VERSION`, and a field of `Traits`. `attendance/trait_columns.py` stores
any such class.
"""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class EyeClosure:
    """How far the eyes of one face are shut: 0 wide open, 1 shut. No probability: faces differ."""

    VERSION: ClassVar[int] = 1

    left: float
    """The person's left eye."""
    right: float

    @property
    def both(self) -> float:
        """How far the eye that is wider open is shut: a wink is not shut eyes."""
        return min(self.left, self.right)


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


_STEPS_A_WIDTH, _STEPS = 2048, 4096
"""Places are whole steps; a place as far as a face's width from the middle of its box is the last that has one."""


@dataclass(frozen=True, slots=True)
class FacePoints:
    """Places of the 68 standard points of one face in its box, which show what moves in a face over a lesson.

    One number a point: x and y in steps of a 2048th of the face's width, as `x * 4096 + y`: float32 holds it exactly.
    """

    VERSION: ClassVar[int] = 1
    COUNT: ClassVar[int] = 68
    """How many numbers there are."""

    numbers: tuple[float, ...]

    @classmethod
    def of(cls, places: Iterable[tuple[float, float]]) -> FacePoints:
        """Return the points at these places, in widths of the face from the middle of its box."""
        return cls(tuple(float(_step(x) * _STEPS + _step(y)) for x, y in places))

    def places(self) -> list[tuple[float, float]]:
        """Return (68) places, in widths of the face from the middle of its box, right and down being positive."""
        return [(_place(int(number) // _STEPS), _place(int(number) % _STEPS)) for number in self.numbers]


def _step(place: float) -> int:
    return min(max(round(place * _STEPS_A_WIDTH) + _STEPS // 2, 0), _STEPS - 1)


def _place(step: int) -> float:
    return (step - _STEPS // 2) / _STEPS_A_WIDTH


@dataclass(frozen=True, slots=True)
class Traits:
    """Measurements of a face, each under its own name; None: not measured."""

    mask: MaskProbabilities | None = None
    eyes: EyeClosure | None = None
    visible: VisibleParts | None = None
    """From the verifier."""
    points: FacePoints | None = None
    """From the face mesh."""

    @property
    def are_analysed(self) -> bool:
        """Whether an analyser has measured anything."""
        return replace(self, visible=None, points=None) != NO_TRAITS


OF_EVERY_FACE = ("visible", "points")
"""What the reader of faces says itself; the others are by analysers, which can be switched off."""


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
