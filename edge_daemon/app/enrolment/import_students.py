"""`enrol import`: imports roster and photographs into the gallery, and updates the contacts for mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.app.enrolment.register_database import opened_register
from edge_daemon.app.enrolment.report_page import put_page_away, write_page
from edge_daemon.app.erasure.removal import finish_erasures
from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.errors import EdgeError, GalleryError, KeyFileError, RosterError, StoreError
from edge_daemon.gallery.class_list.table import Remark
from edge_daemon.gallery.oneroster import read_students
from edge_daemon.gallery.roster import Roster, without_lost_zeros
from edge_daemon.home import Home
from edge_daemon.store.database import open_gallery
from edge_daemon.store.gallery import student_rows

if TYPE_CHECKING:
    from edge_daemon.gallery.enrol_report import EnrolReport
    from edge_daemon.gallery.roster_import import Photographs

__all__ = ["EnrolReport", "Remark", "Roster", "hand_contacts_on", "ids", "import_students", "read_list"]

_SHOWN_IDS = 10


def read_list(home: Home, path: Path) -> Roster:
    """Return the students of a roster in any format of docs/ENROLMENT.md.

    Args:
        home: the installation; its time zone decides which day it is.
        path: a CSV file, an Excel workbook, or the folder of OneRoster files.

    Raises:
        EdgeError: the roster can't be read, or a person has to decide about it.
    """
    zone = ZoneInfo(home.config.device.time_zone)
    roster = read_students(path, datetime.now(zone).date(), zone)
    if not home.gallery_db_path.exists():
        return roster
    db = open_gallery(home.gallery_db_path, create=False)
    with closing(db.conn):
        return without_lost_zeros(roster, [row.student_id for row in student_rows(db)], path)


def import_students(
    home: Home,
    roster: Roster,
    photos: Path | None,
    readmit: Sequence[str],
    watch: Callable[[int, int], None],
    warn: Callable[[EdgeError], None],
    *,
    keep_page: bool = False,
    drop_missing: bool = False,
) -> EnrolReport:
    """Import the roster and the photographs of students who consent.

    Args:
        home: the installation.
        roster: the roster from `read_list`.
        photos: a folder with a folder of photographs for each student id; None to renew only the roster.
        readmit: ids of removed students who are enrolled again.
        watch: called with (photographs done, photographs in all).
        warn: called with errors after the import, which do not undo it.
        keep_page: True to keep the report page of the last import.
        drop_missing: True to remove the templates of students of whom the folder has no photograph.

    Raises:
        EdgeError: the folder of photographs, the models or the gallery can't be used, or no photograph in the folder
            belongs to anybody on the roster; nothing was changed.
    """
    from edge_daemon.gallery.roster_import import import_roster  # imported here: OpenCV loads slowly on a Pi

    # All checks that may refuse the import come before the first file is made.
    with ExitStack() as stack:
        photographs = checked_photographs(home, roster, photos, readmit, stack, is_complete=drop_missing)
        register_db = stack.enter_context(opened_register(home))
        store = stack.enter_context(opened_gallery(home, create=True))
        if register_db is not None:  # a restored backup may contain sightings of removed students
            store.erase_sightings_again(register_db)
        now = datetime.now(timezone.utc)
        report = import_roster(roster.rows, photographs, store, now, readmit=frozenset(readmit), watch=watch)
    finish_erasures(home, now, upgrade=True)  # erases students who withdrew consent
    hand_contacts_on(home, warn)
    try:
        put_page_away(home, keep=keep_page)
        if photos is not None:
            write_page(home, roster, report, now)
    except StoreError as error:
        warn(error)
    return report


def hand_contacts_on(home: Home, warn: Callable[[EdgeError], None]) -> None:
    """Update the names and addresses for mail; removed students are deleted from them even without a key."""
    try:
        publish_contacts(home)
    except (GalleryError, KeyFileError) as error:
        warn(error)


def ids(student_ids: Sequence[str]) -> str:
    """Return ids as text: the first ten in full, then the number of the others."""
    more = f" and {len(student_ids) - _SHOWN_IDS} more" if len(student_ids) > _SHOWN_IDS else ""
    return ", ".join(student_ids[:_SHOWN_IDS]) + more


def _check_readmitted(readmit: Sequence[str], on_roster: Set[str]) -> None:
    """Refuse to readmit an id that is not on the roster, because it may be a typing error."""
    unknown = [student_id for student_id in dict.fromkeys(readmit) if student_id not in on_roster]
    if unknown:
        hint = "give the id as the roster has it; nothing was changed"
        raise RosterError(f"not on this roster: {ids(unknown)}", "--readmit", hint)


def checked_photographs(
    home: Home, roster: Roster, folder: Path | None, readmit: Sequence[str], stack: ExitStack, *, is_complete: bool
) -> Photographs | None:
    """Check what an import is given, and open its photographs with the models and the decoder that read them.

    Args:
        home: the installation.
        roster: the roster from `read_list`.
        folder: the folder of photographs; None if the import has none.
        readmit: ids of removed students who are enrolled again.
        stack: ends the decoder.
        is_complete: whether students without a photograph in the folder lose their templates.

    Raises:
        EdgeError: a readmitted id is not on the roster, the folder or the models can't be used, or no photograph
            belongs to anybody on the roster.
    """
    _check_readmitted(readmit, {row.student.student_id for row in roster.rows})
    if folder is None:
        return None
    from edge_daemon.app.opening.models_and_gallery import embedder_id, load_models
    from edge_daemon.gallery.decoder_process import DecoderProcess
    from edge_daemon.gallery.found_photographs import check_whose
    from edge_daemon.gallery.roster_import import Photographs, check_folder
    from edge_daemon.vision.portrait import PortraitReader

    check_folder(folder)
    check_whose(folder, [row.student for row in roster.rows])
    models = load_models(home.config)
    decode = stack.enter_context(DecoderProcess())
    return Photographs(folder, PortraitReader(models), embedder_id(models), decode, is_complete=is_complete)
