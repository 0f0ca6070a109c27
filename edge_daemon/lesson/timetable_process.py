"""Expands lessons in a separate process with a deadline, so that no calendar blocks the service."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from edge_daemon.config import Config
from edge_daemon.errors import TimetableError
from edge_daemon.interpreter import WORKING_DIRECTORY, isolated
from edge_daemon.lesson.event_people import People
from edge_daemon.lesson.ical_lines import Source
from edge_daemon.types import Lesson

logger = logging.getLogger(__name__)

DEADLINE_S: Final = 20.0
"""Longest time in seconds for reading all files and expanding the requested weeks.

Two such times fit into the 60 s of the watchdog.
"""
_CHILD: Final = "edge_daemon.lesson.timetable_child"
_WINDOW: Final = timedelta(days=28)
_EPOCH: Final = datetime(2024, 1, 1, tzinfo=timezone.utc)
_KEPT_WINDOWS: Final = 32
_AGAIN_S: Final = 3600.0
"""Seconds after a failure before the same weeks are expanded again."""
_SMALLER: Final = "export fewer events, or only those of this room and this year"


@dataclass(frozen=True, slots=True)
class _Window:
    """The lessons of some weeks."""

    lessons: tuple[Lesson, ...]
    cancelled: Mapping[str, str]
    """Reason for each cancelled lesson, by lesson id."""
    people: Mapping[str, People]
    """People who may teach a lesson, by lesson id, for events that name people."""


class ProcessTimetable:
    """A timetable whose calendars a separate process reads. The process exists only while it answers a request.

    Args:
        files: the calendars with their contents.
        holidays: calendars whose events cancel lessons.
        config: gives the room, the device and the rules for cancelled events.
        deadline_s: longest time of an answer, in seconds.

    Raises:
        TimetableError: a file is not a calendar, or the current weeks take too long or too much memory.
    """

    def __init__(
        self, files: Sequence[Source], holidays: Sequence[Source], config: Config, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._deadline_s = deadline_s
        self._question = _question(files, holidays, config)
        self._where = ", ".join(source.path.name for source in files) or "timetable"
        self._device = config.device.name
        self._windows: dict[int, _Window] = {}
        self._quiet_until_s = 0.0
        self.left_out = 0
        """Number of events that can't be read or expanded."""
        self.unusable = ""
        """Why a file, or all files, give no lesson; empty: all files are used."""
        self.error = ""
        """Why some weeks could not be expanded; empty: all succeeded, some perhaps at a later attempt."""
        now = _number(datetime.now(timezone.utc))
        self._ask([now - 1, now, now + 1])

    def lessons(self, start: datetime, end: datetime) -> list[Lesson]:
        """Return the lessons that start in [start, end), sorted. Weeks that failed have none; see `error`."""
        if start >= end:
            return []
        found = [one for window in self._worked_out(start, end) for one in window.lessons]
        return sorted((one for one in found if start <= one.start < end), key=lambda one: one.start)

    def cancelled(self, start: datetime, end: datetime) -> dict[str, str]:
        """Return the reason for each cancelled lesson in the weeks around [start, end), by lesson id."""
        found: dict[str, str] = {}
        for window in self._worked_out(start, end):
            found.update(window.cancelled)
        return found

    def _worked_out(self, start: datetime, end: datetime) -> list[_Window]:
        wanted = range(_number(start), _number(end) + 1)
        missing = [number for number in wanted if number not in self._windows]
        if missing and time.monotonic() >= self._quiet_until_s:
            try:
                self._ask(missing)
                self.error = ""
            except TimetableError as error:
                self._quiet_until_s, self.error = time.monotonic() + _AGAIN_S, error.line()
                logger.warning("timetable broken", extra={"reason": self.error})
        found = [self._windows[number] for number in wanted if number in self._windows]
        for number in sorted(self._windows, key=lambda kept: abs(kept - wanted[-1]))[_KEPT_WINDOWS:]:
            del self._windows[number]
        return found

    def people(self, lesson_id: str) -> People:
        """Return the people who may teach a lesson of the expanded weeks; empty if its event names nobody."""
        found = (window.people[lesson_id] for window in self._windows.values() if lesson_id in window.people)
        return next(found, ())

    def _ask(self, numbers: Sequence[int]) -> None:
        windows = [[(_EPOCH + n * _WINDOW).isoformat(), (_EPOCH + (n + 1) * _WINDOW).isoformat()] for n in numbers]
        answer = self._answer({**self._question, "windows": windows, "deadline_s": self._deadline_s})
        if "what" in answer:
            raise TimetableError(str(answer["what"]), str(answer["where"]), str(answer["hint"]))
        self.left_out, self.unusable = int(answer["left_out"]), str(answer["unusable"])
        for number, window in zip(numbers, answer["windows"], strict=True):
            lessons = tuple(self._lesson(*fields) for fields in window["lessons"])
            people = {lesson_id: _people(groups) for lesson_id, groups in window["people"].items()}
            self._windows[number] = _Window(lessons, dict(window["cancelled"]), people)

    def _answer(self, question: Mapping[str, object]) -> dict[str, Any]:
        # A process that reads untrusted files gets no keys.
        environment = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
        try:
            done = subprocess.run(
                isolated(_CHILD),
                input=json.dumps(question).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=WORKING_DIRECTORY,
                timeout=self._deadline_s,
                check=False,
            )
            answer = json.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            what = f"takes longer than {self._deadline_s:.0f} s to be worked out"
            raise TimetableError(what, self._where, _SMALLER) from error
        except OSError as error:
            raise TimetableError(f"can't be worked out: {error.strerror}", self._where) from error
        except ValueError as error:
            raise TimetableError("the process that works it out crashed", self._where, _SMALLER) from error
        return dict(answer)

    def _lesson(self, lesson_id: str, course: str, start: str, end: str, event_id: str) -> Lesson:
        first, last = (datetime.fromisoformat(text).astimezone(timezone.utc) for text in (start, end))
        return Lesson(lesson_id, self._device, course, first, last, "timetable", event_id)


def _question(files: Sequence[Source], holidays: Sequence[Source], config: Config) -> dict[str, object]:
    settings = config.timetable
    return {
        "files": [_sent(source) for source in files],
        "holidays": [_sent(source) for source in holidays],
        "room": settings.room,
        "device": config.device.name,
        "zone": config.device.time_zone,
        "cancelled_words": settings.cancelled_words,
        "free_is_cancelled": settings.free_is_cancelled,
    }


def _people(groups: Sequence[Sequence[str]]) -> People:
    return tuple(tuple(str(address) for address in group) for group in groups)


def _sent(source: Source) -> dict[str, str]:
    return {"path": str(source.path), "data": base64.b64encode(source.data).decode("ascii")}


def _number(at: datetime) -> int:
    return (at - _EPOCH) // _WINDOW
