"""A check never raises and never hangs."""

from __future__ import annotations

import threading
import time

import pytest

from edge_daemon.device.check import Check, checked
from edge_daemon.errors import StoreError


def raising(error: BaseException):
    def look() -> Check:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "found", "advice"),
    [
        (StoreError("is locked", "x.sqlite", "wait"), "x.sqlite: is locked", "wait"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied", "check owner, mode and disk"),
        (TimeoutError(), "TimeoutError", "check owner, mode and disk"),
        (ValueError("Maria"), "internal error, ValueError", "report it with EDGE_DAEMON_DEBUG=1"),
    ],
)
def test_an_error_in_a_check_is_its_finding(error, found, advice, capsys):
    assert checked("x", raising(error)) == Check("x", "bad", found, advice)
    assert capsys.readouterr().err == ""


def test_a_check_that_hangs_is_left_behind():
    never = threading.Event()
    begun = time.monotonic()
    found = checked("camera", lambda: never.wait(60) and Check("camera", "good", ""), limit_s=0.05)
    assert time.monotonic() - begun < 40
    assert (found.name, found.state) == ("camera", "bad")
    assert "no answer within 0.05 s" in found.found
    never.set()
