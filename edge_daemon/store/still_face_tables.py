"""The table of faces that kept their place for a whole lesson: students who may be posters."""

from __future__ import annotations

from typing import Final

STILL_FACE_TABLES: Final = (
    """CREATE TABLE still_faces (
        lesson_id TEXT NOT NULL REFERENCES lessons ON DELETE CASCADE,
        student_id TEXT NOT NULL,
        x_px REAL NOT NULL,
        y_px REAL NOT NULL,
        w_px REAL NOT NULL,
        h_px REAL NOT NULL
    ) STRICT""",
    "CREATE INDEX still_faces_by_lesson ON still_faces (lesson_id)",
    "CREATE INDEX still_faces_by_student ON still_faces (student_id)",
    # Erased with the sightings, also by a release that does not know this table.
    """CREATE TRIGGER still_faces_go_with_sightings AFTER DELETE ON sightings
        BEGIN DELETE FROM still_faces WHERE student_id = OLD.student_id AND (lesson_id = OLD.lesson_id
            OR NOT EXISTS (SELECT 1 FROM sightings WHERE student_id = OLD.student_id)); END""",
)
