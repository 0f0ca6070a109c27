"""Choose the documents of a device's folder to look at: mostly those that its day indexes name, at times all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from edge_daemon_office.ingest.day_index import LIST_ALL_AFTER, MOST_DOCUMENTS, index_stamps, read_index
from edge_daemon_office.ingest.tree import TreeFile, file_at, files_of
from edge_daemon_office.registers.models import RoomListing
from edge_daemon_office.shared.delivery.document_paths import DELIVERED


@dataclass(slots=True)
class Listing:
    """The documents to look at in the folder of a device."""

    files: list[TreeFile]
    is_whole: bool
    """True: `files` has all documents of the folder. False: it has those that the changed day indexes name."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Folders that can't be read, with the reason."""
    indexes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The indexes that need not be read again, once the files are ingested."""


def list_room(devices: Path, folder: str, known: RoomListing | None, now: datetime, *, must_list_all: bool) -> Listing:
    """Return the documents of a device to look at.

    Args:
        devices: the folder of all devices.
        folder: name of the device's folder.
        known: the record of the run before; None: there is none.
        now: the time.
        must_list_all: True: list all folders, even if the day indexes seem to be enough.
    """
    stamps = index_stamps(devices / folder)  # before the documents: what comes meanwhile changes them again
    if stamps and not must_list_all and known is not None and timedelta(0) <= now - known.listed_at < LIST_ALL_AFTER:
        found = _named_by_indexes(devices, folder, stamps, known.indexes)
        if found is not None:
            return found
    unreadable: dict[str, str] = {}
    return Listing(list(files_of(devices, folder, unreadable)), True, unreadable, stamps)


def keep_listing(school: str, folder: str, known: RoomListing | None, listing: Listing, now: datetime) -> None:
    """Record the documents that this run looked at; `known` has those of the run before."""
    indexes = {name: list(stamp) for name, stamp in listing.indexes.items()}
    if not indexes:
        return  # without an index the next run lists everything anyway
    if listing.is_whole:
        RoomListing.objects.update_or_create(
            school=school, folder=folder, defaults={"listed_at": now, "indexes": indexes}
        )
    elif known is None or known.indexes != indexes:
        RoomListing.objects.filter(school=school, folder=folder).update(indexes=indexes)


def by_arrival(files: Sequence[TreeFile]) -> list[TreeFile]:
    """Return files in the order in which their folders changed; files of one folder keep their order.

    Lessons of one day then come together, so that each day is tallied once. The names of folders are random ids, so
    sorting by name would mix the days.
    """
    first: dict[str, int] = {}
    for file in files:
        first.setdefault(file.path.rpartition("/")[0], file.changed_ns)
    return sorted(files, key=lambda file: first[file.path.rpartition("/")[0]])


def _named_by_indexes(
    devices: Path, folder: str, stamps: dict[str, tuple[int, int]], known: dict[str, list[int]]
) -> Listing | None:
    """Return the documents that changed indexes name; None if an index does not name everything that came."""
    changed = [name for name, stamp in sorted(stamps.items()) if known.get(name) != list(stamp)]
    found, done = Listing([], False), dict(stamps)
    for name in changed:
        index = read_index(devices / folder / DELIVERED / name)
        if index is None or len(found.files) + len(index.documents) > MOST_DOCUMENTS:
            return None
        files = [file_at(devices, f"{folder}/{path}") for path in index.documents]
        found.files += [file for file in files if file is not None]
        if None in files:  # an index that a sync brings before its documents is read again
            del done[name]
    found.indexes = done
    return found
