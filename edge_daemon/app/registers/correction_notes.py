"""Notes about corrections on this device: stored only in the gallery, under the student's own key."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.attendance.reason_codes import REASONS, in_words
from edge_daemon.errors import GalleryError, KeyFileError, StoreError
from edge_daemon.gallery.notes import CorrectionNote, read_notes, write_note
from edge_daemon.home import Home

__all__ = ["REASONS", "CorrectionNote", "in_words", "keep_notes", "notes_of_lesson"]

logger = logging.getLogger(__name__)


def keep_notes(home: Home, notes: Sequence[CorrectionNote]) -> int:
    """Store the notes about students in the gallery; return their number. A correction is valid without its note."""
    if not notes or not home.gallery_db_path.exists():
        return 0
    try:
        with opened_gallery(home) as store:
            return sum(write_note(store, note) for note in notes)
    except (GalleryError, KeyFileError, StoreError) as error:
        logger.warning("note not kept", extra={"reason": error.what})
        return 0


def notes_of_lesson(home: Home, lesson_id: str) -> list[CorrectionNote]:
    """Return the notes about the corrections of a lesson; empty if the gallery can't be read."""
    if not home.gallery_db_path.exists():
        return []
    try:
        with opened_gallery(home) as store:
            return read_notes(store, lesson_id=lesson_id)
    except (GalleryError, KeyFileError, StoreError):
        return []
