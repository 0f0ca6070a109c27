"""A finalised lesson in which students were seen."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from edge_daemon.store import lessons
from edge_daemon.types import Box, CapturePlan, Lesson, Sighting


def put_sightings(register_db, lesson_id: str, start: datetime, *student_ids: str) -> None:
    lesson = Lesson(lesson_id, "device", "", start, start + timedelta(minutes=45), "rehearsal")
    lessons.start_lesson(register_db, lesson, CapturePlan(lesson_id, b"s" * 32, "sha", (0.0,)), "synchronised")
    lessons.add_capture(register_db, lesson_id, lessons.Capture(0, "1.jpg", start))
    found = [Sighting(0, student_id, 0.8, True, Box(0, 0, 9, 9)) for student_id in student_ids]
    lessons.finalise(register_db, lesson_id, found, lambda _: "{}", datetime.now(timezone.utc))
