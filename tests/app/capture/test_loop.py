"""Every slot of a lesson gets a picture at its instant, or a reason."""

from __future__ import annotations

import itertools
import time
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge_daemon.app.capture import loop
from edge_daemon.app.capture.loop import WARM_UP_S, LessonLoop, LoopContext
from edge_daemon.app.capture.missed_reasons import CLOCK_SET, NOT_RUNNING, STOOD_STILL, TOO_SLOW
from edge_daemon.app.capture.outages import Outage
from edge_daemon.device.clock import Reading
from edge_daemon.errors import CameraError, DamageError, StoreError
from edge_daemon.lesson.plan import make_plan
from edge_daemon.types import Frame, Lesson

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
LESSON = Lesson("lesson", "room-1", "Maths", START, START + timedelta(minutes=45), "timetable")
PLAN = make_plan("lesson", 2700.0, 20, bytes(range(32)))


class Clock:
    """Simulated time that passes only during waits; `then` may change the world before a wait."""

    def __init__(self, before_start_s: float = 20.0) -> None:
        self.boottime_s, self.off_s, self.state = 1000.0, 0.0, "synchronised"
        self.zero = START - timedelta(seconds=before_start_s) - timedelta(seconds=1000)
        self.then = lambda: None

    def reading(self) -> Reading:
        utc = self.zero + timedelta(seconds=self.boottime_s + self.off_s)
        return Reading(utc, self.boottime_s, self.state, "boot")

    def wait(self, seconds, wake=()):
        assert seconds > 0
        self.then()
        self.boottime_s += seconds
        return False


class RememberedRun:
    """Remembers what a LessonRun would have stored."""

    def __init__(self) -> None:
        self.taken, self.missed, self.broken, self.shows_nothing = {}, {}, "", {}

    @property
    def settled_slots(self) -> frozenset[int]:
        return frozenset(self.taken) | frozenset(self.missed)

    def take(self, frame, reading) -> str:
        if self.broken:
            raise StoreError(self.broken)
        if reason := self.shows_nothing.get(frame.slot):
            self.missed[frame.slot] = reason
            return reason
        assert frame.slot not in self.taken, "a slot was captured twice"
        self.taken[frame.slot] = (frame.taken_at, reading.state)
        return ""

    def miss(self, missed) -> None:
        if self.broken:
            raise StoreError(self.broken)
        self.missed[missed.slot] = missed.reason

    @property
    def taken_count(self) -> int:
        return len(self.taken)

    def provisional(self) -> dict:
        return {"S1": (len(self.taken), 0)}


class Camera:
    fault = ""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.prepared, self.faults, self.slow_s = clock, {}, {}, 0.0

    def prepare(self, slot: int) -> None:
        self.prepared[slot] = self.clock.boottime_s

    def capture(self, slot: int) -> Frame:
        if slot in self.faults:
            raise CameraError(self.faults[slot])
        frame = Frame(slot, "x", np.zeros((2, 2, 3), np.uint8), self.clock.reading().utc)
        self.clock.boottime_s += self.slow_s
        return frame


class World:
    """A loop with a simulated environment."""

    def __init__(self, clock: Clock | None = None, plan=PLAN) -> None:
        self.clock, self.run, self.plan = clock or Clock(), RememberedRun(), plan
        self.camera, self.reports = Camera(self.clock), []
        self.stop_at_s, self.no_room, self.outages = float("inf"), "", ()

    def go(self) -> bool:
        context = LoopContext(
            self.clock,
            (),
            lambda: self.clock.boottime_s >= self.stop_at_s,
            self.reports.append,
            lambda: self.no_room,
            self.outages,
        )
        self.loop = LessonLoop(self.run, self.camera, LESSON, self.plan, "synchronised", context)
        return self.loop.go()


@pytest.fixture
def world() -> World:
    return World()


def test_every_picture_is_taken_at_its_instant_after_two_seconds_of_warm_up(world):
    assert world.go()
    for slot, offset_s in enumerate(PLAN.offsets_s):
        taken_at, state = world.run.taken[slot]
        assert abs((taken_at - START).total_seconds() - offset_s) < 0.01
        assert state == "synchronised"
    start_s = 1020.0
    assert all(
        start_s + PLAN.offsets_s[slot] - at == pytest.approx(WARM_UP_S, abs=0.01)
        for slot, at in world.camera.prepared.items()
    )
    assert not world.run.missed


def test_the_worker_is_never_silent_for_longer_than_a_beat_and_counts_now_and_then(world):
    times = []
    report = world.reports.append
    world.reports = type(
        "Log", (list,), {"append": lambda self, r: (times.append(world.clock.boottime_s), report(r))}
    )()
    world.go()
    assert max(b - a for a, b in itertools.pairwise(times)) <= 5.01
    world = World()
    world.go()
    counts = [r for r in world.reports if r.kind == "counts"]
    assert [c.counted for c in counts] == [c.counts["S1"][0] for c in counts] == list(range(1, 21)), "it costs nothing"


def test_a_capture_that_shows_no_face_is_reported_as_missed_with_its_reason(world):
    world.run.shows_nothing = {2: "too_dark"}
    assert world.go()
    assert [(r.slot, r.text) for r in world.reports if r.kind == "missed"] == [(2, "too_dark")]
    assert 2 not in {r.slot for r in world.reports if r.kind == "taken"}
    assert world.run.missed == {2: "too_dark"}


def test_a_camera_fault_costs_one_capture_which_is_missed_with_the_cameras_reason(world):
    world.camera.faults = {3: "the picture is black", 4: "the camera did not answer within 8 s"}
    assert world.go()
    assert world.run.missed == world.camera.faults
    assert len(world.run.taken) == 18


def test_a_restart_goes_on_and_names_what_passed_meanwhile(world):
    world.stop_at_s = 1020.0 + PLAN.offsets_s[5] + 1
    assert not world.go()
    assert sorted(world.run.taken) == [0, 1, 2, 3, 4, 5]
    world.stop_at_s = float("inf")
    world.clock.boottime_s = 1020.0 + PLAN.offsets_s[9] + 11
    assert world.go()
    assert world.run.missed == dict.fromkeys((6, 7, 8, 9), NOT_RUNNING)
    assert sorted(world.run.taken) == [*range(6), *range(10, 20)]


def test_a_lesson_that_is_over_gets_only_reasons(world):
    world.clock.boottime_s += 7200
    assert world.go()
    assert world.run.missed == dict.fromkeys(range(20), NOT_RUNNING)


def test_pictures_that_take_too_long_make_those_after_them_late_never_double():
    dense = make_plan("lesson", 2700.0, 540, bytes(32))
    world = World(plan=dense)
    world.camera.slow_s = 14.0
    assert world.go()
    assert set(world.run.missed.values()) == {TOO_SLOW}
    assert len(world.run.taken) + len(world.run.missed) == 540
    assert len(world.run.taken) > 150


@pytest.mark.parametrize("off_s", [365 * 86400.0, -5400.0, 3600.0, -3600.0])
def test_a_clock_that_jumps_in_the_lesson_moves_no_capture(world, off_s):
    def jump() -> None:
        if len(world.run.taken) == 7:
            world.clock.off_s = off_s

    world.clock.then = jump
    assert world.go()
    assert len(world.run.taken) == 20
    assert all(
        abs((world.run.taken[slot][0] - START).total_seconds() - offset_s) < 0.01
        for slot, offset_s in enumerate(PLAN.offsets_s)
    )


def test_a_time_server_that_puts_the_clock_forward_costs_the_slots_that_it_passes():
    clock = Clock()
    clock.state = "rtc"
    world = World(clock)

    def time_server_answers() -> None:
        if len(world.run.taken) == 4 and clock.state == "rtc":
            clock.state, clock.off_s = "synchronised", 600.0

    clock.then = time_server_answers
    assert world.go()
    assert set(world.run.missed.values()) == {CLOCK_SET}
    assert len(world.run.taken) + len(world.run.missed) == 20
    assert [state for _, state in world.run.taken.values()] == ["rtc"] * 4 + ["synchronised"] * (
        len(world.run.taken) - 4
    )


def test_a_time_server_that_puts_the_clock_back_fires_nothing_twice():
    clock = Clock()
    clock.state = "rtc"
    world = World(clock)

    def time_server_answers() -> None:
        if len(world.run.taken) == 10 and clock.state == "rtc":
            clock.state, clock.off_s = "synchronised", -600.0

    clock.then = time_server_answers
    assert world.go()
    assert len(world.run.taken) == 20
    assert not world.run.missed


def test_a_full_disk_stops_captures_and_goes_on_when_there_is_room(world):
    def fill() -> None:
        world.no_room = "the disk is full" if 5 <= len(world.run.settled_slots) < 9 else ""

    world.clock.then = fill
    assert world.go()
    assert world.run.missed == dict.fromkeys((5, 6, 7, 8), "the disk is full")
    assert [r.storage_fault for r in world.reports if r.kind == "missed"] == ["the disk is full"] * 4
    assert world.reports[-1].storage_fault == ""


def test_captures_that_can_not_be_written_are_missed_with_the_databases_reason(world):
    def breaks() -> None:
        world.run.broken = "the database is read-only" if 1100 < world.clock.boottime_s < 1500 else ""

    world.clock.then = breaks
    assert world.go()
    lost = [slot for slot, offset_s in enumerate(PLAN.offsets_s) if 1100 < 1020 + offset_s < 1500]
    assert sorted(world.run.missed) == lost
    assert lost
    assert set(world.run.missed.values()) == {"the database is read-only"}


def test_reasons_that_wait_are_not_forgotten_at_the_end(world):
    world.run.broken = "the database is read-only"
    assert world.go()
    with pytest.raises(StoreError):
        world.loop.write_missed()
    world.run.broken = ""
    world.loop.write_missed()
    assert len(world.run.missed) == 20


def test_the_picture_is_timed_when_it_was_taken_not_when_it_was_worked_on(world):
    world.camera.slow_s = 1.5
    assert world.go()
    late = [
        (at - START).total_seconds() - PLAN.offsets_s[slot]
        for slot, (at, _) in world.run.taken.items()
        if slot == 0 or PLAN.offsets_s[slot] - PLAN.offsets_s[slot - 1] > 4
    ]
    assert max(late) < 0.01


@pytest.mark.parametrize("during", ["take", "miss"])
def test_a_damaged_database_ends_the_worker_because_only_the_next_start_repairs_it(world, during):
    def damaged(*_: object) -> None:
        raise DamageError("the database is corrupt")

    setattr(world.run, during, damaged)
    world.no_room = "the disk is full" if during == "miss" else ""
    with pytest.raises(DamageError):
        world.go()


def test_counting_that_is_slow_is_done_less_often(world, monkeypatch):
    provisional, now_s = world.run.provisional, 0.0

    def slow() -> dict:
        nonlocal now_s
        now_s += 0.05
        return provisional()

    world.run.provisional = slow
    monkeypatch.setattr(time, "perf_counter", lambda: now_s)
    monkeypatch.setattr(loop, "COUNT_SHARE", 0.05 / 600)  # ten minutes of 45 between two counts
    world.go()
    assert 2 <= len([r for r in world.reports if r.kind == "counts"]) <= 5


def test_slots_that_pass_in_a_wait_that_lasts_too_long_are_missed_with_that_reason(world):
    slept = []

    def sleep() -> None:
        if len(world.run.taken) == 3 and not slept:
            slept.append(True)
            world.clock.boottime_s += 900.0

    world.clock.then = sleep
    assert world.go()
    assert set(world.run.missed.values()) == {STOOD_STILL}
    assert len(world.run.missed) >= 5


def test_slots_that_passed_before_the_process_began_have_the_reason_that_the_service_knows(world):
    world.clock.boottime_s += 2000.0
    outage = Outage(0.0, 1020.0 + 1500.0, "the database is read-only")
    world.outages = (outage,)
    assert world.go()
    until = [slot for slot, offset_s in enumerate(PLAN.offsets_s) if offset_s <= 1500.0]
    assert {slot for slot, why in world.run.missed.items() if why == outage.reason} == set(until)
    assert NOT_RUNNING in world.run.missed.values()
