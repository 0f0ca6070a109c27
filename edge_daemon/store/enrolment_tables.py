"""The table of dated enrolments in gallery.sqlite."""

from __future__ import annotations

from typing import Final

ENROLMENT_TABLES: Final = (
    """CREATE TABLE enrolment_periods (
        student_id TEXT NOT NULL REFERENCES students ON DELETE CASCADE,
        course TEXT NOT NULL,
        begins_on TEXT,  -- a day such as 2026-09-01; NULL: no limit
        ends_before TEXT  -- the first day without the student; NULL: no limit
    ) STRICT""",
    "CREATE INDEX enrolment_periods_by_student ON enrolment_periods (student_id)",
    # The previous release knows no dates: after a rollback its imports must not combine with dates of an older list.
    """CREATE TRIGGER courses_renewed AFTER UPDATE OF courses ON students
        BEGIN DELETE FROM enrolment_periods WHERE student_id = NEW.student_id; END""",
)
