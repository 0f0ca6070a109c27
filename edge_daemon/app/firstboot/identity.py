"""The identity of a device: its name and its public key, with which the office checks signatures. It is not secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_daemon import __version__
from edge_daemon.app.firstboot.card_files import put
from edge_daemon.app.opening.signer import existing_signer
from edge_daemon.device.secrets import DEVICE_KEY_CREDENTIAL, credential
from edge_daemon.device.signing import Signer, fingerprint
from edge_daemon.errors import ProvisioningError
from edge_daemon.home import Home

IDENTITY = "identity.json"
"""Name of the file with the identity, in the folder of the settings."""
_BOOTS = ("boot/firmware", "boot")
_TEXT = "edge-daemon-identity.txt"
_PROBLEM = "edge-daemon-problem.txt"


@dataclass(frozen=True, slots=True)
class Identity:
    """Name and public key of a device."""

    device: str
    room: str
    public_key: str
    """Ed25519, 64 hexadecimal digits."""
    fingerprint: str


def identity(device: str, room: str, device_key: bytes) -> Identity:
    """Return the identity that belongs to a device key."""
    return _named(device, room, Signer(device_key))


def _named(device: str, room: str, signer: Signer) -> Identity:
    return Identity(device, room, signer.public_key, fingerprint(signer.public_key))


def identity_of(home: Home) -> Identity:
    """Return the identity of an installation, from its key if that is available, else from the first start's file.

    Raises:
        ProvisioningError: neither is available.
        KeyFileError: the key of `--home` is missing, or the key can't be used.
    """
    if home.home_mode or credential(DEVICE_KEY_CREDENTIAL) is not None:
        return _named(home.config.device.name, " ".join(home.config.timetable.room[:1]), existing_signer(home))
    stored = known(home.config_path.parent)
    if stored is None:
        hint = "run it with the device key (docs/SYSTEMD.md), or with --home"
        raise ProvisioningError("not known without the device key", "identity", hint)
    return stored


def known(settings: Path) -> Identity | None:
    """Return the identity that the first start wrote into the folder of the settings, None if there is none."""
    try:
        stored = json.loads((settings / IDENTITY).read_bytes())
        return Identity(**{key: str(stored[key]) for key in Identity.__slots__})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def renew(root: Path, device_key: bytes) -> Identity | None:
    """Rewrite the identity if it does not match the key in use, because the key was restored.

    Returns:
        The new identity, None if nothing has to be renewed.

    Raises:
        OSError: it can't be written.
    """
    stored = known(root / "etc/edge-daemon")
    who = stored and identity(stored.device, stored.room, device_key)
    if who is None or who == stored:
        return None
    publish(who, root, next((root / boot for boot in _BOOTS if (root / boot).is_dir()), root / _BOOTS[-1]), "")
    return who


def publish(who: Identity, root: Path, boot: Path, warning: str) -> None:
    """Write the identity to the settings folder, the boot partition, and the login screen.

    Raises:
        OSError: one of them can't be written.
    """
    put(root / "etc/edge-daemon" / IDENTITY, (json.dumps(asdict(who), ensure_ascii=False) + "\n").encode(), 0o644)
    lines = [
        f"device: {who.device}",
        f"room: {who.room}",
        f"fingerprint: {who.fingerprint}",
        f"public_key: {who.public_key}",
        f"program: {__version__}",
        *([f"warning: {warning}"] if warning else []),
    ]
    put(boot / _TEXT, ("\r\n".join(lines) + "\r\n").encode(), None)
    screen = f"{who.device}, room {who.room}; key {who.fingerprint}\n{warning}\n".replace("\\", "\\\\")
    put(root / "etc/issue.d/edge-daemon.issue", screen.encode(), 0o644)
    (boot / _PROBLEM).unlink(missing_ok=True)


def report_problem(line: str, boot: Path) -> None:
    """Write a problem to the boot partition, where any computer can read it."""
    put(boot / _PROBLEM, f"{line}\r\n".encode(), None)
