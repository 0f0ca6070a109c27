"""What systemd itself says of the units."""

from __future__ import annotations

import pytest

from tests.systemd.units import DROP_INS, FOLDER, SERVICES, TIMERS, laid_out, run

EXPOSURE = {"edge-daemon-sync.service": 13, "edge-daemon-firstboot.service": 28, "edge-daemon-accounts.service": 20}
"""Tenths, systemd-analyze(1) security; all others:"""
EXPOSURE_WITHOUT_NETWORK = 12
NAMES = ("edge-daemon", "edge-daemon-sync")


@pytest.mark.parametrize("unit", [*SERVICES, *TIMERS])
def test_systemd_understands_every_line(tmp_path, unit):
    result = run("systemd-analyze", "verify", "--recursive-errors=no", f"./{unit}", cwd=laid_out(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("drop_in", DROP_INS)
def test_systemd_understands_every_line_of_a_drop_in(tmp_path, drop_in):
    folder = laid_out(tmp_path, drop_in)
    result = run("systemd-analyze", "verify", "--recursive-errors=no", "./edge-daemon.service", cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("wrong", ["NoSuchSetting=yes", "ProtectSystem=very", "ExecStart=/no/such/program"])
def test_the_check_of_lines_finds_a_mistake(tmp_path, wrong):
    unit = laid_out(tmp_path) / "edge-daemon-backup.service"
    unit.write_text(unit.read_text().replace("ExecStart=", f"{wrong}\nExecStart=", 1))
    result = run("systemd-analyze", "verify", "--recursive-errors=no", f"./{unit.name}", cwd=tmp_path)
    assert result.returncode != 0 or result.stderr


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_exposed_no_more_than_it_has_to_be(unit):
    assert exposed(FOLDER / unit, EXPOSURE.get(unit, EXPOSURE_WITHOUT_NETWORK)) == 0


@pytest.mark.parametrize("drop_in", DROP_INS)
def test_a_drop_in_leaves_the_service_within_its_limit(tmp_path, drop_in):
    assert exposed(laid_out(tmp_path, drop_in) / "edge-daemon.service", EXPOSURE_WITHOUT_NETWORK) == 0


def test_the_check_of_exposure_finds_an_opened_door(tmp_path):
    unit = laid_out(tmp_path) / "edge-daemon.service"
    unit.write_text(unit.read_text().replace("PrivateNetwork=yes", "").replace("CapabilityBoundingSet=", "# "))
    assert exposed(unit, EXPOSURE_WITHOUT_NETWORK) != 0


def exposed(unit, tenths):
    """Return 0 if a unit's exposure is at most a number of tenths."""
    result = run(
        "systemd-analyze", "security", "--offline=true", f"--threshold={tenths}", f"./{unit.name}", cwd=unit.parent
    )
    assert "Overall exposure level" in result.stdout, result.stderr
    return result.returncode


def test_the_user_and_the_folders_come_from_the_two_lists(tmp_path):
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    completed = run("systemd-sysusers", f"--root={root}", str(FOLDER / "edge-daemon.sysusers.conf"))
    assert completed.returncode == 0, completed.stderr
    for line, name in zip((root / "etc/passwd").read_text().splitlines(), NAMES, strict=True):
        entry = line.split(":")
        assert entry[0] == name
        assert int(entry[2]) < 1000, "a user of the system"
        assert entry[5] == f"/var/lib/{name}"
        assert "nologin" in entry[6]


def test_every_user_finds_the_command_after_an_update_that_brought_it(tmp_path):
    """`edge-daemon-accounts.service` goes by this list at each start of the service."""
    root = tmp_path / "root"
    for folder in ("etc", "usr/local/bin", "var/lib"):
        (root / folder).mkdir(parents=True)
    run("systemd-sysusers", f"--root={root}", str(FOLDER / "edge-daemon.sysusers.conf"))
    for _ in range(2):
        completed = run("systemd-tmpfiles", f"--root={root}", "--create", str(FOLDER / "edge-daemon.tmpfiles.conf"))
        assert completed.returncode == 0, completed.stderr
    assert str((root / "usr/local/bin/attendance").readlink()) == "../sbin/attendance"
