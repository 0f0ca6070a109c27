"""Composes the messages of outbox items from the newest revision and the current addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from edge_daemon.app.notices.absences import forbidden
from edge_daemon.app.notices.lesson_teachers import teachers_of
from edge_daemon.app.notices.office_mail import attached, lesson_sheet, lesson_values, period_sheet, period_values
from edge_daemon.app.notices.personal_mail import notice_values, record_values
from edge_daemon.app.notices.sealed_contacts import Contact, read_contacts
from edge_daemon.app.notices.sheet_periods import Period, period_of, sheet_before
from edge_daemon.app.notices.wording import Words
from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.doubt import reaches_families
from edge_daemon.attendance.week import week_of
from edge_daemon.delivery.mail_templates import Templates, Values
from edge_daemon.delivery.message import Attachment, Message, Role, stable_message_id
from edge_daemon.errors import KeyFileError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox, registers
from edge_daemon.store.database import transaction
from edge_daemon.types import Delivery, Lesson, Outcome, Register

_OFFICE = frozenset((outbox.OFFICE, outbox.WEEK, outbox.MONTH))
_ROLES: dict[str, Role] = {
    outbox.STUDENT: "student",
    outbox.STUDENT_CORRECTION: "student",
    outbox.STUDENT_WEEK: "student",
    outbox.GUARDIAN: "guardian",
    outbox.GUARDIAN_CORRECTION: "guardian",
    outbox.GUARDIAN_WEEK: "guardian",
    outbox.GUARDIAN_MONTH: "guardian",
}
_NOTICE_OF = {outbox.STUDENT_CORRECTION: outbox.STUDENT, outbox.GUARDIAN_CORRECTION: outbox.GUARDIAN}
_NOT_YET = "names and addresses are not available yet: the service provides them at its start"
_ADDRESS_MARK = "#"
"""Sign in the ref of an item to the office, before the number of a further address: `#2`, `#3`."""


def templates_of(home: Home) -> Templates:
    """Return the message templates that the settings name."""
    mail = home.config.mail
    return Templates(mail.language, home.config_path.parent / mail.templates if mail.templates else None)


class Composer:
    """Composes messages of outbox items.

    Args:
        home: the installation, with the key of the contacts.
        db: register.sqlite.
        needs_addresses: False if the sender knows the addresses itself.
        stand_in: address for a preview; it replaces missing addresses and enables mail that the settings do not want.
    """

    def __init__(
        self, home: Home, db: sqlite_utils.Database, *, needs_addresses: bool = True, stand_in: str = ""
    ) -> None:
        self._home, self._db, self._needs_addresses, self._stand_in = home, db, needs_addresses, stand_in
        self._mail, self._device = home.config.mail, home.config.device.name
        self._templates = templates_of(home)
        self._zone, self._week = ZoneInfo(home.config.device.time_zone), week_of(home.config.week)

    def compose(self, delivery: Delivery, at: datetime, *, checked: bool = True) -> Message | Outcome:
        """Return the message of an item, or the outcome that explains why there is none now.

        Args:
            delivery: the item.
            at: the time.
            checked: False to compose the message without checking whether it may be sent, for a preview.

        Raises:
            DeliveryError: a template can't be used.
            KeyFileError: the message is for a student, guardian or teacher, and the contacts can't be read.
            StoreError: the database can't be read.
        """
        if delivery.kind in (outbox.OFFICE, outbox.TEACHER):
            return self._lesson(delivery)
        if delivery.kind in (outbox.WEEK, outbox.MONTH):
            return self._period(delivery)
        if delivery.kind in outbox.RECORD_OF:
            return self._record(delivery)
        if delivery.kind in _ROLES:
            refusal = forbidden(self._db, delivery, self._mail, at, self._zone) if checked else None
            return refusal or self._notice(delivery)
        return Outcome("void", f"this release knows no mail of the kind {delivery.kind}")

    def spread(self, delivery: Delivery, at: datetime) -> None:
        """Add to the outbox the further items that an item needs.

        They are for the other addresses of the office and for the students' records.
        """
        if delivery.kind not in (*_OFFICE, outbox.TEACHER) or _ADDRESS_MARK in delivery.ref:
            return
        further = range(2, self._addresses(delivery) + 1) if self._needs_addresses else ()
        records = [kind for kind, of in outbox.RECORD_OF.items() if of == delivery.kind and self._wants(kind)]
        students = self._students_of(delivery.ref) if records else ()
        not_before = min(delivery.created_at, at)  # the clock may have been ahead when the item was created
        with transaction(self._db):
            for number in further:
                ref = f"{delivery.ref}{_ADDRESS_MARK}{number}"
                self._put(delivery.kind, ref, "", delivery.lesson_id, not_before, at)
            for kind in records:
                for student_id in students:
                    self._put(kind, delivery.ref, student_id, "", not_before, at)

    def _addresses(self, delivery: Delivery) -> int:
        """Return how many addresses an item goes to."""
        if delivery.kind != outbox.TEACHER:
            return len(self._mail.office)
        stored = registers.latest(self._db, delivery.lesson_id)
        return 0 if stored is None else len(self._teachers(from_json(stored.document).register.lesson))

    def _teachers(self, lesson: Lesson) -> tuple[str, ...]:
        return teachers_of(self._home, self._db, lesson, read_contacts(self._home, self._db), self._mail)

    def _put(self, kind: str, ref: str, student_id: str, lesson_id: str, not_before: datetime, at: datetime) -> None:
        outbox.put(
            self._db,
            destination="mail",
            kind=kind,
            ref=ref,
            student_id=student_id,
            lesson_id=lesson_id,
            not_before=not_before,
            at=at,
        )

    # --- the office ---------------------------------------------------------------------------------------------------

    def _lesson(self, delivery: Delivery) -> Message | Outcome:
        about, _, number = delivery.ref.partition(_ADDRESS_MARK)
        lesson_id, _, revision = about.partition("/")
        stored = registers.latest(self._db, lesson_id)
        if stored is None:
            return Outcome("void", "there is no such register any more")
        if str(stored.revision) != revision:
            return Outcome("void", "a later revision is sent instead")
        register = from_json(stored.document).register
        is_rehearsal = register.lesson.origin == "rehearsal"  # it has no trusted time, but its mail was requested
        if register.clock == "unsynchronised" and not register.corrections and not is_rehearsal:
            return Outcome("void", "the lesson's time is not known, and such a register is not mailed")
        is_teacher = delivery.kind == outbox.TEACHER
        address = self._teacher_of(register, number) if is_teacher else self._office_of(delivery)[1]
        if isinstance(address, Outcome):
            return address
        names, words = self._names(), self._words()
        label = f"{words.course(register.lesson)} {self._device}"
        file = attached(lesson_sheet(register, names, words), label, tick_list=is_teacher)
        values = lesson_values(register, names, words, self._mail, to_teacher=is_teacher)
        role: Role = "teacher" if is_teacher else "office"
        message = self._message(delivery, role, address, role, values, [register], (file,))
        if is_teacher:
            message = replace(message, course=register.lesson.course)
        if register.revision == 1:
            return message
        first = delivery.ref.replace(f"/{revision}", "/1", 1)
        return _following(message, stable_message_id(register.lesson.device, delivery.kind, first, ""))

    def _teacher_of(self, register: Register, number: str) -> str | Outcome:
        """Return the address of a lesson's teacher, or why there is none.

        `number` is the teacher's position, from 1 on; it is empty for the first teacher.
        """
        if not self._mail.teachers and not self._stand_in:
            return Outcome("void", "the settings disable this mail")
        if register.lesson.origin == "rehearsal":
            return Outcome("void", "it was a rehearsal")
        if not self._needs_addresses:
            return Outcome("void", "the school's server gets it once for all teachers of the course") if number else ""
        if not read_contacts(self._home, self._db):
            return Outcome("retry", _NOT_YET)
        found, place = self._teachers(register.lesson), int(number) - 1 if number.isdecimal() else 0
        if place < len(found):
            return found[place]
        return Outcome("void", "neither the roster nor the calendar has a mail address of the teacher")

    def _period(self, delivery: Delivery) -> Message | Outcome:
        about, address = self._office_of(delivery)
        if isinstance(address, Outcome):
            return address
        period = self._period_of(about)
        found = self._registers(period)
        if not found:
            return Outcome("void", "there were no lessons")
        names, words = self._names(), self._words()
        sheet = period_sheet(found, names, words, period.by, self._week)
        values = period_values(found, sheet, names, words)
        file = attached(sheet, self._device)
        return self._sheet_message(delivery, address, values, found, (file,))

    def _sheet_message(
        self,
        delivery: Delivery,
        address: str,
        values: Values,
        found: Sequence[Register],
        files: tuple[Attachment, ...],
    ) -> Message:
        """Return the message of a sheet; if the sheet replaces an earlier one, the message replies to that one."""
        about, mark, number = delivery.ref.partition(_ADDRESS_MARK)
        before = sheet_before(about)
        if before is None:
            return self._message(delivery, "office", address, delivery.kind, values, found, files)
        marked = {**values, "period": f"{values['period']} ({self._words().say('replaces')})"}
        message = self._message(delivery, "office", address, delivery.kind, marked, found, files)
        device = found[0].lesson.device
        return _following(message, stable_message_id(device, delivery.kind, f"{before}{mark}{number}", ""))

    def _office_of(self, delivery: Delivery) -> tuple[str, str | Outcome]:
        """Return the reference of an item's subject, and the office's address for the item or why there is none."""
        about, _, number = delivery.ref.partition(_ADDRESS_MARK)
        if not self._needs_addresses:  # an item for another address predates mail through the school's server
            return about, Outcome("void", "the school's server gets it once for the whole office") if number else ""
        place = int(number) - 1 if number.isdecimal() else 0
        if place < len(self._mail.office):
            return about, self._mail.office[place]
        return about, self._stand_in or Outcome("void", "the settings name no such address of the office (mail.office)")

    # --- students and guardians ---------------------------------------------------------------------------------------

    def _notice(self, delivery: Delivery) -> Message | Outcome:
        contact = self._reachable(delivery)
        if isinstance(contact, Outcome):
            return contact
        stored = registers.latest(self._db, delivery.lesson_id)
        register = from_json(stored.document).register if stored is not None else None
        if register is None or delivery.student_id not in {v.tally.student_id for v in register.verdicts}:
            return Outcome("void", "the student is not on the register")
        values = notice_values(register, contact.student_id, contact.name or contact.student_id, self._words())
        message = self._personal(delivery, contact, delivery.kind, values, [register])
        notice = _NOTICE_OF.get(delivery.kind)
        if notice is None:
            return message
        follows = stable_message_id(register.lesson.device, notice, delivery.lesson_id, delivery.student_id)
        return _following(message, follows)

    def _wants(self, record: str) -> bool:
        wants = self._mail.students if _ROLES[record] == "student" else self._mail.guardian_sheets
        return wants or bool(self._stand_in)

    def _record(self, delivery: Delivery) -> Message | Outcome:
        """Return a student's record of a week or month; lessons that families get no notices about are left out."""
        if not self._wants(delivery.kind):
            return Outcome("void", "the settings disable this mail")
        contact = self._reachable(delivery)
        if isinstance(contact, Outcome):
            return contact
        period = self._period_of(delivery.ref)
        found = [register for register in self._registers(period) if reaches_families(register)]
        mine = [r for r in found if contact.student_id in {v.tally.student_id for v in r.verdicts}]
        if not mine:
            return Outcome("void", "there were no lessons")
        words = self._words()
        sheet = period_sheet(mine, {}, words, period.by, self._week)
        name, is_own = contact.name or contact.student_id, _ROLES[delivery.kind] == "student"
        values = record_values(mine, sheet, contact.student_id, name, words, is_own=is_own)
        if sheet_before(delivery.ref) is not None:
            values = {**values, "period": f"{values['period']} ({words.say('replaces')})"}
        return self._personal(delivery, contact, delivery.kind, values, mine)

    def _reachable(self, delivery: Delivery) -> Contact | Outcome:
        contacts = read_contacts(self._home, self._db)
        if not contacts and self._stand_in:
            return Contact(delivery.student_id, 0, "", "", "", ())
        if not contacts:  # backups of register.sqlite have no contacts: a restored one waits for the service
            return Outcome("retry", _NOT_YET)
        contact = contacts.get(delivery.student_id)
        if contact is None:
            return Outcome("void", "the student is no longer enrolled")
        if self._needs_addresses and not (_address(contact, _ROLES[delivery.kind]) or self._stand_in):
            return Outcome("void", f"the roster has no mail address of the {_ROLES[delivery.kind]}")
        return contact

    # --- what both need -----------------------------------------------------------------------------------------------

    def _personal(
        self, delivery: Delivery, contact: Contact, template: str, values: Values, found: Sequence[Register]
    ) -> Message:
        role = _ROLES[delivery.kind]
        address = (_address(contact, role) or self._stand_in) if self._needs_addresses else ""
        return self._message(delivery, role, address, template, values, found)

    def _message(
        self,
        delivery: Delivery,
        role: Role,
        address: str,
        template: str,
        values: Values,
        found: Sequence[Register],
        files: tuple[Attachment, ...] = (),
    ) -> Message:
        composed = self._templates.template(template).fill(values)
        # The device name of the register: with a new name, a message that may have arrived would look like another one.
        device = found[0].lesson.device if found else self._device
        return Message(
            message_id=stable_message_id(device, delivery.kind, delivery.ref, delivery.student_id),
            role=role,
            student_id=delivery.student_id,
            address=address,
            sender_name=self._words().say("sender", room=self._device),
            subject=composed.subject,
            text=composed.text,
            html=composed.html,
            language=composed.language,
            registers=tuple((r.lesson.lesson_id, r.revision) for r in found),
            attachments=files,
        )

    def _words(self) -> Words:
        return Words(self._templates.words, self._zone)

    def _names(self) -> dict[str, str]:
        """Return the names of all students; empty if they can't be read, because the office also accepts bare ids."""
        try:
            return {one.student_id: one.name for one in read_contacts(self._home, self._db).values()}
        except KeyFileError:
            return {}

    def _registers(self, period: Period) -> list[Register]:
        stored = registers.latest_registers(self._db, period.start, period.end)
        found = (from_json(one.document).register for one in stored)
        return [register for register in found if register.lesson.origin == "timetable"]

    def _students_of(self, ref: str) -> list[str]:
        found = [register for register in self._registers(self._period_of(ref)) if reaches_families(register)]
        return sorted({verdict.tally.student_id for register in found for verdict in register.verdicts})

    def _period_of(self, ref: str) -> Period:
        return period_of(ref, self._zone, self._week)


def _address(contact: Contact, role: Role) -> str:
    return contact.guardian_email if role == "guardian" else contact.email


def _following(message: Message, follows: str) -> Message:
    return replace(message, follows=follows)
