"""The watchdog is fed through a real socket, and a turn of the loop is short enough for it."""

from __future__ import annotations

import socket

import pytest

from edge_daemon.app.service import watchdog


def test_the_watchdog_is_fed_with_and_without_a_new_status(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        watchdog.feed()
        watchdog.feed("next lesson 7b at 08:00:00")
        assert [manager.recv(4096) for _ in range(2)] == [
            b"WATCHDOG=1",
            b"WATCHDOG=1\nSTATUS=next lesson 7b at 08:00:00",
        ]


@pytest.mark.parametrize(("usec", "expected_s"), [("", 25.0), ("60000000", 25.0), ("20000000", 10.0)])
def test_a_turn_lasts_half_of_what_the_watchdog_waits_at_most(monkeypatch, usec, expected_s):
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    assert watchdog.turn_within(25.0) == expected_s
