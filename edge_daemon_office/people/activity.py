"""Records who did what."""

from __future__ import annotations

from datetime import datetime, timezone

from edge_daemon_office.people.models import Activity
from edge_daemon_office.scope import use_school


def note(school: str, by: str, what: str, *, lesson_id: str = "", student_id: str = "", detail: str = "") -> None:
    """Record a line for the page Audit."""
    use_school(school)
    Activity.objects.create(
        school=school,
        at=datetime.now(timezone.utc),
        by=by,
        what=what,
        lesson_id=lesson_id,
        student_id=student_id,
        detail=detail[:300],
    )
