"""`edge-daemon mail`: is mail set up rightly, and what do messages look like?"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import click

from edge_daemon.app.notices.absences import forbidden
from edge_daemon.app.notices.composer import Composer
from edge_daemon.app.notices.mail_delivery import open_sender, trial_message
from edge_daemon.app.sync.receiver_settings import withheld_secrets
from edge_daemon.attendance.document import from_json
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.config import is_address
from edge_daemon.delivery.mail_message import to_bytes, to_message
from edge_daemon.delivery.message import Message
from edge_daemon.errors import DeliveryError
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import outbox, registers
from edge_daemon.store.database import open_register
from edge_daemon.types import Delivery

_NOBODY = "nobody@edge-daemon.invalid"
_LENT = "use `sudo attendance mail test --to ADDRESS`"
_KINDS = (
    *("office", "student", "guardian", "student-correction", "guardian-correction"),
    "week",
    "month",
    "student-week",
)


@click.group()
def mail() -> None:
    """Messages to the office, to students and to guardians."""


@mail.command("test")
@click.option("--to", "address", required=True, metavar="ADDRESS", help="Who gets the message.")
@pass_home
def test_(home: Home, address: str) -> None:
    """Send a test message now, and say what the server answered."""
    if not is_address(address):
        raise DeliveryError("is no mail address", f"--to {address!r}", "give one such as office@school.example")
    if home.config.mail.via == "upstream":
        raise DeliveryError("the school's server sends the mail", "mail.via", "test it there")
    if "mail.password_file" in withheld_secrets(home):
        raise DeliveryError("is a credential that this shell is not given", "mail.password_file", _LENT)
    sender = open_sender(home)
    with closing(sender):
        outcome = sender.send(trial_message(home, address, sender.name))
    if outcome.name != "delivered":
        raise _NotSentError(outcome.answer, "" if sender.name in outcome.answer else sender.name)
    click.echo(f"taken by {sender.name}: {outcome.answer}")


@mail.command()
@click.argument("about", metavar="LESSON")
@click.option("--kind", type=click.Choice(_KINDS), default="office", show_default=True, help="Which message.")
@click.option("--student", "student_id", metavar="ID", help="About one student only; else about every absent one.")
@click.option(
    "--output", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="A folder."
)
@pass_home
def preview(home: Home, about: str, kind: str, student_id: str | None, output: Path) -> None:
    """Write messages as .eml, .html and .xlsx, to look at; nothing is sent.

    LESSON is the id of a register, or the beginning of one; for the kinds of a week or month it is 2026-W47 or 2026-11.
    """
    db = open_register(home.register_db_path, create=False)
    with closing(db.conn):
        composer = Composer(home, db)
        now = datetime.now(timezone.utc)
        items = _items(db, about, kind, student_id, now)
        if not items:
            raise DeliveryError("nobody was absent", f"register {about}", "name one with --student")
        _make_folder(output)
        for item in items:
            made = composer.compose(item, now, checked=False)
            refusal = forbidden(db, item, home.config.mail, now) if kind in outbox.PERSONAL else None
            name = f"{kind}-{item.student_id}" if item.student_id else kind
            if isinstance(made, Message):
                _write(output, name, made, home.config.mail.from_ or _NOBODY, now)
                held = f"; not sent now: {refusal.answer}" if refusal else ""
                click.echo(f"{output / name}.eml: {made.subject}{held}")
            else:
                click.echo(f"{name}: there is no message: {made.answer}")


class _NotSentError(DeliveryError):
    """The server did not take a test message."""

    exit_code = 1


def _items(db: sqlite_utils.Database, about: str, kind: str, student_id: str | None, now: datetime) -> list[Delivery]:
    if kind in (outbox.WEEK, outbox.MONTH):
        return [Delivery(0, "mail", kind, about, "", "", 0, now)]
    if kind == outbox.STUDENT_WEEK:
        if not student_id:
            raise DeliveryError("whose week?", "--student", "name the student")
        return [Delivery(0, "mail", kind, about, student_id, "", 0, now)]
    lesson_id = registers.find_lesson(db, about)
    stored = registers.latest(db, lesson_id)
    assert stored is not None  # it was just found
    if kind == outbox.OFFICE:
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
