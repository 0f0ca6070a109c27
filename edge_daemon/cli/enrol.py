"""`edge-daemon enrol`: students, their consent and their photographs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.app.upkeep.maintenance import forget_erased
from edge_daemon.cli import enrol_text as text
from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.enrol_text import Removal
from edge_daemon.cli.progress import progress
from edge_daemon.device.secrets import device_key
from edge_daemon.errors import GalleryError, KeyFileError, RosterError
from edge_daemon.gallery import erasure
from edge_daemon.gallery.oneroster import read_students
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, outbox
from edge_daemon.store.database import check_writable, open_gallery, open_register

if TYPE_CHECKING:
    from edge_daemon.gallery.roster_import import Photographs


@click.group()
def enrol() -> None:
    """Students, their consent and their photographs."""


@enrol.command("import")
@click.argument("roster", type=click.Path(path_type=Path), metavar="ROSTER.csv")
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with a folder of JPEG or PNG photographs for each student id. Without it the roster alone is renewed.",
)
@click.option("--readmit", multiple=True, metavar="ID", help="Enrol a student again who was removed; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def import_(home: Home, roster: Path, photos: Path | None, readmit: tuple[str, ...], as_json: bool) -> None:
    """Read the roster and the photographs of students who consent. May be repeated; an unusable photograph is named.

    The roster is a CSV file, or the folder of OneRoster files (docs/ENROLMENT.md).
    """
    from edge_daemon.gallery.roster_import import import_roster  # here: OpenCV and the models load slowly on a Pi

    # Everything that may be refused comes before the first file is made.
    rows = read_students(roster, datetime.now(ZoneInfo(home.config.device.time_zone)).date())
    _check_readmitted(readmit, {row.student.student_id for row in rows})
    photographs = _photographs(home, photos) if photos is not None else None
    with _register(home) as register_db, _gallery(home, create=True) as store, progress("photographs") as watch:
        if register_db is not None:  # sightings of removed students that a restore brought back
            erasure.erase_sightings_again(store.db, register_db)
        now = datetime.now(timezone.utc)
        report = import_roster(rows, photographs, store, now, readmit=frozenset(readmit), watch=watch)
    forget_erased(home, now)  # of students who withdrew their consent
    _hand_contacts_on(home)
    for warning in text.warnings(report):
        click.echo(f"warning: {warning}", err=True)
    click.echo(text.report_json(report) if as_json else text.report_table(report))


@enrol.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, as_json: bool) -> None:
    """Print all students: those of the roster first, then those who are no longer on it."""
    with _gallery(home) as store:
        records = store.records()
    click.echo(text.list_json(records) if as_json else text.list_table(records))


@enrol.command()
@click.argument("student_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def show(home: Home, student_id: str, as_json: bool) -> None:
    """Print everything that is kept of one student."""
    with _gallery(home) as store:
        record = store.record(student_id)
        pairs = [pair for pair in sorted(store.look_alikes()) if student_id in pair]
    others = [b if a == student_id else a for a, b in pairs]
    if as_json:
        click.echo(text.kept_json(record, others))
        return
    for line in text.kept_lines(record, others):
        click.echo(line)


@enrol.command()
@click.argument("student_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def remove(home: Home, student_id: str, as_json: bool) -> None:
    """Erase a student's templates, name, mail addresses and sightings, for good."""
    with _gallery(home) as store:
        removal = _remove(home, store, student_id)
    _hand_contacts_on(home)
    removal = replace(removal, copies=forget_erased(home, datetime.now(timezone.utc)))
    if as_json:
        click.echo(text.removal_json(removal))
        return
    for line in text.removal_lines(removal, ZoneInfo(home.config.device.time_zone)):
        click.echo(line)


def _check_readmitted(readmit: Sequence[str], on_roster: Set[str]) -> None:
    """Refuse to readmit who is not on the roster: a slip of the pen must not pass for a readmission."""
    unknown = [student_id for student_id in dict.fromkeys(readmit) if student_id not in on_roster]
    if unknown:
        hint = "give the id as the roster has it; nothing was changed"
        raise RosterError(f"not on this roster: {text.ids(unknown)}", "--readmit", hint)


def _remove(home: Home, store: GalleryStore, student_id: str) -> Removal:
    """Erase in both databases; done again after a cut in between, it goes on where it stopped."""
    with _register(home) as register_db:
        if register_db is not None:
            check_writable(register_db)
        known = student_id in store.student_ids()
        before = None if known else erasure.removed_ids(store.db, [student_id]).get(student_id)
        wiped = True if before else store.remove(student_id, datetime.now(timezone.utc))
        sightings = lessons.erase_sightings(register_db, student_id) if register_db is not None else 0
        mails = 0
        if register_db is not None:
            mails = outbox.void_student(register_db, student_id, datetime.now(timezone.utc))
    return Removal(student_id, sightings, wiped, before, mails=mails)


def _hand_contacts_on(home: Home) -> None:
    """Bring names and addresses that mail uses up to date; who was removed is gone from there even without a key."""
    try:
        publish_contacts(home)
    except (GalleryError, KeyFileError) as error:
        click.echo(f"warning: mail goes on with the names and addresses from before: {error.line()}", err=True)


@contextmanager
def _register(home: Home) -> Iterator[sqlite_utils.Database | None]:
    """Open register.sqlite, where there is one."""
    if not home.register_db_path.exists():
        yield None
        return
    db = open_register(home.register_db_path)
    with closing(db.conn):
        yield db


@contextmanager
def _gallery(home: Home, *, create: bool = False) -> Iterator[GalleryStore]:
    fresh = create and not home.gallery_db_path.exists()
    db = open_gallery(home.gallery_db_path, create=create)
    with closing(db.conn):
        yield GalleryStore(db, device_key(home.key_path if home.home_mode else None, create=fresh))


def _photographs(home: Home, folder: Path) -> Photographs:
    from edge_daemon.app.opening.models_and_gallery import embedder_id, load_models
    from edge_daemon.gallery.roster_import import Photographs, check_folder
    from edge_daemon.vision.portrait import PortraitReader

    check_folder(folder)
    models = load_models(home.config)
    return Photographs(folder, PortraitReader(models), embedder_id(models))
