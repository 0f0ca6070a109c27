"""Keys and passwords exist, are readable, and belong to no other user; their content is never shown."""

from __future__ import annotations

import dataclasses
import os

import pytest

from edge_daemon.config import Config
from edge_daemon.device.key_checks import device_key_check, passwords
from edge_daemon.device.secrets import device_key
from edge_daemon.errors import KeyFileError


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def settings(*, token: str = "", password: str = "", username: str = "") -> Config:
    config = Config()
    return dataclasses.replace(
        config,
        upstream=dataclasses.replace(config.upstream, token_file=token),
        mail=dataclasses.replace(config.mail, password_file=password, username=username),
    )


def test_a_key_file_is_named_with_its_mode(tmp_path):
    device_key(tmp_path / "device.key")
    found = device_key_check(tmp_path / "device.key", needed=True)
    assert found.state == "good"
    assert found.found.endswith("device.key, mode 600")


def test_a_key_that_others_can_read_is_an_error(tmp_path):
    device_key(tmp_path / "device.key")
    (tmp_path / "device.key").chmod(0o644)
    with pytest.raises(KeyFileError, match="others may read"):
        device_key_check(tmp_path / "device.key", needed=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_looks_at_a_key_that_belongs_with_its_folder_to_somebody_and_finds_it_in_order(tmp_path):
    device_key(tmp_path / "device.key")
    for path in (tmp_path, tmp_path / "device.key"):
        os.chown(path, 65534, 65534)
    assert device_key_check(tmp_path / "device.key", needed=True).state == "good"
    os.chown(tmp_path, 0, 0)
    assert device_key_check(tmp_path / "device.key", needed=True).state == "warning"


def test_no_key_is_made_by_looking(tmp_path):
    assert device_key_check(tmp_path / "device.key", needed=False).state == "good"
    with pytest.raises(KeyFileError, match="is missing"):
        device_key_check(tmp_path / "device.key", needed=True)
    assert list(tmp_path.iterdir()) == []


STORE = "etc/credstore/edge-daemon.device-key"


@pytest.mark.parametrize(
    ("name", "size", "mode", "state"),
    [
        (STORE, 32, 0o600, "good"),
        (STORE, 32, 0o644, "bad"),
        (STORE, 33, 0o600, "bad"),
        ("etc/credstore.encrypted/edge-daemon.device-key", 214, 0o600, "bad"),
    ],
)
def test_outside_the_service_the_credentials_for_systemd_are_checked(tmp_path, name, size, mode, state):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / name).chmod(mode)
    found = device_key_check(None, needed=True, root=tmp_path)
    assert found.state == state
    assert "xx" not in found.found


def test_a_sealed_copy_of_an_earlier_release_is_named(tmp_path):
    """The copy would outlive the key, and a person who destroys the key means every copy."""
    for name in (STORE, "etc/credstore.encrypted/edge-daemon.device-key"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(bytes(32))
        (tmp_path / name).chmod(0o600)
    found = device_key_check(None, needed=True, root=tmp_path)
    assert found.state == "warning"
    assert "credstore.encrypted" in found.found


def test_no_key_in_store_is_bad_if_one_may_look(tmp_path):
    state = device_key_check(None, needed=True, root=tmp_path).state
    assert state == ("bad" if os.geteuid() == 0 else "not checked")


def test_the_services_credential(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "device-key").write_bytes(b"x" * 32)
    assert device_key_check(None, needed=True).state == "good"
    (tmp_path / "device-key").write_bytes(b"x" * 31)
    with pytest.raises(KeyFileError, match="has 31 bytes"):
        device_key_check(None, needed=True)


def test_nothing_named_is_not_checked(tmp_path):
    assert passwords(settings(), tmp_path, is_service=False).state == "not checked"


@pytest.mark.parametrize(
    ("content", "mode", "state"),
    [("secret-7", 0o600, "good"), ("secret-7", 0o640, "good"), ("secret-7", 0o644, "warning"), (" \n", 0o600, "bad")],
)
def test_a_password_file(tmp_path, content, mode, state):
    (tmp_path / "password").write_text(content)
    (tmp_path / "password").chmod(mode)
    found = passwords(settings(password="password"), tmp_path, is_service=False)
    assert found.state == state
    assert "mail.password_file" in found.found
    assert "secret-7" not in str(found)


def test_a_credential_stands_in_for_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "token").write_text("secret-7")
    assert passwords(settings(token="token"), tmp_path, is_service=True).state == "good"


@pytest.mark.parametrize(("is_service", "state"), [(True, "not checked"), (False, "bad")])
def test_neither_file_nor_credential(tmp_path, is_service, state):
    assert passwords(settings(token="token"), tmp_path, is_service=is_service).state == state


def test_a_path_that_leads_nowhere_is_bad(tmp_path):
    assert passwords(settings(token="/nowhere/token"), tmp_path, is_service=True).state == "bad"


def test_the_worst_of_two_counts(tmp_path):
    (tmp_path / "token").write_text("secret-7")
    (tmp_path / "token").chmod(0o600)
    found = passwords(settings(token="token", password="nowhere"), tmp_path, is_service=False)
    assert found.state == "bad"
    assert "upstream.token_file" in found.found


def test_a_login_without_a_password(tmp_path):
    assert passwords(settings(username="box"), tmp_path, is_service=False).state == "bad"
