"""Opens the signing keys of this device, for code that must not open the gallery."""

from __future__ import annotations

from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer
from edge_daemon.home import Home


def open_signer(home: Home) -> Signer:
    """Return the signer of this device.

    Raises:
        KeyFileError: the device key is missing or invalid.
    """
    return Signer(_device_key(home))


def open_plan_seeds(home: Home) -> PlanSeeds:
    """Return the cipher for the seeds of this device's plans; raises the errors of `open_signer`."""
    return PlanSeeds(_device_key(home))


def _device_key(home: Home) -> bytes:
    fresh = not home.gallery_db_path.exists()  # without a gallery, nothing is sealed with an older key
    return device_key(home.key_path if home.home_mode else None, create=fresh)
