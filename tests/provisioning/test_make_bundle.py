"""make_bundle.py: a key pair, bundles that are verified at the office, and one line for each mistake."""

from __future__ import annotations

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_daemon.app.update.bundle import read_public_key
from provisioning import make_bundle, release_keys


@pytest.fixture
def public_key(tmp_path, monkeypatch):
    """The public key in the checkout of a test."""
    path = tmp_path / "checkout/release.pub"
    path.parent.mkdir()
    monkeypatch.setattr(make_bundle, "PUBLIC_KEY", path)
    return path


@pytest.fixture
def keys(tmp_path, public_key):
    """The folder of a maintainer who has a key."""
    release_keys.new_key(tmp_path / "keys", public_key)
    return tmp_path / "keys"


@pytest.fixture
def collected(tmp_path, monkeypatch):
    """The content of a release, without asking the package index."""
    (tmp_path / "program").write_text("the program")
    monkeypatch.setattr(make_bundle, "collect", lambda *_: {"wheels/program.whl": tmp_path / "program"})


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_new_key_gets_its_folder_and_the_checkout_its_public_half(tmp_path, public_key, capsys):
    folder = tmp_path / "safe/keys"
    assert make_bundle.main(["--new-key", str(folder)]) == 0
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "release.key").stat().st_mode & 0o777 == 0o600
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex((folder / "release.key").read_text()))
    for place in (folder / "release.pub", public_key):
        assert read_public_key(place).public_bytes_raw() == private.public_key().public_bytes_raw()
    assert f"{public_key}: commit it before cards are made" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["keys", "empty", "others/deep"])
def test_a_key_is_never_overwritten(tmp_path, keys, public_key, capsys, folder):
    before = contents(keys), public_key.read_text()
    (tmp_path / "empty").mkdir()
    assert make_bundle.main(["--new-key", str(tmp_path / folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is there already, and is not overwritten" in line
    assert (contents(keys), public_key.read_text()) == before
    assert not (tmp_path / "others").exists()
    assert (tmp_path / "empty").is_dir()


def test_a_key_in_the_folder_stays_also_where_the_checkout_has_none(keys, public_key, capsys):
    before = contents(keys)
    public_key.unlink()
    assert make_bundle.main(["--new-key", str(keys)]) == 2
    assert "is not overwritten" in capsys.readouterr().err
    assert contents(keys) == before
    assert not public_key.exists(), "half of a pair whose other half is nowhere"


def test_a_folder_that_can_not_be_made_is_reported(tmp_path, public_key, capsys):
    (tmp_path / "file").touch()
    assert make_bundle.main(["--new-key", str(tmp_path / "file/keys")]) == 2
    assert "file/keys: can't be made (Not a directory)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "output", "expected_message"),
    [
        ("nix", "made.edge", "nix: is not there; --new-key makes a key, once"),
        ("keys", "made.edge", "keys: can't be read (Is a directory)"),
        ("keys/release.pub", "made.edge", "release.pub: is the public half of the key; give release.key, which signs"),
        ("other.key", "made.edge", "no device would accept the bundle"),
        ("short.key", "made.edge", "short.key: is not a private key"),
        ("keys/release.key", "nowhere/made.edge", "nowhere/made.edge: its folder is not there"),
        ("keys/release.key", "keys", "keys: is a folder"),
    ],
)
def test_every_mistake_is_a_line_before_anything_is_fetched(
    tmp_path, keys, capsys, monkeypatch, key, output, expected_message
):
    (tmp_path / "other.key").write_text("00" * 32)
    (tmp_path / "short.key").write_text("00" * 31)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was fetched"))
    assert make_bundle.main(["--key", str(tmp_path / key), "--output", str(tmp_path / output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected_message in line
    assert not (tmp_path / "made.edge").exists()


def test_without_a_public_key_in_the_checkout_no_bundle_is_made(tmp_path, keys, public_key, capsys):
    public_key.unlink()
    assert make_bundle.main(["--key", str(keys / "release.key"), "--output", str(tmp_path / "made.edge")]) == 2
    assert "release.pub: is missing; put the maintainer's public key there" in capsys.readouterr().err


def test_an_index_that_does_not_answer_is_a_line_and_leaves_nothing(tmp_path, keys, capsys, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    (tmp_path / "out").mkdir()
    assert make_bundle.main(["--key", str(keys / "release.key"), "--output", str(tmp_path / "out/made.edge")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip download: failed (No matching distribution found for " in line
    assert "is the package index reachable?" in line
    assert list((tmp_path / "out").iterdir()) == []


def test_a_bundle_is_verified_when_it_is_made_and_again_on_demand(tmp_path, keys, collected, capsys):
    bundle = tmp_path / "made.edge"
    assert make_bundle.main(["--key", str(keys / "release.key"), "--python", "3.13", "--output", str(bundle)]) == 0
    assert make_bundle.main(["--check", str(bundle)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[1]
    assert "for aarch64 with Python 3.13" in lines[0]
    assert "signed by the key of release.pub" in lines[0]


@pytest.mark.parametrize(
    ("change", "expected_message"),
    [
        (lambda path, _: path.write_bytes(path.read_bytes().replace(b"the program", b"a programme")), "is damaged"),
        (lambda path, _: path.write_bytes(path.read_bytes()[:-4000].rstrip(b"\0")[:-5]), "can't be read to its end"),
        (lambda path, _: path.unlink(), "can't be read as a bundle"),
        (lambda _, public: public.write_text("00" * 32), "the signature does not match the key that is trusted here"),
        (lambda _, public: public.unlink(), "release.pub: is missing"),
    ],
)
def test_a_bundle_that_devices_would_refuse_is_refused(
    tmp_path, keys, public_key, collected, capsys, change, expected_message
):
    bundle = tmp_path / "made.edge"
    make_bundle.main(["--key", str(keys / "release.key"), "--output", str(bundle)])
    change(bundle, public_key)
    assert make_bundle.main(["--check", str(bundle)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected_message in line
