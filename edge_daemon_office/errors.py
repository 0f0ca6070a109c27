"""Errors of the office: one line each, with what is wrong, where, and what to do."""

from __future__ import annotations

from edge_daemon_office.shared.errors import EdgeError


class OfficeError(EdgeError):
    """Settings, files or arguments of the office can't be used."""
