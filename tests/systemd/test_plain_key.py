"""The drop-in of earlier releases that left the plain key in place is taken away; no device loses its key by that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.systemd.units import FOLDER

SCRIPT = FOLDER / "edge-daemon-plain-key"
DROP_IN = "etc/systemd/system/edge-daemon.service.d/sealed-key.conf"
PLAIN, SEALED = "etc/credstore/edge-daemon.device-key", "etc/credstore.encrypted/edge-daemon.device-key"
KEY = bytes(range(32))
# Unseals what begins with "sealed ", as one computer would; every other computer can't.
CREDS = '#!/bin/sh\n[ "$1 $2 $4" = "decrypt --name=device-key -" ] && grep -q "^sealed " "$3" && tail -c +8 "$3"\n'


@dataclass(frozen=True)
class Device:
    """The files of one device."""

    root: Path

    def has(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)

    def run(self) -> str:
        completed = subprocess.run(
            ["sh", SCRIPT], capture_output=True, text=True, check=False,
            env={"EDGE_DAEMON_ROOT": str(self.root), "PATH": f"{self.root}/tools:{os.environ['PATH']}"},
        )  # fmt: skip
        assert (completed.returncode, completed.stdout) == (0, "")
        return completed.stderr

    def remaining(self) -> set[str]:
        return {name for name in (DROP_IN, PLAIN, SEALED) if (self.root / name).exists()}


@pytest.fixture
def device(tmp_path) -> Device:
    device = Device(tmp_path)
    device.has("tools/systemd-creds", CREDS.encode())
    (tmp_path / "tools/systemd-creds").chmod(0o755)
    device.has(DROP_IN, b"[Service]\nLoadCredentialEncrypted=device-key:/x\n")
    (tmp_path / "etc/credstore").mkdir(mode=0o700)
    return device


def test_the_sealed_copy_goes_and_the_plain_key_stays(device):
    device.has(PLAIN, KEY)
    device.has(SEALED, b"sealed " + KEY)
    output = device.run()
    assert device.remaining() == {PLAIN}, "a second copy would outlive the key"
    assert (device.root / PLAIN).read_bytes() == KEY
    assert output.count("\n") == 1
    assert not (device.root / DROP_IN).parent.exists()
    assert device.run() == "", "once"


def test_where_only_the_sealed_key_is_left_it_is_unsealed_first(device):
    device.has(SEALED, b"sealed " + KEY)
    device.run()
    assert device.remaining() == {PLAIN}
    assert (device.root / PLAIN).read_bytes() == KEY
    assert (device.root / PLAIN).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("sealed", [b"of another computer", b"sealed short"])
def test_a_sealed_key_that_is_the_only_one_and_does_not_open_stays_with_its_drop_in(device, sealed):
    device.has(SEALED, sealed)
    output = device.run()
    assert device.remaining() == {DROP_IN, SEALED}
    assert "systemd-creds decrypt" in output
    assert list((device.root / "etc/credstore").iterdir()) == []


@pytest.mark.parametrize("plain", [b"", b"half a key"])
def test_a_plain_key_that_a_power_cut_left_empty_costs_no_sealed_one(device, plain):
    device.has(PLAIN, plain)
    device.has(SEALED, b"of a TPM that this process may not ask")
    assert "can't be unsealed" in device.run()
    assert device.remaining() == {DROP_IN, PLAIN, SEALED}
    device.has(SEALED, b"sealed " + KEY)
    device.run()
    assert device.remaining() == {PLAIN}
    assert (device.root / PLAIN).read_bytes() == KEY


def test_two_keys_that_differ_both_stay(device):
    device.has(PLAIN, KEY)
    device.has(SEALED, b"sealed " + bytes(32))
    assert "another key" in device.run()
    assert device.remaining() == {DROP_IN, PLAIN, SEALED}


def test_with_a_plain_key_and_one_that_does_not_open_here_the_drop_in_goes(device):
    """Every release took the plain one for `attendance`: it is the one that the gallery opens with."""
    device.has(PLAIN, KEY)
    device.has(SEALED, b"of a TPM that this process may not ask")
    device.run()
    assert device.remaining() == {PLAIN, SEALED}


def test_a_device_without_the_drop_in_is_left_alone(device):
    (device.root / DROP_IN).unlink()
    device.has(PLAIN, KEY)
    (device.root / DROP_IN).with_name("jetson.conf").write_text("")
    assert device.run() == ""
    assert (device.root / DROP_IN).with_name("jetson.conf").exists()


def test_shellcheck_finds_no_fault_in_the_script():
    tool = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if tool is None:
        pytest.skip("needs shellcheck")
    wrapper = FOLDER.parent / "provisioning/device/attendance"
    completed = subprocess.run([tool, "-s", "sh", SCRIPT, wrapper], capture_output=True, text=True, check=False)
    assert completed.stdout == ""
