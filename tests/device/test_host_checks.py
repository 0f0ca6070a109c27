"""The findings about a computer, with synthetic computers."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.device import host as boxes
from edge_daemon.device import host_checks
from tests.device.fake_sys import pi4

MB = 2**20
NOW = datetime(2026, 9, 1, 8, tzinfo=timezone.utc)


def a_box(**changes) -> boxes.Host:
    values = {
        "disk_size_bytes": 32000 * MB,
        "disk_free_bytes": 9000 * MB,
        "memory": boxes.Memory(4000 * MB, 3000 * MB, 500 * MB, 400 * MB),
        "temperature_c": 50.0,
        "throttled": 0,
        "last_backup": NOW,
    }
    return boxes.Host(**{**values, **changes})


@pytest.mark.parametrize(("free_mb", "state"), [(9000, "good"), (499, "warning"), (63, "bad")])
def test_the_disk(tmp_path, free_mb, state):
    assert host_checks.disk(tmp_path, a_box(disk_free_bytes=free_mb * MB), stop_bytes=64 * MB).state == state


def test_a_disk_that_went_read_only(tmp_path, monkeypatch):
    given = os.statvfs(tmp_path)
    read_only = os.statvfs_result((*given[:8], given.f_flag | os.ST_RDONLY, *given[9:]))
    monkeypatch.setattr(os, "statvfs", lambda path: read_only)
    found = host_checks.disk(tmp_path / "not" / "there", a_box())
    assert found.state == "bad"
    assert found.found.endswith("is on a read-only disk")
    assert "SD card" in found.advice


@pytest.mark.parametrize(
    ("available_mb", "limit", "state"),
    [(3000, None, "good"), (3000, (100, 400), "good"), (3000, (390, 400), "warning"), (299, None, "warning")],
)
def test_the_memory(available_mb, limit, state):
    box = a_box(memory=boxes.Memory(4000 * MB, available_mb * MB, 500 * MB, 400 * MB))
    found = host_checks.memory(box, limit and (limit[0] * MB, limit[1] * MB))
    assert found.state == state
    assert f"{available_mb} of 4000 MB available, 100 MB in swap" in found.found


@pytest.mark.parametrize(("celsius", "state"), [(50, "good"), (76, "warning"), (86, "bad"), (None, "not checked")])
def test_the_temperature(celsius, state):
    assert host_checks.temperature(a_box(temperature_c=celsius)).state == state


@pytest.mark.parametrize(
    ("bits", "state", "words"),
    [
        ("0", "good", "no under-voltage"),
        ("1", "bad", "too weak now"),
        ("50000", "warning", "too weak since the start, the processor was slowed down since the start"),
        ("50005", "bad", "too weak now, the power supply was too weak since"),
        ("20000", "warning", "was capped since"),
        ("2", "warning", "is capped now"),
        ("80008", "warning", "is hot and slowed down now, the processor was hot"),
    ],
)
def test_the_bits_of_a_pi_in_plain_words(tmp_path, bits, state, words):
    found = host_checks.power(boxes.read_host(tmp_path, pi4(tmp_path, throttled=bits)))
    assert found.state == state
    assert words in found.found
    assert bool(found.advice) == (state != "good")
    assert ("power supply" in found.advice) == ("too weak" in found.found)


def test_other_computers_have_no_check_of_their_power():
    assert host_checks.power(a_box(throttled=None)).state == "not checked"


@pytest.mark.parametrize(
    ("state", "now", "trusted", "expected"),
    [
        ("synchronised", NOW, False, "good"),
        ("rtc", NOW, False, "good"),
        ("unsynchronised", NOW, True, "good"),
        ("unsynchronised", NOW, False, "warning"),
        ("synchronised", datetime(1970, 1, 1, tzinfo=timezone.utc), True, "bad"),
    ],
)
def test_the_clock(state, now, trusted, expected):
    found = host_checks.clock(state, now, trusted=trusted)
    assert found.state == expected
    assert ("RTC" in found.advice) == (expected != "good")


@pytest.mark.parametrize(
    ("last", "first_record", "state"),
    [
        (NOW, NOW - timedelta(days=30), "good"),
        (NOW - timedelta(days=4), NOW - timedelta(days=30), "warning"),
        (None, NOW - timedelta(days=30), "warning"),
        (None, NOW - timedelta(hours=28), "warning"),
        (None, NOW - timedelta(hours=20), "not checked"),
        (None, None, "not checked"),
    ],
)
def test_the_backup(last, first_record, state):
    assert host_checks.backup(a_box(last_backup=last), NOW, first_record).state == state


@pytest.mark.parametrize(("mode", "state"), [(0o700, "good"), (0o750, "bad"), (0o705, "bad")])
def test_the_folder_of_the_state_is_its_owners(tmp_path, mode, state):
    tmp_path.chmod(mode)
    found = host_checks.folder(tmp_path, expected=True)
    assert found.state == state
    assert (f"chmod 700 {tmp_path}" in found.advice) == (state == "bad")


@pytest.mark.parametrize(("expected", "state"), [(True, "bad"), (False, "good")])
def test_a_folder_that_is_not_there(tmp_path, expected, state):
    assert host_checks.folder(tmp_path / "x", expected=expected).state == state


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_database_of_another_user_is_named(tmp_path):
    tmp_path.chmod(0o700)
    (tmp_path / "register.sqlite").touch()
    os.chown(tmp_path / "register.sqlite", 12345, 12345)
    found = host_checks.folder(tmp_path, expected=True)
    assert found.state == "bad"
    assert "register.sqlite belongs to another user" in found.found
