"""The entry point: runs the command line, and ends with an exit code and at most one line on stderr."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence

import click

from edge_daemon_office.cli import cli
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.shared.errors import EdgeError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `edge-daemon-office` and exit: 0 done, 1 failed, 2 wrong usage or input, 3 something was left out."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal can't show is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        _check_text(sys.argv[1:] if arguments is None else arguments)
        result = cli.main(args=arguments, prog_name="edge-daemon-office", standalone_mode=False)
    except EdgeError as error:
        click.echo(f"edge-daemon-office: {error.line()}", err=True)
        return error.exit_code
    except click.UsageError as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            click.echo(error.format_message(), err=True)
            return 2
        words = " ".join(error.format_message().split()).rstrip(".")
        click.echo(f"edge-daemon-office: {words}; see edge-daemon-office --help", err=True)
        return 2
    except click.ClickException as error:
        click.echo(f"edge-daemon-office: {error.format_message()}", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:
        place = f"{error.filename}: " if error.filename is not None else ""
        click.echo(f"edge-daemon-office: {place}{error.strerror or type(error).__name__}", err=True)
        return 1
    except Exception as error:  # noqa: BLE001 - the edge of the process
        _print_internal_error(error)
        return 1
    return result if isinstance(result, int) else 0


def _check_text(arguments: Sequence[str]) -> None:
    """Raise OfficeError for an argument that is not valid UTF-8; the message does not quote it, it may be a name."""
    for at, text in enumerate(arguments):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            option = text.partition("=")[0] if "=" in text else arguments[at - 1] if at else ""
            where = option if option.startswith("--") and option.isascii() else f"argument {at + 1}"
            raise OfficeError("is not valid UTF-8", where, "check the terminal's character set") from error


def _print_internal_error(error: Exception) -> None:
    """Print where the program failed; the exception's message is left out because it could hold personal data."""
    if os.environ.get("EDGE_DAEMON_DEBUG") == "1":
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
    hint = "please report it with what EDGE_DAEMON_DEBUG=1 shows"
    click.echo(f"edge-daemon-office: internal error, {place}; {hint}", err=True)


if __name__ == "__main__":
    main()
