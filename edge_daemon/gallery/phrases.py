"""A student's phrase in the gallery: sealed under the student's key, and stored only with a separate consent."""

from __future__ import annotations

from datetime import datetime

from edge_daemon.errors import GalleryError
from edge_daemon.gallery import data_keys
from edge_daemon.gallery.class_list.cells import CHECKIN_CONSENT, CONSENT
from edge_daemon.gallery.templates import EmbedderId, GalleryStore, StudentRecord
from edge_daemon.store import phrases as tables
from edge_daemon.store.gallery import wipe_log
from edge_daemon.store.phrases import PhraseRow
from edge_daemon.timestamps import stored


def agrees(record: StudentRecord) -> bool:
    """Return whether a student is on the roster and consents to both recognition and the spoken phrase."""
    stated = record.extra.get(CHECKIN_CONSENT, "").strip().lower()
    return record.on_roster and record.student.consent and CONSENT.get(stated, False)


def keep_phrase(
    store: GalleryStore, student_id: str, plain: bytes, made_by: tuple[int, EmbedderId], at: datetime
) -> None:
    """Seal a phrase and store it in place of the previous one.

    Args:
        store: the gallery.
        student_id: the student who said it.
        plain: the repetitions as bytes.
        made_by: version of the features, and the face model.
        at: when the phrase was enrolled.

    Raises:
        GalleryError: there is no consent, or the student was removed meanwhile; nothing was written.
        StoreError: the database can't be written.
    """
    check_consent(store, student_id)
    row = store.row(student_id)
    features, embedder = made_by
    sealed = data_keys.seal(store.data_key(row), plain, _bound(student_id, features, embedder))
    wanted = PhraseRow(student_id, sealed, features, embedder.sha256, embedder.preprocessing, stored(at))
    if not tables.put_phrase(store.db, row, wanted):
        hint = "see `edge-daemon enrol show`; nothing was kept"
        raise GalleryError("was removed or took the consent back meanwhile", f"student {student_id}", hint)
    wipe_log(store.db)


def open_phrase(store: GalleryStore, student_id: str, made_by: tuple[int, EmbedderId]) -> bytes | None:
    """Return the phrase that `keep_phrase` stored; None without a phrase, or without consent to it.

    Raises:
        GalleryError: the id is unknown, another version made the phrase, or it is sealed under another key.
    """
    record, found = store.record(student_id), tables.phrase_row(store.db, student_id)
    if found is None or not agrees(record):
        return None
    features, embedder = made_by
    if (found.features, found.model_sha256, found.preprocessing) != (features, embedder.sha256, embedder.preprocessing):
        hint = "enrol it again: `edge-daemon checkin enrol`"
        raise GalleryError("the phrase was made by another version", f"student {student_id}", hint)
    return data_keys.open_sealed(
        store.data_key(store.row(student_id)), found.sealed, _bound(student_id, features, embedder)
    )


def check_consent(store: GalleryStore, student_id: str) -> None:
    """Raise GalleryError if the roster has no consent to the spoken phrase."""
    record = store.record(student_id)
    if not agrees(record):
        hint = f"consent and {CHECKIN_CONSENT} must both be yes in the roster; the teacher ticks the others"
        raise GalleryError("the roster has no consent to check-in", f"student {student_id}", hint)


def drop_without_consent(store: GalleryStore) -> int:
    """Delete the phrases of students who no longer consent to them; return the number of deleted phrases.

    Raises:
        GalleryError: the device key is another one.
        StoreError: the database can't be written.
    """
    gone = tables.drop_phrases(store.db, {one.student.student_id for one in store.records() if agrees(one)})
    if gone:
        wipe_log(store.db)
    return gone


def phrase_summary(store: GalleryStore, student_id: str) -> dict[str, object] | None:
    """Return the stored data about a student's phrase, for the student's own record; None without a phrase."""
    found = tables.phrase_row(store.db, student_id)
    if found is None:
        return None
    return {"enrolled_at": found.enrolled_at, "version": found.features, "sealed_bytes": len(found.sealed)}


def _bound(student_id: str, features: int, embedder: EmbedderId) -> bytes:
    return data_keys.binding("phrase", student_id, str(features), embedder.sha256, str(embedder.preprocessing))
