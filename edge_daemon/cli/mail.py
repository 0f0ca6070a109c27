"""`edge-daemon mail`: tests the mail settings, and shows what messages look like."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from edge_daemon.app.notices.mail_preview import PreviewRequest, preview_messages
from edge_daemon.app.notices.mail_trial import send_trial
from edge_daemon.app.sync.receiver_settings import withheld_secrets
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.config import is_address
from edge_daemon.errors import DeliveryError

_LENT = "use `attendance mail test --to ADDRESS`"
_KINDS = (
    *("office", "teacher", "student", "guardian", "student-correction", "guardian-correction"),
    *("week", "month", "student-week", "guardian-week", "guardian-month"),
)


@click.group(cls=GroupHelp)
def mail() -> None:
    """Messages to the office, to students and to guardians."""


@mail.command("test")
@click.option("--to", "address", required=True, metavar="ADDRESS", help="Address that gets the message.")
@pass_home
def test_(home: Home, address: str) -> None:
    """Send a test message now, and print the server's answer."""
    if not is_address(address):
        raise DeliveryError("is not a mail address", f"--to {address!r}", "give one such as office@school.example")
    if home.config.mail.via == "upstream":
        raise DeliveryError("the school's server sends the mail", "mail.via", "test it there")
    if "mail.password_file" in withheld_secrets(home):
        raise DeliveryError("is a credential that this shell does not receive", "mail.password_file", _LENT)
    name, outcome = send_trial(home, address)
    if outcome.name != "delivered":
        raise _NotSentError(outcome.answer, "" if name in outcome.answer else name)
    click.echo(f"accepted by {name}: {outcome.answer}")


@mail.command()
@click.argument("about", metavar="LESSON")
@click.option("--kind", type=click.Choice(_KINDS), default="office", show_default=True, help="Kind of message.")
@click.option("--student", "student_id", metavar="ID", help="About one student only; else about every absent student.")
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder to write to.",
)
@pass_home
def preview(home: Home, about: str, kind: str, student_id: str | None, output: Path) -> None:
    """Write messages as .eml, .html and .xlsx, to look at; nothing is sent.

    LESSON is a register's id or its first characters; for a weekly message 2026-W47, for a monthly one 2026-11.
    """
    wanted = PreviewRequest(about, kind, student_id or "", output)
    for line in preview_messages(home, wanted, datetime.now(timezone.utc)):
        click.echo(line)


class _NotSentError(DeliveryError):
    """The server did not accept a test message."""

    exit_code = 1
