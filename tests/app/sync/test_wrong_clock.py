"""A clock that was wrong delays no mail: a postponed message is sent at the right time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from edge_daemon.home import Home
from edge_daemon.store.waits import Uptime
from tests import mail_school
from tests.mail_school import FRIDAY
from tests.mail_server import PASSWORD, USER, Server
from tests.sync_device import Clock, run

SETTINGS = """
[device]
name = "room 204"
time_zone = "Europe/Berlin"
trust_clock = true

[mail]
host = "localhost"
port = {port}
ca_file = "{ca}"
username = "{user}"
password_file = "password"
from = "attendance@school.example"
guardians = true
hold_h = 24
"""
MADE = FRIDAY + timedelta(minutes=50)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("ca")


@pytest.fixture
def post(certificates):
    with Server(certificates) as post:
        yield post


@pytest.fixture
def home(tmp_path, certificates, post) -> Home:
    """A school with one lesson; guardians get notices of absences a day later."""
    settings = SETTINGS.format(port=post.port, ca=certificates / "ca.pem", user=USER)
    home = mail_school.make(tmp_path / "home", settings)
    (home.state_dir / "password").write_text(PASSWORD)
    mail_school.hold(home)
    return home


@pytest.mark.parametrize("ahead", [timedelta(days=7), timedelta(hours=20), timedelta(days=400)])
@pytest.mark.parametrize("mood", ["down", "each refused"])
def test_a_guardians_mail_that_a_wrong_clock_put_off_goes_when_its_hold_is_over(home, post, ahead, mood):
    if mood == "down":
        post.mood.auth_answer = "535 5.7.8 not you"
    else:
        post.mood.data[:] = ["451 4.3.0 later"] * 50
    run(home, Clock(MADE))
    run(home, Clock(MADE + ahead))
    post.mood.auth_answer = ""
    post.mood.data.clear()
    run(home, Clock(MADE + timedelta(hours=2)))
    before = len(post.taken)
    for hours in (27, 28):
        run(home, Clock(MADE + timedelta(hours=hours)))
    receivers = {one.receiver for one in post.taken}
    assert "adler@home.example" in receivers
    if mood == "down" and ahead < timedelta(days=1):
        assert before == 0, "the hold was kept"


def test_a_receiver_that_was_given_up_by_a_clock_that_was_ahead_is_tried_when_the_clock_is_right(home, post):
    post.mood.auth_answer = "535 5.7.8 not you"
    run(home, Clock(MADE + timedelta(days=9)))
    post.mood.auth_answer = ""
    run(home, Clock(MADE + timedelta(hours=25)))
    run(home, Clock(MADE + timedelta(hours=49)))
    assert "adler@home.example" in {one.receiver for one in post.taken}


def test_a_lesson_that_is_held_after_a_run_with_a_clock_that_was_ahead_has_its_hold(tmp_path, certificates, post):
    settings = SETTINGS.format(port=post.port, ca=certificates / "ca.pem", user=USER)
    home = mail_school.make(tmp_path / "home", settings)
    (home.state_dir / "password").write_text(PASSWORD)
    run(home, Clock(MADE + timedelta(days=400)), uptime=lambda: Uptime("boot", 100.0))
    mail_school.hold(home)  # the clock is right again, on the same day
    run(home, Clock(MADE + timedelta(minutes=1)), uptime=lambda: Uptime("boot", 100_000.0))
    assert not [one for one in post.taken if one.receiver == "adler@home.example"]
    run(home, Clock(MADE + timedelta(hours=25)), uptime=lambda: Uptime("boot", 190_000.0))
    assert [one for one in post.taken if one.receiver == "adler@home.example"]


class JumpingClock(Clock):
    """Jumps once, after this many readings."""

    def __init__(self, at: datetime, by: timedelta, after: int) -> None:
        super().__init__(at)
        self._by, self._left = by, after

    def __call__(self) -> datetime:
        self._left -= 1
        return super().__call__() + (self._by if self._left < 0 else timedelta(0))


@pytest.mark.parametrize("days", [-7, 7])
def test_a_clock_that_jumps_at_any_moment_of_a_run_ends_no_run(home, post, days):
    for after in range(16):
        run(home, JumpingClock(MADE + timedelta(hours=30), timedelta(days=days), after), eager=True)
    assert "adler@home.example" in {one.receiver for one in post.taken}
