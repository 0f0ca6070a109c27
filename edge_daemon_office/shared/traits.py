"""The traits of a face, which analysers measure, and the counts that a register reports (docs/EXTENDING.md).

A trait is a frozen dataclass of numbers with a `VERSION`. `Traits` has one field for each trait.
`attendance/trait_columns.py` can store any trait.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MaskProbabilities:
    """Probabilities that a person wears no mask, wears a mask right, or wears it wrong; the three add up to 1."""

    VERSION: ClassVar[int] = 1
    """Version of the numbers' meaning. Stored numbers of another version are not read."""

    none: float
    right: float
    """The mask covers nose and mouth."""
    wrong: float
    """The mask is below the nose, or below the mouth."""


@dataclass(frozen=True, slots=True)
class EyeClosure:
    """How far each eye of one face is shut, from 0 (wide open) to 1 (shut).

    The numbers are not probabilities. Equally open eyes of two people can give different numbers.
    """

    VERSION: ClassVar[int] = 1

    left: float
    """The person's left eye."""
    right: float

    @property
    def both(self) -> float:
        """How far both eyes are shut: the value of the eye that is wider open. A wink therefore gives a low value."""
        return min(self.left, self.right)


VISIBLE_PARTS = ("bare", "lower_hidden", "upper_hidden", "profile")
"""What is visible of a face, in this order: the whole face; eyes and brow; nose and mouth; one side."""


@dataclass(frozen=True, slots=True)
class VisibleParts:
    """The verifier's probabilities for what is visible of one face; the four add up to 1."""

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


_STEPS_A_WIDTH = 2048
"""Number of steps of a coordinate in the width of a face."""
_STEPS = 4096
"""Total number of steps of a coordinate.

Steps cover one face's width on each side of the box's middle. A point farther away gets the last step.
"""


@dataclass(frozen=True, slots=True)
class FacePoints:
    """Places of the 68 standard points of one face in its box. They show what moves in a face during a lesson.

    Each point is one number, `x * 4096 + y`, where x and y count steps of 1/2048 of the face's width. A float32 stores
    this number exactly.
    """

    VERSION: ClassVar[int] = 1
    COUNT: ClassVar[int] = 68
    """Number of points."""

    numbers: array[float]
    """One number for each point. A lesson keeps thousands of faces in memory; a tuple would take 2 kB for each face."""

    @classmethod
    def of(cls, places: Iterable[tuple[float, float]]) -> FacePoints:
        """Return the points for 68 places (x, y), measured from the middle of the face's box in widths of the face."""
        return cls(array("f", (_step(x) * _STEPS + _step(y) for x, y in places)))

    def places(self) -> list[tuple[float, float]]:
        """Return the 68 places (x, y), measured from the middle of the face's box in widths of the face.

        x is positive to the right, y is positive downwards.
        """
        return [(_place(int(number) // _STEPS), _place(int(number) % _STEPS)) for number in self.numbers]


def _step(place: float) -> int:
    return min(max(round(place * _STEPS_A_WIDTH) + _STEPS // 2, 0), _STEPS - 1)


def _place(step: int) -> float:
    return (step - _STEPS // 2) / _STEPS_A_WIDTH


@dataclass(frozen=True, slots=True)
class Traits:
    """All traits of a face; None for a trait that was not measured."""

    mask: MaskProbabilities | None = None
    eyes: EyeClosure | None = None
    visible: VisibleParts | None = None
    """What is visible of the face, as the verifier measured it."""
    points: FacePoints | None = None
    """The standard points, as the face mesh gave them."""

    @property
    def are_analysed(self) -> bool:
        """Whether an analyser measured a trait. `OF_EVERY_FACE` does not count."""
        return replace(self, visible=None, points=None) != NO_TRAITS


OF_EVERY_FACE = ("visible", "points")
"""Names of the traits that the face reader measures. Analysers, which can be switched off, measure the others."""


NO_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class MaskCounts:
    """The numbers of people in the room without a mask, with a mask worn right, and with a mask worn wrong.

    The counts do not show who these people are.
    """

    none: int
    right: int
    wrong: int
    undecided: int

    def in_words(self) -> str:
        """Return the counts as readable text."""
        return f"{self.none} none, {self.right} right, {self.wrong} wrong, {self.undecided} undecided"
