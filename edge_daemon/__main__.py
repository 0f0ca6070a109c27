"""The entry point: runs the command line, and ends with an exit code and at most one line on stderr."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from edge_daemon.cli import cli
from edge_daemon.device import journal
from edge_daemon.device.heap import return_large_blocks
from edge_daemon.device.memory_lock import lock_memory
from edge_daemon.errors import EdgeError

logger = logging.getLogger("edge_daemon")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `edge-daemon` and exit with 0 (done), 1 (failed), 2 (wrong usage or input) or 130 (interrupted)."""
    _open_standard_streams()
    lock_memory()
    return_large_blocks()
    # OpenCV reads this when it is first imported. It then refuses a picture that would fill the memory of a Pi.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "100000000")
    journal.silence_libraries()
    journal.set_up()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal can't show must not stop the command
            stream.reconfigure(errors="backslashreplace")
    code = run(arguments)
    try:
        sys.stdout.flush()
    except OSError:
        # The reader has gone (`| head`) or the disk is full, so no message can be written here any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 1
    sys.exit(code)


def _open_standard_streams() -> None:
    """Open /dev/null in place of each standard stream that the caller closed (`>&-`).

    Without this, the next opened file, such as a database, would get that stream's descriptor number (0, 1 or 2).
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        result = cli.main(args=arguments, prog_name="edge-daemon", standalone_mode=False)
    except EdgeError as e:
        click.echo(f"edge-daemon: {e.line()}", err=True)
        return e.exit_code
    except click.UsageError as e:
        _print_usage_error(e)
        return 2
    except click.ClickException as e:
        click.echo(f"edge-daemon: {e.format_message()}", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except OSError as e:
        if e.errno != errno.EPIPE:
            _print_disk_error(e)
        return 1
    except Exception as e:  # noqa: BLE001 - the edge of the process
        _print_internal_error(e)
        return 1
    return result if isinstance(result, int) else 0


def _print_usage_error(error: click.UsageError) -> None:
    command = error.ctx.command_path if error.ctx else "edge-daemon"
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        click.echo(error.format_message(), err=True)
        return
    words = " ".join(error.format_message().split()).rstrip(".")
    click.echo(f"{command}: {words}; see {command} --help", err=True)


def _print_disk_error(error: OSError) -> None:
    """Print the system's error, such as a full disk or a missing permission, and the path that it concerns."""
    if journal.shows_tracebacks():
        logger.error("the system refused", exc_info=error)
    place = f"{error.filename}: " if error.filename is not None else ""
    click.echo(f"edge-daemon: {place}{error.strerror or type(error).__name__}", err=True)


def _print_internal_error(error: Exception) -> None:
    """Print where the program failed; the exception's message is left out because it could hold personal data."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
    if journal.shows_tracebacks():
        logger.error("internal error", exc_info=error)
    hint = "please report it with what EDGE_DAEMON_DEBUG=1 shows"
    click.echo(f"edge-daemon: internal error, {place}; {hint}", err=True)


if __name__ == "__main__":
    main()
