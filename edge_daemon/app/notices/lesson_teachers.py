"""Finds who teaches a lesson: from the roster, or else from the lesson's calendar event.

The calendar's addresses are sealed when the lesson begins, and erased four weeks after its end.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from edge_daemon.config import MailConfig
from edge_daemon.errors import KeyFileError, StoreError
from edge_daemon.gallery.class_list.teachers import MOST
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.teacher_tables import (
    LessonTeachersRow,
    forget_lesson_teachers,
    lesson_teacher_rows,
    put_lesson_teachers,
)
from edge_daemon.types import Lesson

if TYPE_CHECKING:
    from edge_daemon.app.notices.sealed_contacts import Contact

logger = logging.getLogger(__name__)

_WHAT: Final = "lesson teachers"
KEPT_FOR: Final = timedelta(days=28)
"""How long after the end of a lesson the addresses from its calendar event are kept."""

Groups = Sequence[Sequence[str]]
"""Addresses of an event in three groups: its chair, its organiser, and the only invited person."""


def note_teachers(home: Home, db: sqlite_utils.Database, lesson: Lesson, groups: Groups, now: datetime) -> None:
    """Seal the addresses of a lesson's event if they are wanted; forget those of old lessons.

    An error is only logged. The lesson then has no known teacher, but takes place as usual.

    Args:
        home: the installation, with the key.
        db: register.sqlite.
        lesson: the lesson that begins now.
        groups: addresses of its event.
        now: the time.
    """
    try:
        forget_lesson_teachers(db, now)
        if home.config.mail.teachers and any(groups) and not lesson_teacher_rows(db, lesson.lesson_id):
            _seal(home, db, lesson, groups)
    except (KeyFileError, StoreError) as error:
        logger.warning("contacts not handed on", extra={"reason": error.what, "where": error.where})


def _seal(home: Home, db: sqlite_utils.Database, lesson: Lesson, groups: Groups) -> None:
    from edge_daemon.app.notices.sealed_contacts import contact_keys, seal_with  # loads cryptography only if needed

    plain = json.dumps([list(group) for group in groups], ensure_ascii=False).encode("utf-8", "surrogatepass")
    key = contact_keys(home, create=True)[0]
    row = LessonTeachersRow(lesson.lesson_id, seal_with(key, plain, _WHAT, lesson.lesson_id))
    put_lesson_teachers(db, row, lesson.end + KEPT_FOR)


def teachers_of(
    home: Home, db: sqlite_utils.Database, lesson: Lesson, contacts: Mapping[str, Contact], mail: MailConfig
) -> tuple[str, ...]:
    """Return the addresses of a lesson's teachers; empty if none is known.

    The roster comes first: its teachers of the lesson's course, or else of students without courses, who belong to
    every lesson. After that comes the first group of the calendar that names anybody except the office, students or
    guardians.

    Raises:
        KeyFileError: the contact key is missing or a different one.
    """
    return _of_roster(contacts.values(), lesson.course) or _of_calendar(home, db, lesson, contacts, mail)


def _of_roster(contacts: Iterable[Contact], course: str) -> tuple[str, ...]:
    found: dict[str, dict[str, str]] = {course: {}, "": {}}
    for contact in contacts:
        for name, addresses in contact.teachers.items():
            if name in found:
                for address in addresses:
                    found[name].setdefault(address.casefold(), address)
    return tuple((found[course] or found[""]).values())[:MOST]


def _of_calendar(
    home: Home, db: sqlite_utils.Database, lesson: Lesson, contacts: Mapping[str, Contact], mail: MailConfig
) -> tuple[str, ...]:
    rows = lesson_teacher_rows(db, lesson.lesson_id)
    if not rows:
        return ()
    from edge_daemon.app.notices.sealed_contacts import contact_keys, open_with

    keys = contact_keys(home, create=False)
    plain = open_with(keys, rows[0].sealed, _WHAT, lesson.lesson_id)
    families = {address for one in contacts.values() for address in (one.email, one.guardian_email)}
    others = {address.casefold() for address in (*families, *mail.office)}
    for group in json.loads(plain.decode("utf-8", "surrogatepass")):
        left = tuple(address for address in group if address.casefold() not in others)
        if left:
            return left[:MOST]
    return ()
