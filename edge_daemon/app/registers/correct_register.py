"""Makes the next revision of a register, for `register correct` and for the office's corrections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.registers.correction_notes import keep_notes
from edge_daemon.app.registers.own_documents import TamperedError, check_own
from edge_daemon.attendance.confirmation import confirm, question
from edge_daemon.attendance.document import from_json, sign
from edge_daemon.attendance.late_check_ins import late_check_ins
from edge_daemon.attendance.reason_codes import code_and_note, coded, misspelt_code
from edge_daemon.attendance.register import check_text, correct
from edge_daemon.device.signing import Signer
from edge_daemon.errors import RegisterError
from edge_daemon.gallery.notes import CorrectionNote
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import registers
from edge_daemon.store.alarms import LEDGER, raise_alarm
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.registers import OutboxWriter, StoredRegister
from edge_daemon.types import Confirmation, Correction, Register


@dataclass(frozen=True, slots=True)
class HandCorrection:
    """The outcome of a correction on the device."""

    lesson_id: str
    revision: int | None
    """The new revision; None if the register already says the same."""
    has_note: bool
    """Whether the reason is free text, so that the register has the code `other`."""
    note_kept: bool
    """False if the free text of the reason could not be stored, because the student is not enrolled here."""


def correct_register(
    db: sqlite_utils.Database, lesson_id: str, wanted: Correction, signer: Signer, also: OutboxWriter, now: datetime
) -> StoredRegister | None:
    """Make the next revision of a register, with one student's verdict changed. Nothing is overwritten.

    Args:
        db: register.sqlite, within a transaction.
        lesson_id: the lesson of an existing register.
        wanted: the student, the verdict, and who decided it, why and when.
        signer: the signer of this device.
        also: writes the outbox rows of the revision, in the same transaction.
        now: the time of the revision.

    Returns:
        The new revision; None if the last correction of this student says the same.

    Raises:
        RegisterError: there is no such register, the student is not on it, or the person or the reason is missing.
        TamperedError: the register differs from what this device signed.
        StoreError: the database can't be written.
    """

    def corrected(old: Register) -> Register:
        return correct(
            old,
            wanted.student_id,
            wanted.verdict,
            by=wanted.by,
            reason=wanted.reason,
            at=wanted.at,
            reason_code=wanted.reason_code,
            title=wanted.title,
        )

    return _revise(db, lesson_id, corrected, signer, also, now)


def correct_by_hand(home: Home, register_id: str, wanted: Correction) -> HandCorrection:
    """Correct a register on the device. If the reason is free text, the register gets the code `other`.

    The free text becomes a note in the gallery, which is not signed and is erased with the student.

    Args:
        home: the installation.
        register_id: the lesson's id, or a beginning of it that only one register has.
        wanted: the correction; its time is also the time of the revision.

    Raises:
        EdgeError: no such register or student, the reason is a misspelt code, no signing key, or the database can't be
            written.
    """
    check_text(wanted.reason, "the reason", "--reason TEXT")
    if code := misspelt_code(wanted.reason):
        what = f"{wanted.reason.strip()} is not a reason code (did you mean {code}?)"
        raise RegisterError(what, "--reason TEXT", "or give a reason in your own words, as a sentence")
    _, note = code_and_note(wanted.reason)
    home.check_registers()
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        lesson_id = registers.find_lesson(db, register_id)
        signer, also = open_signer(home), outbox_writer(home.config)
        with _alarm(db, wanted.at), transaction(db):
            added = correct_register(db, lesson_id, coded(wanted), signer, also, wanted.at)
        at = _last_correction(db, lesson_id, wanted)
    kept = not note or keep_notes(home, [CorrectionNote(wanted.student_id, lesson_id, at, note)]) == 1
    return HandCorrection(lesson_id, added.revision if added else None, has_note=bool(note), note_kept=kept)


def _last_correction(db: sqlite_utils.Database, lesson_id: str, wanted: Correction) -> datetime:
    """Return the time of a student's last correction; a new note about the same decision is stored under that time."""
    stored = registers.latest(db, lesson_id)
    corrections = from_json(stored.document).register.corrections if stored else ()
    return next((one.at for one in reversed(corrections) if one.student_id == wanted.student_id), wanted.at)


def confirm_register(
    db: sqlite_utils.Database,
    lesson_id: str,
    confirmation: Confirmation,
    signer: Signer,
    also: OutboxWriter,
    now: datetime,
) -> StoredRegister | None:
    """Make the next revision of a register, with the office's confirmation.

    Args:
        db: register.sqlite, within a transaction.
        lesson_id: the lesson of an existing register.
        confirmation: whether the lesson was held, who confirms it, and when.
        signer: the signer of this device.
        also: writes the outbox rows of the revision, in the same transaction.
        now: the time of the revision.

    Returns:
        The new revision; None if the same person has already confirmed the same.

    Raises:
        RegisterError: there is no such register, or the person is missing.
        StoreError: the database can't be written.
    """
    return _revise(db, lesson_id, lambda old: confirm(old, confirmation), signer, also, now)


def question_register(
    db: sqlite_utils.Database, lesson_id: str, signer: Signer, also: OutboxWriter, now: datetime
) -> StoredRegister | None:
    """Make the next revision of a register whose lesson the timetable no longer has; the office has to confirm it.

    Arguments and errors are those of `confirm_register`.

    Returns:
        The new revision; None if the office has confirmed it or is asked already.
    """
    return _revise(db, lesson_id, question, signer, also, now)


def check_in_register(
    db: sqlite_utils.Database,
    lesson_id: str,
    check_ins: Sequence[tuple[str, datetime]],
    signer: Signer,
    also: OutboxWriter,
    now: datetime,
) -> StoredRegister | None:
    """Make the next revision of a register, with check-ins that arrived after the register was made.

    Errors are those of `confirm_register`.

    Returns:
        The new revision; None if the register has all check-ins already, or if none falls into its lesson.
    """
    return _revise(db, lesson_id, lambda old: late_check_ins(old, check_ins), signer, also, now)


def _revise(
    db: sqlite_utils.Database,
    lesson_id: str,
    change: Callable[[Register], Register],
    signer: Signer,
    also: OutboxWriter,
    now: datetime,
) -> StoredRegister | None:
    """Check the newest revision, change it, and sign the next one; return None if nothing changes."""

    def render(last: StoredRegister) -> str | None:
        check_own(db, last.lesson_id, last.revision, signer)
        old = from_json(last.document).register
        new = change(old)
        return None if new is old else sign(new, last.sha256, signer)

    return registers.add_revision(db, lesson_id, render, now, also)


def confirm_by_hand(home: Home, register_id: str, confirmation: Confirmation) -> tuple[str, int | None]:
    """Confirm on the device whether a lesson was held; arguments and errors are those of `correct_by_hand`."""
    home.check_registers()
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        lesson_id = registers.find_lesson(db, register_id)
        signer, also = open_signer(home), outbox_writer(home.config)
        with _alarm(db, confirmation.at), transaction(db):
            added = confirm_register(db, lesson_id, confirmation, signer, also, confirmation.at)
    return lesson_id, added.revision if added else None


@contextmanager
def _alarm(db: sqlite_utils.Database, now: datetime) -> Iterator[None]:
    """Store an alarm if the block raises TamperedError, then let the error continue."""
    try:
        yield
    except TamperedError as error:
        raise_alarm(db, LEDGER, error.line(), now)
        raise


def is_overtaken(corrections: tuple[Correction, ...], wanted: Correction) -> bool:
    """Return whether somebody made a different decision about the same student at a later time."""
    of_student = [coded(one) for one in corrections if one.student_id == wanted.student_id]
    return any(one.at > wanted.at and replace(one, at=wanted.at) != coded(wanted) for one in of_student)
