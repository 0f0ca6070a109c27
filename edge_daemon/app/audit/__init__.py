"""Looks at a room: how well faces at each seat will be recognised, and where to move the camera (docs/AUDIT.md)."""

from edge_daemon.app.audit.audit_document import Setting, settings, to_json
from edge_daemon.app.audit.audit_picture import draw, png
from edge_daemon.app.audit.room_audit import PICTURES, Audit, audit

__all__ = ["PICTURES", "Audit", "Setting", "audit", "draw", "png", "settings", "to_json"]

PUBLIC_MODULES = ()
"""Other programs may use only the names in `__all__`; the modules are internal."""
