"""Workers that fail, hang or are silent: real processes that run one line of Python."""

from __future__ import annotations

import contextlib
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_daemon.app.service import worker_process
from edge_daemon.app.service.worker_pool import FIRST_PAUSE_S, LONGEST_PAUSE_S, WorkerPool
from edge_daemon.home import Home

HEAD = """
import json, os, signal, sys, time
fd = int(sys.argv[sys.argv.index("--report") + 1])
def say(kind, **more): os.write(fd, json.dumps({"kind": kind, **more}).encode() + b"\\n")
"""


class Watched:
    """A worker pool whose workers run a line of Python."""

    def __init__(self, home: Home, code: str) -> None:
        self.heard: list[tuple[str, str]] = []
        self.staff = WorkerPool(
            home,
            (sys.executable, "-c", HEAD + code),
            lambda worker, report: self.heard.append((report.kind, report.text)),
        )

    def until(self, true: Callable[[], bool], now_s: float = 0.0) -> None:
        ends = time.monotonic() + 120
        while not true():
            assert time.monotonic() < ends, self.heard
            self.staff.hear(now_s)
            time.sleep(0.01)


@pytest.fixture
def watched(tmp_path):
    pools = []

    def make(code: str) -> Watched:
        pools.append(Watched(Home(tmp_path), code))
        return pools[-1]

    yield make
    for one in pools:
        one.staff.end(0.0)


def test_reports_of_a_worker_arrive_and_it_leaves_no_open_files(watched):
    one = watched("say('taken', slot=3); say('done')")
    assert one.staff.start("lesson", "a", 0.0)
    assert one.staff.start("lesson", "a", 0.0) is None, "one worker a lesson"
    one.until(lambda: not one.staff.at("lesson", "a"))
    assert one.heard == [("taken", ""), ("done", "")]
    assert one.staff.fds == []
    assert one.staff.trouble("lesson", "a") is None


def test_a_worker_that_fails_is_started_again_later_and_later(watched):
    one = watched("say('failed', text='the gallery is locked'); sys.exit(2)")
    now_s, pauses_s = 0.0, []
    for _ in range(9):
        assert one.staff.start("lesson", "a", now_s)
        one.until(lambda: not one.staff.at("lesson", "a"), now_s)
        trouble = one.staff.trouble("lesson", "a")
        assert trouble.reason == "the gallery is locked"
        assert one.staff.start("lesson", "a", trouble.again_at_s - 0.1) is None
        pauses_s.append(trouble.again_at_s - now_s)
        now_s = trouble.again_at_s
    assert pauses_s[0] == FIRST_PAUSE_S
    assert pauses_s == sorted(pauses_s)
    assert pauses_s[-1] == LONGEST_PAUSE_S


def test_a_killed_worker_is_reported_with_its_signal_and_progress_resets_its_failures(watched):
    one = watched("say('taken', slot=1); os.kill(os.getpid(), signal.SIGKILL)")
    for _ in range(3):
        now_s = trouble.again_at_s if (trouble := one.staff.trouble("lesson", "a")) else 0.0
        one.staff.start("lesson", "a", now_s)
        one.until(lambda: not one.staff.at("lesson", "a"), now_s)
    trouble = one.staff.trouble("lesson", "a")
    assert trouble.reason == "its process was killed by signal 9"
    assert trouble.failures == 1, "each took a picture before"
    assert one.staff.restarts == 3


def test_a_worker_that_is_silent_is_ended(watched, monkeypatch):
    monkeypatch.setattr(worker_process, "STALL_S", 0.3)
    one = watched("time.sleep(600)")
    one.staff.start("untimed", "", 0.0)
    one.until(lambda: not one.staff.at("untimed"))
    assert one.staff.trouble("untimed").failures == 1


def test_a_worker_that_hangs_up_and_lives_on_is_ended(watched):
    one = watched("os.close(fd); time.sleep(600)")
    one.staff.start("settle", "", 0.0)
    one.until(lambda: not one.staff.at("settle"))


def test_one_worker_at_a_time_has_the_camera(watched):
    one = watched("say('waiting'); sys.stdin.read(); say('closing'); time.sleep(600)")
    one.staff.start("lesson", "a", 0.0)
    assert one.staff.start("lesson", "b", 0.0) is None
    worker = one.staff.at("lesson", "a")
    worker._process.stdin.close()
    worker._process.stdin = None
    one.until(lambda: worker.camera_free)
    assert one.staff.start("lesson", "b", 0.0), "the first one only makes its register"


def test_all_are_ended_within_the_time_together(watched):
    one = watched("signal.signal(signal.SIGTERM, signal.SIG_IGN); say('closing'); time.sleep(600)")
    for name in ("a", "b", "c"):
        one.staff.start("lesson", name, 0.0)
        one.until(lambda: one.staff.at("lesson", name).camera_free)  # noqa: B023 - called at once
    begun = time.monotonic()
    one.staff.stop()
    one.staff.end(8.0)
    assert time.monotonic() - begun < 16, "one after the other they would take 24 s"
    assert one.staff.at("lesson", "a") is None


def test_a_worker_that_is_stopped_is_no_trouble(watched):
    one = watched("say('waiting'); sys.exit(75)")
    one.staff.start("untimed", "", 0.0)
    one.until(lambda: not one.staff.at("untimed"))
    assert one.staff.trouble("untimed") is None
    assert one.staff.restarts == 0


def test_a_worker_that_reported_while_the_pool_did_not_read_is_not_silent(watched):
    one = watched("say('waiting'); sys.stdin.readline(); say('waiting'); sys.stdin.read()")
    one.staff.start("lesson", "a", 0.0)
    one.until(lambda: one.heard == [("waiting", "")])
    worker = one.staff.at("lesson", "a")
    worker._process.stdin.write(b"go on\n")
    worker._process.stdin.flush()
    assert select.select(one.staff.fds, [], [], 60)[0], "it never spoke again"
    worker._heard_s -= worker_process.STALL_S + 1  # the service itself stood still
    assert worker.stalled
    one.staff.hear(0.0)
    assert one.staff.at("lesson", "a") is worker
    assert len(one.heard) == 2


def test_the_next_try_of_a_task_that_failed_is_known(watched):
    one = watched("say('failed', text='no key'); sys.exit(2)")
    assert one.staff.pause_s(100.0) == float("inf")
    one.staff.start("lesson", "a", 100.0)
    assert not one.staff.idle
    one.until(lambda: one.staff.idle, 100.0)
    assert one.staff.troubled_lessons() == ["a"]
    assert one.staff.pause_s(102.0) == FIRST_PAUSE_S - 2.0
    assert one.staff.pause_s(100.0 + FIRST_PAUSE_S) == float("inf"), "it may be tried: nothing to wait for"


def test_a_worker_that_can_not_be_started_is_tried_again_and_leaves_no_descriptor(tmp_path):
    staff = WorkerPool(Home(tmp_path), (str(tmp_path / "nowhere"),), lambda worker, report: None)
    before = _pipes()
    assert staff.start("lesson", "a", 0.0) is None
    assert staff.trouble("lesson", "a").reason == "its process can't be started: No such file or directory"
    assert staff.start("lesson", "a", FIRST_PAUSE_S - 0.1) is None
    assert staff.trouble("lesson", "a").failures == 1
    assert _pipes() <= before  # fewer: those of earlier tests are collected at any time


def _pipes():
    names = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            names.append(path.readlink().name)
    return {name for name in names if name.startswith("pipe:")}
