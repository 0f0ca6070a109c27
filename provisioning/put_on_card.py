"""Copies a folder of make_cards.py to the boot partition of a card, and reads it back.

    python provisioning/put_on_card.py CARDS/room-7 /media/me/bootfs

The program checks the folder against its card.json before it changes the card. It adds the folder's lines to
cmdline.txt and config.txt; a second run does not add them twice. It writes card.json last, so the device ignores an
incomplete copy and waits for a complete one. It needs only Python 3.10 or newer.
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
"""Files that make_cards.py puts beside the folder: one of these sets, for Trixie or for Bookworm."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy the folder: 0 done, 2 with a line on stderr."""
    parser = argparse.ArgumentParser(description="Put a device's folder on the boot partition of its card.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that make_cards.py made")
    parser.add_argument("boot", type=Path, metavar="BOOT", help="mount point of the card's boot partition")
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
    """Copy the folder to the boot partition, and add its lines to cmdline.txt and config.txt.

    Raises:
        OSError: the card can't be written, or returns other data than was written.
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
    """Return the kernel's command line, one line, with these words in place of older ones of their kind."""
    ours = [word.encode() for word in words]
    # One word can have several purposes: cgroup_enable=cpuset is not ours.
    kinds = {word.split(b"=", 1)[0] for word in ours} - {_SEVERAL}
    kept = [word for word in cmdline.split() if word.split(b"=", 1)[0] not in kinds and word not in ours]
    return b" ".join([*kept, *ours]) + b"\n"


def with_lines(config: bytes, lines: Sequence[str]) -> bytes:
    """Return config.txt with our lines at its end in place of earlier ones; without lines they are removed."""
    kept = _OURS.sub(b"", config, count=1).rstrip(b"\r\n")
    ours = "\n".join([MARK, *lines, END, ""]) if lines else ""
    return b"%s\n%s" % (kept, ours.encode())


def _additions(folder: Path) -> tuple[list[str], list[str]]:
    text = (folder / "additions.txt").read_text(encoding="utf-8")
    additions = [line.split(" ", 1) for line in text.splitlines() if line]
    words, lines = ([added for name, added in additions if name == file] for file in ("cmdline.txt", "config.txt"))
    return words, lines


def _problem(folder: Path, boot: Path) -> str:
    """Return in one line why the folder can't be copied to this card; empty: it can. Nothing is changed.

    Raises:
        ProvisioningError: the folder was changed since make_cards.py made it.
        OSError: the card can't be read.
    """
    if not (folder / _LAST).is_file():
        return f"{folder}: is not a folder made by make_cards.py"
    cards.check_files(cards.read(folder / _FOLDER))
    if not any(all((folder / name).is_file() for name in ("additions.txt", *names)) for names in _BESIDE):
        return f"{folder}: is not whole; make it again: provisioning/make_cards.py"
    if not (boot / "cmdline.txt").is_file() or not (boot / "config.txt").is_file():
        return f"{boot}: is not a boot partition of Raspberry Pi OS (no cmdline.txt and config.txt)"
    if not any(word.startswith(b"root=") for word in (boot / "cmdline.txt").read_bytes().split()):
        what = "has no root=, so the system can't start; a write may have been interrupted"
        return f"{boot / 'cmdline.txt'}: {what}; write the image onto the card again"
    if (folder / "user-data").is_file() and not (boot / "user-data").is_file():
        return f"{boot}: this card has no cloud-init, so it is not Trixie: make_cards.py --os bookworm"
    if (folder / "firstrun.sh").is_file() and (boot / "user-data").is_file():
        return f"{boot}: this card has cloud-init, so it is not Bookworm: make_cards.py --os trixie"
    return ""


def _copy(source: Path, place: Path) -> None:
    _write(place, source.read_bytes())


def _write(place: Path, content: bytes) -> None:
    """Write under a temporary name and rename, because the system does not start with an incomplete cmdline.txt."""
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
    """Sync the folder's file names to the card. Windows can't, and does not need it if the card is ejected."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
