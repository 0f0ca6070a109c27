"""Releases installed and rolled back, with real environments and pip, on a device in a folder."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_daemon.app.update.releases import Releases, is_older
from edge_daemon.app.update.service_control import ServiceControl
from edge_daemon.app.update.updater import Updater
from edge_daemon.errors import UpdateError, UpdateFailedError
from edge_daemon.home import Home
from tests.app.update.bundles import Device, bundle

SYSTEMCTL = """#!/bin/sh
# Says yes, unless the release in effect is one that does not come up, or does not stay.
release=$(basename "$(readlink "$EDGE_DAEMON_ROOT/opt/edge-daemon/current")")
echo "$release: $*" >>"$EDGE_DAEMON_ROOT/log"
if [ "$1" = restart ] && [ "$2" != --no-block ] && [ "$release" = "$DEAD" ]; then echo "never ready" >&2; exit 1; fi
case "$*" in
    *MainPID*) if [ "$release" = "$FLAPS" ]; then date +%N; else echo 17; fi ;;
    *ActiveState*) echo active ;;
esac
"""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    key = Ed25519PrivateKey.generate()
    return key, {
        "2.0": bundle(folder, key, "2.0", units=("edge-daemon-new.timer",)),
        "3.0": bundle(folder, key, "3.0"),
        "broken": bundle(folder, key, "4.0", broken="the models compute wrongly"),
        "other": bundle(folder, key, "5.0", machine="riscv64"),
    }


@pytest.fixture
def device(tmp_path, bundles) -> Device:
    return _device(tmp_path, bundles)


@pytest.fixture
def updater(device, tmp_path) -> Updater:
    return _updater(device, tmp_path)


@pytest.fixture(scope="module")
def updated_device(tmp_path_factory, bundles) -> Device:
    """A device with release 2.0 installed, to copy.

    It has systemd during the update. A person disabled the service's unit before, and another process holds the lock
    that older versions used, in a folder that every user may write.
    """
    folder = tmp_path_factory.mktemp("taken")
    device = _device(folder, bundles)
    _service(device).unlink()
    path = device.root / "run/lock/edge-daemon-install"
    path.parent.mkdir(parents=True)
    with path.open("a") as file, pytest.MonkeyPatch.context() as patch:
        _with_systemd(device, folder, patch)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert _updater(device, folder).take(bundles[1]["2.0"]) == "2.0"
    (device.root / "run/systemd/system").rmdir()  # a copy has none, and no test may call that of this computer
    return device


def _device(folder: Path, bundles) -> Device:
    device = Device(folder)
    public = bundles[0].public_key().public_bytes_raw().hex()
    (device.root / "etc/edge-daemon/release.pub").write_text(public)
    return device


def _updater(device: Device, folder: Path) -> Updater:
    return Updater(Releases(device.root), ServiceControl(device.root, 10.0, 0.2), Home(folder / "home"))


@pytest.fixture
def systemd(device, tmp_path, monkeypatch):
    """A systemctl that records its calls, on a device with systemd."""
    _with_systemd(device, tmp_path, monkeypatch)
    return monkeypatch


def _with_systemd(device: Device, folder: Path, patch: pytest.MonkeyPatch) -> None:
    (device.root / "run/systemd/system").mkdir(parents=True)
    stub = folder / "bin/systemctl"
    stub.parent.mkdir()
    stub.write_text(SYSTEMCTL)
    stub.chmod(0o755)
    patch.setenv("PATH", f"{stub.parent}:{os.environ['PATH']}")
    patch.setenv("EDGE_DAEMON_ROOT", str(device.root))


def _service(device: Device) -> Path:
    return device.root / "etc/systemd/system/a.target.wants/edge-daemon.service"


def test_a_release_is_taken_with_program_and_units_and_the_one_before_stays(updated_device):
    device = updated_device
    assert (device.says(), device.unit()) == ("2.0", "2.0")
    assert device.releases() == ["1.0", "2.0"]
    assert not device.journal.exists()
    new = device.root / "etc/systemd/system/a.target.wants/edge-daemon-new.timer"
    assert new.is_symlink(), "a unit that came with the release is enabled"
    page = device.root / "usr/local/share/man/man1/edge-daemon.1"
    assert (device.root / str(page.readlink())[1:]).read_text() == "2.0", "man shows the pages of the release in effect"


def test_a_pip_that_is_too_old_is_replaced_by_that_of_the_new_environment(device, updater, bundles, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda _: "22.0.2")
    updater.take(bundles[1]["2.0"])
    assert device.says() == "2.0"


def test_of_three_releases_two_stay_and_back_is_the_one_before(updated_device, bundles, tmp_path):
    device = updated_device.copied(tmp_path)
    updater = _updater(device, tmp_path)
    updater.take(bundles[1]["3.0"])
    assert device.releases() == ["2.0", "3.0"]
    assert updater.go_back() == "2.0"
    assert (device.says(), device.unit(), device.releases()) == ("2.0", "2.0", ["2.0", "3.0"])


def test_a_release_that_is_not_sound_here_is_never_switched_to(device, updater, bundles):
    with pytest.raises(UpdateFailedError, match="does not work here: the models compute wrongly"):
        updater.take(bundles[1]["broken"])
    assert (device.says(), device.unit(), device.releases()) == ("1.0", "1.0", ["1.0"])
    assert not device.journal.exists()


def test_a_release_that_does_not_come_up_is_taken_back_by_itself(device, updater, bundles, systemd):
    systemd.setenv("DEAD", "2.0")
    with pytest.raises(UpdateFailedError, match="never ready"):
        updater.take(bundles[1]["2.0"])
    assert (device.says(), device.unit(), device.releases()) == ("1.0", "1.0", ["1.0"])
    new = device.root / "etc/systemd/system/a.target.wants/edge-daemon-new.timer"
    assert not new.is_symlink(), "its units went with it"
    log = (device.root / "log").read_text().splitlines()
    assert log[-1] == "1.0: restart --no-block edge-daemon.service"


def test_a_release_that_comes_up_and_goes_down_again_is_taken_back(device, updater, bundles, systemd):
    systemd.setenv("FLAPS", "2.0")
    with pytest.raises(UpdateFailedError, match="started and then stopped again"):
        updater.take(bundles[1]["2.0"])
    assert device.says() == "1.0"


def test_a_release_that_comes_up_and_stays_is_kept(updated_device):
    log = (updated_device.root / "log").read_text().splitlines()
    assert log[:3] == [
        "2.0: daemon-reload",
        "2.0: reset-failed edge-daemon.service",
        "2.0: restart edge-daemon.service",
    ]


def test_a_bundle_with_a_bad_signature_changes_nothing(device, updater, tmp_path):
    with pytest.raises(UpdateError, match="signature"):
        updater.take(bundle(tmp_path, Ed25519PrivateKey.generate(), "2.0"))
    assert device.releases() == ["1.0"]


def test_a_bundle_for_another_computer_is_refused(updater, bundles):
    with pytest.raises(UpdateError, match="is for riscv64 with Python"):
        updater.take(bundles[1]["other"])


def test_a_release_that_is_here_is_not_taken_twice(updated_device, bundles, tmp_path):
    with pytest.raises(UpdateError, match="is here already"):
        _updater(updated_device.copied(tmp_path), tmp_path).take(bundles[1]["2.0"])


def test_without_the_maintainers_key_no_release_is_taken(device, updater, bundles):
    (device.root / "etc/edge-daemon/release.pub").unlink()
    with pytest.raises(UpdateError, match="no release can be trusted"):
        updater.take(bundles[1]["2.0"])


def test_where_nothing_is_installed_the_error_says_how_a_bundle_is_verified(tmp_path, bundles):
    nowhere = Updater(Releases(tmp_path), ServiceControl(tmp_path, 1.0, 0.1), Home(tmp_path / "home"))
    with pytest.raises(UpdateError, match=r"no release is installed here.*make_bundle.py --check"):
        nowhere.take(bundles[1]["2.0"])


def test_an_update_is_refused_while_an_installation_runs(device, updater, bundles):
    path = device.root / "run/edge-daemon-install.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UpdateError, match="another installation or update is running"):
            updater.take(bundles[1]["2.0"])


def test_a_lock_in_a_folder_that_every_user_may_write_blocks_no_update(updated_device):
    assert updated_device.says() == "2.0", "such a lock was held"
    assert (updated_device.root / "run/edge-daemon-install.lock").stat().st_mode & 0o777 == 0o600


def test_a_signed_release_that_is_older_is_refused_unless_allowed_and_back_is_no_downgrade(
    updated_device, bundles, tmp_path
):
    device = updated_device.copied(tmp_path)
    updater = _updater(device, tmp_path)
    older = bundle(tmp_path, bundles[0], "1.5")
    with pytest.raises(UpdateError, match=r"release 1\.5 is older than 2\.0, .*--allow-downgrade"):
        updater.take(older)
    assert (device.says(), device.releases()) == ("2.0", ["1.0", "2.0"])
    assert updater.go_back() == "1.0"
    assert updater.go_back() == "2.0"
    assert updater.take(older, allow_downgrade=True) == "1.5"


def test_releases_are_ordered_by_the_numbers_of_their_names():
    names = ["0.9", "0.10.dev3", "0.10rc1", "0.10", "0.10.1", "0.10.1.1", "1.0"]
    assert [(a, b) for a in names for b in names if is_older(a, b)] == [
        (a, b) for i, a in enumerate(names) for b in names[i + 1 :]
    ]


def test_without_a_release_before_there_is_no_way_back(updater):
    with pytest.raises(UpdateError, match="no other release"):
        updater.go_back()


@pytest.mark.parametrize("step", ["preparing", "switching"])
def test_a_boot_after_a_cut_goes_back_whatever_was_switched(device, step):
    release = device.base / "releases/2.0"
    (release / "systemd").mkdir(parents=True)
    if step == "switching":
        (release / "systemd/edge-daemon-new.timer").write_text("[Install]\nWantedBy=a.target\n")
        (release / ".complete").touch()
        device.tool("switch", "2.0")
        device.tool("link")
    device.tool("note", step, "1.0", "2.0")
    device.tool("recover")
    assert (device.says(), device.unit(), device.releases()) == ("1.0", "1.0", ["1.0"])
    assert not device.journal.exists()
    assert not (device.root / "etc/systemd/system/a.target.wants/edge-daemon-new.timer").is_symlink()


def test_a_boot_after_a_cut_keeps_a_release_that_has_proved_itself(device):
    release = device.base / "releases/2.0"
    (release / "systemd").mkdir(parents=True)
    (release / ".complete").touch()
    device.tool("switch", "2.0")
    device.tool("note", "confirmed", "1.0", "2.0")
    device.tool("recover")
    assert (device.base / "current").readlink().name == "2.0"
    assert not device.journal.exists()


def test_a_unit_that_a_person_disabled_stays_disabled(device, updated_device):
    assert _service(device).is_symlink(), "before a person disables it"
    assert not _service(updated_device).is_symlink()


@pytest.mark.parametrize("after_s", [0.2, 0.8, 2.0])
def test_an_update_that_is_killed_is_mended_by_the_next_boot(device, bundles, tmp_path, after_s):
    line = [sys.executable, "-m", "edge_daemon", "--home", str(tmp_path / "home"), "update", str(bundles[1]["2.0"])]
    process = subprocess.Popen(line, env=device.environment(), start_new_session=True, stderr=subprocess.DEVNULL)
    time.sleep(after_s)  # whenever it comes
    os.killpg(process.pid, 9)
    process.wait()
    device.tool("recover")
    assert device.says() == device.unit()
    assert not device.journal.exists()


@pytest.mark.parametrize("arguments", [[], ["--back", "x.edge"], ["/no/such.edge"]])
def test_a_wrong_call_is_refused(arguments, tmp_path):
    line = [sys.executable, "-m", "edge_daemon", "--home", str(tmp_path), "update", *arguments]
    assert subprocess.run(line, capture_output=True, check=False).returncode == 2
