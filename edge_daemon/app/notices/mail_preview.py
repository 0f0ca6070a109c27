"""Writes messages to files, to look at before they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon.app.notices.absences import forbidden
from edge_daemon.app.notices.composer import Composer
from edge_daemon.attendance.document import from_json
from edge_daemon.delivery.mail_message import to_bytes, to_message
from edge_daemon.delivery.message import Message
from edge_daemon.errors import DeliveryError
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox, registers
from edge_daemon.store.database import open_register
from edge_daemon.types import Delivery

_NOBODY = "nobody@edge-daemon.invalid"


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """The messages to write."""

    about: str
    """A register's id or its beginning; for a week or month 2026-W47 or 2026-11."""
    kind: str
    student_id: str
    """The student's id; empty to write the message for every absent student."""
    folder: Path


def preview_messages(home: Home, wanted: PreviewRequest, now: datetime) -> Iterator[str]:
    """Write messages as .eml, .html, .txt and .xlsx, and yield a line about each; nothing is sent.

    Raises:
        EdgeError: there is no such register, nobody was absent, or the folder can't be written.
    """
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        composer = Composer(home, db, stand_in=_NOBODY)
        items = _items(db, wanted, now)
        if not items:
            raise DeliveryError("nobody was absent", f"register {wanted.about}", "name one with --student")
        composed = [(item, composer.compose(item, now, checked=False)) for item in items]
        if not any(isinstance(made, Message) for _, made in composed):  # without a message no folder is made
            answers = ", ".join(sorted({made.answer for _, made in composed if not isinstance(made, Message)}))
            raise DeliveryError(f"there is no message: {answers}", f"{wanted.kind} {wanted.about}")
        _make_folder(wanted.folder)
        for item, made in composed:
            zone = ZoneInfo(home.config.device.time_zone)
            refusal = forbidden(db, item, home.config.mail, now, zone) if wanted.kind in outbox.PERSONAL else None
            name = f"{wanted.kind}-{item.student_id}" if item.student_id else wanted.kind
            if isinstance(made, Message):
                _write(wanted.folder, name, made, home.config.mail.from_ or _NOBODY, now)
                held = f"; not sent now: {refusal.answer}" if refusal else ""
                yield f"{wanted.folder / name}.eml: {made.subject}{held}"
            else:
                yield f"{name}: there is no message: {made.answer}"


def _items(db: sqlite_utils.Database, wanted: PreviewRequest, now: datetime) -> list[Delivery]:
    about, kind, student_id = wanted.about, wanted.kind, wanted.student_id
    if kind in (outbox.WEEK, outbox.MONTH):
        return [Delivery(0, "mail", kind, about, "", "", 0, now)]
    if kind in outbox.RECORD_OF:
        if not student_id:
            raise DeliveryError(
                f"a record of a {outbox.RECORD_OF[kind]} is about one student", "--student", "give the student's id"
            )
        return [Delivery(0, "mail", kind, about, student_id, "", 0, now)]
    lesson_id = registers.find_lesson(db, about)
    stored = registers.latest(db, lesson_id)
    assert stored is not None  # it was just found
    if kind in (outbox.OFFICE, outbox.TEACHER):
        return [Delivery(0, "mail", kind, f"{lesson_id}/{stored.revision}", "", lesson_id, 0, now)]
    verdicts = from_json(stored.document).register.verdicts
    absent = [verdict.tally.student_id for verdict in verdicts if verdict.verdict == "absent"]
    about_whom = [student_id] if student_id else absent
    return [Delivery(0, "mail", kind, lesson_id, one, lesson_id, 0, now) for one in about_whom]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DeliveryError(f"can't be made: {error.strerror}", str(folder), "name another folder") from error


def _write(folder: Path, name: str, message: Message, sender: str, now: datetime) -> None:
    try:
        (folder / f"{name}.eml").write_bytes(to_bytes(to_message(message, sender, now)))
        (folder / f"{name}.html").write_text(message.html, encoding="utf-8")
        (folder / f"{name}.txt").write_text(message.text, encoding="utf-8")
        for attachment in message.attachments:
            (folder / f"{name}.xlsx").write_bytes(attachment.content)
    except OSError as error:
        raise DeliveryError(f"can't be written: {error.strerror}", str(folder), "check the folder") from error
