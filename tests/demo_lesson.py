"""The demo's lesson for tests: its pictures, and a folder in which its students are enrolled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2

from edge_daemon.__main__ import run

DEMO = Path(__file__).parents[1] / "demo"
PORTRAITS = DEMO / "pictures" / "enrolment"

_COMPOSE = "import sys; sys.path.insert(0, sys.argv[1]); import make_lesson as m; m.compose(m.Path(sys.argv[2]), {})"


def compose(folder: Path, *captures: int) -> Path:
    """Make some captures of the demo lesson, counted from 0, as capture-01.jpg and so on."""
    subprocess.run([sys.executable, "-c", _COMPOSE.format(captures), DEMO, folder], check=True)
    return folder


def shrink(captures: Path, folder: Path, width_px: int) -> Path:
    """Write the captures of one folder into another, reduced to a width."""
    folder.mkdir()
    for path in captures.iterdir():
        picture = cv2.imread(str(path))
        smaller = cv2.resize(picture, (width_px, width_px * 9 // 16), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / path.name), smaller)
    return folder


def enrol(home: Path) -> Path:
    """Enrol the students of the demo with `--home`."""
    assert run(["--home", str(home), "enrol", "import", str(DEMO / "roster.csv"), "--photos", str(PORTRAITS)]) == 0
    return home
