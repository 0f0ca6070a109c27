"""The device key: where it comes from, and which key files are refused."""

from __future__ import annotations

import os
import stat

import pytest

from edge_daemon.device.secrets import credential, device_key
from edge_daemon.errors import KeyFileError


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def credentials(tmp_path, monkeypatch):
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_a_key_file_is_made_on_first_use_and_stays(tmp_path):
    path = tmp_path / "home" / "device.key"
    key = device_key(path)
    assert len(key) == 32
    assert device_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_two_homes_have_two_keys(tmp_path):
    assert device_key(tmp_path / "a" / "device.key") != device_key(tmp_path / "b" / "device.key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_key_file_that_others_may_use_is_refused(tmp_path, mode):
    path = tmp_path / "device.key"
    device_key(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        device_key(path)


@pytest.mark.parametrize("length", [0, 31, 33, 4096])
def test_a_key_file_of_another_length_is_refused_and_left_alone(tmp_path, length):
    path = tmp_path / "device.key"
    path.write_bytes(b"k" * length)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="a key has 32"):
        device_key(path)
    assert path.stat().st_size == length


@pytest.mark.parametrize("target_exists", [True, False])
def test_a_link_in_place_of_the_key_is_refused(tmp_path, target_exists):
    target = tmp_path / "elsewhere"
    if target_exists:
        target.write_bytes(b"k" * 32)
        target.chmod(0o600)
    path = tmp_path / "device.key"
    path.symlink_to(target)
    with pytest.raises(KeyFileError, match="symbolic link"):
        device_key(path)
    assert target.exists() == target_exists


def test_a_fifo_in_place_of_the_key_does_not_block(tmp_path):
    path = tmp_path / "device.key"
    os.mkfifo(path, 0o600)
    with pytest.raises(KeyFileError, match="not a file"):
        device_key(path)


def test_a_home_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError):
        device_key(tmp_path / "file" / "home" / "device.key")


def test_the_credential_comes_before_the_key_file(tmp_path, credentials):
    (credentials / "device-key").write_bytes(b"c" * 32)
    path = tmp_path / "device.key"
    assert device_key(path) == b"c" * 32
    assert device_key(None) == b"c" * 32
    assert not path.exists()


def test_a_credential_of_another_length_is_refused(credentials):
    (credentials / "device-key").write_bytes(b"c" * 16)
    with pytest.raises(KeyFileError, match="16 bytes"):
        device_key(None)


def test_the_service_without_its_credential_says_what_to_do():
    with pytest.raises(KeyFileError, match="LoadCredential=device-key"):
        device_key(None)


@pytest.mark.parametrize("name", ["", "..", "../device-key", "a/b", "/etc/passwd", ".hidden", "a\0b", "x" * 300])
def test_a_credentials_name_can_not_leave_its_folder(credentials, name):
    with pytest.raises(KeyFileError, match="name of a credential"):
        credential(name)


def test_a_missing_credential_is_none(credentials):
    assert credential("smtp-password") is None
