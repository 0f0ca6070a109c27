"""Bundles: nothing is trusted or written without the signature and the right digests."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_daemon.app.update.bundle import read_manifest, read_public_key, unpack
from edge_daemon.errors import UpdateError
from tests.app.update.bundles import bundle, make_bundle


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def test_an_unpacked_bundle_has_the_version_and_files_of_its_source(tmp_path, key):
    path = bundle(tmp_path, key, "2.0")
    manifest = read_manifest(path, key.public_key())
    unpack(path, manifest, tmp_path / "out")
    assert manifest.version == "2.0"
    assert (tmp_path / "out/systemd/edge-daemon.service").read_text() == (
        tmp_path / "source-2.0/systemd/edge-daemon.service"
    ).read_text()


def test_a_bundle_signed_by_another_key_is_refused(tmp_path, key):
    path = bundle(tmp_path, Ed25519PrivateKey.generate(), "2.0")
    with pytest.raises(UpdateError, match=r"signature does not match the key.*nothing was changed"):
        read_manifest(path, key.public_key())


def test_a_changed_manifest_is_refused(tmp_path, key):
    path = bundle(tmp_path, key, "2.0")
    path.write_bytes(path.read_bytes().replace(b'"version": "2.0"', b'"version": "9.0"'))
    with pytest.raises(UpdateError, match="signature"):
        read_manifest(path, key.public_key())


def test_a_changed_file_is_refused(tmp_path, key):
    path = bundle(tmp_path, key, "2.0")
    path.write_bytes(path.read_bytes().replace(b"ExecStart=/opt", b"ExecStart=/tmp"))
    manifest = read_manifest(path, key.public_key())
    with pytest.raises(UpdateError, match="is damaged"):
        unpack(path, manifest, tmp_path / "out")


@pytest.mark.parametrize("share_left", [0.0, 0.02, 0.3, 0.6, 0.9])
def test_a_bundle_that_was_cut_off_is_refused(tmp_path, key, share_left):
    path = bundle(tmp_path, key, "2.0")
    whole = path.read_bytes().rstrip(b"\0")
    path.write_bytes(whole[: int(len(whole) * share_left)])
    with pytest.raises(UpdateError):
        unpack(path, read_manifest(path, key.public_key()), tmp_path / "out")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "wheels/.hidden"])
def test_a_file_that_would_leave_the_folder_is_refused_even_when_signed(tmp_path, key, name):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "made.edge"
    make_bundle.assemble(path, key, {"version": "2.0", "machine": "m", "python": "3"}, {name: tmp_path / "file"})
    with pytest.raises(UpdateError, match="an impossible name"):
        read_manifest(path, key.public_key())


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path, key):
    path = bundle(tmp_path, key, "2.0")
    with tarfile.open(path) as old, tarfile.open(tmp_path / "new.edge", "w") as new:
        for member in old:
            if member.name == "requirements.txt":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    manifest = read_manifest(tmp_path / "new.edge", key.public_key())
    with pytest.raises(UpdateError, match="differs from the manifest"):
        unpack(tmp_path / "new.edge", manifest, tmp_path / "out")


def test_a_format_of_the_future_is_named(tmp_path, key, monkeypatch):
    monkeypatch.setattr(json, "dumps", lambda document, **_: f'{{"format": 2, "version": "{document["version"]}"}}')
    path = bundle(tmp_path, key, "2.0")
    with pytest.raises(UpdateError, match="format 2, this program knows 1"):
        read_manifest(path, key.public_key())


@pytest.mark.parametrize("text", ["", "no key", "00" * 31])
def test_a_file_that_is_no_key_is_named(tmp_path, text):
    (tmp_path / "release.pub").write_text(text)
    with pytest.raises(UpdateError, match="64 hexadecimal digits"):
        read_public_key(tmp_path / "release.pub")


@pytest.mark.parametrize("size", [b"\x80" + b"\x7f" * 11, b"\xff" * 12, b"zzzzzzzzzzz\0", b"77777777777\0"])
@pytest.mark.parametrize("kind", [b"0", b"x", b"L"])
def test_an_impossible_size_in_the_tar_is_one_line(tmp_path, key, size, kind):
    path = bundle(tmp_path, key, "2.0")
    data = path.read_bytes()
    for at in (0, data.index(b"requirements.txt\0")):
        head = bytearray(data[at : at + 512])
        head[124:136], head[156:157] = size, kind
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        path.write_bytes(data[:at] + bytes(head) + data[at + 512 :])
        with pytest.raises(UpdateError) as refused:
            unpack(path, read_manifest(path, key.public_key()), tmp_path / f"out-{at}")
        assert "\n" not in refused.value.line()


def test_headers_that_lead_to_each_other_without_end_are_one_line(tmp_path, key):
    path = bundle(tmp_path, key, "2.0")
    head = tarfile.TarInfo("x")
    head.type, head.size = tarfile.XHDTYPE, 0
    path.write_bytes(head.tobuf(tarfile.USTAR_FORMAT) * 5000 + path.read_bytes())
    with pytest.raises(UpdateError, match="can't be read as a bundle"):
        read_manifest(path, key.public_key())


def test_a_manifest_that_is_nested_without_end_is_one_line_even_when_signed(tmp_path, key):
    path = tmp_path / "made.edge"
    raw = b"[" * 100_000
    with tarfile.open(path, "w") as tar:
        for name, content in (("manifest.json", raw), ("manifest.sig", key.sign(raw))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(UpdateError, match="manifest can't be used"):
        read_manifest(path, key.public_key())
