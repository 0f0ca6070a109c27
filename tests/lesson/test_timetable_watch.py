"""The service's timetable follows its files and outlives broken ones."""

from __future__ import annotations

import logging
import os
import time
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.config import Config, DeviceConfig, TimetableConfig
from edge_daemon.lesson.timetable import load_timetable
from edge_daemon.lesson.timetable_watch import TimetableWatch
from tests.lesson.calendar_files import calendar, event, lesson

START = datetime(2026, 3, 1, tzinfo=timezone.utc)


class Desk:
    """A device's folder of settings, with a timetable in it."""

    def __init__(self, folder) -> None:
        self.folder, self.keep = folder / "etc", folder / "keep"
        self.folder.mkdir()
        self.config = Config(
            device=DeviceConfig(name="box", time_zone="Europe/Berlin"),
            timetable=TimetableConfig(files=("t.ics",), holidays=("h.ics",)),
        )
        self.put("h.ics")
        self.put("t.ics", lesson("20260302T080000"))

    def put(self, name, *parts, content: bytes | None = None):
        path = self.folder / name
        draft = path.with_suffix(".draft")
        draft.write_bytes(calendar(*parts) if content is None else content)
        draft.replace(path)

    def watch(self) -> TimetableWatch:
        return TimetableWatch(self.config, self.folder, self.keep)


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


def lessons(watch: TimetableWatch) -> int:
    return len(watch.timetable.lessons(START, START + timedelta(days=30)))


def test_a_timetable_is_read_once_and_again_when_it_changes(desk):
    watch = desk.watch()
    assert lessons(watch) == 0
    assert watch.refresh()
    assert lessons(watch) == 1
    before = watch.timetable
    assert not watch.refresh()
    desk.put("t.ics", lesson("20260302T080000"), lesson("20260303T080000", uid="u2"))
    assert watch.refresh()
    assert lessons(watch) == 2
    assert watch.timetable is not before
    assert not watch.refresh()
    assert watch.error == ""


def test_a_holiday_file_is_followed_too(desk):
    watch = desk.watch()
    watch.refresh()
    desk.put("h.ics", event("DTSTART;VALUE=DATE:20260302"))
    assert watch.refresh()
    assert lessons(watch) == 0


def test_a_file_that_was_only_touched_is_not_another_timetable(desk):
    watch = desk.watch()
    watch.refresh()
    before = watch.timetable
    os.utime(desk.folder / "t.ics", (1, 1))
    assert not watch.refresh()
    assert watch.timetable is before


def test_a_change_of_the_same_size_within_the_same_second_is_seen(desk):
    watch = desk.watch()
    watch.refresh()
    found = (desk.folder / "t.ics").stat()
    desk.put("t.ics", lesson("20260402T080000"))
    os.utime(desk.folder / "t.ics", ns=(found.st_atime_ns, found.st_mtime_ns))
    assert watch.refresh()
    assert lessons(watch) == 0


def test_on_demand_the_files_are_read_even_if_they_look_the_same(desk):
    watch = desk.watch()
    watch.refresh()
    path = desk.folder / "t.ics"
    found = path.stat()
    with path.open("r+b") as file:
        file.write(path.read_bytes().replace(b"20260302", b"20260402"))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert not watch.refresh()
    assert watch.refresh(force=True)
    assert lessons(watch) == 0


@pytest.mark.parametrize("content", [b"", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", b"\xff\xfe", None])
def test_a_broken_file_keeps_the_old_timetable_and_says_so_once(desk, caplog, content):
    watch = desk.watch()
    watch.refresh()
    if content is None:
        (desk.folder / "t.ics").unlink()
    else:
        desk.put("t.ics", content=content)
    with caplog.at_level(logging.WARNING):
        assert not watch.refresh()
        assert not watch.refresh()
        assert not watch.refresh()
    assert lessons(watch) == 1
    assert "t.ics" in watch.error
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    desk.put("t.ics", lesson("20260302T080000"), lesson("20260303T080000", uid="u2"))
    assert watch.refresh()
    assert (lessons(watch), watch.error) == (2, "")


def test_the_old_file_put_back_ends_the_error(desk):
    watch = desk.watch()
    watch.refresh()
    desk.put("t.ics", content=b"")
    watch.refresh()
    assert watch.error
    desk.put("t.ics", lesson("20260302T080000"))
    assert not watch.refresh()
    assert watch.error == ""


def test_a_restart_with_a_broken_file_has_the_last_good_one(desk):
    desk.watch().refresh()
    desk.put("t.ics", content=b"")
    again = desk.watch()
    assert again.refresh()
    assert lessons(again) == 1
    assert "is empty" in again.error
    assert not again.refresh()


def test_a_restart_keeps_holidays_of_a_file_that_is_gone(desk):
    desk.put("h.ics", event("DTSTART;VALUE=DATE:20260302"))
    desk.watch().refresh()
    (desk.folder / "h.ics").unlink()
    again = desk.watch()
    again.refresh()
    assert lessons(again) == 0
    assert "h.ics" in again.error


def test_a_first_start_with_a_broken_file_has_no_lessons_and_says_so(desk):
    desk.put("t.ics", content=b"")
    watch = desk.watch()
    assert not watch.refresh()
    assert lessons(watch) == 0
    assert watch.error


def costly() -> list[bytes]:
    """A calendar within every limit, of which the work is far more than the text: 4,900 daily events, 0.5 MB."""
    return [lesson(f"20200101T08{n % 60:02d}00", "RRULE:FREQ=DAILY", uid=f"u{n}") for n in range(4900)]


def test_a_calendar_that_takes_too_long_is_refused_in_time_and_the_old_one_stays(desk):
    desk.watch().refresh()
    watch = desk.watch()
    assert watch.refresh()
    watch._deadline_s = 8.0  # from now on: a busy computer may need so long to start a process
    desk.put("t.ics", *costly())
    before = time.monotonic()
    assert not watch.refresh()
    assert time.monotonic() - before < 60.0
    assert "t.ics: takes longer than 8 s to be worked out; export fewer events" in watch.error
    assert lessons(watch) == 1
    again = TimetableWatch(desk.config, desk.folder, desk.keep, deadline_s=8.0)
    again.refresh()
    assert "takes longer" in again.error


def test_lessons_of_the_process_are_those_of_the_reader(desk):
    parts = (lesson("20260302T080000", "RRULE:FREQ=DAILY;COUNT=300"), lesson("20260310T083000", uid="u2"))
    desk.put("t.ics", *parts)
    desk.put("h.ics", event("DTSTART;VALUE=DATE:20260406"))
    watch = desk.watch()
    watch.refresh()
    settings = desk.config.timetable
    files = [desk.folder / "t.ics"], settings.room, "box", "Europe/Berlin", [desk.folder / "h.ics"]
    whole = load_timetable(*files)
    for first, last in ((0, 400), (35, 36), (300, 301), (-900, 20)):
        start, end = START + timedelta(days=first), START + timedelta(days=last)
        assert watch.timetable.lessons(start, end) == whole.lessons(start, end)


def test_damaged_copies_do_not_stop_the_start(desk):
    desk.watch().refresh()
    for path in desk.keep.iterdir():
        path.write_bytes(b"\x00")
    desk.put("t.ics", content=b"")
    watch = desk.watch()
    assert not watch.refresh()
    assert watch.error


def test_copies_that_can_not_be_kept_cost_no_lesson(desk):
    desk.keep.write_text("in the way")
    watch = desk.watch()
    assert watch.refresh()
    assert lessons(watch) == 1
    assert watch.error == ""


def test_an_unchanged_copy_is_not_written_again_and_old_ones_go(desk):
    desk.watch().refresh()
    before = {path.name: path.stat().st_mtime_ns for path in desk.keep.iterdir()}
    assert len(before) == 2
    again = desk.watch()
    again.refresh()
    assert {path.name: path.stat().st_mtime_ns for path in desk.keep.iterdir()} == before
    (desk.keep / "0123456789abcdef.ics").write_bytes(b"")
    desk.put("t.ics")
    again.refresh()
    assert {path.name for path in desk.keep.iterdir()} == set(before)


def test_no_files_are_no_lessons_and_no_error(tmp_path):
    watch = TimetableWatch(Config(), tmp_path, tmp_path / "keep")
    watch.refresh()
    assert lessons(watch) == 0
    assert watch.error == ""
    assert not watch.refresh()
