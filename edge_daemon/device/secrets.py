"""Reads the device's keys from systemd credentials, or with --home from key files, which are created at first use."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

from edge_daemon.errors import KeyFileError

KEY_BYTES = 32
DEVICE_KEY_CREDENTIAL = "device-key"
CONTACT_KEY_CREDENTIAL = "contact-key"
DELIVERY_CREDENTIALS = ("upstream-token", "mail-password")

_NONE = b"none"
"""Value that the units pass in place of a missing secret, because a missing file would prevent their start."""
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_MAX_CREDENTIAL_BYTES = 64 * 1024


def device_key(key_file: Path | None, *, create: bool = True) -> bytes:
    """Return the 32 bytes that protect every other key of this device.

    Args:
        key_file: the key file of `--home`; None for the installed service.
        create: whether a missing key file is created. It may be True only if nothing is sealed under an older key.

    Raises:
        KeyFileError: there is neither credential nor key file, or the key is unusable.
    """
    missing = KeyFileError(
        "this command needs the device key, which only the service is given",
        f"credential {DEVICE_KEY_CREDENTIAL}",
        "run it as `attendance …`, through systemd-run with LoadCredential=device-key, or with --home for a trial",
    )
    lost = KeyFileError(
        "is missing, and nothing of the gallery opens without it",
        str(key_file),
        "restore it from where you keep it, or move the gallery away and enrol again",
    )
    return _key(DEVICE_KEY_CREDENTIAL, key_file, missing, None if create else lost)


def contact_key(key_file: Path | None, *, create: bool = True) -> bytes:
    """Return the 32 bytes that seal names and mail addresses between the gallery and the process that sends mail.

    The process with network access has this key. It differs from the device key, so it can't open the gallery.

    Args:
        key_file: the key file of `--home`; None for the installed service.
        create: whether a missing key file is created. Data under a lost contact key is sealed again under the new key.

    Raises:
        KeyFileError: there is neither credential nor key file, or the key is unusable.
    """
    missing = KeyFileError(
        "names and mail addresses need the contact key, which only the two services are given",
        f"credential {CONTACT_KEY_CREDENTIAL}",
        "docs/MAIL.md says how it is made; a shell needs systemd-run with LoadCredential=contact-key, or --home",
    )
    lost = KeyFileError(
        "is missing, and names and mail addresses do not open without it",
        str(key_file),
        "run `edge-daemon enrol import` again, or start the service: either creates a new one",
    )
    return _key(CONTACT_KEY_CREDENTIAL, key_file, missing, None if create else lost)


def _key(name: str, key_file: Path | None, missing: KeyFileError, lost: KeyFileError | None) -> bytes:
    key = credential(name)
    if key is not None:
        return _checked(key, f"credential {name}")
    if key_file is None:
        raise missing
    if not os.path.lexists(key_file):
        if lost is not None:
            raise lost
        _create_key_file(key_file)
    return _read_key_file(key_file)


def credential(name: str) -> bytes | None:
    """Return a systemd credential by name (systemd.exec(5), CREDENTIALS_DIRECTORY); None if there is none.

    Raises:
        KeyFileError: the name could leave the folder of credentials, or the credential can't be read.
    """
    if not _CREDENTIAL_NAME.fullmatch(name):
        raise KeyFileError("not a name of a credential", repr(name), "use letters, digits, dot, dash and underscore")
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        with (Path(folder) / name).open("rb") as file:
            data = file.read(_MAX_CREDENTIAL_BYTES)
            return None if data == _NONE else data
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"can't be read ({error.strerror})"
        raise KeyFileError(what, f"credential {name}", "check the unit's user") from error


def credential_path(name: str) -> Path | None:
    """Return the file of a systemd credential, for libraries that read files; None if there is none.

    Raises:
        KeyFileError: the name could leave the folder of credentials.
    """
    return Path(os.environ["CREDENTIALS_DIRECTORY"]) / name if credential(name) is not None else None


def is_withheld(name: str) -> bool:
    """Return whether systemd passes a delivery credential only to another unit, and not to this process.

    The delivery process gets all of `DELIVERY_CREDENTIALS`. The credential of a secret that was never made has the
    value `none`.
    """
    if not _CREDENTIAL_NAME.fullmatch(name):
        return False
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return True
    return name in DELIVERY_CREDENTIALS and not os.path.lexists(Path(folder) / name)


def how_to_make(name: str) -> str:
    """Return advice on how to make a secret for the delivery if there is neither a credential nor a file with it."""
    if os.environ.get("CREDENTIALS_DIRECTORY") and name in DELIVERY_CREDENTIALS:
        return f"put it into /etc/credstore/edge-daemon.{name}, mode 600, or correct the setting"
    return "make it, mode 600, or correct the setting"


def _checked(key: bytes, where: str) -> bytes:
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            f"has {len(key)} bytes, a key has {KEY_BYTES}",
            where,
            "restore it from where you keep it; templates sealed under a lost key have to be enrolled again",
        )
    return key


def _create_key_file(path: Path) -> None:
    """Write a new key under a temporary name and link it, so that a power cut leaves a complete key or none."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first: its key is used
                os.link(part, path, follow_symlinks=False)
        finally:
            part.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        what = f"can't be made ({error.strerror})"
        raise KeyFileError(what, str(path), "choose a writable folder for --home") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_key_file(path: Path) -> bytes:
    if path.is_symlink():
        raise KeyFileError("is a symbolic link", str(path), "put the key itself there")
    try:
        # O_NONBLOCK, because opening a fifo must not wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileError(f"can't be read ({error.strerror})", str(path), "check its owner") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError("is not a file", str(path), "put the key itself there")
        if status.st_mode & 0o077:
            raise KeyFileError("others may read or change it", str(path), f"chmod 600 {path}")
        return _checked(file.read(KEY_BYTES + 1), str(path))
