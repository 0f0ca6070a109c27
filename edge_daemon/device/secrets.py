"""The device key: from a systemd credential, else (with --home) from a 0600 key file made on first use."""

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

_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_MAX_CREDENTIAL_BYTES = 64 * 1024


def device_key(key_file: Path | None, *, create: bool = True) -> bytes:
    """Return the 32 bytes that protect every other key of this device.

    Args:
        key_file: where `--home` keeps the key; None for the installed service.
        create: whether a missing key file is made: only where nothing is sealed under an older one yet.

    Raises:
        KeyFileError: no credential and no key file, or the key is unusable.
    """
    key = credential(DEVICE_KEY_CREDENTIAL)
    if key is not None:
        return _checked(key, f"credential {DEVICE_KEY_CREDENTIAL}")
    if key_file is None:
        raise KeyFileError(
            "this command needs the device key, which only the service is given",
            f"credential {DEVICE_KEY_CREDENTIAL}",
            "run it through systemd-run with LoadCredential=device-key, or with --home for a trial",
        )
    if not os.path.lexists(key_file):
        if not create:
            raise KeyFileError(
                "is missing, and nothing of the gallery opens without it",
                str(key_file),
                "restore it from where you keep it, or move the gallery away and enrol again",
            )
        _create_key_file(key_file)
    return _read_key_file(key_file)


def credential(name: str) -> bytes | None:
    """Return the systemd credential of that name (systemd.exec(5), CREDENTIALS_DIRECTORY), None where there is none.

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
            return file.read(_MAX_CREDENTIAL_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"can't be read ({error.strerror})"
        raise KeyFileError(what, f"credential {name}", "check the unit's user") from error


def _checked(key: bytes, where: str) -> bytes:
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            f"has {len(key)} bytes, a key has {KEY_BYTES}",
            where,
            "restore it from where you keep it; templates sealed under a lost key have to be enrolled again",
        )
    return key


def _create_key_file(path: Path) -> None:
    """Write a fresh key beside its place and link it there: a power cut leaves a whole key or none."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first: its key stands
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
        # O_NONBLOCK: opening a fifo must not wait for its writer.
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
