"""Goes through a lesson slot by slot: waits for the instant, takes the picture, processes it, and reports."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.capture.missed_reasons import CALLED_OFF, CLOCK_SET, NOT_RUNNING, STOOD_STILL, TOO_SLOW
from edge_daemon.app.capture.outages import Outage, reason_at
from edge_daemon.app.capture.timebase import Timebase
from edge_daemon.app.capture.worker_report import Kind, Report
from edge_daemon.device.clock import Clock
from edge_daemon.errors import CameraError, DamageError, StoreError
from edge_daemon.types import CapturePlan, ClockState, Frame, Lesson, MissedCapture

logger = logging.getLogger(__name__)

WARM_UP_S = 2.0
"""Seconds that the sensor runs before the instant of a picture, so that exposure and white balance settle."""
LATE_S = 10.0
"""Largest delay of a picture, in seconds; a later one would not match its drawn instant.

A delay occurs because the previous picture may take a few seconds.
"""
BEAT_S = 5.0
"""Longest time in seconds between two reports of a worker that is only waiting."""
COUNT_SHARE = 0.05
"""Largest share of a lesson's time for provisional counting; if counting is slower, it skips some captures."""


class LiveCamera(Protocol):
    """A camera that can be prepared before a picture is due."""

    fault: str

    def prepare(self, slot: int) -> None:
        """Begin to warm up for the picture of a slot, and return at once."""
        ...

    def capture(self, slot: int) -> Frame:
        """Take the picture of a slot now, and return it.

        Raises:
            CameraError: there is no usable picture; the slot counts as missed.
        """
        ...


@dataclass(frozen=True, slots=True)
class LoopContext:
    """The surroundings of a lesson's loop: clock, stop signal, reports, disk space."""

    clock: Clock
    wake: tuple[int, ...]
    """File descriptors that end a wait when they become readable."""
    stopping: Callable[[], bool]
    report: Callable[[Report], None]
    no_room: Callable[[], str]
    """Returns why the disk has no room for more data; empty if it has."""
    outages: Sequence[Outage] = ()
    """Why there were no pictures before this process started."""


class LessonLoop:
    """Goes through the slots of a lesson once.

    Args:
        run: processes and stores the captures.
        camera: takes the pictures.
        lesson: the lesson.
        plan: the instants of its slots.
        trust: how far the service trusted the clock when it began the lesson.
        context: clock, stop signal and reports.
    """

    def __init__(
        self,
        run: LessonRun,
        camera: LiveCamera,
        lesson: Lesson,
        plan: CapturePlan,
        trust: ClockState,
        context: LoopContext,
    ) -> None:
        self._run, self._camera, self._lesson, self._plan, self._context = run, camera, lesson, plan, context
        reading = context.clock.reading()
        self._time = Timebase(replace(reading, state=trust) if reading.state == "unsynchronised" else reading)
        self._begun_s = reading.boottime_s
        self._moved = False
        self._unwritten: dict[int, str] = {}
        self._storage_fault = ""
        self._taken = 0
        self._stood_still: list[Outage] = []
        self._looked_s = self._begun_s
        self._count_again_s = 0.0

    def go(self) -> bool:
        """Process every open slot; return False if asked to stop before the last slot."""
        settled = self._run.settled_slots
        if self._run.taken_count:  # the lesson continues after a restart
            self._count_provisionally(self._begun_s)
        for slot, offset_s in enumerate(self._plan.offsets_s):
            if slot in settled:
                continue
            if not self._wait_for(slot, offset_s):
                return False
        return True

    def miss_open(self) -> None:
        """Record a reason for every open slot, without pictures, because the lesson is over or called off."""
        reading = self._context.clock.reading()
        self._moved |= self._time.see(reading)
        settled = self._run.settled_slots
        for slot, offset_s in enumerate(self._plan.offsets_s):
            if slot not in settled and slot not in self._unwritten:
                due_s = self._time.boottime_s(self._lesson.start) + offset_s
                reason = CALLED_OFF if due_s > reading.boottime_s else self._why_late(due_s)
                self._miss(slot, reason, untried=True)

    def write_missed(self) -> None:
        """Write the reasons that could not be written before.

        Raises:
            StoreError: they still can't be written.
        """
        for slot, reason in list(self._unwritten.items()):
            self._run.miss(MissedCapture(slot, reason))
            del self._unwritten[slot]

    def _wait_for(self, slot: int, offset_s: float) -> bool:
        """Take the picture of a slot at its instant; return False if asked to stop while waiting."""
        prepared = False
        while not self._context.stopping():
            reading = self._context.clock.reading()
            self._note_standstill(reading.boottime_s)
            self._moved |= self._time.see(reading)
            due_s = self._time.boottime_s(self._lesson.start) + offset_s
            left_s = due_s - reading.boottime_s
            if left_s < -LATE_S:
                self._miss(slot, self._why_late(due_s), untried=True)
                return True
            if left_s <= 0:
                self._take(slot)
                self._looked_s = self._context.clock.reading().boottime_s
                return True
            if left_s <= WARM_UP_S and not prepared:
                self._camera.prepare(slot)
                prepared = True
            self._report("waiting", slot, next_s=due_s)
            wait_s = min(left_s if prepared else left_s - WARM_UP_S, BEAT_S)
            self._looked_s = reading.boottime_s + wait_s
            self._context.clock.wait(wait_s, self._context.wake)
        return False

    def _take(self, slot: int) -> None:
        if reason := self._context.no_room():
            self._storage_fault = reason
            self._miss(slot, reason)
            return
        try:
            frame = self._camera.capture(slot)
        except CameraError as error:
            self._miss(slot, error.what)
            return
        reading = self._context.clock.reading()
        age_s = max(0.0, (reading.utc - frame.taken_at).total_seconds())
        taken_at = self._time.utc(reading.boottime_s - age_s)
        try:
            reason = self._run.take(replace(frame, taken_at=taken_at), replace(reading, state=self._time.state))
            self.write_missed()
        except DamageError:
            raise  # this is permanent: the next start restores the database, and the lesson continues
        except StoreError as error:
            logger.warning("storage fault", extra={"lesson_id": self._lesson.lesson_id, "reason": error.what})
            self._storage_fault = error.what
            self._miss(slot, error.what)
            return
        self._storage_fault = ""
        if reason:
            self._report("missed", slot, text=reason)
            return
        self._taken += 1
        self._report("taken", slot)
        self._count_provisionally(reading.boottime_s)

    def _count_provisionally(self, now_s: float) -> None:
        if now_s < self._count_again_s:
            return
        begun_s = time.perf_counter()
        counts = self._run.provisional()
        self._count_again_s = now_s + (time.perf_counter() - begun_s) / COUNT_SHARE
        self._context.report(Report("counts", counts=counts, counted=self._run.taken_count))

    def _miss(self, slot: int, reason: str, *, untried: bool = False) -> None:
        self._unwritten[slot] = reason
        try:
            self.write_missed()
        except DamageError:
            raise
        except StoreError as error:
            self._storage_fault = error.what
        self._report("missed", slot, text=reason, untried=untried)

    def _why_late(self, due_s: float) -> str:
        if self._moved:
            return CLOCK_SET
        if due_s < self._begun_s:
            return reason_at(self._context.outages, due_s) or NOT_RUNNING
        return reason_at(self._stood_still, due_s) or TOO_SLOW

    def _note_standstill(self, now_s: float) -> None:
        """Notice that a wait took much longer than planned: the process was stopped, or the computer slept."""
        if now_s - self._looked_s > LATE_S:
            self._stood_still.append(Outage(self._looked_s, now_s, STOOD_STILL))
        self._looked_s = now_s

    def _report(
        self, kind: Kind, slot: int, *, text: str = "", next_s: float | None = None, untried: bool = False
    ) -> None:
        self._context.report(
            Report(
                kind,
                slot,
                text,
                next_utc=None if next_s is None else self._time.utc(next_s),
                camera_fault=self._camera.fault,
                storage_fault=self._storage_fault,
                untried=untried,
            )
        )
