"""The time of a register is trusted as far as the worst of its captures, and no further."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.app.capture.lesson_run import LessonRun
from edge_daemon.app.opening.models_and_gallery import load_models, open_gallery_store
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.home import Home
from edge_daemon.lesson.plan import make_plan
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register
from edge_daemon.types import Lesson

START = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
LESSON_ID = "11111111-1111-5111-8111-111111111111"
CLOCKS = ["synchronised", "rtc", "unsynchronised"]


@pytest.fixture(scope="module")
def home(demo_home: Path, tmp_path_factory) -> Home:
    return Home(Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("clock") / "home")))


def _register(home: Home, folder: Path, clocks, at_start):
    """Return the register of a lesson without people, whose captures were taken by these clocks."""
    db = open_register(folder / "register.sqlite")
    lesson = Lesson(LESSON_ID, "room-1", "", START, START + timedelta(minutes=45), "timetable")
    plan, models = make_plan(LESSON_ID, 2700.0, len(clocks), bytes(32)), load_models(home.config)
    gallery, signer = open_gallery_store(home), open_signer(home)
    run = LessonRun(home.config, db, gallery, models, lesson, plan, len(clocks), at_start, signer)
    for slot, clock in enumerate(clocks):
        at = START + timedelta(seconds=plan.offsets_s[slot])
        lessons.add_capture(db, LESSON_ID, lessons.Capture(slot, f"{slot}.jpg", at, clock))
    return run.finalise()[0]


@pytest.mark.parametrize(
    ("clocks", "worst"),
    [
        (["synchronised", "rtc", "synchronised"], "rtc"),
        (["rtc", "unsynchronised", "synchronised"], "unsynchronised"),
        (["unsynchronised", "rtc", "rtc"], "unsynchronised"),
        (["synchronised", "synchronised"], "synchronised"),
        ([None, "rtc", None], "rtc"),
    ],
)
def test_a_register_has_the_clock_of_its_worst_capture(home, tmp_path, clocks, worst):
    register = _register(home, tmp_path, clocks, "synchronised")
    assert register.clock == worst
    flagged = {"clock" in v.flags for v in register.verdicts}
    assert flagged == {worst == "unsynchronised"}


@pytest.mark.parametrize("at_start", CLOCKS)
def test_captures_that_say_nothing_of_the_clock_have_the_lessons(home, tmp_path, at_start):
    assert _register(home, tmp_path, [None, None], at_start).clock == at_start


@pytest.mark.parametrize("at_start", CLOCKS)
def test_the_captures_decide_and_not_the_clock_of_the_start(home, tmp_path, at_start):
    assert _register(home, tmp_path, ["rtc", "synchronised"], at_start).clock == "rtc"
