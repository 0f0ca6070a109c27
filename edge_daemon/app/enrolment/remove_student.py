"""`enrol remove`: a student's templates, name, addresses and sightings are erased in both databases, for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.app.enrolment.import_students import hand_contacts_on
from edge_daemon.app.enrolment.register_database import opened_register
from edge_daemon.app.enrolment.report_page import remove_pages
from edge_daemon.app.upkeep.maintenance import forget_erased
from edge_daemon.errors import EdgeError
from edge_daemon.gallery import erasure
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.store import lessons, outbox
from edge_daemon.store.database import check_writable


@dataclass(frozen=True, slots=True)
class Removal:
    """What `enrol remove` did."""

    student_id: str
    sightings: int
    wiped: bool
    before: datetime | None
    """When the student had been removed already."""
    copies: int = 0
    """Backups of the gallery that were overwritten and removed."""
    mails: int = 0
    """Mails about the student that will not be sent."""

    def erased(self) -> list[str]:
        """Return what was erased; of a student who was removed before, only what had come back."""
        copies = [f"{self.copies} older backups of the gallery"] if self.copies else []
        mails = [f"{self.mails} mails that were not sent yet"] if self.mails else []
        if self.before:
            return [*([f"{self.sightings} sightings"] if self.sightings else []), *mails, *copies]
        key = "the key under which everything personal was sealed: templates, name, mail addresses, further columns"
        return [key, f"{self.sightings} sightings", *mails, *copies]

    def stays(self) -> list[str]:
        """Return what stays, and why."""
        stays = [
            f"registers keep the bare id {self.student_id}: they are the record of the lessons and never change",
            f"a hash of the id in {erasure.TOMBSTONES_FILE}, so that a restored backup is cleaned again",
            "a lesson that is running keeps its sealed comparisons until it ends",
            "backups of registers keep sightings until their turn comes; a restore erases them again",
            "roster, photographs and exported sheets of the office: delete them there",
        ]
        if not self.wiped:
            stays.append("another process reads the database: old pages are overwritten when the next command ends")
        return stays


def remove_student(home: Home, student_id: str, warn: Callable[[EdgeError], None]) -> Removal:
    """Erase a student; done again after a cut in between, it goes on where it stopped.

    Args:
        home: the installation.
        student_id: of a student who is enrolled, or was removed before.
        warn: is given what went wrong with the contacts of mail.

    Raises:
        EdgeError: there is no such student, or a database can't be written.
    """
    with opened_gallery(home) as store:
        removal = _remove(home, store, student_id)
    remove_pages(home)
    hand_contacts_on(home, warn)
    return replace(removal, copies=forget_erased(home, datetime.now(timezone.utc)))


def _remove(home: Home, store: GalleryStore, student_id: str) -> Removal:
    with opened_register(home) as register_db:
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
