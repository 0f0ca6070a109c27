"""What `edge-daemon status --json` prints."""

from __future__ import annotations

from collections.abc import Mapping

from edge_daemon.app.health.delivery_overview import DeliveryStanding
from edge_daemon.app.health.overview import Standing
from edge_daemon.device.status import LessonStatus, age_s
from edge_daemon.store.lesson_counts import LessonCounts
from edge_daemon.timestamps import written


def document(standing: Standing, names: Mapping[str, str]) -> dict[str, object]:
    """Return the whole standing; `names` is empty where the key is not at hand."""
    told, lesson, last = standing.status, standing.lesson, standing.last
    return {
        "healthy": not standing.problems,
        "problems": list(standing.problems),
        "service": standing.life,
        "state": told.state if told else None,
        "detail": told.detail if told else None,
        "started": written(told.started_utc) if told else None,
        "age_s": round(age_s(told), 1) if told else None,
        "clock": standing.clock,
        "lesson": _lesson_json(lesson, names) if lesson else None,
        "next_lesson": {"course": standing.next_course, "start": written(standing.next_start)}
        if standing.next_start
        else None,
        "last_lesson": _counts_json(last) if last else None,
        "lessons_without_register": [_counts_json(one) for one in standing.open_lessons],
        "lessons_not_held": [
            {"lesson_id": one.lesson_id, "course": one.course, "start": written(one.start), "reason": one.reason}
            for one in standing.skipped
        ],
        "delivery": _delivery_json(standing.delivery) if standing.delivery else None,
        "disk_free_bytes": standing.box.disk_free_bytes,
    }


def _delivery_json(delivery: DeliveryStanding) -> dict[str, object]:
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
