"""Connections to test servers: with long time limits for busy computers, but short ones for faults by waiting."""

from __future__ import annotations

import dataclasses

from edge_daemon.config import Config
from edge_daemon.delivery.http import Limits
from edge_daemon.delivery.upstream import Upstream
from tests.office_server import OfficeServer

PATIENT = Limits(connect_s=10, read_s=20, exchange_s=30)
IMPATIENT = {
    "hang": Limits(connect_s=10, read_s=2, exchange_s=30),
    "slow-loris": Limits(connect_s=10, read_s=20, exchange_s=3),
}
"""By fault: only the limit that ends it is short, and longer than what a busy computer needs for an answer."""
PLACE = "v1/devices/room-1/registers/6f1c1a5e-0000-5000-8000-000000000001/1.json"
BODY = b'{"lesson_id":"6f1c1a5e-0000-5000-8000-000000000001","revision":1}'


def settings(server: OfficeServer, **changes):
    address = {"kind": server.kind, "url": server.url, "ca_file": str(server.ca_file), "username": server.username}
    return dataclasses.replace(Config().upstream, **{**address, **changes})


def upstream(server: OfficeServer, token: str = "secret-token", *, fault: str = "", **changes) -> Upstream:
    """An upstream for a server that will have this fault."""
    limits = IMPATIENT.get(fault, PATIENT)
    return Upstream(settings(server, **changes), token, device="room-1", limits=limits)
