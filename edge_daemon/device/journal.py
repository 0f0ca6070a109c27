"""Sends the log to systemd's journal, with fields, or to stderr if the program runs without systemd.

The text of a record names an event, and its fields have the figures: `logger.info("capture taken", extra={"slot": 7})`.
`events.py` lists the fields, and the events with a MESSAGE_ID. `EDGE_DAEMON_DEBUG=1` shows everything.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from edge_daemon.device.discretion import discreet
from edge_daemon.device.events import EVENTS, FIELDS

SOCKET = Path("/run/systemd/journal/socket")

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))
_IDENTIFIER = "edge-daemon"
_LONGEST_BYTES = 48 * 1024
"""Size of the longest field in bytes. journald's socket refuses much longer ones, and the record would be lost."""


def set_up() -> None:
    """Direct the log to the journal or stderr. Call it once, at the start of the process."""
    root = logging.getLogger()
    root.handlers[:] = [_handler()]
    quiet = logging.INFO if under_systemd() else logging.WARNING
    root.setLevel(logging.DEBUG if debugging() else quiet)
    if under_systemd():
        sys.excepthook = lambda _kind, error, _trace: root.critical("uncaught", exc_info=error)
        threading.excepthook = lambda one: root.critical("uncaught in a thread", exc_info=one.exc_value)


def listen(handler: logging.Handler) -> None:
    """Add a handler that gets the program's own records of level INFO and above, even if the log shows fewer."""
    root, ours = logging.getLogger(), logging.getLogger("edge_daemon")
    for other in root.handlers:
        other.setLevel(max(other.level, root.level))
    if ours.getEffectiveLevel() > logging.INFO:
        ours.setLevel(logging.INFO)
    ours.addHandler(handler)


def silence_libraries() -> None:
    """Keep messages of C libraries (libpng, FFmpeg, TensorFlow Lite) off the user's stderr. Call it once.

    Under systemd and in debug mode the messages are kept.
    """
    if under_systemd() or debugging():
        return
    try:
        ours = os.dup(2)
    except OSError:
        return  # the process has no stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(ours, "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)
    faulthandler.enable(sys.stderr)


def under_systemd() -> bool:
    """Return whether stderr is connected to systemd's journal."""
    entry = os.environ.get("JOURNAL_STREAM", "")
    try:
        stat = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return entry == f"{stat.st_dev}:{stat.st_ino}"


def debugging() -> bool:
    """Return whether the user asked for debug output."""
    return os.environ.get("EDGE_DAEMON_DEBUG", "") not in ("", "0")


def shows_tracebacks() -> bool:
    """Return whether tracebacks may be shown in the log."""
    return under_systemd() or debugging()


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields that `extra=` added to a record, limited to those in `FIELDS`.

    A reason may quote a server, so addresses and names of the roster are removed from it.
    """
    found = {name: value for name, value in vars(record).items() if name in FIELDS}
    if isinstance(found.get("reason"), str):
        found["reason"] = discreet(str(found["reason"]))
    return found


def trace_of(error: BaseException | None) -> str:
    """Return an error's traceback and type. Its message is left out, because it may contain personal data.

    Its causes come first, as in Python's own tracebacks.
    """
    parts = []
    for one in reversed(list(_chain(error))):
        kind = type(one)
        frames = "".join(traceback.format_tb(one.__traceback__))
        head = "Traceback (most recent call last):\n" if frames else ""
        parts.append(f"{head}{frames}{kind.__module__}.{kind.__qualname__}")
    return "\n".join(parts)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all its causes, each once."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def without_messages(record: logging.LogRecord) -> bool:
    """Replace the exception of a record by its `trace_of`. It is a filter for handlers, so it returns True."""
    if record.exc_info:
        record.exc_text, record.exc_info = trace_of(record.exc_info[1]), None
    return True


class LineFormatter(logging.Formatter):
    """Formats a record as one line: the event, and `key=value` for each field; under systemd with a priority prefix."""

    def __init__(self, *, priority: bool) -> None:
        super().__init__("%(message)s" if priority else "%(levelname)s: %(message)s")
        self._priority = priority

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, without a line feed at its end."""
        if self._priority:
            without_messages(record)
        text = super().format(record)
        head, _, trace = text.partition("\n")
        extra = "".join(f" {name}={value}" for name, value in fields_of(record).items())
        lines = [head + extra, *trace.splitlines()]
        if not self._priority:
            return "\n".join(lines)
        level = next(number for least, number in _PRIORITIES if record.levelno >= least)
        return "\n".join(f"<{level}>{line}" for line in lines)


class SocketHandler(logging.Handler):
    """Sends records directly to journald, with their fields; for an installation without python3-systemd.

    It uses systemd's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram for each record.

    Args:
        path: journald's socket.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addFilter(without_messages)
        self._path = path
        self._socket: socket.socket | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record. If journald has restarted, connect again. While it restarts, records are lost."""
        level = next(number for least, number in _PRIORITIES if record.levelno >= least)
        entry: dict[str, object] = {"MESSAGE": self.format(record), "PRIORITY": level, "LOGGER": record.name}
        entry |= {"SYSLOG_IDENTIFIER": _IDENTIFIER, "SYSLOG_PID": record.process, **journal_fields(record)}
        datagram = b"".join(_assignment(name, str(value)) for name, value in entry.items())
        for _ in range(2):  # the second attempt uses a new connection
            with contextlib.suppress(OSError):
                self._connected().send(datagram)
                return
            self.close()

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        super().close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(1.0)
            self._socket.connect(str(self._path))
        return self._socket


def journal_fields(record: logging.LogRecord) -> dict[str, object]:
    """Return a record's fields with names in capitals, as journald requires, and its MESSAGE_ID if it has one."""
    fields = {name.upper(): value for name, value in fields_of(record).items()}
    if record.msg in EVENTS:
        fields["MESSAGE_ID"] = EVENTS[record.msg]
    return fields


def _assignment(name: str, value: str) -> bytes:
    """Return the bytes of one field: a line `NAME=value`, or the binary form if the value has several lines.

    The binary form has the length of the value as 64 bits, little-endian.
    """
    data = value.encode("utf-8", "backslashreplace")[:_LONGEST_BYTES]
    if b"\n" not in data:
        return name.encode("ascii") + b"=" + data + b"\n"
    return name.encode("ascii") + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"


def _handler() -> logging.Handler:
    """Return the handler for the log.

    Under systemd this is python3-systemd's handler if it is installed, otherwise `SocketHandler`. Without systemd, or
    without journald's socket, it is a handler that writes lines to stderr.
    """
    if under_systemd():
        try:
            # Not tested by find_spec, because in a checkout the folder systemd/ would be found.
            from systemd.journal import JournalHandler
        except ImportError:
            if SOCKET.exists():
                return SocketHandler(SOCKET)
        else:
            return _with_fields(JournalHandler)
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(priority=under_systemd()))
    return handler


def _with_fields(base: type[logging.Handler]) -> logging.Handler:
    """Return python3-systemd's handler, changed so that it adds a record's fields with names in capitals."""
    handler = base(SYSLOG_IDENTIFIER=_IDENTIFIER)  # type: ignore[call-arg]  # the library has no types
    handler.addFilter(without_messages)  # the handler would also send exc_info
    handler.addFilter(_in_capitals)
    return handler


def _in_capitals(record: logging.LogRecord) -> bool:
    vars(record).update(journal_fields(record))
    return True
