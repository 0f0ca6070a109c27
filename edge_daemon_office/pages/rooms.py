"""The page *Rooms*: versions, last contact, disk, temperature, clock, camera, and what to do. It names no student."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.ingest.tree import devices_folder
from edge_daemon_office.pages.charts import seats
from edge_daemon_office.pages.room_states import RoomStanding, room_states
from edge_daemon_office.pages.wording import t
from edge_daemon_office.people import rights
from edge_daemon_office.people.gate import needs
from edge_daemon_office.room_audit import FILE, read_audit
from edge_daemon_office.shared.delivery.document_paths import device_folder


@needs(rights.SEE_ROOMS)
def rooms(request: HttpRequest, school: str) -> HttpResponse:
    """Show all rooms; those that need attention come first."""
    place = settings.OFFICE.schools[school]
    found = room_states(place)
    needing = sum(bool(one.reasons) for one in found)
    return render(request, "office/rooms.html", {"rooms": found, "needing": needing, "audits": _audits(place, found)})


def _audits(place: School, rooms: list[RoomStanding]) -> list[dict[str, Any]]:
    """Return a chart of the seats of each room that has an audit."""
    audits = []
    with suppress(OfficeError):  # without a tree there is none
        devices = devices_folder(place.tree)
        for room in rooms:
            rows = read_audit(devices / device_folder(room.device).rpartition("/")[2] / FILE)
            if rows:
                rates = [rate for row in rows for rate in row.hit_rates]
                counts = {"count": len(rates), "rows": len(rows), "low": round(100 * min(rates))}
                words = t("Seats: %(count)s, rows: %(rows)s; the least is seen in %(low)s percent", **counts)
                chart = seats(rows, words, t("Row %(row)s", row="%s"))
                audits.append({"device": room.device, "chart": chart, "words": words})
    return audits
