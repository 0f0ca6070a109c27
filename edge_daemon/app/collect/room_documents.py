"""The documents of one room: each is verified, the highest revision of each lesson counts, and problems are listed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from edge_daemon.app.collect.document_findings import (
    CommitmentFound,
    Finding,
    OtherKey,
    Place,
    RegisterFound,
    Rejected,
    examine_commitment,
    examine_register,
)
from edge_daemon.app.collect.document_tree import DocumentProblem, Stamp, is_tree, read_object, stamped, tree_text
from edge_daemon.app.collect.missing_documents import missing, read_claims
from edge_daemon.app.collect.proof_index import Known, ProofIndex
from edge_daemon.app.collect.room_summary import RoomState, RoomSummary
from edge_daemon.app.collect.spill import Spill
from edge_daemon.attendance.commitment import PlanCommitment
from edge_daemon.delivery.document_paths import device_folder

MOST_PROBLEMS: Final = 1000
"""How many problems of a room are listed one by one; the others are counted."""
_STRAY: Final = "is a document of {}, not of this room"
_MOST_GAPS: Final = 10
RECENT: Final = 20
"""Number of the latest lessons whose pictures are counted."""
_REGISTERS: Final = "registers/"
_PARTS: Final = ("registers", "commitments")


@dataclass(slots=True)
class Room:
    """The content of one device's folder."""

    device: str
    """The device's name, or the folder's name if no document in the folder names a device."""
    keys: frozenset[str]
    """Keys that may sign; with none, no document is trusted."""
    is_pinned: bool
    """True if the keys come from the office's own list."""
    folder: Path = Path()
    """The path of the folder."""
    kept: dict[str, RegisterFound] | None = None
    """The highest revision by lesson id; None if the last run's findings are still valid and not read yet."""
    places: dict[str, Place] = field(default_factory=dict)
    """Position of a register's fields in the spill file, by path."""
    summary: RoomSummary = field(default_factory=RoomSummary)
    problems: list[DocumentProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RoomReader:
    """Reads the documents of rooms.

    Args:
        pinned: keys by device; None to use the keys on the server.
        since: only lessons that began then or later.
        index: the findings of earlier runs.
        spill: receives the parsed documents.
    """

    pinned: Mapping[str, frozenset[str]] | None
    since: datetime | None
    index: ProofIndex
    spill: Spill

    def read(self, folder: Path) -> Room:
        """Read everything that a device delivered.

        An untrusted document raises no error; `Room.problems` lists it.
        """
        room = _named(folder, self.pinned)
        if room.keys and self._is_as_it_was(room):
            return room
        problems: list[DocumentProblem] = []
        folders: dict[str, int] = {}
        files = [(below, stamp) for part in _PARTS for below, stamp in stamped(folder, part, problems, folders)]
        known = self.index.room(folder.name)
        if not room.keys and self.pinned is None:
            room.keys = _first_key(folder, (below for below, _ in files), known, self.spill)
        if self.pinned is not None and not room.keys:
            count = sum(below.startswith(_REGISTERS) for below, _ in files)
            left_out = f"{count} documents are left out" if count else "it has delivered no register yet"
            what = f"is not in the list of keys; {left_out}"
            room.problems.append(DocumentProblem(folder.name, what, is_left_out=count > 0))
            return room
        found, is_new = self._found(room, files, known)
        if is_new or len(found) != len(known):
            self.index.keep_room(folder.name, found)
        room.problems += problems
        _judge(room, found, self.since)
        state = RoomState(tree_text(folders, files), room.device, room.summary, room.problems)
        self.index.keep_state(folder.name, self._settings(room), state)
        return room

    def kept(self, room: Room) -> Mapping[str, RegisterFound]:
        """Return the highest revision of each lesson of a room, by lesson id."""
        if room.kept is None:
            again = Room(room.device, room.keys, is_pinned=room.is_pinned, folder=room.folder)
            _judge(again, self.index.room(room.folder.name), self.since)
            room.kept = again.kept
        return room.kept or {}

    def _is_as_it_was(self, room: Room) -> bool:
        """Use the findings of the last run if no file has changed since then; return whether they could be used."""
        found = self.index.state(room.folder.name, self._settings(room))
        if found is None or not is_tree(room.folder, found.tree):
            return False
        room.device, room.summary = found.device, found.summary
        room.problems += found.problems
        return True

    def _settings(self, room: Room) -> str:
        """Return the settings that a summary depends on, besides the files."""
        return f"{sorted(room.keys)} {room.is_pinned} {self.since} {read_claims(room.folder)}"

    def _found(self, room: Room, files: Iterable[tuple[str, Stamp]], known: Known) -> tuple[Known, bool]:
        """Return the finding on each file (from the index for an unchanged one), and whether any finding is new."""
        found, is_new = Known(), False
        for below, stamp in files:
            entry = known.get(below)
            if entry is None or entry[0] != stamp or not _still_holds(entry[1], room.keys):
                finding = self._examine(room, below)
                entry, is_new = (stamp, finding), True
            found[below] = entry
        return found, is_new

    def _examine(self, room: Room, below: str) -> Finding:
        path = room.folder / below
        if not below.startswith(_REGISTERS):
            return examine_commitment(path, room.keys)
        finding, place = examine_register(path, below, room.keys, self.spill)
        if place is not None:
            room.places[below] = place
        return finding


def _still_holds(finding: Finding, keys: frozenset[str]) -> bool:
    """Return whether a finding is still valid with these keys."""
    if isinstance(finding, OtherKey):
        return finding.key not in keys
    return isinstance(finding, Rejected) or finding.key in keys


def _named(folder: Path, pinned: Mapping[str, frozenset[str]] | None) -> Room:
    """Return the room with its name and its keys.

    With a list of pinned keys, the keys are those of the list; without one, the key is that of the server. A room may
    have none.
    """
    device, key = folder.name, ""
    for name in ("key.json", "status.json"):
        found = read_object(folder / name) or {}
        device_name = found.get("device")
        if isinstance(device_name, str) and device_folder(device_name).endswith(f"/{folder.name}"):
            device = device_name
        if name == "key.json" and isinstance(found.get("public_key"), str):
            key = str(found["public_key"]).lower()
    if pinned is None:
        return Room(device, frozenset((key,)) if key else frozenset(), is_pinned=False, folder=folder)
    mine = [one for one in pinned if device_folder(one).endswith(f"/{folder.name}")]
    device = mine[0] if mine else device
    return Room(device, frozenset().union(*(pinned[one] for one in mine)), is_pinned=True, folder=folder)


def _first_key(folder: Path, files: Iterable[str], known: Known, spill: Spill) -> frozenset[str]:
    """Return the key of the first correctly signed register, for a server without key.json."""
    for below in files:
        if below.startswith(_REGISTERS):
            finding = known[below][1] if below in known else examine_register(folder / below, below, (), spill)[0]
            if isinstance(finding, (RegisterFound, OtherKey)):
                return frozenset((finding.key,))
    return frozenset()


@dataclass(slots=True)
class _Tally:
    """Collects results while the findings of a room are examined."""

    kept: dict[str, RegisterFound] = field(default_factory=dict)
    seen: dict[tuple[str, int], str] = field(default_factory=dict)
    """SHA-256 of each register, by lesson id and revision."""
    promised: dict[str, PlanCommitment] = field(default_factory=dict)
    """The last commitment for each lesson, by lesson id."""
    seeds: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    repeated: int = 0


def _judge(room: Room, found: Known, since: datetime | None) -> None:
    """Keep the highest revision of each lesson, and list documents that are left out or look wrong."""
    tally, whole = _Tally(), hashlib.sha256()
    for below, (_, finding) in found.items():
        if isinstance(finding, RegisterFound):
            whole.update(f"{below}\n{finding.sha256}\n".encode("utf-8", "backslashreplace"))
            what = _take(room, finding, tally, since)
        elif isinstance(finding, CommitmentFound):
            what = ""
            for committed in finding.plans:
                tally.promised[committed.lesson_id] = committed
                tally.seeds.setdefault(committed.lesson_id, []).append((finding.at, committed.seed_sha256))
        elif isinstance(finding, OtherKey) and finding.device and not _is_of(room, finding.device):
            what = _STRAY.format(finding.device)
        else:
            what = finding.what
        if what:
            room.problems.append(DocumentProblem(f"{room.folder.name}/{below}", what))
    room.kept = tally.kept
    room.problems += [*_gaps(room, tally), *_broken_commitments(room, tally)]
    registers = [one for _, one in found.values() if isinstance(one, RegisterFound)]
    commitments = [one for _, one in found.values() if isinstance(one, CommitmentFound)]
    left_out = len(found) - len(registers) - len(commitments)
    room.problems += missing(room.device, registers, commitments, read_claims(room.folder), left_out)
    if len(room.problems) > MOST_PROBLEMS:
        more = f"{len(room.problems) - MOST_PROBLEMS} more things are left out or odd"
        room.problems[MOST_PROBLEMS:] = [DocumentProblem(room.folder.name, more)]
    room.summary = _summary(tally, since, whole.hexdigest())


def _summary(tally: _Tally, since: datetime | None, sha256: str) -> RoomSummary:
    held = sorted((one for one in tally.kept.values() if not one.is_rehearsal), key=lambda one: one.start)
    return RoomSummary(
        sha256=sha256,
        registers=len(tally.kept),
        held=len(held),
        captures_planned=sum(one.captures_planned for one in held),
        captures_taken=sum(one.captures_taken for one in held),
        last_start=max((one.start for one in tally.kept.values() if not one.is_rehearsal), default=None),
        recent=tuple((one.captures_planned, one.captures_taken) for one in held[-RECENT:]),
        overdue=tuple(
            (one.start, one.end)
            for lesson_id, one in tally.promised.items()
            if lesson_id not in tally.kept and (since is None or one.start >= since)
        ),
        repeated=tally.repeated,
    )


def _is_of(room: Room, device: str) -> bool:
    return device_folder(device).endswith(f"/{room.folder.name}")


def _take(room: Room, register: RegisterFound, tally: _Tally, since: datetime | None) -> str:
    """Add a register; return why it is left out, empty if it counts."""
    if register.device != room.device and not _is_of(room, register.device):
        return _STRAY.format(register.device)
    if since is not None and register.start < since:
        return ""
    room.device = register.device
    other = tally.kept.get(register.lesson_id)
    if tally.seen.setdefault((register.lesson_id, register.revision), register.sha256) != register.sha256:
        return f"differs from another revision {register.revision} of this lesson, both signed"
    if other is not None and other.revision == register.revision:
        tally.repeated += 1
    if other is None or register.revision > other.revision:
        tally.kept[register.lesson_id] = register
    return ""


def _gaps(room: Room, tally: _Tally) -> Iterator[DocumentProblem]:
    """Yield a problem for each missing revision below the highest; the highest revision counts all the same."""
    for kept in tally.kept.values():
        if kept.revision == 1:
            continue
        gone = [str(n) for n in range(1, kept.revision) if (kept.lesson_id, n) not in tally.seen]
        if gone:
            more = f" and {len(gone) - _MOST_GAPS} more" if len(gone) > _MOST_GAPS else ""
            what = f"revision {', '.join(gone[:_MOST_GAPS])}{more} is not here; revision {kept.revision} is taken"
            yield DocumentProblem(f"{room.device}: register {kept.lesson_id}", what, is_left_out=False)


def _broken_commitments(room: Room, tally: _Tally) -> Iterator[DocumentProblem]:
    """Yield a problem for each lesson whose register reveals another seed than the promised one."""
    for kept in tally.kept.values():
        in_time = [sha256 for at, sha256 in sorted(tally.seeds.get(kept.lesson_id, [])) if at <= kept.start]
        if in_time and in_time[-1] != kept.seed_sha256:
            what = "reveals another seed than the one that was promised before the lesson"
            yield DocumentProblem(f"{room.device}: register {kept.lesson_id}", what, is_left_out=False)
