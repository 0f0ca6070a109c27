"""A release in one file: a tar of `manifest.json`, its Ed25519 signature, and the files that the manifest lists.

The signature (RFC 8032) covers the manifest's bytes as they are in the file; the manifest has the SHA-256 of every
other file. Nothing is trusted or written before the signature is verified.
`provisioning/make_bundle.py` makes bundles.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge_daemon.errors import UpdateError

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FORMAT = 1
_MAX_MANIFEST_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
_VERSION = re.compile(r"[0-9][0-9A-Za-z.]{0,40}")
_PART = r"[A-Za-z0-9_][A-Za-z0-9._+@-]*"
_NAME = re.compile(rf"{_PART}(/{_PART}){{0,3}}")
_AGAIN = "download the bundle again from a trusted source"
_DAMAGE = (tarfile.TarError, ValueError, ArithmeticError, LookupError, TypeError, EOFError, MemoryError, RecursionError)
"""Errors of tarfile and json for an impossible size, header or nesting, because the tar itself is not signed."""


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One file of a bundle."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a bundle, after its signature was verified."""

    version: str
    machine: str
    """The value of `platform.machine()`: aarch64 or x86_64."""
    python: str
    """The Python version that the wheels are made for, such as 3.11."""
    files: Mapping[str, BundledFile]

    @property
    def size_bytes(self) -> int:
        """Size of all files together, in bytes."""
        return sum(file.size_bytes for file in self.files.values())


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key of the maintainer: 64 hexadecimal digits in a file.

    Raises:
        UpdateError: there is no file, or it contains no key.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except FileNotFoundError as error:
        hint = "put the maintainer's public key there; without it no release can be trusted"
        raise UpdateError("is missing", str(path), hint) from error
    except (OSError, ValueError) as error:
        raise UpdateError("is not a public key", str(path), "it has to be 64 hexadecimal digits") from error


def read_manifest(bundle: Path, key: Ed25519PublicKey) -> Manifest:
    """Verify the signature of a bundle and return its manifest.

    Raises:
        UpdateError: the file can't be read, is no bundle, or is not signed with the key.
    """
    try:
        with tarfile.open(bundle, "r:") as tar:
            raw = _first(tar, MANIFEST)
            signature = _first(tar, SIGNATURE)
    except (OSError, *_DAMAGE) as error:
        raise UpdateError(f"can't be read as a bundle ({_words(error)})", str(bundle), _AGAIN) from error
    try:
        key.verify(signature, raw)
    except InvalidSignature as error:
        what = "the signature does not match the key that is trusted here; nothing was changed"
        raise UpdateError(what, str(bundle), _AGAIN) from error
    return _parsed(raw, bundle)


def unpack(bundle: Path, manifest: Manifest, folder: Path) -> None:
    """Write the files of a bundle into an empty folder, each only if it matches the manifest.

    Raises:
        UpdateError: a file is missing, different or not listed: the download is incomplete or was changed.
        OSError: the disk can't be written.
    """
    left = dict(manifest.files)
    try:
        with tarfile.open(bundle, "r:") as tar:
            for member in tar:
                if member.name in (MANIFEST, SIGNATURE):
                    continue
                expected = left.pop(member.name, None)
                source = tar.extractfile(member) if member.isfile() else None
                if expected is None or source is None or member.size != expected.size_bytes:
                    raise UpdateError(f"{member.name!r} differs from the manifest", str(bundle), _AGAIN)
                if _copy(source, folder / member.name) != expected.sha256:
                    raise UpdateError(f"{member.name} is damaged (SHA-256 differs)", str(bundle), _AGAIN)
    except _DAMAGE as error:
        raise UpdateError(f"can't be read to its end ({_words(error)})", str(bundle), _AGAIN) from error
    if left:
        raise UpdateError(f"{len(left)} files are missing, such as {min(left)}", str(bundle), _AGAIN)


def _first(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.next()
    if member is None or member.name != name or not member.isfile() or not 0 <= member.size <= _MAX_MANIFEST_BYTES:
        raise tarfile.ReadError(f"{name} is not where it should be")
    source = tar.extractfile(member)
    return source.read() if source is not None else b""


def _parsed(raw: bytes, bundle: Path) -> Manifest:
    try:
        document = json.loads(raw)
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}, this program knows {FORMAT}")
        files = {
            str(name): BundledFile(str(file["sha256"]), int(file["size_bytes"]))
            for name, file in document["files"].items()
        }
        manifest = Manifest(str(document["version"]), str(document["machine"]), str(document["python"]), files)
        wrong = [name for name in files if not _NAME.fullmatch(name) or ".." in name]
        if wrong or not _VERSION.fullmatch(manifest.version):
            raise ValueError(f"an impossible name: {wrong or manifest.version!r}")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UpdateError(f"its manifest can't be used ({error})", str(bundle), "make the bundle again") from error
    return manifest


def _words(error: BaseException) -> str:
    """Return the text of an error in one line, or its type if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def _copy(source: IO[bytes], path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
