"""`edge-daemon enrol`: students, their consent and their photographs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.table import table
from edge_daemon.device.secrets import device_key
from edge_daemon.errors import EdgeError
from edge_daemon.gallery import erasure
from edge_daemon.gallery.roster import read_roster
from edge_daemon.gallery.templates import GalleryStore, StudentRecord
from edge_daemon.store import lessons
from edge_daemon.store.database import check_writable, open_gallery, open_register

if TYPE_CHECKING:
    from edge_daemon.gallery.enrol import EnrolReport, Photographs

_SHOWN_IDS = 10
_MOST_WARNINGS = 100
"""More warnings of one kind than this bury all others: they become one line."""


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
    """Read the roster and the photographs of students who consent. May be repeated; an unusable photograph is named."""
    from edge_daemon.gallery.enrol import import_roster  # here: OpenCV and the models load slowly on a Pi

    # Everything that may be refused comes before the first file is made.
    rows = read_roster(roster)
    photographs = _photographs(home, photos) if photos is not None else None
    with _gallery(home, create=True) as store, _progress() as watch:
        now = datetime.now(timezone.utc)
        report = import_roster(rows, photographs, store, now, readmit=frozenset(readmit), watch=watch)
        _clean_sightings(home, store)
    for warning in _warnings(report):
        click.echo(f"warning: {_one_line(warning)}", err=True)
    click.echo(_report_json(report) if as_json else _report_text(report))


@enrol.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def list_(home: Home, as_json: bool) -> None:
    """Print all students: those of the roster first, then those who are no longer on it."""
    with _gallery(home) as store:
        records = store.records()
    if as_json:
        click.echo(json.dumps([_record_json(r) for r in records], ensure_ascii=False, indent=2))
        return
    rows = [
        (r.student.student_id, r.student.name, "yes" if r.student.consent else "no", f"{r.photographs}", _state(r))
        for r in records
    ]
    click.echo(table(("student", "name", "consent", "photographs", ""), rows))


@enrol.command()
@click.argument("student_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def show(home: Home, student_id: str, as_json: bool) -> None:
    """Print everything that is kept of one student."""
    with _gallery(home) as store:
        record = store.record(student_id)
        pairs = [pair for pair in sorted(store.look_alikes()) if student_id in pair]
    kept = _record_json(record)
    kept["extra"] = dict(record.extra)
    kept["look_alikes"] = [b if a == student_id else a for a, b in pairs]
    if as_json:
        click.echo(json.dumps(kept, ensure_ascii=False, indent=2))
        return
    for key, value in kept.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        click.echo(f"{key:<15} {_one_line(shown)}")


@enrol.command()
@click.argument("student_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def remove(home: Home, student_id: str, as_json: bool) -> None:
    """Erase a student's templates, name, mail addresses and sightings, for good."""
    with _gallery(home) as store:
        sightings, wiped = _remove(home, store, student_id)
    erased = [
        "the key under which everything personal was sealed: templates, name, mail addresses, further columns",
        f"{sightings} sightings",
    ]
    stays = [
        f"registers keep the bare id {student_id}: they are the record of the lessons and never change",
        f"a hash of the id in {erasure.TOMBSTONES_FILE}, so that a restored backup is cleaned again",
        "a lesson that is running keeps its sealed comparisons until it ends",
        "roster, photographs and exported sheets of the office: delete them there",
    ]
    if not wiped:
        stays.append("another process reads the database: old pages are overwritten when the next command ends")
    if as_json:
        document = {"student_id": student_id, "erased": erased, "stays": stays}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    click.echo("\n".join([f"removed {_one_line(student_id)}", *(f"erased: {e}" for e in erased)]))
    click.echo("\n".join(f"stays: {_one_line(s)}" for s in stays))


def _remove(home: Home, store: GalleryStore, student_id: str) -> tuple[int, bool]:
    """Erase in both databases; done again after a cut in between, it goes on where it stopped."""
    register_db = open_register(home.register_db_path) if home.register_db_path.exists() else None
    if register_db is not None:
        check_writable(register_db)
    if student_id in store.student_ids() or not erasure.removed_ids(store.db, [student_id]):
        wiped = store.remove(student_id, datetime.now(timezone.utc))
    else:
        wiped = True
    if register_db is None:
        return 0, wiped
    with closing(register_db.conn):
        return lessons.erase_sightings(register_db, student_id), wiped


@contextmanager
def _gallery(home: Home, *, create: bool = False) -> Iterator[GalleryStore]:
    fresh = create and not home.gallery_db_path.exists()
    db = open_gallery(home.gallery_db_path, create=create)
    with closing(db.conn):
        yield GalleryStore(db, device_key(home.key_path if home.home_mode else None, create=fresh))


def _clean_sightings(home: Home, store: GalleryStore) -> None:
    """Erase again what a restored register.sqlite brought back of removed students."""
    if home.register_db_path.exists():
        register_db = open_register(home.register_db_path)
        with closing(register_db.conn):
            erasure.erase_sightings_again(store.db, register_db)


def _photographs(home: Home, folder: Path) -> Photographs:
    from edge_daemon.app import embedder_id, load_models
    from edge_daemon.gallery.enrol import Photographs, check_folder
    from edge_daemon.vision.portrait import PortraitReader

    check_folder(folder)
    models = load_models(home.config)
    return Photographs(folder, PortraitReader(models), embedder_id(models))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Give a function that takes (photographs done, photographs in all) and shows a bar, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with click.progressbar(length=0, label="photographs", file=sys.stderr, show_pos=True) as bar:

        def watch(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield watch


def _warnings(report: EnrolReport) -> Iterator[str]:
    for refusal in report.refused:
        yield f"{refusal.photograph or refusal.student_id}: {refusal.reason}"
    apart = {*report.without_consent, *report.removed_before}
    bare = [student_id for student_id in report.without_template if student_id not in apart]
    if len(bare) > _MOST_WARNINGS:  # the roster came without its photographs
        yield f"{len(bare)} students without usable photograph: {_ids(tuple(bare))}; fill their register in by hand"
        bare = []
    for student_id in bare:
        yield f"student {student_id}: no usable photograph, so the register has to be filled in by hand"
    for student_id in report.removed_before:
        yield f"student {student_id}: was removed and stays without template; --readmit {student_id} enrols again"
    if report.left:
        yield f"{_ids(report.left)}: not on this roster any more; `enrol remove` erases what is sealed of them"
    for twin in report.twins:
        yield f"students {twin.a} and {twin.b}: {twin.reason}; check whose photographs these are"
    for pair in report.look_alikes:
        yield f"students {pair.a} and {pair.b}: look alike ({pair.similarity:.2f}), they are told apart more strictly"
    if report.unclaimed:
        yield f"{_ids(report.unclaimed)}: photographs of nobody on this roster"


def _ids(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return ", ".join(ids[:_SHOWN_IDS]) + more


def _report_json(report: EnrolReport) -> str:
    refused = [{"photograph": r.photograph, "student_id": r.student_id, "reason": r.reason} for r in report.refused]
    document = {
        "accepted": report.accepted,
        "refused": refused,
        "students_without_template": list(report.without_template),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _report_text(report: EnrolReport) -> str:
    rows = [
        ("students on the roster", f"{report.students}"),
        ("with templates", f"{report.students - len(report.without_template)}"),
        ("without consent", f"{len(report.without_consent)}"),
        ("photographs accepted", f"{report.accepted}"),
        ("photographs refused", f"{len(report.refused)}"),
        ("look-alike pairs", f"{len(report.look_alikes)}"),
    ]
    return table(("enrolled", ""), rows)


def _record_json(record: StudentRecord) -> dict[str, object]:
    student = record.student
    return {
        "student_id": student.student_id,
        "name": student.name,
        "email": student.email,
        "guardian_email": student.guardian_email,
        "consent": student.consent,
        "courses": list(student.courses),
        "photographs": record.photographs,
        "on_roster": record.on_roster,
    }


def _state(record: StudentRecord) -> str:
    if not record.on_roster:
        return "not on the roster"
    return "" if record.photographs else "no template"


def _one_line(text: str) -> str:
    return EdgeError(text).line()
