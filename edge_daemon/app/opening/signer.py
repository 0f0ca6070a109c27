"""The keys of this device, for those who have no business with its gallery."""

from __future__ import annotations

from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer
from edge_daemon.home import Home


def open_signer(home: Home) -> Signer:
    """Return what signs in the name of this device; raises a KeyFileError that says what is missing."""
    return Signer(_device_key(home))


def open_plan_seeds(home: Home) -> PlanSeeds:
    """Return what seals the seeds of plans in the name of this device; raises a KeyFileError as `open_signer`."""
    return PlanSeeds(_device_key(home))


def _device_key(home: Home) -> bytes:
    fresh = not home.gallery_db_path.exists()  # nothing is sealed under an older key yet
    return device_key(home.key_path if home.home_mode else None, create=fresh)
