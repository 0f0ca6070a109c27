from __future__ import annotations

import io
import logging
import subprocess
import sys

import pytest

from edge_daemon.device import journal


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
    assert text.splitlines() == ["<3>failed slot=1", "<3>ValueError: x"]


def logged(stderr_is_journal: bool, **environment: str) -> list[str]:
    code = """
import logging, os, sys
if os.environ.pop("AS_JOURNAL") == "1":
    stat = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{stat.st_dev}:{stat.st_ino}"
sys.modules["systemd"] = None  # python3-systemd may or may not be installed
from edge_daemon.device import journal
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
    assert handler.seen == [{"LESSON_ID": "abc"}]


def test_without_a_real_stderr_it_is_not_the_journal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert journal.under_systemd() is False
