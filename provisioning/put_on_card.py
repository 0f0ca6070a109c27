"""Puts a folder of make_cards.py on the boot partition of a card, and reads it back.

    python provisioning/put_on_card.py CARDS/room-7 /media/me/bootfs

The folder is held against its card.json before the card is touched. What it says has to be added to cmdline.txt and
config.txt is added once; their other bytes stay as they are. card.json is written last: a copy that was cut off is
none, and the device waits for a whole one. Needs Python 3.10 or newer and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge_daemon.app.firstboot import card as cards
from edge_daemon.errors import ProvisioningError

MARK, END = "# edge-daemon: the clock chip", "# edge-daemon: end"
_OURS = re.compile(rf"{MARK}\r?\n.*?(?:{END}(?:\r?\n|\Z)|\Z)".encode(), re.DOTALL)
_SEVERAL = b"cgroup_enable"
_FOLDER, _LAST = "edge-daemon", "edge-daemon/card.json"
_BESIDE = (("user-data", "meta-data", "network-config"), ("firstrun.sh",))
"""What make_cards.py puts beside the folder: one of these, for Trixie or for Bookworm."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy; 0 done, 2 with a line on stderr."""
    parser = argparse.ArgumentParser(description="Put a device's folder on the boot partition of its card.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="one folder that make_cards.py made")
    parser.add_argument("boot", type=Path, metavar="BOOT", help="where the card's boot partition is mounted")
    options = parser.parse_args(arguments)
    try:
        problem = _problem(options.folder, options.boot)
        if not problem:
            put(options.folder, options.boot)
    except ProvisioningError as error:
        problem = f"{error.where}: {error.what}; make the folder again: provisioning/make_cards.py"
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
    old = boot / _FOLDER
    if old.is_dir():
        shutil.rmtree(old)
    words, lines = _additions(folder)
    for name in names:
        _copy(folder / name, boot / name)
    _write(boot / "config.txt", with_lines((boot / "config.txt").read_bytes(), lines))
    _write(boot / "cmdline.txt", with_words((boot / "cmdline.txt").read_bytes(), words))
    _copy(folder / _LAST, boot / _LAST)


def with_words(cmdline: bytes, words: Sequence[str]) -> bytes:
    """Return the kernel's command line, which is one line, with these words instead of older ones of their kind."""
    ours = [word.encode() for word in words]
    # One kind stands for several things: cgroup_enable=cpuset is not ours.
    kinds = {word.split(b"=", 1)[0] for word in ours} - {_SEVERAL}
    kept = [word for word in cmdline.split() if word.split(b"=", 1)[0] not in kinds and word not in ours]
    return b" ".join([*kept, *ours]) + b"\n"


def with_lines(config: bytes, lines: Sequence[str]) -> bytes:
    """Return config.txt with our lines at its end, instead of those of an earlier time; no lines: without them."""
    kept = _OURS.sub(b"", config, count=1).rstrip(b"\r\n")
    ours = "\n".join([MARK, *lines, END, ""]) if lines else ""
    return b"%s\n%s" % (kept, ours.encode())


def _additions(folder: Path) -> tuple[list[str], list[str]]:
    text = (folder / "additions.txt").read_text(encoding="utf-8")
    told = [line.split(" ", 1) for line in text.splitlines() if line]
    return [text for name, text in told if name == "cmdline.txt"], [text for name, text in told if name == "config.txt"]


def _problem(folder: Path, boot: Path) -> str:
    """Return why the folder can't be put on this card, in one line, or nothing. Nothing is changed.

    Raises:
        ProvisioningError: the folder is not as make_cards.py made it.
        OSError: the card can't be read.
    """
    if not (folder / _LAST).is_file():
        return f"{folder}: is no folder that make_cards.py made"
    cards.check_files(cards.read(folder / _FOLDER))
    if not any(all((folder / name).is_file() for name in ("additions.txt", *names)) for names in _BESIDE):
        return f"{folder}: is not whole; make it again: provisioning/make_cards.py"
    if not (boot / "cmdline.txt").is_file() or not (boot / "config.txt").is_file():
        return f"{boot}: is no boot partition of Raspberry Pi OS (no cmdline.txt and config.txt)"
    if not any(word.startswith(b"root=") for word in (boot / "cmdline.txt").read_bytes().split()):
        what = "has no root=, so that the system can't start, as after a write that was cut off"
        return f"{boot / 'cmdline.txt'}: {what}; write the image onto the card again"
    if (folder / "user-data").is_file() and not (boot / "user-data").is_file():
        return f"{boot}: this card has no cloud-init, so it is not Trixie: make_cards.py --os bookworm"
    if (folder / "firstrun.sh").is_file() and (boot / "user-data").is_file():
        return f"{boot}: this card has cloud-init, so it is not Bookworm: make_cards.py --os trixie"
    return ""


def _copy(source: Path, place: Path) -> None:
    _write(place, source.read_bytes())


def _write(place: Path, content: bytes) -> None:
    """Write beside the file and rename: without cmdline.txt, or with half of it, the system does not start."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(place)
    _sync(place.parent)
    if place.read_bytes() != content:
        raise OSError(5, "does not give back what was written: the card is broken", str(place))


def _sync(folder: Path) -> None:
    """Bring the folder's names onto the card; Windows can't, and has no need of it when the card is ejected."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
