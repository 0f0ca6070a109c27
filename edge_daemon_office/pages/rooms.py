"""The page *Rooms*: versions, last contact, disk, temperature, clock, camera, and what to do. It names no student."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from edge_daemon_office.pages.room_states import room_states
from edge_daemon_office.people import rights
from edge_daemon_office.people.gate import needs


@needs(rights.SEE_ROOMS)
def rooms(request: HttpRequest, school: str) -> HttpResponse:
    """Show all rooms; those that need attention come first."""
    found = room_states(settings.OFFICE.schools[school])
    return render(request, "office/rooms.html", {"rooms": found, "needing": sum(bool(one.reasons) for one in found)})
