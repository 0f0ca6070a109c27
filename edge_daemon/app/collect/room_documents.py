"""The documents of one room: each proven, the highest revision of each lesson kept, the rest named."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from edge_daemon.app.collect.document_tree import DocumentProblem, UnreadableError, documents, read_object, read_text
from edge_daemon.attendance.commitment import PlanCommitment
from edge_daemon.attendance.document import SCHEMA
from edge_daemon.attendance.proof import UNSIGNED, prove_commitment, prove_register
from edge_daemon.delivery.document_paths import device_folder
from edge_daemon.device.signing import fingerprint
from edge_daemon.errors import RegisterError


@dataclass(frozen=True, slots=True)
class KeptRegister:
    """One register, proven; read again when it is written, so that a term needs little memory."""

    path: Path
    lesson_id: str
    revision: int
    start: datetime
    sha256: str
    seed_sha256: str
    captures_planned: int
    captures_taken: int
    is_rehearsal: bool


@dataclass(slots=True)
class Room:
    """What lies in the folder of one device."""

    device: str
    """Its name; that of the folder where nothing in it says one."""
    keys: frozenset[str]
    """Which may sign; none: nothing is believed."""
    is_pinned: bool
    """The keys come from the office's own list."""
    kept: dict[str, KeptRegister] = field(default_factory=dict)
    """The highest revision by lesson id."""
    repeated: int = 0
    """Files that hold what another file holds, byte for byte."""
    promised: dict[str, PlanCommitment] = field(default_factory=dict)
    """What commitments said last of a lesson, by lesson id."""
    broken_commitments: int = 0
    """Lessons whose register reveals another seed than the one that was promised before they began."""
    problems: list[DocumentProblem] = field(default_factory=list)


def read_room(folder: Path, pinned: Mapping[str, frozenset[str]] | None, since: datetime | None, root: Path) -> Room:
    """Read everything that a device delivered; what can't be believed is a problem, never an error.

    Args:
        folder: of the device.
        pinned: keys by device; None: those that the server has.
        since: only lessons that began then or later.
        root: that paths are told from.
    """
    room = _named(folder, pinned)
    if pinned is not None and not room.keys:
        count = sum(1 for _ in documents(folder / "registers"))
        what = f"is not in the list of keys; {count} documents are left out"
        room.problems.append(DocumentProblem(folder.relative_to(root).as_posix(), what))
        return room
    seen: dict[tuple[str, int], str] = {}
    committed_seeds = _read_commitments(room, folder, root)
    for path in documents(folder / "registers"):
        try:
            _take(room, folder, path, seen, since)
        except (UnreadableError, RegisterError) as error:
            what = error.what if isinstance(error, RegisterError) else str(error)
            room.problems.append(DocumentProblem(path.relative_to(root).as_posix(), what))
    _name_gaps(room, seen)
    _check_commitments(room, committed_seeds)
    return room


def _named(folder: Path, pinned: Mapping[str, frozenset[str]] | None) -> Room:
    """Return the room with its name and the keys that may sign for it."""
    device, key = folder.name, ""
    for name in ("key.json", "status.json"):
        found = read_object(folder / name) or {}
        said = found.get("device")
        if isinstance(said, str) and device_folder(said).endswith(f"/{folder.name}"):
            device = said
        if name == "key.json" and isinstance(found.get("public_key"), str):
            key = str(found["public_key"]).lower()
    if pinned is not None:
        mine = [one for one in pinned if device_folder(one).endswith(f"/{folder.name}")]
        device = mine[0] if mine else device
        return Room(device, frozenset().union(*(pinned[one] for one in mine)), is_pinned=True)
    return Room(device, frozenset((key,)) if key else _first_key(folder), is_pinned=False)


def _first_key(folder: Path) -> frozenset[str]:
    """Return the key of the first document that is signed well: the server has no key.json."""
    for path in documents(folder / "registers"):
        with contextlib.suppress(UnreadableError, RegisterError):
            if key := prove_register(read_text(path), None).document.public_key:
                return frozenset((key,))
    return frozenset()


def _take(room: Room, folder: Path, path: Path, seen: dict[tuple[str, int], str], since: datetime | None) -> None:
    proven = prove_register(read_text(path), None)
    key, register = proven.document.public_key, proven.document.register
    lesson = register.lesson
    if key is None:
        raise RegisterError(UNSIGNED)
    if proven.document.schema > SCHEMA:
        what = f"has the newer schema {proven.document.schema}: update this program, which reads schema {SCHEMA}"
        raise RegisterError(what)
    if not device_folder(lesson.device).endswith(f"/{folder.name}"):
        raise RegisterError(f"is a document of {lesson.device}, not of this room")
    if key not in room.keys:
        raise RegisterError(f"was signed by another key (fingerprint {fingerprint(key)})")
    if since is not None and lesson.start < since:
        return
    room.device = lesson.device
    known = seen.setdefault((lesson.lesson_id, register.revision), proven.sha256)
    other = room.kept.get(lesson.lesson_id)
    if known != proven.sha256:
        raise RegisterError(f"differs from another revision {register.revision} of this lesson, both signed")
    if other is not None and other.revision == register.revision:
        room.repeated += 1
    if other is None or register.revision > other.revision:
        room.kept[lesson.lesson_id] = KeptRegister(
            *(path, lesson.lesson_id, register.revision, lesson.start, proven.sha256),
            *(
                register.plan.seed_sha256,
                register.captures_planned,
                register.captures_taken,
                lesson.origin == "rehearsal",
            ),
        )


def _name_gaps(room: Room, seen: Mapping[tuple[str, int], str]) -> None:
    """Name revisions that are missing below the highest: the highest holds, and somebody should know."""
    for kept in room.kept.values():
        gone = [str(n) for n in range(1, kept.revision) if (kept.lesson_id, n) not in seen]
        if gone:
            what = f"revision {', '.join(gone)} is not here; revision {kept.revision} is taken"
            room.problems.append(DocumentProblem(f"{room.device}: register {kept.lesson_id}", what))


def _read_commitments(room: Room, folder: Path, root: Path) -> dict[str, list[tuple[datetime, str]]]:
    """Return what was promised of each lesson's seed, and when, in the order of commitments."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for path in documents(folder / "commitments"):
        try:
            commitment = prove_commitment(read_text(path), None)
            if commitment.public_key not in room.keys:
                raise RegisterError(f"was signed by another key (fingerprint {fingerprint(commitment.public_key)})")
        except (UnreadableError, RegisterError) as error:
            what = error.what if isinstance(error, RegisterError) else str(error)
            room.problems.append(DocumentProblem(path.relative_to(root).as_posix(), what))
            continue
        for committed in commitment.plans_committed:
            room.promised[committed.lesson_id] = committed
            found.setdefault(committed.lesson_id, []).append((commitment.at, committed.seed_sha256))
    return found


def _check_commitments(room: Room, promised: Mapping[str, list[tuple[datetime, str]]]) -> None:
    for kept in room.kept.values():
        in_time = [sha256 for at, sha256 in sorted(promised.get(kept.lesson_id, [])) if at <= kept.start]
        if in_time and in_time[-1] != kept.seed_sha256:
            room.broken_commitments += 1
            what = "reveals another seed than the one that was promised before the lesson"
            room.problems.append(DocumentProblem(f"{room.device}: register {kept.lesson_id}", what))
