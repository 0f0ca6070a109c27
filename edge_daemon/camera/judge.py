"""Pictures that are none: black, over-exposed, or the last one once more."""

from __future__ import annotations

import hashlib

import numpy as np

from edge_daemon.types import Picture

BLACK_BELOW = 12
"""No more than one pixel in a hundred is as bright as this: a covered lens, a dead sensor, a room at night."""
WHITE_FROM = 250
WHITE_SHARE = 0.70
"""Windows and boards may be white; at this share nothing is left of faces."""
_STEP = 8
"""Each 8th row and column tells as much of a picture's light as all of them."""


def fault_of(picture: Picture) -> str:
    """Return why nobody could be seen in a picture, (height, width, 3) uint8 BGR, in plain words; empty: it is good."""
    light = picture[::_STEP, ::_STEP].max(axis=2)
    if np.percentile(light, 99) < BLACK_BELOW:
        return "the picture is black"
    if (picture[::_STEP, ::_STEP].min(axis=2) >= WHITE_FROM).mean() > WHITE_SHARE:
        return "the picture is over-exposed"
    return ""


def digest_of(picture: Picture) -> str:
    """Return a digest of all pixels.

    The noise of a living sensor makes no two pictures alike to the last bit; a driver that hangs gives its last buffer
    again and again.
    """
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).hexdigest()


def repeats(kind: str, digest: str, last: str) -> bool:
    """Return whether a camera of this kind is frozen; a replay may show a picture twice, it has no sensor."""
    return kind != "files" and digest == last
