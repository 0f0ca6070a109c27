"""Which lesson is due, which comes next, and which went by."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from edge_daemon.app.capture.plan_recorder import AHEAD, account, account_since, plan_ahead
from edge_daemon.app.capture.timetable_standing import TimetableStanding, as_held, standing
from edge_daemon.app.opening.timetable_files import HasLessons
from edge_daemon.app.service.commitment_publisher import publish_commitments
from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.device.signing import Signer
from edge_daemon.errors import DamageError, KeyFileError, StoreError
from edge_daemon.lesson.event_people import People
from edge_daemon.lesson.timetable_watch import TimetableWatch
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lesson_events, lessons, skipped
from edge_daemon.types import Lesson

logger = logging.getLogger(__name__)

LEAD = timedelta(seconds=20)
"""A worker is started so long before its lesson: models and camera take seconds on a Pi."""
LONGEST = timedelta(hours=24)
"""No lesson of a timetable is longer."""
EXPAND_EVERY = timedelta(minutes=10)

DEVICE_OFF = "the device was off"
LOST = "lost with a damaged database, or the device was off"
NOT_HELD = "no picture could be taken"
_FAR = timedelta(days=28)
"""A lesson that was moved is looked for within this."""


class Schedule:
    """The timetable against the clock and the records.

    Args:
        watch: the timetable, which may change at any time.
        db: register.sqlite.
        captures_wanted: of a lesson.
        open_signer: gives what signs plans; asked only where something is to be signed.
        open_seeds: gives what seals their seeds; without the device key no plan is put on record, and lessons are held.
        zone: the school's time zone.
        reason_before: why lessons of the time before this start have no register.
    """

    def __init__(
        self,
        watch: TimetableWatch,
        db: sqlite_utils.Database,
        captures_wanted: int,
        open_signer: Callable[[], Signer],
        open_seeds: Callable[[], PlanSeeds],
        zone: ZoneInfo,
        *,
        reason_before: str = DEVICE_OFF,
    ) -> None:
        self._watch, self._db, self._captures_wanted = watch, db, captures_wanted
        self._open_signer, self._open_seeds, self._zone = open_signer, open_seeds, zone
        self._reason_before = reason_before
        self._near: Sequence[Lesson] = ()
        self._expanded_at: datetime | None = None
        self._accounted = False
        self.standings: dict[str, TimetableStanding] = {}
        """Lessons that run and that the timetable no longer has at their time, by id."""

    @property
    def error(self) -> str:
        """What is wrong with the timetable's files; the last good ones are in force."""
        return self._watch.error

    @property
    def timetable(self) -> HasLessons:
        """The timetable in force."""
        return self._watch.timetable

    def is_ended(self, lesson_id: str, now: datetime) -> bool:
        """Return whether a lesson that has begun must not go on: it is called off, or moved to a time to come."""
        found = self.standings.get(lesson_id)
        if found is None:
            return False
        return found.state == "called_off" or (found.moved is not None and found.moved.end > now)

    def look_again(self) -> None:
        """Have the timetable looked at again at the next `tend`."""
        self._expanded_at = None

    def refresh(self, *, force: bool = False) -> None:
        """Look whether the timetable changed."""
        if self._watch.refresh(force=force):
            self._expanded_at = None

    def tend(self, now: datetime) -> bool:
        """Look at the lessons that run, put coming plans on record, promise them, and name lessons that went by.

        Rate-limited; safe to call often.

        Returns:
            Whether the timetable was looked at.

        Raises:
            StoreError: register.sqlite can't be written.
        """
        if self._expanded_at is not None and timedelta(0) <= now - self._expanded_at < EXPAND_EVERY:
            return False
        timetable = self._watch.timetable
        self._look_at_running(now)  # before plans are made: a moved lesson is known by having none
        self._near = as_held(self._db, timetable.lessons(now - LONGEST, now + AHEAD + EXPAND_EVERY))
        lesson_events.note_events(self._db, self._near)
        self._plan(now)
        self._publish(now)
        since = account_since(self._db, now)
        # What went by before the service looked for the first time did so without it; later ones it could not hold.
        reason = NOT_HELD if self._accounted else self._reason_before
        named = account(self._db, as_held(self._db, timetable.lessons(since, now)), reason, now)
        if named:
            logger.warning("lessons went by", extra={"lessons": named, "reason": reason})
        self._accounted, self._expanded_at = True, now
        return True

    def _look_at_running(self, now: datetime) -> None:
        self.standings = {}
        if self._watch.error:
            return  # the files of now can't be read: what is in force is older than the lesson
        for stored in lessons.running_lessons(self._db):
            lesson = stored.lesson
            if lesson.origin != "timetable" or stored.clock == "unsynchronised":
                continue
            found = standing(self._db, self._watch.timetable, lesson, self._zone, is_over=lesson.end <= now)
            if found.is_doubtful:
                self.standings[lesson.lesson_id] = found
                logger.warning(
                    "lesson not in the timetable", extra={"lesson_id": lesson.lesson_id, "reason": found.state}
                )

    def _plan(self, now: datetime) -> None:
        try:
            seeds = self._open_seeds()
        except KeyFileError as error:
            logger.warning("plans not signed", extra={"reason": error.what})
            return
        coming = [x for x in self._near if now <= x.start < now + AHEAD]

        def later() -> Sequence[Lesson]:
            return self._watch.timetable.lessons(now + AHEAD, now + _FAR)

        plan_ahead(self._db, coming, self._captures_wanted, now, seeds, later)

    def _publish(self, now: datetime) -> None:
        """Promise what is planned. Where that fails lessons are held all the same: the outbox must cost no register."""
        try:
            publish_commitments(self._db, self._open_signer, now)
        except DamageError:
            raise  # the next start mends it
        except StoreError as error:
            logger.warning("plans not signed", extra={"reason": error.what})
        except sqlite3.IntegrityError as error:
            logger.warning("plans not signed", extra={"reason": str(error)})

    def due(self, now: datetime) -> Lesson | None:
        """Return the lesson that is on, or begins within LEAD, and has no register yet."""
        on = [x for x in self._near if x.start - LEAD <= now < x.end]
        for lesson in sorted(on, key=lambda x: x.start):
            known = lessons.get_lesson(self._db, lesson.lesson_id)
            if known is None or known.state == "running":
                return lesson
        return None

    def people(self, lesson: Lesson) -> People:
        """Return who may teach a lesson, as the calendar has it now."""
        timetable = self._watch.timetable
        # The calendar may have another id for a lesson that was moved; two lessons never begin together.
        there = timetable.lessons(lesson.start, lesson.start + timedelta.resolution)
        return timetable.people(there[0].lesson_id if there else lesson.lesson_id)

    def on(self, now: datetime) -> Lesson | None:
        """Return the lesson that is on by the timetable, held or not; the database is not asked."""
        return min((x for x in self._near if x.start <= now < x.end), key=lambda x: x.start, default=None)

    def following(self, now: datetime) -> Lesson | None:
        """Return the next lesson that has not begun."""
        return min((x for x in self._near if x.start > now), key=lambda x: x.start, default=None)

    def skip(self, lesson: Lesson, reason: str, now: datetime) -> None:
        """Name a lesson that could not be held, and forget that it was begun."""
        lessons.discard_lesson(self._db, lesson.lesson_id)
        skipped.skip_lessons(self._db, [lesson], reason, now)
