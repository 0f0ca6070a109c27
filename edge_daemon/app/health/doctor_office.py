"""The check of `doctor` about the office: whether its lists are signed."""

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
    """Check whose lists of corrections are accepted; warn if anybody with access to the server could make one."""
    try:
        keys = pinned_keys(home)
    except DeliveryError as error:
        return Check(_NAME, "bad", f"{error.where}: {error.what}", error.hint)
    if keys:
        return Check(_NAME, "good", "; ".join(f"fingerprint {fingerprint(key)}" for key in keys))
    if not home.config.upstream.url or CORRECTIONS not in wanted_names(home.config):
        return Check(_NAME, "not checked", "no corrections come from a server")
    advice = "pin the office's key: `edge-daemon office-key pin KEY` (docs/OFFICE.md)"
    return Check(_NAME, "warning", "none is pinned: anybody with access to the server can make corrections", advice)
