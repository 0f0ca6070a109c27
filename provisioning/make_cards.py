"""Makes a folder for each device in a list of rooms, to be copied to the boot partition of its card.

    python provisioning/make_cards.py ROOMS.csv --output CARDS --os trixie --admin-keys technician.pub

It needs only Python 3.10 or newer, and on Windows also `pip install tzdata`. The page docs/INSTALL.md describes the
columns of the list and the use of the folders. They contain passwords: delete them when the cards are written.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from provisioning import admins, attention
from provisioning import software as program
from provisioning.cards import FOLDER, SYSTEMS, Admin, boot_lines, card
from provisioning.rooms import Room, read_rooms


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the folders: 0 done, 2 with one line on stderr for each problem and nothing written."""
    options = _options(arguments)
    rooms, found = read_rooms(options.rooms)
    name = options.rooms.name or options.rooms
    problems = [
        f"{name}{f' line {p.line}' if p.line else ''}{f', {p.column}' if p.column else ''}: {p.what}" for p in found
    ]
    keys, key_problem = admins.read_keys(options.admin_keys) if options.admin_keys else ([], "")
    problems += filter(None, (key_problem, admins.name_problem(options.admin_name)))
    if options.output.exists() and (not options.output.is_dir() or any(options.output.iterdir())):
        problems.append(f"{options.output}: is there already; delete it or choose another folder")
    if options.software and (problem := program.problem(options.software, options.output)):
        problems.append(problem)
    if problems:
        sys.stderr.writelines(f"{line}\n" for line in problems)
        return 2
    rooms = attention.with_choice(rooms, attention.wanted(rooms, options.count))
    try:
        write(rooms, options.output, options.os, Admin(options.admin_name, keys), options.software)
    except OSError as error:
        what = f"can't be written: {error.strerror or error}; nothing was made"
        beside = f".{options.output.name}." in str(error.filename)  # the temporary folder
        sys.stderr.write(f"{options.output if beside else error.filename or options.output}: {what}\n")
        return 2
    _report(rooms, options.output, has_keys=bool(keys))
    return 0


def write(rooms: Sequence[Room], output: Path, system: str, admin: Admin, software: Path | None) -> None:
    """Write all folders under a temporary name and move them in one step: all of them or none.

    Raises:
        OSError: something can't be written; nothing is left.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))  # readable by its owner only
    try:
        for room in rooms:
            _write_card(room, part / room.device, system, admin, software)
        if output.exists():
            output.rmdir()  # an empty folder
        part.replace(output)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _write_card(room: Room, folder: Path, system: str, admin: Admin, software: Path | None) -> None:
    for name, content in card(room, system, admin, software=software is not None).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    if software is not None:
        program.copy(software, folder / FOLDER / "software")
    added = boot_lines(room, system)
    lines = [f"{name} {line}" for name, lines in added.items() for line in lines]
    (folder / "additions.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _report(rooms: Sequence[Room], output: Path, *, has_keys: bool) -> None:
    say = sys.stdout.write
    say(f"{len(rooms)} folder{'' if len(rooms) == 1 else 's'} in {output}, each for one card:\n")
    say(f"  python provisioning/put_on_card.py {output / rooms[0].device} WHERE_THE_BOOT_PARTITION_IS\n")
    for room in rooms:
        if room.network == "none":
            say(f"{room.room}: has no network; the box needs its clock chip ({room.rtc}) with a battery\n")
    say(attention.summary(rooms))
    if not has_keys:
        say("nobody can log in to these devices: --admin-keys FILE.pub lets an administrator log in by ssh\n")
    say(f"{output} holds passwords: delete it when the cards are written\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a folder for each card of a list of rooms.")
    parser.add_argument("rooms", type=Path, metavar="ROOMS.csv", help="the list, one line for each device")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="new folder for the cards' folders")
    parser.add_argument("--os", choices=SYSTEMS, default="trixie", help="the Raspberry Pi OS on the cards")
    parser.add_argument("--count", choices=attention.CHOICES, help="pictures facing the class, or all; else it asks")
    parser.add_argument("--admin-keys", type=Path, metavar="FILE", help="public SSH keys of the administrators")
    parser.add_argument("--admin-name", default="technician", metavar="NAME", help="the account for these keys")
    parser.add_argument("--software", type=Path, metavar="DIR", help="a checkout of the program, for cards without it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
