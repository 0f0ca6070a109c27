"""The conditions for the lessons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cover = Literal["", "mask", "glasses"]
Doubles = Literal["", "two_ids", "twins"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One condition."""

    name: str
    photographs: int = 3
    """Number of enrolment photographs of each student."""
    are_out_of_focus: bool = False
    """Whether the enrolment photographs are out of focus: halved, blurred and enlarged again."""
    others_share: float = 0.0
    """Share of the taken seats with people of another class; 0: two strangers, in the seats of absent students."""
    cover: Cover = ""
    covered_share: float = 1.0
    """Share of the captures in which all people in the room wear the cover."""
    motion_px: float = 0.0
    """Sideways blur of every capture."""
    doubles: Doubles = ""
    """`two_ids`: some people are enrolled twice. `twins`: they are also in the room twice."""
    are_prints_held_up: bool = False
    """Whether a photograph of each absent student is held up at the student's seat in every capture."""
    register_flags: tuple[str, ...] = ()
    """Flags that the register should have."""


SCENARIOS = (
    Scenario("base"),
    Scenario("mixed_30", others_share=0.3),
    Scenario("mixed_50", others_share=0.5, register_flags=("unusual_class",)),
    Scenario("mixed_70", others_share=0.7, register_flags=("unusual_class",)),
    Scenario("mixed_100", others_share=1.0, register_flags=("unusual_class",)),
    Scenario("one_photograph", photographs=1),
    Scenario("out_of_focus", photographs=1, are_out_of_focus=True),
    Scenario("mask", cover="mask"),
    Scenario("glasses", cover="glasses"),
    Scenario("glasses_half", cover="glasses", covered_share=0.5),
    Scenario("motion_3", motion_px=3),
    Scenario("motion_5", motion_px=5),
    Scenario("motion_8", motion_px=8),
    Scenario("two_ids", doubles="two_ids"),
    Scenario("twins", doubles="twins"),
    Scenario("prints", are_prints_held_up=True),
)
