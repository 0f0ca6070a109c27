"""A camera at a door: takes a picture each second, prints a sentence on it, and decides whether the door may open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, Literal

from edge_daemon.app.masks.mask_finder import MaskFace, MaskFinder
from edge_daemon.app.opening.models_and_gallery import camera_settings
from edge_daemon.camera.factory import check_source
from edge_daemon.camera.process import CameraProcess
from edge_daemon.errors import CameraError
from edge_daemon.home import Home
from edge_daemon.types import Frame

Answer = Literal["open", "mask_needed", "nobody"]

LOOK_S: Final = 1.0
"""Time between two pictures."""
IN_A_ROW: Final = 3
"""The door may open after this many pictures in a row in which every face wears a mask correctly."""
_WARM_UP_S = 2.0
_OPENING_DEADLINE_S = 20.0
_IN_VAIN = 3
"""After this many failures in a row the command stops with an error."""
_SENTENCES = {
    "wrong": "please cover your nose and mouth",
    "none": "please put on a mask",
    "undecided": "please look at the camera, and come closer",
    "right": "thank you",
    "": "nobody in view",
}


@dataclass(frozen=True, slots=True)
class DoorLook:
    """The result for one picture."""

    state: str
    """State of the face that decides: `none`, `wrong`, `undecided` or `right`; empty if nobody is in view."""
    faces: int

    @property
    def sentence(self) -> str:
        """The sentence for the person at the door."""
        return _SENTENCES[self.state]


def look_at(faces: tuple[MaskFace, ...]) -> DoorLook:
    """Return the result for one picture; the face with the worst state decides."""
    states = {face.state for face in faces}
    worst = next((state for state in ("none", "wrong", "undecided", "right") if state in states), "")
    return DoorLook(worst, len(faces))


@dataclass
class DoorDecision:
    """The decision from all pictures so far."""

    answer: Answer = "nobody"
    """`open` after `IN_A_ROW` good pictures; `mask_needed` once a face had no mask or wore it wrong; else `nobody`."""
    agreeing: int = 0

    def add(self, look: DoorLook) -> bool:
        """Add the result for one picture; return whether the door may open."""
        self.agreeing = self.agreeing + 1 if look.state == "right" else 0
        if look.state in ("none", "wrong"):
            self.answer = "mask_needed"
        if self.agreeing >= IN_A_ROW:
            self.answer = "open"
        return self.answer == "open"


def watch_door(home: Home, wait_s: float, say: Callable[[str], None]) -> Answer:
    """Look until everybody in view wears a mask correctly, or until the time is over. Nothing is stored.

    Args:
        home: the installation, whose settings name the camera; gallery and registers are not opened.
        wait_s: time limit, from the first picture on.
        say: called with one sentence for each picture.

    Raises:
        EdgeError: there is no camera, no model, or the camera gives no picture.
    """
    decision, finder = DoorDecision(), MaskFinder(home.config)
    with _looks(home) as frames:
        begun_s = time.monotonic()
        for frame in frames:
            look = look_at(finder(frame.picture))
            say(look.sentence)
            if decision.add(look) or time.monotonic() - begun_s >= wait_s:
                break
    return decision.answer


@contextmanager
def _looks(home: Home) -> Iterator[Iterator[Frame]]:
    settings = camera_settings(home)
    check_source(settings)
    now = lambda: datetime.now(timezone.utc)  # noqa: E731
    with CameraProcess(settings, now=now, deadline_s=_OPENING_DEADLINE_S) as camera:
        camera.prepare(0)
        time.sleep(_WARM_UP_S)
        yield _one_a_second(camera)


def _one_a_second(camera: CameraProcess) -> Iterator[Frame]:
    slot = failed = 0
    while True:
        begun_s = time.monotonic()
        try:
            frame = camera.capture(slot)
        except CameraError:
            failed += 1
            if failed >= _IN_VAIN:
                raise
        else:
            failed = 0
            yield frame
        slot += 1
        camera.prepare(slot)
        time.sleep(max(0.0, LOOK_S - (time.monotonic() - begun_s)))
