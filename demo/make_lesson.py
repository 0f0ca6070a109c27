"""Composes the captures of the demo lesson: a drawn room, and people cut out of the photographs in demo/pictures.

    python demo/make_lesson.py FOLDER

The same pictures come out every time. They show the way from pictures to a register, and nothing about its accuracy:
two of the people are enrolled from the very photograph that sits in the room.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from people import CAPTURES, PEOPLE, Person

WIDTH, HEIGHT = 1920, 1080
FLOOR_Y = 560
ROWS = ((640, 0.62), (900, 1.0))
"""Height of the desks' far edge, and their size."""
SEATS = (-0.75, -0.25, 0.25, 0.75)
Picture = NDArray[np.uint8]


def main() -> None:
    """Write the captures to the folder that the argument names."""
    compose(Path(sys.argv[1]), range(CAPTURES))


def compose(folder: Path, captures: Iterable[int]) -> None:
    """Write some of the captures, counted from 0."""
    folder.mkdir(parents=True, exist_ok=True)
    cut_outs = [(person, *person.cut_out()) for person in PEOPLE]
    room = _room()
    for number in captures:
        random = np.random.default_rng([2026, number])
        picture = room.copy()
        for row, (y, size) in enumerate(ROWS):
            for person, look, mask in cut_outs[2 * row : 2 * row + 2]:
                if number not in person.away:
                    _seat(picture, person, look, mask, random)
            _desks(picture, y, size)
        path = folder / f"capture-{number + 1:02d}.jpg"
        if not cv2.imwrite(str(path), _taken(picture, random), [cv2.IMWRITE_JPEG_QUALITY, 90]):
            sys.exit(f"{path}: can't be written")


def _room() -> Picture:
    """Return the empty room: wall, board, window, door, floor."""
    shade = np.linspace(1.0, 0.82, WIDTH)[None, :, None] * np.linspace(0.92, 1.0, HEIGHT)[:, None, None]
    picture = (np.array((196, 212, 218)) * shade).astype(np.uint8)
    depth = np.linspace(0.75, 1.0, HEIGHT - FLOOR_Y)[:, None, None]
    picture[FLOOR_Y:] = (np.array((118, 138, 152)) * depth).astype(np.uint8)
    cv2.rectangle(picture, (0, FLOOR_Y - 14), (WIDTH, FLOOR_Y), (150, 164, 172), -1)
    cv2.rectangle(picture, (790, 130), (1250, 400), (92, 110, 88), -1)
    cv2.rectangle(picture, (790, 130), (1250, 400), (120, 150, 176), 12)
    for y, length in ((190, 300), (235, 380), (280, 250)):
        cv2.line(picture, (830, y), (830 + length, y), (150, 165, 150), 3, cv2.LINE_AA)
    cv2.rectangle(picture, (90, 80), (470, 430), (248, 240, 228), -1)
    cv2.rectangle(picture, (90, 80), (470, 430), (232, 236, 238), 16)
    cv2.line(picture, (280, 80), (280, 430), (232, 236, 238), 12)
    cv2.rectangle(picture, (1560, 150), (1770, FLOOR_Y), (112, 140, 168), -1)
    cv2.rectangle(picture, (1560, 150), (1770, FLOOR_Y), (90, 112, 136), 8)
    cv2.circle(picture, (1735, 370), 9, (60, 70, 80), -1, cv2.LINE_AA)
    return picture


def _desks(picture: Picture, y: int, size: float) -> None:
    """Draw one row of desks over the people behind them."""
    wide, deep = round(360 * size), round(70 * size)
    for seat in SEATS:
        x = round(WIDTH / 2 + seat * WIDTH / 2 * (0.62 + 0.3 * size))
        top = [(x - wide // 2 + 18, y), (x + wide // 2 - 18, y), (x + wide // 2, y + deep), (x - wide // 2, y + deep)]
        cv2.fillPoly(picture, [np.array(top, np.int32)], (132, 172, 204), cv2.LINE_AA)
        front = (x - wide // 2, y + deep), (x + wide // 2, y + deep + round(16 * size))
        cv2.rectangle(picture, *front, (96, 132, 162), -1)
        for leg in (-1, 1):
            foot = x + leg * (wide // 2 - round(20 * size))
            cv2.line(
                picture, (foot, y + deep + 10), (foot, y + deep + round(190 * size)), (84, 88, 92), round(10 * size)
            )


def _seat(
    picture: Picture, person: Person, look: Picture, mask: NDArray[np.float32], random: np.random.Generator
) -> None:
    """Put a person into the room, a little elsewhere and turned a little differently each time."""
    scale = person.scale * random.uniform(0.97, 1.03)
    turn = cv2.getRotationMatrix2D((look.shape[1] / 2, float(look.shape[0])), random.uniform(-4, 4), scale)
    turn[:, 2] += np.array(person.seat) + random.uniform((-8, 0), (8, 12)) - (look.shape[1] / 2, look.shape[0])
    # Made smaller in two steps: a warp alone would leave jagged edges.
    soft = cv2.GaussianBlur(look, (0, 0), max(0.3, 0.4 / scale))
    warped = cv2.warpAffine(soft, turn, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    share = cv2.warpAffine(mask, turn, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)[..., None]
    picture[:] = (warped * share + picture * (1 - share)).astype(np.uint8)


def _taken(picture: Picture, random: np.random.Generator) -> Picture:
    """Return the room as a camera has it: light that changes, a little blur, noise."""
    light = random.uniform(0.78, 1.06) * random.uniform(0.97, 1.03, 3)
    blurred = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.3, 0.8))
    noise = random.normal(0, random.uniform(1.5, 3.5), picture.shape)
    return np.clip(blurred * light + noise, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
