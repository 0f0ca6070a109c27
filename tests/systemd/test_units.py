"""What the units promise each other and the program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from edge_daemon.cli import cli
from edge_daemon.device.secrets import DELIVERY_CREDENTIALS, DEVICE_KEY_CREDENTIAL
from edge_daemon.home import Home
from tests.systemd.units import DROP_INS, FOLDER, PROGRAM, SERVICES, TIMERS, settings, values, words

NEWER_THAN_249 = {
    "DefaultStartLimitIntervalSec", "DelegateSubgroup", "ExtensionDirectories", "ImportCredential",
    "LoadCredentialEncrypted", "LogFilterPatterns", "MemoryZSwapMax", "OpenFile", "PrivatePIDs", "RestartMaxDelaySec",
    "RestartMode", "RestartSteps", "RestrictFileSystems", "RestrictNetworkInterfaces", "SetCredentialEncrypted",
    "StartupAllowedCPUs", "StartupMemoryHigh", "StateDirectoryQuota", "SurviveFinalKillSignal", "UpheldBy", "Upholds",
}  # fmt: skip
"""JetPack 6 has systemd 249 (its NEWS file says what came when)."""


ACCOUNTS = "edge-daemon-accounts.service"
"""Starts tools of systemd, as root."""


def command_of(unit):
    line = values(unit, "ExecStart")[0]
    assert line.startswith(f"{PROGRAM} "), line
    return line.removeprefix(PROGRAM).split()


@pytest.mark.parametrize("unit", [unit for unit in SERVICES if unit != ACCOUNTS])
def test_every_unit_starts_a_command_that_the_program_knows(unit):
    arguments = command_of(unit)
    command, context = cli, click.Context(cli)
    while isinstance(command, click.Group) and arguments:
        command = command.get_command(context, arguments.pop(0))
        assert command is not None, values(unit, "ExecStart")
    command.make_context(unit, arguments)  # raises a UsageError for what it does not know


FIRST_BOOT = "edge-daemon-firstboot.service"
"""Runs as root before there is a device, and sees no faces; its unit says why."""


@pytest.mark.parametrize("unit", [unit for unit in SERVICES if unit not in ("edge-daemon-sync.service", FIRST_BOOT)])
def test_units_that_see_faces_have_no_network(unit):
    assert values(unit, "PrivateNetwork") == ["yes"]
    assert not words(unit, "RestrictAddressFamilies") & {"AF_INET", "AF_INET6", "AF_PACKET"}


def test_units_with_the_network_have_neither_gallery_nor_key_nor_camera():
    unit = "edge-daemon-sync.service"
    hidden = {word.lstrip("-") for word in words(unit, "InaccessiblePaths")}
    state = "/var/lib/edge-daemon"
    folders = {str(Home().gallery_db_path.parent), f"{state}/backups", f"{state}/damaged"}
    assert folders | {"/etc/credstore"} <= hidden
    created_folders = {
        line.split()[1]
        for line in (FOLDER / "edge-daemon.tmpfiles.conf").read_text().splitlines()
        if line.startswith("d ")
    }
    assert folders <= created_folders  # what is not there when the unit starts can't be hidden
    assert values(unit, "PrivateDevices") == ["yes"]
    assert values(unit, "SupplementaryGroups") == []
    assert not any(DEVICE_KEY_CREDENTIAL in value for value in values(unit, "LoadCredential"))


def test_only_the_service_is_given_the_key_under_the_name_that_the_program_asks_for():
    given = {unit: values(unit, "LoadCredential") for unit in SERVICES}
    name, _, path = given.pop("edge-daemon.service")[0].partition(":")
    assert name == DEVICE_KEY_CREDENTIAL
    assert path.startswith("/"), "systemd 249 does not look names up in the store of credentials"
    assert all(not any(DEVICE_KEY_CREDENTIAL in v for v in value) for value in given.values())


def test_only_the_service_has_the_runtime_folder_which_goes_with_its_unit():
    assert [unit for unit in SERVICES if values(unit, "RuntimeDirectory")] == ["edge-daemon.service"]


def test_the_first_boot_reaches_no_network_and_ends_before_the_service_begins():
    assert words(FIRST_BOOT, "RestrictAddressFamilies") == {"AF_UNIX", "AF_NETLINK"}
    assert values(FIRST_BOOT, "IPAddressDeny") == ["any"]
    assert "edge-daemon.service" in words(FIRST_BOOT, "Before")
    assert {value.rpartition("/")[2] for value in values(FIRST_BOOT, "ConditionPathExists")} == {
        "card.json",
        "card-taken",
    }


SYNC = "edge-daemon-sync.service"


@pytest.mark.parametrize("unit", [unit for unit in SERVICES if unit not in (FIRST_BOOT, ACCOUNTS, SYNC)])
def test_every_unit_runs_as_the_fixed_user_and_leaves_no_core(unit):
    assert values(unit, "User") == ["edge-daemon"]
    assert values(unit, "StateDirectory") == ["edge-daemon"]
    assert values(unit, "StateDirectoryMode") == ["0710"]
    assert values(unit, "UMask") == ["0077"]
    assert values(unit, "LimitCORE") == ["0"]


def test_units_with_the_network_run_as_another_user_who_only_reads_the_registers():
    assert (values(SYNC, "User"), values(SYNC, "Group")) == (["edge-daemon-sync"], ["edge-daemon"])
    assert values(SYNC, "StateDirectory") == [Home().delivery_dir.name]
    assert values(SYNC, "ProtectSystem") == ["strict"]
    assert values(SYNC, "ReadWritePaths") == []
    lines = [line.split() for line in (FOLDER / "edge-daemon.tmpfiles.conf").read_text().splitlines()]
    folders = {line[1]: (line[2], line[3], line[4]) for line in lines if line[:1] == ["d"]}
    state = str(Home().state_dir)
    assert folders[state] == ("0710", "edge-daemon", "edge-daemon"), "passed through, not listed, not written"
    assert folders[str(Home().delivery_dir)] == ("0750", "edge-daemon-sync", "edge-daemon")
    assert {mode for path, (mode, _, _) in folders.items() if path.startswith(f"{state}/")} == {"0700"}


def test_the_users_are_made_before_what_needs_them_starts_also_after_an_update_without_a_boot():
    for unit in ("edge-daemon.service", SYNC):
        assert ACCOUNTS in words(unit, "Wants")
        assert ACCOUNTS in words(unit, "After")
    assert not values(ACCOUNTS, "RemainAfterExit"), "each start looks again"
    files = [line.split()[-1] for line in values(ACCOUNTS, "ExecStart")]
    names = ("edge-daemon.sysusers.conf", "edge-daemon.tmpfiles.conf", "edge-daemon-plain-key")
    assert files == [f"/opt/edge-daemon/current/systemd/{name}" for name in names]
    assert all((FOLDER / name).exists() for name in names)


@pytest.mark.parametrize("unit", SERVICES)
def test_every_process_starts_in_the_root(unit):
    assert values(unit, "WorkingDirectory") in (["/"], [])


@pytest.mark.parametrize("unit", ["edge-daemon.service", SYNC, FIRST_BOOT])
def test_units_with_keys_or_faces_may_lock_their_memory_and_have_no_swap(unit):
    assert values(unit, "LimitMEMLOCK") == ["infinity"]
    assert values(unit, "MemorySwapMax") == ["0"]


def test_the_rest_after_a_failure_is_longer_than_the_start_limit_counts():
    (limit,) = values("edge-daemon.service", "StartLimitIntervalSec")
    (rest,) = values("edge-daemon-again.timer", "OnUnitInactiveSec")
    assert int(rest.removesuffix("min")) > int(limit.removesuffix("min"))
    assert "edge-daemon-again.timer" in words("edge-daemon.service", "Wants")
    assert values("edge-daemon-again.timer", "PartOf") == ["edge-daemon.service"]


@pytest.mark.parametrize("unit", [unit for unit in TIMERS if unit != "edge-daemon-again.timer"])
def test_a_timer_makes_up_for_the_time_without_power_and_not_in_all_rooms_at_once(unit):
    assert values(unit, "Persistent") == ["true"]
    assert values(unit, "RandomizedDelaySec")
    assert unit.replace(".timer", ".service") in SERVICES


@pytest.mark.parametrize("unit", [*SERVICES, *TIMERS, *(f"drop-ins/{name}" for name in DROP_INS)])
def test_no_line_needs_a_newer_systemd_than_a_jetson_has(unit):
    assert not {key for _, key, _ in settings(FOLDER / unit)} & NEWER_THAN_249


def test_a_room_without_token_or_password_still_delivers_what_it_can():
    """A credential that can't be loaded keeps a unit from starting, unless a word stands in for it."""
    unit = "edge-daemon-sync.service"
    loaded = {value.partition(":")[0] for value in values(unit, "LoadCredential")}
    assert loaded == {*DELIVERY_CREDENTIALS, "contact-key"}
    assert set(values(unit, "SetCredential")) == {f"{name}:none" for name in loaded}


DISPATCHER = FOLDER / "90-edge-daemon-sync"


@pytest.fixture
def dispatched(tmp_path):
    """Run the script of NetworkManager with a systemctl that only takes notes; return what it was asked for."""
    notes = tmp_path / "notes"
    fake = tmp_path / "systemctl"
    fake.write_text(f'#!/bin/sh\necho "$*" >>{notes}\n[ "$ENABLED" = yes ] || [ "$2" != is-enabled ]\n')
    fake.chmod(0o755)

    def run(*arguments, enabled="yes", **more):
        notes.write_text("")
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "ENABLED": enabled, **more}
        completed = subprocess.run(
            ["/bin/sh", DISPATCHER, *arguments], env=env, capture_output=True, text=True, check=False
        )
        assert (completed.returncode, completed.stderr) == (0, "")
        return [line for line in notes.read_text().splitlines() if line.startswith("start")]

    return run


@pytest.mark.parametrize("event", ["up", "vpn-up", "connectivity-change", "dhcp4-change"])
def test_a_link_that_comes_up_starts_a_sync_in_the_background(dispatched, event):
    assert dispatched("wlan0", event) == ["start --no-block edge-daemon-sync.service"]


def test_events_that_bring_no_network_start_nothing(dispatched):
    assert dispatched("wlan0", "down") == []
    assert dispatched("lo", "up") == []
    assert dispatched("wlan0", "connectivity-change", CONNECTIVITY_STATE="PORTAL") == []
    assert dispatched() == []


def test_a_link_starts_no_sync_where_the_timer_is_switched_off(dispatched):
    assert dispatched("wlan0", "up", enabled="no") == []


def test_networkmanager_takes_the_script():
    """Executable, or it is passed over (NetworkManager-dispatcher(8)); the installer makes it root's, mode 755."""
    assert DISPATCHER.stat().st_mode & 0o111 == 0o111
    tool = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if tool is None:
        pytest.skip("needs shellcheck")
    completed = subprocess.run([tool, "-s", "sh", DISPATCHER], capture_output=True, text=True, check=False)
    assert completed.stdout == ""
