"""A school's tree with pinned keys, made by the device's own parts."""

from __future__ import annotations

from edge_daemon_office.home import School
from edge_daemon_office.ingest.keys import pin
from tests.office_tree import OfficeRoom


def pinned_room(school: School, device: str) -> OfficeRoom:
    """Return a room whose key the school has pinned."""
    room = OfficeRoom(school.tree, device)
    pin(school.keys, device, room.signer.public_key)
    return room


def tables(school: School) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of every table made from the tree, without the time and the order in which they were found."""
    from edge_daemon_office.ingest.run import MODELS

    found = {}
    for model in MODELS:
        if model.__name__ == "RoomListing":
            continue  # it says when the office looked
        names = [one.attname for one in model._meta.concrete_fields if one.attname not in ("found_at", "arrival")]
        rows = model.objects.filter(school=school.school).values_list(*names)
        found[model.__name__] = sorted(tuple(map(str, row)) for row in rows)
    return found
