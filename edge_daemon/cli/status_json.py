"""The document that `edge-daemon status --json` prints."""

from __future__ import annotations

from collections.abc import Mapping

from edge_daemon.app.health.delivery_overview import DeliveryOverview
from edge_daemon.app.health.overview import LessonCounts, LessonStatus, Overview, age_s
from edge_daemon.timestamps import written


def document(overview: Overview, names: Mapping[str, str]) -> dict[str, object]:
    """Return the whole overview as a JSON object; `names` is empty if the gallery's key is not available."""
    status, lesson, last = overview.status, overview.lesson, overview.last
    return {
        "healthy": not overview.problems,
        "problems": list(overview.problems),
        "service": overview.life,
        "state": status.state if status else None,
        "detail": status.detail if status else None,
        "started": written(status.started_utc) if status else None,
        "age_s": round(age_s(status), 1) if status else None,
        "clock": overview.clock,
        "lesson": _lesson_json(lesson, names) if lesson else None,
        "next_lesson": {"course": overview.next_course, "start": written(overview.next_start)}
        if overview.next_start
        else None,
        "last_lesson": _counts_json(last) if last else None,
        "lessons_without_register": [_counts_json(one) for one in overview.open_lessons],
        "lessons_not_held": [
            {"lesson_id": one.lesson_id, "course": one.course, "start": written(one.start), "reason": one.reason}
            for one in overview.skipped
        ],
        "delivery": _delivery_json(overview.delivery) if overview.delivery else None,
        "disk_free_bytes": overview.host.disk_free_bytes,
    }


def _delivery_json(delivery: DeliveryOverview) -> dict[str, object]:
    note = delivery.note
    queues: dict[str, object] = {
        str(destination): {
            "set_up": delivery.set_up[destination],
            "state": queue.state,
            "answer": queue.answer,
            "waiting": queue.waiting,
            "held": queue.held,
            "parked": queue.parked,
            "delivered": queue.delivered,
            "oldest": written(queue.oldest) if queue.oldest else None,
        }
        for destination, queue in delivery.queues.items()
    }
    return {
        **queues,
        "last_sync": {"began": written(note.began_at), "summary": note.summary} if note.began_at else None,
        "reached": written(note.reached_at) if note.reached_at else None,
        "pull_problems": dict(delivery.pull_problems),
    }


def _lesson_json(lesson: LessonStatus, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "lesson_id": lesson.lesson_id,
        "course": lesson.course,
        "start": written(lesson.start),
        "end": written(lesson.end),
        "captures_planned": lesson.captures_planned,
        "captures_taken": lesson.captures_taken,
        "captures_missed": lesson.captures_missed,
        "last_missed_reason": lesson.last_missed_reason,
        "next_capture": written(lesson.next_capture_utc) if lesson.next_capture_utc else None,
        "provisional_of": lesson.provisional_of,
        "provisional": [
            {"student_id": i, "name": names.get(i), "frames_seen": seen, "frames_attentive": facing}
            for i, (seen, facing) in lesson.provisional.items()
        ],
    }


def _counts_json(one: LessonCounts) -> dict[str, object]:
    return {
        "lesson_id": one.stored.lesson.lesson_id,
        "course": one.stored.lesson.course,
        "origin": one.stored.lesson.origin,
        "end": written(one.stored.lesson.end),
        "captures_planned": one.stored.captures_planned,
        "captures_taken": one.taken,
        "captures_missed": one.missed,
    }
