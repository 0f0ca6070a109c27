"""Common parts of the benchmarks' commands: arguments, one line for an error, the JSON file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2

from edge_daemon.errors import EdgeError
from edge_daemon.vision.models import ModelSet, default_models_dir

Measure = Callable[[argparse.Namespace], dict[str, object]]


def parser(module: str, text: str, data: str) -> argparse.ArgumentParser:
    """Return the parser with the arguments common to all benchmarks."""
    found = argparse.ArgumentParser(prog=f"python -m {module}", description=text)
    found.add_argument("--data", type=Path, required=True, metavar="DIR", help=data)
    found.add_argument("--json", type=Path, required=True, metavar="OUT", help="file for the results")
    found.add_argument("--models", type=Path, metavar="DIR", help="folder with manifest.toml (default: the program's)")
    return found


def models(arguments: argparse.Namespace) -> ModelSet:
    """Return the verified models from `--models`."""
    return ModelSet.load(arguments.models or default_models_dir())


def run(measure: Measure, arguments: argparse.Namespace) -> int:
    """Measure, print and write the JSON file. Return the exit code: 2 with one line if the input is wrong."""
    cv2.setNumThreads(1)
    try:
        text = json.dumps(measure(arguments), indent=2, ensure_ascii=False) + "\n"
        arguments.json.write_text(text, encoding="utf-8")
    except EdgeError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


def progress(done: int, total: int, what: str) -> None:
    """Show the progress, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r{what} {done} of {total} ", end="\n" if done == total else "", file=sys.stderr, flush=True)
