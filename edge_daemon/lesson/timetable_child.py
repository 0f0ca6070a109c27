"""The process that reads calendars: `python -I -m edge_daemon.lesson.timetable_child`, JSON on stdin and stdout.

Calendars are untrusted text, and the time for a rule is known only after it is expanded. Killing this process harms
nothing.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from edge_daemon.errors import TimetableError
from edge_daemon.lesson.ical_lines import Source
from edge_daemon.lesson.timetable import build_timetable

_MEMORY_BYTES = 256 * 2**20
"""Memory in bytes that this process may use in addition to that of the libraries."""


def main() -> int:
    """Read one request from stdin, write the answer to stdout, and return the exit code."""
    question = json.loads(sys.stdin.buffer.read())
    _limit(int(question["deadline_s"]))
    try:
        answer = _answer(question)
    except TimetableError as error:
        answer = {"what": error.what, "where": error.where, "hint": error.hint}
    except (MemoryError, RecursionError):
        answer = {
            "what": "needs too much memory to be worked out",
            "where": "timetable",
            "hint": "export a shorter time",
        }
    sys.stdout.write(json.dumps(answer))
    return 0


def _limit(deadline_s: int) -> None:
    """Limit this process's memory and processor time, so that it ends by itself if its parent is gone."""
    in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (deadline_s + 1,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(question: dict[str, Any]) -> dict[str, object]:
    read = build_timetable(
        [_source(one) for one in question["files"]],
        [_source(one) for one in question["holidays"]],
        question["room"],
        question["device"],
        question["zone"],
        cancelled_words=question["cancelled_words"],
        free_is_cancelled=question["free_is_cancelled"],
    )
    windows = []
    for first, last in question["windows"]:
        start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
        lessons = read.lessons(start, end)
        windows.append(
            {
                "lessons": [
                    (x.lesson_id, x.course, x.start.isoformat(), x.end.isoformat(), x.event_id) for x in lessons
                ],
                "cancelled": {x.lesson_id: x.why for x in read.cancelled(start, end)},
                "people": {x.lesson_id: found for x in lessons if (found := read.people(x))},
            }
        )
    unusable = [" ".join(filter(None, (f"{one.where}:", one.what, one.why))) for one in read.unusable]
    if read.events and not read.has_room:
        unusable.append("no event of the calendars is in the room of this device (timetable.room)")
    return {"left_out": len(read.left_out), "windows": windows, "unusable": "; ".join(unusable)}


def _source(fields: dict[str, str]) -> Source:
    return Source(Path(fields["path"]), base64.b64decode(fields["data"]))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a large calendar takes seconds to deallocate
