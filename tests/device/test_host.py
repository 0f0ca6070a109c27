"""Reading a board's own files, with trees as a Raspberry Pi and a Jetson have them, and on this computer."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge_daemon.device import host
from tests.device.fake_sys import pi4, tree


def test_a_pi_4(tmp_path):
    found = host.read_host(tmp_path / "state", pi4(tmp_path, throttled="50005"))
    assert found.memory == host.Memory(3884436 * 1024, 3000000 * 1024, 524284 * 1024, 524284 * 1024)
    assert found.temperature_c == 51.121
    assert found.throttled == 0x50005
    assert found.last_backup is None
    assert found.disk_size_bytes > found.disk_free_bytes > 0


def test_a_pi_5_has_its_firmware_elsewhere(tmp_path):
    name = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
    assert host.throttled(tree(tmp_path, {name: "e0000\n"})) == 0xE0000


@pytest.mark.parametrize(("alarm", "bits"), [("1", 0x10000), ("0", 0)])
def test_without_the_firmware_file_the_voltage_sensor_is_asked(tmp_path, alarm, bits):
    files = {"sys/class/hwmon/hwmon0/name": "cpu\n", "sys/class/hwmon/hwmon1/name": "rpi_volt\n"}
    assert host.throttled(tree(tmp_path, {**files, "sys/class/hwmon/hwmon1/in0_lcrit_alarm": alarm})) == bits


def test_a_jetson_has_many_temperature_sensors_of_which_some_are_off(tmp_path):
    zones = {f"sys/class/thermal/thermal_zone{i}/temp": t for i, t in enumerate(("47500", "-256000", "52031", "", "x"))}
    assert host.temperature_c(tree(tmp_path, zones)) == 52.031
    assert host.throttled(tmp_path) is None


def test_a_computer_without_sensors_has_no_values(tmp_path):
    found = host.read_host(tmp_path, tmp_path)
    assert (found.memory, found.temperature_c, found.throttled) == (None, None, None)


@pytest.mark.parametrize("text", ["", "throttled", "0x", "Remote I/O error"])
def test_bits_that_are_none(tmp_path, text):
    assert host.throttled(tree(tmp_path, {"sys/devices/platform/soc/soc:firmware/get_throttled": text})) is None


def test_a_sensor_that_fails_is_passed_over(tmp_path):
    pi4(tmp_path)
    (tmp_path / "sys/class/thermal/thermal_zone1/temp").mkdir(parents=True)  # reading it is an OSError
    assert host.temperature_c(tmp_path) == 51.121


def test_this_computer_has_memory():
    found = host.memory()
    assert 0 < found.available <= found.size


def test_the_tightest_control_group_counts(tmp_path):
    group = "sys/fs/cgroup/system.slice"
    files = {
        "proc/7/cgroup": "0::/system.slice/edge-daemon.service\n",
        f"{group}/memory.current": "900",
        f"{group}/memory.max": "1000",
        f"{group}/edge-daemon.service/memory.current": "300",
        f"{group}/edge-daemon.service/memory.max": "max",
    }
    assert host.memory_limit(7, tree(tmp_path, files)) == (900, 1000)
    tree(tmp_path, {f"{group}/edge-daemon.service/memory.max": "350\n"})
    assert host.memory_limit(7, tmp_path) == (300, 350)


@pytest.mark.parametrize("cgroup", ["", "5:memory:/x\n", "0::/\n", "0::/../../x\n"])
def test_without_a_control_group_there_is_no_limit(tmp_path, cgroup):
    assert host.memory_limit(7, tree(tmp_path, {"proc/7/cgroup": cgroup})) is None


def test_the_newest_backup_counts(tmp_path):
    for day in (1, 3, 2):
        file = tree(tmp_path, {f"{day}/register.sqlite": "x"}) / f"{day}/register.sqlite"
        at = datetime(2026, 9, day, tzinfo=timezone.utc).timestamp()
        os.utime(file, (at, at))
    assert host.last_backup(tmp_path) == datetime(2026, 9, 3, tzinfo=timezone.utc)
    assert host.last_backup(Path("/nowhere")) is None
