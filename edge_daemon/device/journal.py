"""Logging: to the journal with fields of its own under systemd, else to stderr.

A record is an event in words, its figures are fields: `logger.info("capture taken", extra={"slot": 7})`.
`EDGE_DAEMON_DEBUG=1` shows everything.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))
_OWN = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"))


def set_up() -> None:
    """Send the log where it belongs; call once, at the start of the process."""
    root = logging.getLogger()
    root.handlers[:] = [_handler()]
    quiet = logging.INFO if under_systemd() else logging.WARNING
    root.setLevel(logging.DEBUG if debugging() else quiet)


def silence_libraries() -> None:
    """Keep the words of C libraries (libpng, FFmpeg, TensorFlow Lite) off stderr, which is the user's; call once.

    Under systemd, and when everything is wanted, they stay: the journal is where they help.
    """
    if under_systemd() or debugging():
        return
    try:
        ours = os.dup(2)
    except OSError:
        return  # the process was started without a stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(ours, "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)
    faulthandler.enable(sys.stderr)


def under_systemd() -> bool:
    """Return whether stderr goes to the journal."""
    told = os.environ.get("JOURNAL_STREAM", "")
    try:
        stat = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return told == f"{stat.st_dev}:{stat.st_ino}"


def debugging() -> bool:
    """Return whether the user asked for everything."""
    return os.environ.get("EDGE_DAEMON_DEBUG", "") not in ("", "0")


def shows_tracebacks() -> bool:
    """Return whether a traceback in the log is in nobody's way."""
    return under_systemd() or debugging()


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return what `extra=` added to the record."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


class LineFormatter(logging.Formatter):
    """One line a record: the event and `key=value` for each field; under systemd with its priority before it."""

    def __init__(self, *, priority: bool) -> None:
        super().__init__("%(message)s" if priority else "%(levelname)s: %(message)s")
        self._priority = priority

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, without a line feed at its end."""
        text = super().format(record)
        head, _, trace = text.partition("\n")
        extra = "".join(f" {name}={value}" for name, value in fields_of(record).items())
        lines = [head + extra, *trace.splitlines()]
        if not self._priority:
            return "\n".join(lines)
        level = next(number for least, number in _PRIORITIES if record.levelno >= least)
        return "\n".join(f"<{level}>{line}" for line in lines)


def _handler() -> logging.Handler:
    """Return the journal's own handler where python3-systemd is installed, else one that writes lines."""
    if under_systemd():
        try:
            # Never probed by find_spec: in a checkout the folder systemd/ would answer.
            from systemd.journal import JournalHandler
        except ImportError:
            pass
        else:
            return _with_fields(JournalHandler)
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(priority=under_systemd()))
    return handler


def _with_fields(base: type[logging.Handler]) -> logging.Handler:
    """Return the journal's handler, given our fields in capitals: journald drops all others."""
    handler = base(SYSLOG_IDENTIFIER="edge-daemon")  # type: ignore[call-arg]  # the library has no types
    handler.addFilter(_in_capitals)
    return handler


def _in_capitals(record: logging.LogRecord) -> bool:
    vars(record).update({name.upper(): value for name, value in fields_of(record).items()})
    return True
