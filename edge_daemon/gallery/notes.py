"""Notes about corrections: free text, sealed under the student's own key, so that erasure removes it as well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_daemon.errors import GalleryError
from edge_daemon.gallery import data_keys
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import gallery as tables
from edge_daemon.store.notes import NoteRow, note_rows, put_note
from edge_daemon.timestamps import stored


@dataclass(frozen=True, slots=True)
class CorrectionNote:
    """A note about a correction."""

    student_id: str
    lesson_id: str
    at: datetime
    """The time of the correction."""
    text: str


def write_note(store: GalleryStore, note: CorrectionNote) -> bool:
    """Store a note; return False if the student is not in this gallery, because no key can seal it.

    Raises:
        GalleryError: the device key is another one.
        StoreError: the database can't be written.
    """
    row = next((one for one in tables.student_rows(store.db) if one.student_id == note.student_id), None)
    if row is None:
        return False
    sealed = data_keys.seal(store.data_key(row), note.text.encode("utf-8", "surrogatepass"), _bound(note))
    put_note(store.db, NoteRow(note.student_id, note.lesson_id, note.at, sealed))
    return True


def read_notes(store: GalleryStore, *, student_id: str = "", lesson_id: str = "") -> list[CorrectionNote]:
    """Return the notes of a student or of a lesson, except those sealed under an earlier key.

    Raises:
        StoreError: the database can't be read.
    """
    keys = {row.student_id: row for row in tables.student_rows(store.db)}
    found: list[CorrectionNote] = []
    for row in note_rows(store.db, student_id=student_id, lesson_id=lesson_id):
        bare = CorrectionNote(row.student_id, row.lesson_id, row.at, "")
        try:
            plain = data_keys.open_sealed(store.data_key(keys[row.student_id]), row.sealed, _bound(bare))
        except GalleryError:
            continue
        found.append(CorrectionNote(row.student_id, row.lesson_id, row.at, plain.decode("utf-8", "surrogatepass")))
    return found


def _bound(note: CorrectionNote) -> bytes:
    return data_keys.binding("note", note.student_id, note.lesson_id, stored(note.at))
