"""`enrol remove`: erases a student's templates, name, addresses and sightings in both databases, for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.app.enrolment.import_students import hand_contacts_on
from edge_daemon.app.enrolment.signed_words import signed_words
from edge_daemon.app.erasure.removal import ErasureResult, StudentErasure, remove_students
from edge_daemon.errors import EdgeError, GalleryError
from edge_daemon.gallery import erasure
from edge_daemon.home import Home
from edge_daemon.plain_text import counted


@dataclass(frozen=True, slots=True)
class Removal:
    """The result of `enrol remove`, in words for people."""

    student: StudentErasure
    result: ErasureResult
    signed_words: Sequence[str] = ()
    """Free-text reasons of corrections that an earlier release signed."""

    @property
    def student_id(self) -> str:
        """The id of the removed student."""
        return self.student.student_id

    @property
    def before(self) -> datetime | None:
        """When the student was removed before; None if this is the first removal."""
        return self.student.removed_before

    def erased(self) -> list[str]:
        """Return what was erased; for a student who was removed before, only data that had come back since then."""
        copies = self.result.copies.erased
        rest = [
            *([f"{counted(self.student.mails, 'mail')} not sent yet"] if self.student.mails else []),
            *([f"{counted(copies, 'older backup')} of the gallery"] if copies else []),
        ]
        if self.before:
            return [*([counted(self.student.sightings, "sighting")] if self.student.sightings else []), *rest]
        sealed = "the key that sealed all personal data: templates, name, mail addresses, further columns"
        old = ["the previous key, which sealed older copies on the card"]
        return [sealed, *(old if self.result.renewed else []), counted(self.student.sightings, "sighting"), *rest]

    def stays(self) -> list[str]:
        """Return what is kept, and why."""
        stays = [
            f"registers keep the bare id {self.student_id}: they are the record of the lessons and never change",
            f"a keyed hash of the id in {erasure.TOMBSTONES_FILE}, so that a restored backup is cleaned again",
            "a lesson that is running keeps its sealed comparisons until it ends",
            "backups of registers keep sightings until they are replaced; a restore erases them again",
        ]
        stays += [f"words of an earlier release, signed: {words}" for words in self.signed_words]
        if self.result.problem:
            stays.append(f"the key of older copies, until the next start of the service: {self.result.problem}")
        if not self.result.wiped:
            stays.append("another process reads the database: old pages are overwritten when the next command ends")
        return stays

    def for_the_office(self) -> list[str]:
        """Return the tasks that a person has to do, because the program can't."""
        tasks = ["delete the student's row of the roster, the photographs and the exported sheets"]
        if self.result.copies.erased:
            fresh = self.result.copies.fresh
            made = f"{fresh.path.name} was made just now" if fresh else "no new one could be made: see `doctor`"
            tasks.append(f"earlier backups of the gallery, wherever they are, can no longer be restored; {made}")
        return tasks


def name_to_remove(home: Home, student_id: str) -> str | None:
    """Return the name of an enrolled student, empty if it can't be read; None if the student was removed before.

    Raises:
        EdgeError: there is no such student, or the gallery can't be read.
    """
    with opened_gallery(home) as store:
        if student_id not in store.student_ids() and store.removed_ids([student_id]):
            return None
        store.row(student_id)  # raises: nobody has this id
        try:
            return store.record(student_id).student.name
        except GalleryError:
            return ""


def remove_student(home: Home, student_id: str, warn: Callable[[EdgeError], None]) -> Removal:
    """Erase a student; after an interruption, another call continues where the first one stopped.

    Args:
        home: the installation.
        student_id: the id of a student who is enrolled or was removed before.
        warn: called with errors about the contacts for mail.

    Raises:
        EdgeError: there is no such student, or a database can't be written.
    """
    result = remove_students(home, [student_id], datetime.now(timezone.utc))
    hand_contacts_on(home, warn)
    return Removal(
        next(one for one in result.students if one.student_id == student_id), result, signed_words(home, student_id)
    )
