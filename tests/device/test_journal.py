from __future__ import annotations

import io
import logging
import os
import socket
import subprocess
import sys

import pytest

from edge_daemon.device import journal
from edge_daemon.device.events import EVENTS


def line(level: int, words: str, *, priority: bool, error: BaseException | None = None, **extra: object) -> str:
    record = logging.getLogger("edge_daemon.test").makeRecord(
        "edge_daemon.test", level, "file.py", 1, words, (), error and (type(error), error, None), extra=extra
    )
    return journal.LineFormatter(priority=priority).format(record)


def test_fields_stand_after_the_words():
    text = line(logging.WARNING, "capture missed", priority=False, slot=3, reason="is damaged")
    assert text == "WARNING: capture missed slot=3 reason=is damaged"


@pytest.mark.parametrize(
    ("level", "prefix"),
    [(logging.ERROR, "<3>"), (logging.WARNING, "<4>"), (logging.INFO, "<6>"), (logging.DEBUG, "<7>")],
)
def test_under_systemd_a_line_begins_with_its_priority(level, prefix):
    assert line(level, "event", priority=True) == f"{prefix}event"


def test_each_line_of_a_traceback_has_the_priority():
    text = line(logging.ERROR, "failed", priority=True, error=ValueError("x"), slot=1)
    assert text.splitlines() == ["<3>failed slot=1", "<3>builtins.ValueError"]


def test_no_traceback_in_the_journal_has_the_message_of_an_exception():
    try:
        try:
            raise KeyError("Anna Weber")
        except KeyError as reason:
            raise ValueError("anna.weber@school.example") from reason
    except ValueError as error:
        caught = error
    text = line(logging.ERROR, "failed", priority=True, error=caught)
    assert "nna" not in text.replace('raise KeyError("Anna Weber")', "").replace(
        'raise ValueError("anna.weber@school.example")', ""
    ), "only the source's own lines"
    assert [one for one in text.splitlines() if "builtins" in one] == ["<3>builtins.KeyError", "<3>builtins.ValueError"]
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "failed", (), (ValueError, caught, caught.__traceback__))
    assert journal.without_messages(record)
    assert record.exc_info is None
    assert "ValueError" in (record.exc_text or "")


def logged(stderr_is_journal: bool, **environment: str) -> list[str]:
    code = """
import logging, os, sys
if os.environ.pop("AS_JOURNAL") == "1":
    stat = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{stat.st_dev}:{stat.st_ino}"
sys.modules["systemd"] = None  # python3-systemd may or may not be installed
from pathlib import Path
from edge_daemon.device import journal
journal.SOCKET = Path("/nowhere")
journal.silence_libraries()
journal.set_up()
for level in ("debug", "info", "warning"):
    getattr(logging.getLogger("edge_daemon.test"), level)(level, extra={"slot": 1})
os.write(2, b"a C library speaks\\n")
"""
    environment = {"AS_JOURNAL": str(int(stderr_is_journal)), "PATH": "", **environment}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stderr.splitlines()


def test_a_user_sees_warnings_only():
    assert logged(False) == ["WARNING: warning slot=1"]


def test_debugging_shows_everything():
    assert logged(False, EDGE_DAEMON_DEBUG="1") == [
        "DEBUG: debug slot=1", "INFO: info slot=1", "WARNING: warning slot=1", "a C library speaks",
    ]  # fmt: skip


def test_the_journal_gets_priorities_and_what_libraries_say():
    assert logged(True) == ["<6>info slot=1", "<4>warning slot=1", "a C library speaks"]


def test_with_python3_systemd_fields_reach_the_journal_in_capitals(monkeypatch):
    class Journal(logging.Handler):
        def __init__(self, **fields):
            super().__init__()
            self.fields, self.seen = fields, []

        def emit(self, record):
            self.seen.append({k: v for k, v in vars(record).items() if k.isupper()})

    handler = journal._with_fields(Journal)
    logger = logging.Logger("edge_daemon.test")
    logger.addHandler(handler)
    logger.info("lesson finalised", extra={"lesson_id": "abc"})
    assert handler.fields == {"SYSLOG_IDENTIFIER": "edge-daemon"}
    assert handler.seen == [{"LESSON_ID": "abc", "MESSAGE_ID": EVENTS["lesson finalised"]}]


@pytest.fixture
def journald(tmp_path):
    """A socket in place of journald's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "socket"))
        sock.settimeout(5)
        yield sock


def received(sock: socket.socket) -> dict[str, str]:
    """Read one datagram of the native protocol."""
    data, fields = sock.recv(1 << 20), {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length, data = int.from_bytes(data[:8], "little"), data[8:]
            value, data = data[:length], data[length + 1 :]
        fields[name.decode()] = value.decode()
    return fields


def our_logger(path) -> logging.Logger:
    logger = logging.Logger("edge_daemon.test")
    logger.addHandler(journal.SocketHandler(path))
    return logger


def test_without_python3_systemd_fields_reach_the_journal_all_the_same(journald, tmp_path):
    our_logger(tmp_path / "socket").warning(
        "capture missed", extra={"slot": 3, "reason": "two\nlines", "student": "Eve"}
    )
    assert received(journald) == {
        "MESSAGE": "capture missed",
        "PRIORITY": "4",
        "LOGGER": "edge_daemon.test",
        "SYSLOG_IDENTIFIER": "edge-daemon",
        "SYSLOG_PID": str(os.getpid()),
        "SLOT": "3",
        "REASON": "two\nlines",
        "MESSAGE_ID": EVENTS["capture missed"],
    }


def test_a_message_of_any_length_gets_through(journald, tmp_path):
    our_logger(tmp_path / "socket").error("worker failed\nTraceback%s", "x" * 10**6)
    message = received(journald)["MESSAGE"]
    assert message.startswith("worker failed\nTraceback")
    assert len(message) == 48 * 1024


def test_a_journald_that_starts_anew_is_found_again(tmp_path):
    path, logger = tmp_path / "socket", our_logger(tmp_path / "socket")
    logger.info("nobody hears this, and nothing breaks")
    for number in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(str(path))
            sock.settimeout(5)
            logger.info("lesson started", extra={"slot": number})
            assert received(sock)["SLOT"] == str(number)
        path.unlink()


def test_without_a_real_stderr_the_log_does_not_go_to_the_journal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert journal.under_systemd() is False
