"""Lists of rooms for the tests, and the cards that make_cards.py makes from them."""

from __future__ import annotations

import csv
import subprocess
import sys
import zoneinfo
from pathlib import Path

from provisioning.software import PROGRAM

ROOT = Path(__file__).parents[2]
MAKE_CARDS = ROOT / "provisioning" / "make_cards.py"
TIMETABLE = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nLOCATION:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
GOOD = {
    "room": "7a",
    "device": "room-7a",
    "wifi_ssid": "School",
    "wifi_password": "correct horse",
    "wifi_country": "DE",
    "upstream_url": "https://office.example.org/attendance",
    "upstream_token_file": "token.txt",
    "time_zone": "Europe/Berlin",
    "timetable": "7a.ics",
    "camera_kind": "picamera2",
}
OTHER = {**GOOD, "room": "7b", "device": "room-7b", "upstream_token_file": ""}
TOKEN = "tok-3f9a"
ALONE = ("-I", "-S") if any(Path(folder).is_dir() for folder in zoneinfo.TZPATH) else ("-I",)
"""A Python that sees no package but its own; a bare system, as Windows, has its time zones from the package tzdata."""


def write_list(folder: Path, *rows: dict[str, str], name: str = "rooms.csv") -> Path:
    """Write a list and the files that it names."""
    (folder / "7a.ics").write_text(TIMETABLE.format("7a"), encoding="utf-8")
    (folder / "token.txt").write_text(f"{TOKEN}\n", encoding="utf-8")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_program(folder: Path) -> Path:
    """Write a folder that looks like a checkout of the program, and return it."""
    for name in PROGRAM:
        path = folder / name
        path = path if path.suffix or name == "LICENSE" else path / "part"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
    return folder


def make_cards(rooms: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a technician does."""
    return subprocess.run(
        [sys.executable, *ALONE, str(MAKE_CARDS), str(rooms), "--output", str(output), *options],
        capture_output=True,
        text=True,
        timeout=60,
    )


def cards(folder: Path, *rows: dict[str, str], options: tuple[str, ...] = ()) -> Path:
    """Make the cards of a list that is right, and return their folder."""
    result = make_cards(write_list(folder, *rows), folder / "cards", *options)
    assert (result.returncode, result.stderr) == (0, "")
    return folder / "cards"
