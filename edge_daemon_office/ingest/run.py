"""One run of ingest over a school's tree. A second run repeats nothing, and continues after an interruption."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import connection, transaction

from edge_daemon_office.home import School
from edge_daemon_office.ingest.examine import ProvenDocument, examine
from edge_daemon_office.ingest.heartbeats import read_heartbeat
from edge_daemon_office.ingest.keys import by_folder, read_keys
from edge_daemon_office.ingest.ledger_checks import check_ledger, follows_ledger
from edge_daemon_office.ingest.listing import by_arrival, keep_listing, list_room
from edge_daemon_office.ingest.roster import read_roster
from edge_daemon_office.ingest.store import BatchWriter, Examined, forget
from edge_daemon_office.ingest.stored_rooms import StoredRooms, stored_rooms
from edge_daemon_office.ingest.tree import TreeFile, device_folders, devices_folder, file_at
from edge_daemon_office.registers.models import (
    Commitment,
    DayTally,
    Heartbeat,
    Lesson,
    Mark,
    Problem,
    Promise,
    Revision,
    RoomListing,
    SignedChange,
    Source,
    Student,
)
from edge_daemon_office.scope import use_school

_BATCH: Final = 200
_SHOWN: Final = 60
"""Number of characters of a wrong folder name that are shown."""
_CACHE_KIB: Final = 48_000
MODELS: Final = (
    *(Lesson, Mark, DayTally, Revision, SignedChange, Commitment),
    *(Promise, Heartbeat, Problem, Source, RoomListing, Student),
)
"""All tables that are made from the tree and the office's files."""


@dataclass(slots=True)
class IngestResult:
    """The result of a run for a school."""

    devices: int = 0
    documents: int = 0
    """Examined files: new, changed, or signed with a newly pinned key."""
    registers: int = 0
    commitments: int = 0
    repeated: int = 0
    left_out: int = 0
    """Documents that are left out after the run, also those that an earlier run left out."""
    problems: int = 0
    """Number of problems after the run, as the page *Rooms* lists them."""

    def add(self, other: IngestResult) -> None:
        """Add the result of another run."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def ingest(school: School, now: datetime, show: Callable[[str], None] = lambda _: None) -> IngestResult:
    """Update the tables of a school from its tree.

    Args:
        school: the school, with its tree, keys and roster.
        now: the time at which documents count as found.
        show: called with the name of each device's folder.

    Raises:
        OfficeError: tree, keys or roster can't be read. A document never ends the run: it becomes a problem.
    """
    use_school(school.school)
    _cache_more()
    result = IngestResult()
    devices = devices_folder(school.tree)
    keys = by_folder(read_keys(school.keys))
    read_roster(school)
    stored = stored_rooms(school.school)
    wrong: dict[str, str] = {}
    folders = device_folders(devices, wrong)
    for folder in folders:
        show(folder)
        result.devices += 1
        device, pinned = keys.get(folder, (folder, frozenset()))
        _Room(school, devices, folder, device, pinned, now, stored).ingest(result)
    _name_missing_folders(school, folders)
    _name_wrong_folders(school, wrong)
    mine = Problem.objects.filter(school=school.school)
    pinned_devices = {device for device, _ in keys.values()}
    left_out = mine.filter(kind="document", is_left_out=True).values_list("device", flat=True)
    result.left_out += sum(device in pinned_devices for device in left_out)
    result.problems = mine.count()
    return result


def rebuild(school: School, now: datetime, show: Callable[[str], None] = lambda _: None) -> IngestResult:
    """Rebuild a school's tables from its tree; accounts and decisions stay. Raises the errors of `ingest`."""
    devices_folder(school.tree)  # before anything is deleted
    read_keys(school.keys)
    use_school(school.school)
    for model in MODELS:
        model.objects.filter(school=school.school).delete()
    return ingest(school, now, show)


def _cache_more() -> None:
    """Give this connection a larger cache on SQLite, because the usual one is too small for the indexes of a school."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


@dataclass(frozen=True, slots=True)
class _Room:
    """The folder of one device."""

    school: School
    devices: Path
    folder: str
    device: str
    pinned: frozenset[str]
    now: datetime
    stored: StoredRooms

    def ingest(self, result: IngestResult) -> None:
        name = self.school.school
        must_list_all = self._must_list_all()
        before = self.stored.listings.get(self.folder)
        listing = list_room(self.devices, self.folder, before, self.now, must_list_all=must_list_all)
        if not listing.is_whole:
            listing.files += self._left_out({file.path for file in listing.files})
        known = self._known(None if listing.is_whole else [file.path for file in listing.files])
        heartbeat = self.stored.heartbeats.get(self.device)
        is_news = read_heartbeat(name, self.device, self.devices / self.folder / "status.json", heartbeat)
        fresh = [file for file in listing.files if self._is_fresh(file, known.get(file.path))] if self.pinned else []
        fresh = by_arrival(fresh)
        was_in_order = not self.stored.problems.get(self.device) and all(file.path not in known for file in fresh)
        added = self._write(fresh, result)
        if not self.pinned:  # the folder was listed as a whole
            result.left_out += len(listing.files)
        gone: set[str] = set()
        if listing.is_whole:
            gone = known.keys() - {file.path for file in listing.files}
            self._note_gone(gone, known)
            self._note_room(listing.unreadable, len(listing.files))
        if gone or fresh or is_news:
            must_check = bool(gone) or not was_in_order or added is None
            if must_check or not follows_ledger(name, self.device, added or ()):
                check_ledger(name, self.device)
        keep_listing(name, self.folder, before, listing, self.now)

    def _write(self, fresh: Sequence[TreeFile], result: IngestResult) -> list[ProvenDocument] | None:
        """Examine and store files; return them if all are verified registers of one batch, else None."""
        writer = BatchWriter(self.school.school, self.school.zone, self.device, self.folder, self.now)
        added: list[ProvenDocument] = []
        others = 0
        for start in range(0, len(fresh), _BATCH):
            batch = [self._examined(file) for file in fresh[start : start + _BATCH]]
            count = writer.write(batch)
            result.documents += len(batch)
            result.registers += count.registers
            result.commitments += count.commitments
            result.repeated += count.repeated
            added = [one.finding for one in batch if isinstance(one.finding, ProvenDocument)]
            others += count.left_out + len(batch) - len(added)
        return added if len(fresh) <= _BATCH and not others else None

    def _must_list_all(self) -> bool:
        """Return whether all folders must be listed; forget a device of which a used key is no longer pinned."""
        keys = self.stored.keys.get(self.folder, ())
        if any(is_believed and key not in self.pinned for key, is_believed in keys):
            forget(self.school.school, self.device, self.folder)
            return True
        is_new_key = any(not is_believed and key in self.pinned for key, is_believed in keys)
        is_odd = not self.stored.problems.get(self.device, set()).isdisjoint(("room", "gone"))
        return not self.pinned or is_new_key or is_odd

    def _left_out(self, listed: Collection[str]) -> list[TreeFile]:
        """Return the documents that were left out earlier; a half-written one may be complete now, without a new index.

        Args:
            listed: paths that are looked at anyway.
        """
        paths = self.stored.left_out.get(self.folder, ())
        files = [file_at(self.devices, path) for path in paths if path not in listed]
        return [file for file in files if file is not None]

    def _known(self, paths: list[str] | None) -> dict[str, tuple[int, int, str, bool]]:
        """Return the last run's rows about these files, or about all files of the folder if `paths` is None."""
        mine = Source.objects.filter(school=self.school.school, folder=self.folder)
        rows = (mine if paths is None else mine.filter(path__in=paths)).values_list(
            "path", "changed_ns", "size_bytes", "signed_by", "is_believed"
        )
        return {
            path: (changed_ns, size_bytes, key, is_believed) for path, changed_ns, size_bytes, key, is_believed in rows
        }

    def _is_fresh(self, file: TreeFile, known: tuple[int, int, str, bool] | None) -> bool:
        if known is None or known[:2] != (file.changed_ns, file.size_bytes):
            return True
        _, _, key, is_believed = known
        return not is_believed and key in self.pinned

    def _examined(self, file: TreeFile) -> Examined:
        is_commitment = file.path.startswith(f"{self.folder}/commitments/")
        return Examined(file, examine(self.devices / file.path, self.pinned, is_commitment=is_commitment))

    def _note_gone(self, gone: Iterable[str], known: dict[str, tuple[int, int, str, bool]]) -> None:
        """Report trusted documents that were removed from the tree; their data stays until `rebuild`."""
        name = self.school.school
        for path in gone:
            if known[path][3]:
                what = "was removed from the tree after it was proven; it counts until the tables are rebuilt"
                self._problem(path, "gone", what, is_left_out=False)
            else:
                with transaction.atomic():
                    Source.objects.filter(school=name, path=path).delete()
                    Problem.objects.filter(school=name, where=path, kind="document").delete()

    def _note_room(self, unreadable: dict[str, str], count: int) -> None:
        Problem.objects.filter(school=self.school.school, device=self.device, kind="room").delete()
        for where, what in unreadable.items():
            self._problem(where, "room", what, is_left_out=True)
        if not self.pinned:
            left_out = f"documents left out: {count}" if count else "it has delivered no register yet"
            what = f"no key is pinned for this device; {left_out}"
            self._problem(self.folder, "room", what, is_left_out=count > 0)

    def _problem(self, where: str, kind: str, what: str, *, is_left_out: bool) -> None:
        Problem.objects.update_or_create(
            school=self.school.school,
            where=where,
            kind=kind,
            defaults={"device": self.device, "what": what, "is_left_out": is_left_out},
        )


def _name_missing_folders(school: School, folders: list[str]) -> None:
    """Report each device whose folder is gone from the tree, although the tables have documents from it."""
    mine = Source.objects.filter(school=school.school, is_believed=True)
    for folder in set(mine.values_list("folder", flat=True).distinct()) - set(folders):
        Problem.objects.update_or_create(
            school=school.school,
            where=folder,
            kind="room",
            defaults={"device": folder, "what": "its folder was removed from the tree", "is_left_out": False},
        )


def _name_wrong_folders(school: School, wrong: Mapping[str, str]) -> None:
    """Report folders of devices whose names the tables can't hold."""
    Problem.objects.filter(school=school.school, kind="name").exclude(where__in=list(wrong)).delete()
    for where, what in wrong.items():
        about = {"device": where[:_SHOWN], "what": what, "is_left_out": True}
        Problem.objects.update_or_create(school=school.school, where=where, kind="name", defaults=about)
