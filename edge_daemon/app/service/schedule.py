"""Finds which lesson is due, which comes next, and which were missed."""

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
"""How early a worker is started before its lesson; models and camera need seconds on a Pi."""
LONGEST = timedelta(hours=24)
"""The longest possible lesson of a timetable."""
EXPAND_EVERY = timedelta(minutes=10)

DEVICE_OFF = "the device was off"
LOST = "lost with a damaged database, or the device was off"
NOT_HELD = "no picture could be taken"
_FAR = timedelta(days=28)
"""Time from now in which a moved lesson is searched for."""


class Schedule:
    """Compares the timetable with the clock and the stored lessons.

    Args:
        watch: the timetable, which may change at any time.
        db: register.sqlite.
        captures_wanted: the number of captures of a lesson.
        open_signer: returns the signer of plans; called only if there are plans to sign.
        open_seeds: returns the cipher for the plans' seeds. Without the device key no plan is stored in advance, but
            lessons are held.
        zone: the school's time zone.
        reason_before: why lessons before this start of the service have no register.
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
        """State of each running lesson that the timetable no longer has at its time, by lesson id."""

    @property
    def error(self) -> str:
        """What is wrong with the timetable's files, empty if nothing is; the last good files stay in force."""
        return self._watch.error

    @property
    def timetable(self) -> HasLessons:
        """The timetable in force."""
        return self._watch.timetable

    def is_ended(self, lesson_id: str, now: datetime) -> bool:
        """Return whether a lesson that has begun must stop: it is called off, or moved to a future time."""
        found = self.standings.get(lesson_id)
        if found is None:
            return False
        return found.state == "called_off" or (found.moved is not None and found.moved.end > now)

    def look_again(self) -> None:
        """Make the next `tend` look at the timetable again."""
        self._expanded_at = None

    def refresh(self, *, force: bool = False) -> None:
        """Read the timetable again if its files changed, or in any case with `force`."""
        if self._watch.refresh(force=force):
            self._expanded_at = None

    def tend(self, now: datetime) -> bool:
        """Look at running lessons, store and commit the coming plans, and record lessons that were missed.

        Rate-limited; safe to call often.

        Returns:
            Whether the timetable was looked at.

        Raises:
            StoreError: register.sqlite can't be written.
        """
        if self._expanded_at is not None and timedelta(0) <= now - self._expanded_at < EXPAND_EVERY:
            return False
        timetable = self._watch.timetable
        self._look_at_running(now)  # before plans are made, because a moved lesson is recognised by having no plan
        self._near = as_held(self._db, timetable.lessons(now - LONGEST, now + AHEAD + EXPAND_EVERY))
        lesson_events.note_events(self._db, self._near)
        self._plan(now)
        self._publish(now)
        since = account_since(self._db, now)
        # Lessons before the first look were missed because the service did not run; it could not hold any later ones.
        reason = NOT_HELD if self._accounted else self._reason_before
        named = account(self._db, as_held(self._db, timetable.lessons(since, now)), reason, now)
        if named:
            logger.warning("lessons went by", extra={"lessons": named, "reason": reason})
        self._accounted, self._expanded_at = True, now
        return True

    def _look_at_running(self, now: datetime) -> None:
        self.standings = {}
        if self._watch.error:
            return  # the current files can't be read, and the timetable in force is older than the lesson
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
        """Commit to the planned lessons. If this fails, lessons are held all the same: no register depends on it."""
        try:
            publish_commitments(self._db, self._open_signer, now)
        except DamageError:
            raise  # the next start repairs it
        except StoreError as error:
            logger.warning("plans not signed", extra={"reason": error.what})
        except sqlite3.IntegrityError as error:
            logger.warning("plans not signed", extra={"reason": str(error)})

    def due(self, now: datetime) -> Lesson | None:
        """Return the lesson that is on or begins within `LEAD` and has no register yet; None if there is none."""
        on = [x for x in self._near if x.start - LEAD <= now < x.end]
        for lesson in sorted(on, key=lambda x: x.start):
            known = lessons.get_lesson(self._db, lesson.lesson_id)
            if known is None or known.state == "running":
                return lesson
        return None

    def people(self, lesson: Lesson) -> People:
        """Return who may teach a lesson, according to the current calendar."""
        timetable = self._watch.timetable
        # The calendar may have another id for a lesson that was moved. Two lessons never begin at the same time.
        there = timetable.lessons(lesson.start, lesson.start + timedelta.resolution)
        return timetable.people(there[0].lesson_id if there else lesson.lesson_id)

    def on(self, now: datetime) -> Lesson | None:
        """Return the lesson that is on by the timetable, whether it is held or not; None if there is none."""
        return min((x for x in self._near if x.start <= now < x.end), key=lambda x: x.start, default=None)

    def following(self, now: datetime) -> Lesson | None:
        """Return the next lesson that has not begun."""
        return min((x for x in self._near if x.start > now), key=lambda x: x.start, default=None)

    def skip(self, lesson: Lesson, reason: str, now: datetime) -> None:
        """Record that a lesson could not be held, and forget that it was begun."""
        lessons.discard_lesson(self._db, lesson.lesson_id)
        skipped.skip_lessons(self._db, [lesson], reason, now)
