"""The tables of spoken phrases in gallery.sqlite."""

from __future__ import annotations

from typing import Final

PHRASE_TABLES: Final = (
    """CREATE TABLE phrases (
        student_id TEXT PRIMARY KEY NOT NULL REFERENCES students ON DELETE CASCADE,
        sealed BLOB NOT NULL,  -- the repetitions as numbers, under the student's data key
        features INTEGER NOT NULL,  -- version of what made the numbers
        model_sha256 TEXT NOT NULL,  -- of the face model
        preprocessing INTEGER NOT NULL,
        enrolled_at_utc TEXT NOT NULL
    ) STRICT""",
    # A phrase is deleted with its consent, whichever release withdraws the consent.
    """CREATE TRIGGER phrases_go_with_consent AFTER UPDATE OF consent ON students WHEN NEW.consent = 0
        BEGIN DELETE FROM phrases WHERE student_id = NEW.student_id; END""",
    """CREATE TABLE phrase_failures (
        student_id TEXT NOT NULL REFERENCES students ON DELETE CASCADE,
        at_utc TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX phrase_failures_by_student ON phrase_failures (student_id)",
)
