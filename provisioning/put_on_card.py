"""Puts a folder of make_cards.py on the boot partition of a card, and reads it back.

    python provisioning/put_on_card.py CARDS/room-7 /media/me/bootfs

What the folder says has to be added to cmdline.txt and config.txt is added once. card.json is written last: a copy that
was cut off is none, and the device waits for a whole one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

MARK, END = "# edge-daemon: the clock chip", "# edge-daemon: end"
_LAST = "edge-daemon/card.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy; 0 done, 2 with a line on stderr."""
    parser = argparse.ArgumentParser(description="Put a device's folder on the boot partition of its card.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="one folder that make_cards.py made")
    parser.add_argument("boot", type=Path, metavar="BOOT", help="where the card's boot partition is mounted")
    options = parser.parse_args(arguments)
    problem = _problem(options.folder, options.boot)
    if not problem:
        try:
            put(options.folder, options.boot)
        except OSError as error:
            problem = f"{error.filename or options.boot}: {error.strerror}; the card is not complete, try again"
    if problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    sys.stdout.write(f"{options.folder.name}: on the card and read back; unmount it before you pull it out\n")
    return 0


def put(folder: Path, boot: Path) -> None:
    """Copy the folder and add what has to be added.

    Raises:
        OSError: the card can't be written, or does not give back what was written.
    """
    names = sorted(str(p.relative_to(folder).as_posix()) for p in folder.rglob("*") if p.is_file())
    names = [name for name in names if name not in ("additions.txt", _LAST)]
    (boot / _LAST).unlink(missing_ok=True)
    old = boot / "edge-daemon"
    if old.is_dir():
        shutil.rmtree(old)
    words, lines = _additions(folder)
    for name in names:
        _copy(folder / name, boot / name)
    _write(boot / "config.txt", with_lines(_text(boot / "config.txt"), lines).encode())
    _write(boot / "cmdline.txt", with_words(_text(boot / "cmdline.txt"), words).encode())
    _copy(folder / _LAST, boot / _LAST)


def with_words(cmdline: str, words: Sequence[str]) -> str:
    """Return the kernel's command line, which is one line, with these words instead of older ones of their kind."""
    kinds = {word.split("=", 1)[0] for word in words}
    kept = [word for word in cmdline.split() if word.split("=", 1)[0] not in kinds]
    return " ".join([*kept, *words]) + "\n"


def with_lines(config: str, lines: Sequence[str]) -> str:
    """Return config.txt with our lines at its end, instead of those of an earlier time; no lines: without them."""
    before, _, rest = config.partition(f"{MARK}\n")
    after = rest.partition(f"{END}\n")[2] if rest else ""
    kept = (before + after).rstrip("\n")
    return "\n".join([kept, MARK, *lines, END, ""]) if lines else f"{kept}\n"


def _additions(folder: Path) -> tuple[list[str], list[str]]:
    told = [line.split(" ", 1) for line in _text(folder / "additions.txt").splitlines() if line]
    return [text for name, text in told if name == "cmdline.txt"], [text for name, text in told if name == "config.txt"]


def _problem(folder: Path, boot: Path) -> str:
    if not (folder / _LAST).is_file():
        return f"{folder}: is no folder that make_cards.py made"
    if not (boot / "cmdline.txt").is_file() or not (boot / "config.txt").is_file():
        return f"{boot}: is no boot partition of Raspberry Pi OS (no cmdline.txt and config.txt)"
    if (folder / "user-data").is_file() and not (boot / "user-data").is_file():
        return f"{boot}: this card has no cloud-init, so it is not Trixie: make_cards.py --os bookworm"
    if (folder / "firstrun.sh").is_file() and (boot / "user-data").is_file():
        return f"{boot}: this card has cloud-init, so it is not Bookworm: make_cards.py --os trixie"
    return ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _copy(source: Path, place: Path) -> None:
    _write(place, source.read_bytes())


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if place.read_bytes() != content:
        raise OSError(5, "does not give back what was written: the card is broken", str(place))


if __name__ == "__main__":
    sys.exit(main())
