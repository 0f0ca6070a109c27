"""The office key, which signs the lists for devices. It is in the office's folder, readable for its owner only."""

from __future__ import annotations

import secrets

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, private_file
from edge_daemon_office.shared.device.signing import Signer

_BYTES = 32


def office_signer(home: OfficeHome) -> Signer:
    """Return the signer of the office; its key is made at the first call.

    Raises:
        OfficeError: the key file can't be used.
    """
    path = home.folder / "office-key"
    text = private_file(path, lambda: secrets.token_hex(_BYTES)).strip()
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(seed) != _BYTES:
        raise OfficeError("is not a key", str(path), "bring it back from a backup; devices have its public key pinned")
    return Signer(seed)
