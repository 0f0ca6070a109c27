"""`ledger verify`: checks every register and commitment of this device, and trusts none of them.

It finds changed, removed, added and re-signed documents, whatever was done to the tables. Each document names its
predecessor, and each signature needs the device key. Lessons, outbox and commitments show which documents must exist. A
thief who has the device key could still change documents; the office's copies reveal that (`collect`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from edge_daemon.attendance.commitment import Commitment
from edge_daemon.attendance.proof import ProvenRegister, digest, prove_commitment, prove_register
from edge_daemon.attendance.retention_note import LedgerGap, prove_retention_note
from edge_daemon.errors import RegisterError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import ledger, outbox, removed_registers
from edge_daemon.store.commitments import commitments
from edge_daemon.store.ledger import LedgerRow
from edge_daemon.timestamps import parsed
from edge_daemon.types import Register


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """An inconsistency that an untouched ledger can't have."""

    where: str
    what: str


@dataclass(slots=True)
class VerificationResult:
    """The result of a verification."""

    public_key: str | None
    """The key with which signatures were checked; None if nothing is signed."""
    revisions: int = 0
    """Number of documents: each revision of a register is one."""
    lessons: set[str] = field(default_factory=set)
    """Ids of the lessons that have a register."""
    unsigned: int = 0
    """Number of revisions from a release that did not sign."""
    commitments: int = 0
    unpromised: int = 0
    """Number of lessons without a promise before their start: the device was off, or its release made no promises."""
    removed: int = 0
    """Number of lessons whose register was removed after `storage.keep_registers_days`, according to signed notes."""
    problems: list[LedgerProblem] = field(default_factory=list)

    @property
    def registers(self) -> int:
        """Number of lessons that have a register, whatever the number of its revisions."""
        return len(self.lessons)


def verify(
    db: sqlite_utils.Database, public_key: str | None, unsigned_before: datetime | None = None
) -> VerificationResult:
    """Check the whole ledger.

    Args:
        db: register.sqlite.
        public_key: the device's public key; None to check all with the key in the first signed document.
        unsigned_before: unsigned registers made before this time are no problem. If None, every unsigned one is.
    """
    found = VerificationResult(public_key or _first_key(db))
    kept = _Commitments(found)
    kept.read(db)
    walk = _Walk(found, kept, ledger.seeds_on_record(db), unsigned_before)
    gaps = _removed(db, found)
    for row in ledger.ledger_rows(db):
        walk.pass_removed(gaps, row.position)
        walk.step(row)
    walk.name_missing(ledger.finalised_lessons(db), ledger.refs_of_outbox(db, outbox.REGISTER))
    kept.name_missing(ledger.refs_of_outbox(db, outbox.COMMITMENT))
    return found


def _removed(db: sqlite_utils.Database, found: VerificationResult) -> deque[LedgerGap]:
    """Return the registers that signed notes record as removed, in ledger order.

    Their number and the problems of notes go to `found`. A note that the device's key did not sign is such a problem.
    """
    gaps: list[LedgerGap] = []
    before: str | None = None
    for note in removed_registers.retention_notes(db):
        where = f"retention note {note.position}"
        try:
            named, previous = prove_retention_note(note.document, found.public_key)
        except RegisterError as error:
            found.problems.append(LedgerProblem(where, error.what))
            before = note.sha256
            continue
        if digest(note.document) != note.sha256:
            found.problems.append(LedgerProblem(where, "is not the note that was written here"))
        if previous != before:
            found.problems.append(LedgerProblem(where, "a note before it was removed or changed"))
        gaps += named
        before = note.sha256
    found.removed = len({one.lesson_id for one in gaps})
    return deque(sorted(gaps, key=lambda one: one.position))


def _first_key(db: sqlite_utils.Database) -> str | None:
    for row in ledger.ledger_rows(db):
        try:
            key = prove_register(row.document, None).document.public_key
        except RegisterError:
            continue
        if key is not None:
            return key
    return None


class _Commitments:
    """Reads commitments in their order, and finds the promise for a lesson before it began."""

    def __init__(self, found: VerificationResult) -> None:
        self._found = found
        self._refs: set[str] = set()
        self._by_lesson: dict[str, list[tuple[Commitment, str]]] = {}

    def read(self, db: sqlite_utils.Database) -> None:
        before: str | None = None
        for stored in commitments(db):
            self._found.commitments += 1
            self._refs.add(stored.ref)
            where = f"commitment {stored.ref}"
            try:
                commitment = prove_commitment(stored.document, self._found.public_key)
            except RegisterError as error:
                self._found.problems.append(LedgerProblem(where, error.what))
                before = stored.sha256
                continue
            if digest(stored.document) != stored.sha256 or commitment.ref != stored.ref:
                self._found.problems.append(LedgerProblem(where, "is not the document that was written here"))
            if commitment.previous_sha256 != before:
                self._found.problems.append(LedgerProblem(where, "a commitment before it was removed or changed"))
            for plan in commitment.plans_committed:
                self._by_lesson.setdefault(plan.lesson_id, []).append((commitment, plan.seed_sha256))
            before = stored.sha256

    def promised(self, register: Register) -> tuple[str, str] | None:
        """Return reference and SHA-256 of the last promise before the lesson began, None if there is none."""
        mine = self._by_lesson.get(register.lesson.lesson_id, [])
        in_time = [(commitment.ref, sha256) for commitment, sha256 in mine if commitment.at <= register.lesson.start]
        return in_time[-1] if in_time else None

    def name_missing(self, refs: set[str]) -> None:
        for ref in sorted(refs - self._refs):
            self._found.problems.append(LedgerProblem(f"commitment {ref}", "was removed: it is still in the outbox"))


class _Walk:
    """Checks the registers in the order in which they were made."""

    def __init__(
        self,
        found: VerificationResult,
        kept: _Commitments,
        seeds: Mapping[str, tuple[str, str]],
        unsigned_before: datetime | None,
    ) -> None:
        self._found, self._kept, self._seeds, self._unsigned_before = found, kept, seeds, unsigned_before
        self._last: frozenset[str] = frozenset()
        self._latest: dict[str, tuple[int, frozenset[str]]] = {}
        self._refs: set[str] = set()
        self._signed_before = False

    def step(self, row: LedgerRow) -> None:
        where = f"register {row.lesson_id} revision {row.revision}"
        self._found.revisions += 1
        self._found.lessons.add(row.lesson_id)
        self._found.problems += [LedgerProblem(where, what) for what in self._faults(row)]
        # If only the document was changed, the column still has its SHA-256, so the next document is not blamed.
        self._last = frozenset((digest(row.document), row.sha256))
        self._latest[row.lesson_id] = row.revision, self._last
        self._refs.add(f"{row.lesson_id}/{row.revision}")

    def pass_removed(self, gaps: deque[LedgerGap], position: int) -> None:
        """Step over the registers before a position that signed notes record as removed.

        A later register may name one of them as its predecessor.
        """
        while gaps and gaps[0].position < position:
            gap = gaps.popleft()
            self._last = frozenset((gap.sha256,))
            self._latest[gap.lesson_id] = gap.revision, self._last
            self._refs.add(f"{gap.lesson_id}/{gap.revision}")
            self._signed_before = True

    def name_missing(self, finalised: set[str], refs: set[str]) -> None:
        for ref in sorted(refs - self._refs):
            where = "register {} revision {}".format(*ref.rsplit("/", 1))
            self._found.problems.append(LedgerProblem(where, "was removed: it is still in the outbox"))
        for lesson_id in sorted(finalised - self._latest.keys() - {ref.rsplit("/", 1)[0] for ref in refs}):
            self._found.problems.append(
                LedgerProblem(f"lesson {lesson_id}", "was finalised, and its register was removed")
            )

    def _faults(self, row: LedgerRow) -> Iterator[str]:
        try:
            proven = prove_register(row.document, self._found.public_key)
        except RegisterError as error:
            yield error.what
            return
        register = proven.document.register
        if proven.sha256 != row.sha256:
            yield "is not the document that was written here: its SHA-256 is another"
        if (register.lesson.lesson_id, register.revision) != (row.lesson_id, row.revision):
            yield "is the document of another register"
            return
        yield from self._signing_faults(proven, row)
        yield from self._chain_faults(proven, row)
        yield from self._seed_faults(register)

    def _signing_faults(self, proven: ProvenRegister, row: LedgerRow) -> Iterator[str]:
        if proven.is_signed:
            self._signed_before = True
            return
        self._found.unsigned += 1
        if self._signed_before:
            yield "is not signed, though registers before it are"
        elif self._unsigned_before is None or parsed(row.created_at) >= self._unsigned_before:
            yield "is not signed"

    def _chain_faults(self, proven: ProvenRegister, row: LedgerRow) -> Iterator[str]:
        named = proven.document.previous_sha256
        if row.revision == 1:
            if (named is not None or self._last) and named not in self._last:
                yield "a register before it was removed or changed"
            return
        revision, sha256s = self._latest.get(row.lesson_id, (0, frozenset()))
        if revision != row.revision - 1:
            yield f"revision {row.revision - 1} was removed"
        elif named not in sha256s:
            yield f"revision {row.revision - 1} was changed"

    def _seed_faults(self, register: Register) -> Iterator[str]:
        seed_sha256 = register.plan.seed_sha256
        begun, planned = self._seeds.get(register.lesson.lesson_id, ("", ""))
        if begun != seed_sha256 or planned not in ("", seed_sha256):
            yield "reveals another seed than the one that was on record before the lesson"
        if register.revision > 1 or register.lesson.origin != "timetable":
            return
        promised = self._kept.promised(register)
        if promised is None:
            self._found.unpromised += 1
        elif promised[1] != seed_sha256:
            yield f"reveals another seed than commitment {promised[0]} promised"
