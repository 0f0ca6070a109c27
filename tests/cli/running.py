"""Runs a command like the shell, within the test's process."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from edge_daemon import __main__


@dataclass(frozen=True)
class CommandResult:
    """The result of a command."""

    exit_code: int
    stdout: str
    stderr: str


class _Stream(io.StringIO):
    encoding = "utf-8"


def run(home: Path, *arguments: str) -> CommandResult:
    """Run `edge-daemon --home HOME ARGUMENTS`."""
    out, err = _Stream(), _Stream()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = __main__.run(["--home", str(home), *arguments])
    return CommandResult(code, out.getvalue(), err.getvalue())
