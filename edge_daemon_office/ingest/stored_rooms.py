"""The stored state of a school's rooms, read from the tables once for a run.

A query for each room and question would cost more than looking at the room's folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_daemon_office.registers.models import Heartbeat, Problem, RoomListing, Source


@dataclass(frozen=True, slots=True)
class StoredRooms:
    """The state of the tables before the run, by folder or device. A room's entry holds until that room is ingested."""

    keys: Mapping[str, set[tuple[str, bool]]]
    """By folder: each key that signed documents in it, and whether these were trusted."""
    left_out: Mapping[str, list[str]]
    """By folder: the paths of its documents that were left out."""
    problems: Mapping[str, set[str]]
    """By device: the kinds of its problems."""
    listings: Mapping[str, RoomListing]
    """By folder: when it was listed as a whole, and which day indexes were read."""
    heartbeats: Mapping[str, dict[str, Any]]
    """By device: the values of its heartbeat, by column."""


def stored_rooms(school: str) -> StoredRooms:
    """Return the stored state of the rooms of a school."""
    sources = Source.objects.filter(school=school)
    keys: dict[str, set[tuple[str, bool]]] = defaultdict(set)
    for folder, key, is_believed in sources.values_list("folder", "signed_by", "is_believed").distinct():
        keys[folder].add((key, is_believed))
    left_out: dict[str, list[str]] = defaultdict(list)
    for folder, path in sources.filter(is_believed=False).values_list("folder", "path"):
        left_out[folder].append(path)
    problems: dict[str, set[str]] = defaultdict(set)
    for device, kind in Problem.objects.filter(school=school).values_list("device", "kind").distinct():
        problems[device].add(kind)
    return StoredRooms(
        keys,
        left_out,
        problems,
        {one.folder: one for one in RoomListing.objects.filter(school=school)},
        {one["device"]: one for one in Heartbeat.objects.filter(school=school).values()},
    )
