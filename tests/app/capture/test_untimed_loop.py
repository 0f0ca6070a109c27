"""A device that starts without the time takes pictures, and they become those of its lesson when the time comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge_daemon.app.capture.assign_untimed import settle
from edge_daemon.app.capture.loop import WARM_UP_S, LoopContext
from edge_daemon.app.capture.untimed_loop import UntimedLoop
from edge_daemon.app.capture.untimed_sessions import EVERY_S, FREE_S
from edge_daemon.device.clock import Reading
from edge_daemon.device.secrets import device_key
from edge_daemon.errors import CameraError, DamageError, TimetableError
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.store import lessons
from edge_daemon.store.database import open_gallery, open_register
from edge_daemon.store.untimed import untimed_captures
from edge_daemon.types import Frame
from tests.lesson.calendar_files import Office, lesson

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=timezone.utc)
CONFIG = '[device]\nname = "box 1"\ntime_zone = "Europe/Berlin"\n[timetable]\nfiles = ["timetable.ics"]\n'


class NobodyThere:
    """Replaces the comparer; its room is empty."""

    student_ids = ("S1",)

    def candidates(self, _slot: int, _picture: object) -> list[object]:
        return []


class Device:
    """A device that was switched on 1,000 s after its boot began; its clock says 1970."""

    fault = ""

    def __init__(self, folder: Path) -> None:
        (folder / "config.toml").write_text(CONFIG)
        self.home = Home(folder)
        self.db = open_register(self.home.register_db_path)
        self.gallery = GalleryStore(
            open_gallery(self.home.gallery_db_path), device_key(self.home.key_path, create=True)
        )
        self.boottime_s, self.prepared_s, self.taken_s = 1000.0, 0.0, list[float]()
        self.reports, self.no_room = [], ""
        self.fails: Callable[[], None] = lambda: None

    def reading(self) -> Reading:
        utc = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.boottime_s)
        return Reading(utc, self.boottime_s, "unsynchronised", "boot")

    def wait(self, seconds: float, _wake: object = ()) -> bool:
        assert seconds > 0
        self.boottime_s += seconds
        return False

    def prepare(self, _slot: int) -> None:
        self.prepared_s = self.boottime_s

    def capture(self, slot: int) -> Frame:
        self.fails()
        assert 0 <= self.boottime_s - self.prepared_s <= WARM_UP_S + 0.1
        self.taken_s.append(self.boottime_s)
        return Frame(slot, "x", np.zeros((2, 2, 3), np.uint8), self.reading().utc)

    def go(self, spans: int) -> None:
        """Run the loop for some spans of 27 s."""
        until_s = (self.boottime_s // EVERY_S + spans + 1) * EVERY_S - 0.01
        context = LoopContext(
            self, (), lambda: self.boottime_s >= until_s, self.reports.append, lambda: self.no_room, ()
        )
        UntimedLoop(self.db, self.gallery, NobodyThere(), self, "box 1", context).go()

    def missed(self) -> list[str]:
        return [one.text for one in self.reports if one.kind == "missed"]


@pytest.fixture
def device(tmp_path) -> Device:
    return Device(tmp_path)


def test_each_span_gets_one_picture_at_an_instant_of_its_own_also_after_a_restart(device):
    device.go(8)
    device.go(4)
    spans = [int(at // EVERY_S) for at in device.taken_s]
    assert [b - a for a, b in pairwise(spans[:8])] == [1] * 7
    assert [b - a for a, b in pairwise(spans[8:])] == [1] * 3
    assert spans[8] > spans[7]
    assert all(b - a >= FREE_S for a, b in pairwise(device.taken_s))
    assert len({round(at % EVERY_S, 3) for at in device.taken_s}) == 12
    assert [capture.slot for capture in untimed_captures(device.db)] == list(range(12))


@pytest.mark.parametrize("reason", ["the camera hangs", "the disk is full"])
def test_a_picture_that_fails_is_missed_with_its_reason_and_the_next_one_takes_its_number(device, reason):
    def hangs() -> None:
        raise CameraError(reason)

    if "disk" in reason:
        device.no_room = reason
    else:
        device.fails = hangs
    device.go(2)
    assert device.missed() == [reason] * 2
    device.fails, device.no_room = (lambda: None), ""
    device.go(1)
    assert [capture.slot for capture in untimed_captures(device.db)] == [0]


def test_a_damaged_database_ends_the_loop_for_the_next_start_to_mend(device):
    def damaged() -> None:
        raise DamageError("is corrupt", "register.sqlite")

    device.fails = damaged
    with pytest.raises(DamageError):
        device.go(1)


def test_when_the_time_comes_the_captures_of_a_lesson_are_the_lessons_and_no_other_stays(device):
    office = Office(device.home.state_dir)
    office.write(lesson("20261120T110000", uid="before"), lesson("20261120T120000"))  # by the clock of Berlin
    device.go(10)
    right = Reading(NOON + timedelta(minutes=10), device.boottime_s, "synchronised", "boot")
    settle(device.home, device.db, device.gallery, right)
    (found,) = lessons.running_lessons(device.db)
    assert (found.lesson.start, found.lesson.course) == (NOON, "Maths")
    into_s = [600 - (device.boottime_s - at) for at in device.taken_s]
    slots = [capture.slot for capture in lessons.captures(device.db, found.lesson.lesson_id)]
    assert slots == sorted({int(at // EVERY_S) for at in into_s}), "two pictures of one slot are one capture"
    assert untimed_captures(device.db) == []


def test_without_a_readable_timetable_the_captures_wait(device):
    device.go(2)
    right = Reading(NOON, device.boottime_s, "synchronised", "boot")
    with pytest.raises(TimetableError):
        settle(device.home, device.db, device.gallery, right)
    assert len(untimed_captures(device.db)) == 2


def test_a_timetable_that_is_readable_after_the_retention_starts_no_old_lesson(device):
    device.go(2)
    Office(device.home.state_dir).write(lesson("20261120T115000"))
    days = device.home.config.storage.keep_sightings_days + 1
    late = Reading(NOON + timedelta(days=days), device.boottime_s + days * 86_400, "synchronised", "boot")
    settle(device.home, device.db, device.gallery, late)
    assert lessons.running_lessons(device.db) == []
    assert untimed_captures(device.db) == []


def test_the_captures_wait_for_the_office_calendar(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.CONFIG", CONFIG.replace("timetable.ics", "upstream"))
    device = Device(tmp_path)
    device.go(2)
    right = Reading(NOON, device.boottime_s, "synchronised", "boot")
    with pytest.raises(TimetableError, match="has not arrived yet"):
        settle(device.home, device.db, device.gallery, right)
    assert len(untimed_captures(device.db)) == 2
    (tmp_path / "pulled").mkdir()
    Office(tmp_path / "pulled").write(lesson("20261120T115000"))
    settle(device.home, device.db, device.gallery, right)
    assert [found.lesson.course for found in lessons.running_lessons(device.db)] == ["Maths"]
    assert untimed_captures(device.db) == []


def test_captures_of_another_boot_become_a_register_without_a_lesson(device):
    device.go(2)
    settle(device.home, device.db, device.gallery, Reading(NOON, 50.0, "synchronised", "a later boot"))
    assert untimed_captures(device.db) == []
    (found,) = lessons.running_lessons(device.db)
    assert found.clock == "unsynchronised"
