"""The part of the program that goes on a card: only the files that install.sh reads on a device.

The source folder is often a checkout that also has the lists, tokens, keys and cards of a whole school.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

PROGRAM = (
    "install.sh",
    "pyproject.toml",
    "PACKAGE.md",
    "LICENSE",
    "NOTICE",
    "requirements-arm.txt",
    "docs/config.example.toml",
    "edge_daemon",
    "models_tflite",
    "systemd",
    "provisioning/device",
)
_WHERE_THERE = ("provisioning/release.pub",)
_WHEELS = "wheelhouse"


def problem(folder: Path, output: Path) -> str:
    """Return in one line why a folder can't be used as the program's; empty: it can.

    Args:
        folder: the program's folder.
        output: the folder for the cards.
    """
    missing = [name for name in PROGRAM if not (folder / name).exists()]
    if missing:
        return f"{folder}: is not a checkout of the program: it has no {missing[0]}"
    own = [(folder / name).resolve() for name in (*PROGRAM, _WHEELS)]
    if any(place == output.resolve() or place in output.resolve().parents for place in own):
        return f"{output}: lies in what is copied of the program; choose another"
    return ""


def copy(folder: Path, place: Path) -> None:
    """Copy the program, with its folder wheelhouse if there is one.

    Raises:
        OSError: something can't be read or written.
    """
    for path in _files(folder):
        copied = place / path.relative_to(folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copied)


def _files(folder: Path) -> Iterator[Path]:
    for name in PROGRAM:
        yield from _plain_files(folder / name)
    for name in _WHERE_THERE:
        if (folder / name).is_file():
            yield folder / name
    yield from sorted((folder / _WHEELS).glob("*.whl"))


def _plain_files(path: Path) -> Iterator[Path]:
    """Yield a file, or the files of a folder, without hidden, linked or compiled ones."""
    if path.is_symlink() or path.name.startswith(".") or path.name == "__pycache__":
        return
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            yield from _plain_files(inner)
    elif path.is_file():
        yield path
