"""The maintainer's key pair: the private key signs releases, the public key is in the checkout and on each device.

Both are 64 hexadecimal digits in a file.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_daemon.app.update.bundle import read_public_key
from edge_daemon.errors import UpdateError


def new_key(folder: Path, public_key: Path) -> None:
    """Write a key pair into a folder, and the public key also to the path from which install.sh copies it.

    Raises:
        UpdateError: a key exists already, or the path can't be written; nothing was made.
    """
    key = Ed25519PrivateKey.generate()
    private, public = (raw.hex() for raw in (key.private_bytes_raw(), key.public_key().public_bytes_raw()))
    texts = {public_key: public, folder / "release.pub": public, folder / "release.key": private}
    made: list[Path] = []
    there = folder.exists()
    try:
        for path in texts:
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, text in texts.items():
            mode = 0o600 if path.name == "release.key" else 0o644
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
                made.append(path)
                file.write(text + "\n")
    except OSError as error:
        for path in made:
            path.unlink()
        if not there:
            with suppress(OSError):
                folder.rmdir()
        where = str(error.filename or folder)
        if isinstance(error, FileExistsError):
            hint = "devices with a key accept only its releases; docs/UPDATES.md explains how to change it"
            raise UpdateError("is there already, and is not overwritten", where, hint) from error
        raise UpdateError(f"can't be made ({error.strerror})", where) from error


def signing_key(path: Path, public_key: Path) -> Ed25519PrivateKey:
    """Return the private key in a file, if it matches the public key of the devices.

    Raises:
        UpdateError: the file has no private key, or the key does not match the public key in the checkout.
    """
    try:
        raw = bytes.fromhex(path.read_text(encoding="ascii").strip())
        key = Ed25519PrivateKey.from_private_bytes(raw)
    except FileNotFoundError as error:
        raise UpdateError("is not there", str(path), "--new-key makes a key, once") from error
    except OSError as error:
        raise UpdateError(f"can't be read ({error.strerror})", str(path)) from error
    except ValueError as error:
        raise UpdateError("is not a private key", str(path), "give release.key, as --new-key made it") from error
    trusted = read_public_key(public_key).public_bytes_raw()
    if raw == trusted:
        raise UpdateError("is the public half of the key", str(path), "give release.key, which signs")
    if key.public_key().public_bytes_raw() != trusted:
        what = f"is not the private half of {public_key}: no device would accept the bundle"
        raise UpdateError(what, str(path), "give the key that belongs to it")
    return key
