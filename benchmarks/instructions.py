"""Counts the aarch64 instructions of a capture, beside those of another detector on the same pictures.

    python -m benchmarks.instructions --data DIR --json OUT --root ROOTFS --packages SITE --yunet ONNX
        [--cpu cortex-a72] [--captures 16] [--peer-captures 2] [--qemu qemu-aarch64]

DIR is a lesson as benchmarks/lesson.py takes it. ROOTFS is an unpacked arm64 Debian with Python, and SITE a folder with
the packages of requirements-arm.txt for it; tests/slow/arm64_root.sh makes both. The programs run under QEMU's
user-mode emulation, with one thread and a plugin that counts (instructions_plugin.c; needs a C compiler).

A count says how much work the compiler and the libraries give to a processor of this kind. It does not say how long a
board takes: instructions differ in time, and a board waits for its memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean

import cv2

from benchmarks import command, folder, lesson, machine, process
from benchmarks.lesson_truth import read_truth
from edge_daemon.device import journal

_PLUGIN = Path(__file__).with_name("instructions_plugin.c")


def main() -> int:
    """Run the command."""
    parser = command.parser("benchmarks.instructions", "aarch64 instructions of a capture.", "a lesson")
    parser.add_argument("--root", type=Path, required=True, metavar="ROOTFS", help="an unpacked arm64 Debian")
    parser.add_argument("--packages", type=Path, required=True, metavar="SITE", help="its Python packages")
    parser.add_argument("--yunet", type=Path, required=True, metavar="ONNX", help="YuNet's model")
    parser.add_argument("--cpu", default="cortex-a72", help="emulated processor (default cortex-a72, a Pi 4's)")
    parser.add_argument("--captures", type=int, default=16, help="captures of the lesson (default 16)")
    parser.add_argument("--peer-captures", type=int, default=2, help="pictures of the other two (default 2)")
    parser.add_argument("--qemu", default="qemu-aarch64", help="the emulator, not a static one (default qemu-aarch64)")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, and return the results for the JSON file."""
    read_truth(arguments.data)  # raises DataError unless it is a lesson
    models = command.models(arguments)
    paths = sorted(p for p in (arguments.data / "frames").iterdir() if not p.name.startswith("."))[: arguments.captures]
    first = folder.picture(paths[0])
    with tempfile.TemporaryDirectory(prefix="edge-daemon-instructions-") as temporary:
        work = Path(temporary)
        lesson.enrol(arguments.data, work / "home", 1, arguments.models)
        frames = _plain(paths, work)
        counts = _counts(arguments, work, frames)
    return {
        "emulated_cpu": arguments.cpu,
        "picture_pixels": first.shape[0] * first.shape[1],
        "contenders": counts,
        **ratios(counts),
        "measured": machine.described(models),
    }


def _plain(paths: Sequence[Path], work: Path) -> list[Path]:
    """Write the pictures without compression, so that decoding hardly counts."""
    frames = []
    for number, path in enumerate(paths):
        frames.append(work / f"{number:04d}.bmp")
        cv2.imwrite(str(frames[-1]), folder.picture(path))
    return frames


def _counts(arguments: argparse.Namespace, work: Path, frames: Sequence[Path]) -> dict[str, dict[str, object]]:
    plugin = work / "instructions_plugin.so"
    _compile(plugin)
    few = frames[: arguments.peer_captures]
    kinds = {
        "program": (["program", str(work / "home"), str(len(frames))], frames),
        "sweep": (["sweep"], few),
        "yunet_and_float32": (["yunet", str(arguments.yunet)], few),
    }
    models = ["--models", str(arguments.models)] if arguments.models else []
    found = {}
    for name, (words, pictures) in kinds.items():
        read_at = _run(arguments, plugin, [*words, *models], pictures)
        found[name] = counted(read_at, len(pictures))
    return found


def _compile(plugin: Path) -> None:
    try:
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(plugin), str(_PLUGIN)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise lesson.ProgramError("no C compiler could make the plugin (apt install gcc)", str(_PLUGIN)) from error


def _run(arguments: argparse.Namespace, plugin: Path, words: Sequence[str], pictures: Sequence[Path]) -> list[int]:
    """Return the number of instructions before each read of a contender's input."""
    out = plugin.with_suffix(".txt")
    emulator = [arguments.qemu, "-cpu", arguments.cpu, "-plugin", f"{plugin},out={out}", "-L", str(arguments.root)]
    python = str(arguments.root / "usr" / "bin" / "python3")
    environment = {**os.environ, **process.ONE_THREAD, "PYTHONPATH": f"{arguments.packages}:{lesson.ROOT}"}
    with subprocess.Popen(
        [*emulator, python, "-m", "benchmarks.contender", *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as contender:
        assert contender.stdin is not None
        assert contender.stdout is not None
        greeting = contender.stdout.readline()
        for picture in pictures if greeting else ():
            contender.stdin.write(f"{picture}\n")
            if not contender.stdout.readline():
                break
        contender.communicate()
    if contender.returncode:
        raise lesson.ProgramError("a contender ended early", " ".join(words))
    return [int(line) for line in out.read_text(encoding="ascii").split()]


def counted(read_at: Sequence[int], pictures: int) -> dict[str, object]:
    """Return the figures of a contender.

    Args:
        read_at: number of instructions before each read of the input: before the first picture, and after each one.
        pictures: how many pictures it worked on.

    Raises:
        ProgramError: The number of reads does not fit the number of pictures.
    """
    if len(read_at) < pictures + 1:
        raise lesson.ProgramError(f"{len(read_at)} counts for {pictures} pictures", "instructions_plugin.c")
    each = [after - before for before, after in pairwise(read_at[: pictures + 1])]
    return {"captures": pictures, "start": read_at[0], "mean": round(mean(each)), "each": each}


def ratios(counts: dict[str, dict[str, object]]) -> dict[str, float]:
    """Return the program's counts as shares of those of YuNet with the float32 embedder."""
    means = {name: float(str(found["mean"])) for name, found in counts.items()}
    theirs = means["yunet_and_float32"]
    return {
        "lesson_mean_to_yunet": round(means["program"] / theirs, 3),
        "full_sweep_to_yunet": round(means["sweep"] / theirs, 3),
    }


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
