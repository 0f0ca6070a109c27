"""Students who left the roster are erased after a time: announced before, and never with an untrusted clock."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from edge_daemon.app.erasure.removal import finish_erasures
from edge_daemon.app.health.doctor_erasures import erasures_check
from edge_daemon.app.sync.heartbeat import heartbeat
from edge_daemon.app.upkeep.maintenance import retain
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from tests.app.erasure.room import NOW, Room


@pytest.fixture
def room(tmp_path) -> Room:
    room = Room(tmp_path / "home", tmp_path / "office")
    room.enrol()
    return room


def import_roster(room: Room, **consents: str):
    room.school.write_roster(**consents)
    store = room.gallery()
    with closing(store.db.conn):
        return room.school.enrol(store, photos=False)


def night(room: Room, day: float, clock: str = "synchronised") -> None:
    now = NOW + timedelta(days=day)
    retain(room.home, now, clock)
    finish_erasures(room.home, now)


def announced(room: Room) -> object:
    db = open_register(room.home.register_db_path)
    with closing(db.conn):
        return heartbeat(room.home, db, NOW)["coming_erasures"]


def set_keep(room: Room, days: int) -> None:
    room.home.config_path.write_text(f"[storage]\nkeep_leavers_days = {days}\n")
    room.home = Home(room.home.state_dir)


def date_of_day(day: int) -> str:
    return (NOW + timedelta(days=day)).date().isoformat()


def test_a_leaver_is_announced_14_days_before_and_erased_after_30(room):
    import_roster(room, S2="yes", S3="no")
    for day in range(31):
        night(room, day)
        assert "S1" in room.enrolled() or day == 30, day
        assert announced(room) == (None if not 16 <= day < 30 else {"students": 1, "first": date_of_day(30)}), day
        found = erasures_check(room.home)
        assert found.state == ("warning" if 16 <= day < 30 else "good"), day
        assert date_of_day(30) in found.found or not 16 <= day < 30
    assert set(room.enrolled()) == {"S2", "S3"}
    assert room.sighted() == {"S2"}
    assert "S1" not in room.contacts()


def test_a_leaver_who_was_erased_may_come_back_on_a_later_roster(room):
    import_roster(room, S2="yes", S3="no")
    for day in (0, 16, 30):
        night(room, day)
    assert "S1" not in room.enrolled()
    assert import_roster(room, S1="yes", S2="yes", S3="no").removed_before == ()
    assert room.enrolled()["S1"] == "Name of S1"


def test_a_leaver_who_is_back_in_time_stays_and_the_days_begin_anew(room):
    import_roster(room, S2="yes", S3="no")
    night(room, 0)
    night(room, 20)
    import_roster(room, S1="yes", S2="yes", S3="no")
    night(room, 31)
    assert announced(room) is None
    import_roster(room, S2="yes", S3="no")
    for day in (32, 61):
        night(room, day)
        assert "S1" in room.enrolled()
    night(room, 75)
    assert "S1" not in room.enrolled()


def test_a_leaver_who_is_back_between_night_and_erasure_stays(room):
    import_roster(room, S2="yes", S3="no")
    for day in (0, 16):
        night(room, day)
    retain(room.home, NOW + timedelta(days=30), "synchronised")
    import_roster(room, S1="yes", S2="yes", S3="no")
    finish_erasures(room.home, NOW + timedelta(days=30))
    assert "S1" in room.enrolled()


@pytest.mark.parametrize("days", [0, 16, 400])
def test_nothing_is_counted_or_erased_under_a_doubtful_clock(room, days):
    import_roster(room, S2="yes", S3="no")
    for day in (0, 15, 30, 365):
        night(room, day + days, "unsynchronised")
    assert "S1" in room.enrolled()
    night(room, 400)
    assert "S1" in room.enrolled()


def test_a_clock_that_jumps_ahead_neither_erases_a_leaver_at_once_nor_keeps_one_for_years(room):
    import_roster(room, S2="yes", S3="no")
    night(room, 0)
    night(room, 4000)
    assert "S1" in room.enrolled()
    for day in (1, 29):
        night(room, day)
        assert "S1" in room.enrolled()
    night(room, 30)
    assert "S1" not in room.enrolled()


def test_a_shorter_time_in_the_settings_is_announced_too(room):
    set_keep(room, 365)
    import_roster(room, S2="yes", S3="no")
    for day in (0, 100):
        night(room, day)
    set_keep(room, 14)
    night(room, 101)
    assert announced(room) == {"students": 1, "first": date_of_day(115)}
    night(room, 114)
    assert "S1" in room.enrolled()
    night(room, 115)
    assert "S1" not in room.enrolled()


def test_days_before_the_update_do_not_count(room):
    """The table of leavers is empty after an update, and the first night begins to count."""
    import_roster(room, S2="yes", S3="no")
    night(room, 500)
    night(room, 516)
    assert announced(room) == {"students": 1, "first": date_of_day(530)}
