"""Decides who gets mail about an absence, and when, and who gets a correction if the absence was wrong.

The first notice waits `mail.hold_h` hours, so that a teacher can correct the register. If the device itself has doubts
about an absence (any flag), the notice waits until a person confirms it. A withdrawn absence gets a correction only if
its notice was sent.

Students and guardians get no notice about a lesson without a trusted time, or about one that was not held. They get
none about an unusual lesson until the office confirms that it was held. They get none about a student whom the office's
list (`excuses.json`) excuses for that day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.doubt import awaits_confirmation, is_cancelled
from edge_daemon.config import MailConfig
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox, registers
from edge_daemon.store.excuses import is_excused
from edge_daemon.store.outbox import Item
from edge_daemon.types import Delivery, Outcome, Register, Verdict

UNCONFIRMED_FOR = timedelta(days=28)
"""Age of an absence from which no notice is sent any more, if a person has not confirmed the absence."""

_NOT_ABSENT = "not absent after all, by a correction"
_ASKED = "nobody is absent until the office confirms that the lesson was held"


@dataclass(frozen=True, slots=True)
class _Channel:
    """The outbox kinds of notice and correction for one recipient, the student or the guardian."""

    notice: str
    correction: str


_STUDENT = _Channel(outbox.STUDENT, outbox.STUDENT_CORRECTION)
_GUARDIAN = _Channel(outbox.GUARDIAN, outbox.GUARDIAN_CORRECTION)


def queue_absence_notices(db: sqlite_utils.Database, register: Register, at: datetime, mail: MailConfig) -> None:
    """Write, hold, release or void notices after a new revision, within the transaction that wrote it.

    Args:
        db: register.sqlite.
        register: the newest revision of a lesson.
        at: the time.
        mail: the mail settings.
    """
    is_first_word = register.revision == 1 or register.confirmed is not None or awaits_confirmation(register)
    for case in _cases(db, register, at, mail):
        if is_first_word or "corrected" in case.verdict.flags:  # otherwise nothing is new about this student
            case.judge()


def take_back_what_was_said(db: sqlite_utils.Database, register: Register, at: datetime, mail: MailConfig) -> None:
    """Write corrections for notices that were sent while they were being withdrawn, within the caller's transaction.

    Args:
        db: register.sqlite.
        register: the newest revision of a lesson.
        at: the time.
        mail: the mail settings.
    """
    for case in _cases(db, register, at, mail):
        if case.items and not _is_absent(register, case.verdict):
            case.judge()


def _cases(db: sqlite_utils.Database, register: Register, at: datetime, mail: MailConfig) -> Iterator[_Case]:
    """Yield each student and channel of a register with the items written so far; a rehearsal yields none."""
    if register.lesson.origin == "rehearsal":
        return
    items, after_hold = outbox.of_lesson(db, register.lesson.lesson_id), at + timedelta(hours=mail.hold_h)
    for channel in _channels(mail):
        kinds = {channel.notice, channel.correction}
        for verdict in register.verdicts:
            student_id = verdict.tally.student_id
            mine = [item for item in items if item.student_id == student_id and item.kind in kinds]
            yield _Case(db, register, verdict, channel, mine, at, after_hold)


def forbidden(
    db: sqlite_utils.Database, delivery: Delivery, mail: MailConfig, now: datetime, zone: tzinfo = timezone.utc
) -> Outcome | None:
    """Return why a notice or its correction must not be sent now, None if it may be sent.

    Call this right before sending, because settings and registers may have changed since the item was written.

    Args:
        db: register.sqlite.
        delivery: an item of the kinds `outbox.PERSONAL`.
        mail: the mail settings.
        now: the time by the clock.
        zone: the school's time zone, which decides the day of an excuse.
    """
    channel = next((one for one in _channels(mail) if delivery.kind in {one.notice, one.correction}), None)
    if channel is None:
        return Outcome("void", "the settings disable this mail")
    stored = registers.latest(db, delivery.lesson_id)
    register = from_json(stored.document).register if stored is not None else None
    found = [v for v in register.verdicts if v.tally.student_id == delivery.student_id] if register is not None else []
    if register is None or not found:
        return Outcome("void", "the student is not on the register")
    if register.lesson.origin == "rehearsal":  # an earlier release queued notices of rehearsals, too
        return Outcome("void", "it was a rehearsal")
    absent = _is_absent(register, found[0])
    last = _last_sent(_others(db, delivery, channel))
    was_notice = last is not None and last.kind == channel.notice
    if delivery.kind == channel.correction:
        if absent:
            return Outcome("void", "absent after all, by a correction")
        return None if was_notice else Outcome("void", "no notice of the absence was sent")
    if not absent:
        return Outcome("void", _ASKED if awaits_confirmation(register) else _NOT_ABSENT)
    if was_notice and last is not None and last.state == "delivered":
        return Outcome("void", "the notice was sent already")
    if is_excused(db, delivery.student_id, register.lesson.start.astimezone(zone).date()):
        return Outcome("void", "the office has an excuse for this day")
    return _needs_confirmation(register, found[0], delivery, now)


def _needs_confirmation(register: Register, verdict: Verdict, delivery: Delivery, now: datetime) -> Outcome | None:
    doubt = reason_to_hold(register, verdict)
    if not doubt:
        return None
    if now - delivery.created_at > UNCONFIRMED_FOR:
        return Outcome("void", f"nobody confirmed the absence within {UNCONFIRMED_FOR.days} days")
    return Outcome("held", doubt)


def reason_to_hold(register: Register, verdict: Verdict) -> str:
    """Return why a person has to confirm an absence before a notice is sent; empty if nobody has to."""
    if awaits_confirmation(register):
        flags = ", ".join(flag.replace("_", " ") for flag in register.register_flags)
        return f"the office has to say whether the lesson was held ({flags}), with `edge-daemon register confirm`"
    if "corrected" in verdict.flags or not verdict.flags:
        return ""
    flags = ", ".join(flag.replace("_", " ") for flag in verdict.flags)
    return f"a person has to confirm the absence (flagged: {flags}), with `edge-daemon register correct`"


def _channels(mail: MailConfig) -> Sequence[_Channel]:
    return [one for one, wanted in ((_STUDENT, mail.students), (_GUARDIAN, mail.guardians)) if wanted]


def _is_absent(register: Register, verdict: Verdict) -> bool:
    return verdict.verdict == "absent" and register.clock != "unsynchronised" and not is_cancelled(register)


def _last_sent(items: Sequence[Item]) -> Item | None:
    """Return the last message that arrived or may have arrived: it was tried at least once and not refused."""
    sent = [item for item in items if item.state == "delivered" or (item.attempts > 0 and item.state != "parked")]
    return sent[-1] if sent else None


def _others(db: sqlite_utils.Database, delivery: Delivery, channel: _Channel) -> list[Item]:
    """Return the other items to the same person about the same lesson and student."""
    return [
        item
        for item in outbox.of_lesson(db, delivery.lesson_id)
        if item.student_id == delivery.student_id
        and item.kind in {channel.notice, channel.correction}
        and item.item_id != delivery.item_id
    ]


@dataclass(frozen=True, slots=True)
class _Case:
    """The notices about one student to one recipient, which a new revision may change."""

    db: sqlite_utils.Database
    register: Register
    verdict: Verdict
    channel: _Channel
    items: Sequence[Item]
    """The items written so far, the oldest first."""
    at: datetime
    after_hold: datetime

    def judge(self) -> None:
        open_items = [item for item in self.items if item.state in outbox.OPEN]
        notices = [item for item in open_items if item.kind == self.channel.notice]
        corrections = [item for item in open_items if item.kind == self.channel.correction]
        if _is_absent(self.register, self.verdict):
            self._give_up(corrections, "absent after all, by a correction")
            if notices:
                self._free(notices)
            elif not self._is_last(self.channel.notice, surely=True):
                self._notify()
        else:
            self._give_up(notices, _ASKED if awaits_confirmation(self.register) else _NOT_ABSENT)
            if not corrections and self._is_last(self.channel.notice):
                self._take_back()

    def _is_last(self, kind: str, *, surely: bool = False) -> bool:
        last = _last_sent(self.items)
        return last is not None and last.kind == kind and (last.state == "delivered" or not surely)

    def _notify(self) -> None:
        # A second notice about the same lesson gets its own reference, because the first one was sent and corrected.
        again = any(item.kind == self.channel.notice for item in self.items)
        doubt = reason_to_hold(self.register, self.verdict)
        self._put(self.channel.notice, self._revision if again else self._lesson_id, self.after_hold, doubt)

    def _take_back(self) -> None:
        # A message that is being sent at this moment has to arrive first.
        busy = any(item.claimed for item in self.items)
        not_before = self.at + timedelta(seconds=outbox.LEASE_S) if busy else self.at
        self._put(self.channel.correction, self._revision, not_before, "")

    def _free(self, notices: Sequence[Item]) -> None:
        for item in notices:
            if item.state == "held" and not reason_to_hold(self.register, self.verdict):
                outbox.change(self.db, item.item_id, "waiting", not_before=self.after_hold, answer="", at=self.at)

    def _give_up(self, items: Sequence[Item], answer: str) -> None:
        for item in items:
            outbox.change(self.db, item.item_id, "void", not_before=self.at, answer=answer, at=self.at)

    def _put(self, kind: str, ref: str, not_before: datetime, doubt: str) -> None:
        outbox.put(
            self.db,
            destination="mail",
            kind=kind,
            ref=ref,
            student_id=self.verdict.tally.student_id,
            lesson_id=self._lesson_id,
            not_before=not_before,
            at=self.at,
            state="held" if doubt else "waiting",
            answer=doubt,
        )

    @property
    def _lesson_id(self) -> str:
        return self.register.lesson.lesson_id

    @property
    def _revision(self) -> str:
        return f"{self._lesson_id}/{self.register.revision}"
