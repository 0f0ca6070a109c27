"""Opens the signing keys of this device, for code that must not open the gallery."""

from __future__ import annotations

import os

from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.device.secrets import DEVICE_KEY_CREDENTIAL, credential, device_key
from edge_daemon.device.signing import Signer
from edge_daemon.errors import KeyFileError
from edge_daemon.home import Home


def open_signer(home: Home) -> Signer:
    """Return the signer of this device.

    Raises:
        KeyFileError: the device key is missing or invalid.
    """
    return Signer(_device_key(home))


def existing_signer(home: Home) -> Signer:
    """Return the signer of this device like `open_signer`, but never make a key.

    Raises:
        KeyFileError: the device key is missing or invalid; without a gallery the hint says that enrolment makes it.
    """
    key_file = home.key_path if home.home_mode else None
    is_there = key_file is None or os.path.lexists(key_file) or credential(DEVICE_KEY_CREDENTIAL) is not None
    if not is_there and not home.gallery_db_path.exists():
        raise KeyFileError("there is no device key yet; the first enrolment makes it", str(key_file), home.enrol_step)
    return Signer(device_key(key_file, create=False))


def open_plan_seeds(home: Home) -> PlanSeeds:
    """Return the cipher for the seeds of this device's plans; raises the errors of `open_signer`."""
    return PlanSeeds(_device_key(home))


def _device_key(home: Home) -> bytes:
    fresh = not home.gallery_db_path.exists()  # without a gallery, nothing is sealed with an older key
    return device_key(home.key_path if home.home_mode else None, create=fresh)
