"""Valid values of [upstream], and values that are refused before the network is used."""

from __future__ import annotations

import dataclasses

import pytest

from edge_daemon.config import Config
from edge_daemon.delivery.upstream_settings import checked_ca_file, checked_url, read_token
from edge_daemon.errors import DeliveryError
from tests import office_ca


def settings(**changes):
    return dataclasses.replace(Config().upstream, **{"url": "https://office.example/a/", **changes})


def test_a_slash_at_the_end_means_nothing():
    assert checked_url(settings()) == "https://office.example/a"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("office.example", "not a server address"),
        ("", "not a server address"),
        ("ftp://office.example/a", "not a server address"),
        ("https://", "not a server address"),
        ("https://[office", "not a server address"),
        ("https://office.example:port/a", "not a server address"),
        ("https://office.example:99999/a", "not a server address"),
        ("https://office.example/a\nb", "not a server address"),
        ("https://room:password@office.example/a", "password"),
        ("https://office.example/a?token=1", "question mark"),
        ("http://office.example/a", "http without s"),
    ],
)
def test_an_address_that_can_not_be_meant_is_refused_without_showing_it(url, words):
    with pytest.raises(DeliveryError, match=words) as refused:
        checked_url(settings(url=url))
    assert "password@" not in refused.value.line()


@pytest.mark.parametrize("proxy", ["proxy.example:3128", "socks5://proxy.example", "http://", "http://proxy:x"])
def test_a_proxy_that_is_no_address_is_refused(proxy):
    with pytest.raises(DeliveryError, match="proxy"):
        checked_url(settings(proxy=proxy))


def test_the_token_is_a_credential_or_a_file(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("from-file\n")
    assert read_token(settings(token_file="token"), tmp_path) == "from-file"
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "token").write_text("from-credential\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert read_token(settings(token_file="token"), tmp_path) == "from-credential"
    assert read_token(settings(), tmp_path) == ""


@pytest.mark.parametrize("content", [b"", b" \n", b"two\nlines", b"\xff\xfe", b"x" * 5000, "tökén".encode()])
def test_a_file_without_a_token_is_refused_without_showing_it(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(DeliveryError, match="is empty, or is not a token") as refused:
        read_token(settings(token_file="token"), tmp_path)
    assert "lines" not in str(refused.value)


def test_a_missing_token_and_a_name_without_password_are_reported(tmp_path):
    with pytest.raises(DeliveryError, match="no such credential"):
        read_token(settings(token_file="token"), tmp_path)
    with pytest.raises(DeliveryError, match=r"upstream\.username is set"):
        read_token(settings(username="room-1"), tmp_path)


def test_authorities_come_from_the_named_file_or_the_system(tmp_path):
    office_ca.make(tmp_path)
    assert checked_ca_file(settings(ca_file="ca.pem"), tmp_path) == str(tmp_path / "ca.pem")
    assert checked_ca_file(settings(), tmp_path) == ""
    (tmp_path / "empty.pem").write_text("no certificate")
    with pytest.raises(DeliveryError, match="no certificates"):
        checked_ca_file(settings(ca_file="empty.pem"), tmp_path)
    with pytest.raises(DeliveryError, match="can't be read"):
        checked_ca_file(settings(ca_file="missing.pem"), tmp_path)
