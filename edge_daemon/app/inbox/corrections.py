"""Turns the office's corrections into revisions of registers, signed and delivered like those made on the device."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final

from edge_daemon.app.registers.correct_register import confirm_register, correct_register, is_overtaken
from edge_daemon.app.registers.own_documents import TamperedError
from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.reason_codes import code_and_note, coded
from edge_daemon.delivery.office_documents import OfficeConfirmation, OfficeCorrection, OfficeDecision
from edge_daemon.device.signing import Signer
from edge_daemon.errors import RegisterError
from edge_daemon.gallery.notes import CorrectionNote
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import office_decisions, registers
from edge_daemon.store.alarms import LEDGER, raise_alarm
from edge_daemon.store.database import transaction
from edge_daemon.store.registers import OutboxWriter, StoredRegister
from edge_daemon.types import Register

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class CorrectionResult:
    """The outcome of a list of corrections."""

    revisions: int
    already: int
    """Number of decisions that were applied before, or that the register already has."""
    overtaken: int
    """Number of decisions left out because the register has a later decision about the same student or lesson.

    Counted only in the office's first list after an upgrade.
    """
    left_out: tuple[str, ...]
    """The office's ids of decisions that could not be applied.

    The lesson or student is unknown here, or the register is not the one that this device signed.
    """
    notes: tuple[CorrectionNote, ...] = ()
    """Free-text reasons, which the revisions do not contain."""

    @property
    def problem(self) -> str:
        """Which corrections could not be made, in one line for people; empty if all were."""
        if not self.left_out:
            return ""
        named = ", ".join(self.left_out[:_NAMED]) + (" ..." if len(self.left_out) > _NAMED else "")
        return f"{len(self.left_out)} corrections name a lesson or student that is on no register here: {named}"


def apply_corrections(
    db: sqlite_utils.Database, wanted: Sequence[OfficeDecision], signer: Signer, also: OutboxWriter, now: datetime
) -> CorrectionResult:
    """Make the revisions of all corrections in one transaction; safe to repeat.

    A decision is identified by its id. The order is the order of the list: of two decisions about the same student the
    later one counts, whatever their times.

    A decision counts as already applied, whatever its id, if the register has an identical one (student, verdict,
    person, reason, time). The earlier release skipped a decision if the register had one with a later time. In
    the first list after an upgrade, such a skipped decision therefore counts as applied, too.

    A decision about an unknown lesson or student is left out and reported. The list serves a whole year and must not
    stop at one line.

    Args:
        db: register.sqlite.
        wanted: the decisions in the list's order.
        signer: the signer of this device.
        also: writes the outbox rows of a revision, in the same transaction.
        now: the time of the revisions.

    Raises:
        StoreError: the database can't be written; nothing was changed.
    """
    work = _Work(db, signer, also, now)
    with transaction(db):
        for one in wanted:
            work.take(one)
        office_decisions.note_taken(db, work.done, now)
        office_decisions.note_list(db)
    if work.tampered:
        raise_alarm(db, LEDGER, work.tampered, now)
    return CorrectionResult(work.revisions, work.already, work.overtaken, tuple(work.left_out), tuple(work.notes))


def _content_id(one: OfficeDecision) -> str:
    """Return an id made from a decision's content, which recognises a skipped decision even under another id."""
    decision = one.confirmation if isinstance(one, OfficeConfirmation) else one.correction
    text = json.dumps([one.lesson_id, *astuple(decision)], default=str)
    return f"content {hashlib.sha256(text.encode('ascii')).hexdigest()}"  # no id of the office contains a space


class _Work:
    """The registers as they change, correction by correction, within one transaction."""

    def __init__(self, db: sqlite_utils.Database, signer: Signer, also: OutboxWriter, now: datetime) -> None:
        self._db, self._signer, self._also, self._now = db, signer, also, now
        self._known: dict[str, Register | None] = {}
        self._taken = office_decisions.taken_ids(db)
        self._is_upgrade = office_decisions.is_first_list_since_upgrade(db)
        self.done: list[str] = []
        self.revisions = self.already = self.overtaken = 0
        self.left_out: list[str] = []
        self.notes: list[CorrectionNote] = []
        self.tampered = ""
        """How a register differs from the one that this device signed; such a register gets no revision."""

    def take(self, one: OfficeDecision) -> None:
        content = _content_id(one)
        if one.correction_id in self._taken or content in self._taken:
            self.already += 1
            return
        overtaken = self.overtaken
        left_out = len(self.left_out)
        self._take_new(one)
        if len(self.left_out) == left_out:
            self.done.append(one.correction_id)
        if self.overtaken > overtaken:
            self.done.append(content)

    def _take_new(self, one: OfficeDecision) -> None:
        register = self._latest(one.lesson_id)
        if register is None:
            self.left_out.append(one.correction_id)
            return
        if isinstance(one, OfficeConfirmation):
            self._take_confirmation(one, register)
        elif coded(one.correction) in map(coded, register.corrections):
            self.already += 1
        elif self._is_upgrade and is_overtaken(register.corrections, one.correction):
            self.overtaken += 1
        else:
            self._correct(one)

    def _correct(self, one: OfficeCorrection) -> None:
        wanted = coded(one.correction)
        is_new = self._revise(
            one, lambda: correct_register(self._db, one.lesson_id, wanted, self._signer, self._also, self._now)
        )
        _, note = code_and_note(one.correction.reason)
        if is_new and note:
            self.notes.append(CorrectionNote(wanted.student_id, one.lesson_id, wanted.at, note))

    def _take_confirmation(self, one: OfficeConfirmation, register: Register) -> None:
        known = register.confirmed
        if known == one.confirmation:
            self.already += 1
            return
        if self._is_upgrade and known is not None and known.at >= one.confirmation.at:
            self.overtaken += 1
            return
        self._revise(
            one,
            lambda: confirm_register(self._db, one.lesson_id, one.confirmation, self._signer, self._also, self._now),
        )

    def _revise(self, one: OfficeCorrection | OfficeConfirmation, make: Callable[[], StoredRegister | None]) -> bool:
        """Make a revision and count it; return whether one was made."""
        try:
            added = make()
        except TamperedError as error:
            self.tampered = self.tampered or error.line()
            self.left_out.append(one.correction_id)
            return False
        except RegisterError:  # the texts were checked before, so the student is not on this register
            self.left_out.append(one.correction_id)
            return False
        if added is None:
            self.already += 1
            return False
        self._known[one.lesson_id] = from_json(added.document).register
        self.revisions += 1
        return True

    def _latest(self, lesson_id: str) -> Register | None:
        if lesson_id not in self._known:
            stored = registers.latest(self._db, lesson_id)
            self._known[lesson_id] = from_json(stored.document).register if stored is not None else None
        return self._known[lesson_id]
