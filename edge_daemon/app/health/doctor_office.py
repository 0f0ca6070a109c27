"""The check of `doctor` about the office: are the lists that it sends signed?"""

from __future__ import annotations

from edge_daemon.app.inbox.office_keys import pinned_keys
from edge_daemon.app.inbox.waiting import wanted_names
from edge_daemon.delivery.office_documents import CORRECTIONS
from edge_daemon.device.check import Check
from edge_daemon.device.signing import fingerprint
from edge_daemon.errors import DeliveryError
from edge_daemon.home import Home

_NAME = "office key"


def office_key_check(home: Home) -> Check:
    """Say whose lists are taken; a warning where anybody's are who may write to the server."""
    try:
        keys = pinned_keys(home)
    except DeliveryError as error:
        return Check(_NAME, "bad", f"{error.where}: {error.what}", error.hint)
    if keys:
        return Check(_NAME, "good", "; ".join(f"fingerprint {fingerprint(key)}" for key in keys))
    if not home.config.upstream.url or CORRECTIONS not in wanted_names(home.config):
        return Check(_NAME, "not checked", "no corrections come from a server")
    advice = "pin the office's: `edge-daemon office-key pin KEY` (docs/OFFICE.md)"
    return Check(_NAME, "warning", "none is pinned: corrections are taken from whoever writes to the server", advice)
