"""Only seeds from the capture side count: other stored seeds are not promised, and no picture follows them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.app.capture import plan_trust
from edge_daemon.app.capture.plan_recorder import begin, plan_ahead
from edge_daemon.app.capture.plan_trust import is_own, seed_of
from edge_daemon.app.service.commitment_publisher import publish_commitments
from edge_daemon.attendance.commitment import PlanCommitment, read_commitment, sign_commitment
from edge_daemon.device.clock import Reading
from edge_daemon.device.plan_seeds import PlanSeeds
from edge_daemon.device.signing import Signer
from edge_daemon.errors import KeyFileError
from edge_daemon.lesson.plan import make_plan, seed_digest
from edge_daemon.store import lessons, plans
from edge_daemon.store.alarms import alarms
from edge_daemon.store.commitments import add_commitment, commitments
from edge_daemon.store.database import open_register, transaction
from edge_daemon.timestamps import stored
from edge_daemon.types import Lesson
from tests.registers import SEEDS, SIGNER

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=timezone.utc)
LESSON = Lesson("a", "room-1", "Maths", NOW + timedelta(hours=2), NOW + timedelta(hours=2, minutes=45), "timetable")
KNOWN = b"a seed that a stranger knows too."[:32]
OTHER_KEY = b"another device's key, 32 bytes.."


@pytest.fixture
def db(tmp_path: Path):
    return open_register(tmp_path / "register.sqlite")


def in_the_clear(db, seed: bytes = KNOWN, at: datetime = NOW - timedelta(hours=1)) -> None:
    """Store a plan as 4de1fc4 did, which anybody with write access to the file can do."""
    with transaction(db):
        db.execute(
            "INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(LESSON.lesson_id, LESSON.device, LESSON.course, stored(LESSON.start), stored(LESSON.end)),
                *(seed, seed_digest(seed), 100, stored(at)),
            ),
        )


def promise(db, seed: bytes = KNOWN, signer: Signer = SIGNER, at: datetime = NOW - timedelta(hours=1)) -> None:
    plan = PlanCommitment(LESSON.lesson_id, LESSON.start, LESSON.end, 100, seed_digest(seed))
    ref, document = sign_commitment("room-1", at, [plan], None, signer)
    with transaction(db):
        add_commitment(db, ref, document, at)


def begun(db) -> lessons.StoredLesson:
    return begin(db, LESSON, 100, Reading(LESSON.start, 100.0, "synchronised", "boot"), SEEDS)


def promised(db) -> list[str]:
    """Return the SHA-256 of each promise about the lesson, the last one last."""
    found = [read_commitment(one.document) for one in commitments(db)]
    return [plan.seed_sha256 for one in found for plan in one.plans_committed]


def test_a_seed_that_was_put_on_record_in_the_clear_is_neither_promised_nor_followed(db):
    in_the_clear(db)
    plan_ahead(db, [LESSON], 100, NOW, SEEDS)
    publish_commitments(db, lambda: SIGNER, NOW)
    assert promised(db) == [plans.get_plan(db, "a").seed_sha256] != [seed_digest(KNOWN)]
    assert begun(db).seed != KNOWN
    assert begun(db).seed_sha256 == promised(db)[-1]
    assert plans.unsealed_plans(db, NOW) == {}
    assert alarms(db) == [], "an older release left seeds in the clear, too"


def test_also_not_right_before_the_lesson(db):
    in_the_clear(db)
    assert begun(db).seed != KNOWN


@pytest.mark.parametrize(
    "sealed",
    [
        PlanSeeds(OTHER_KEY).seal("a", KNOWN),
        SEEDS.seal("another lesson", KNOWN),
        KNOWN,
        b"",
        SEEDS.seal("a", b"the seed of another digest, 32 b"),
    ],
    ids=["another key", "another lesson", "in the clear", "empty", "another digest"],
)
@pytest.mark.parametrize("planned_ahead", [True, False])
def test_a_seed_that_this_device_did_not_seal_is_replaced_with_an_alarm(db, sealed, planned_ahead):
    plans.commit_plan(db, LESSON, sealed, seed_digest(KNOWN), 100, NOW - timedelta(hours=1))
    if planned_ahead:
        assert plan_ahead(db, [LESSON], 100, NOW, SEEDS) == 1
    lesson = begun(db)
    assert lesson.seed_sha256 == plans.get_plan(db, "a").seed_sha256 != seed_digest(KNOWN)
    (alarm,) = alarms(db)
    assert (alarm.name, alarm.what) == ("plan", "lesson a had a seed on record that this device did not draw")


def test_an_alarm_of_a_plan_stands_for_a_week(db):
    plans.commit_plan(db, LESSON, KNOWN, seed_digest(KNOWN), 100, NOW)
    for days, standing in ((0, 1), (6.9, 1), (7, 0)):
        plan_ahead(db, [LESSON] if not days else [], 100, NOW + timedelta(days=days), SEEDS)
        assert len(alarms(db)) == standing


def test_an_alarm_that_is_raised_again_stands_for_a_week_after_that(db):
    for days in (30, 0, 6.9):  # the first time by a clock that was ahead
        plan_trust.alarm(db, "a", "had a seed on record that this device did not draw", NOW + timedelta(days=days))
    for days, standing in ((7.1, 1), (13.8, 1), (13.9, 0)):
        plan_trust.clear_old_alarm(db, NOW + timedelta(days=days))
        assert len(alarms(db)) == standing


def test_a_lesson_that_an_attacker_began_is_begun_anew(db):
    plan_ahead(db, [LESSON], 100, NOW, SEEDS)
    forged = make_plan("a", 2700.0, 100, KNOWN)
    lessons.start_lesson(db, LESSON, forged, "synchronised")
    lessons.add_capture(db, "a", lessons.Capture(0, "1.jpg", LESSON.start))
    lesson = begun(db)
    assert lesson.seed == seed_of(plans.get_plan(db, "a"), SEEDS) != KNOWN
    assert lessons.captures(db, "a") == []
    assert [one.what for one in alarms(db)] == ["lesson a was begun with a seed that this device did not draw"]
    assert begun(db) == lesson
    assert is_own(db, lesson, SEEDS)


def test_a_lesson_whose_seed_was_changed_after_it_began_is_not_its_own(db):
    begun(db)
    db.execute("UPDATE lessons SET seed = ?, seed_sha256 = ?", (KNOWN, seed_digest(KNOWN)))
    assert not is_own(db, lessons.get_lesson(db, "a"), SEEDS)
    db.execute("UPDATE lessons SET seed_sha256 = ?", (plans.get_plan(db, "a").seed_sha256,))
    assert not is_own(db, lessons.get_lesson(db, "a"), SEEDS)


def test_a_seed_that_an_older_release_promised_is_sealed_and_kept(db):
    """Upgrade from 4de1fc4 between the promise and the lesson."""
    in_the_clear(db)
    promise(db)
    assert plan_ahead(db, [LESSON], 100, NOW, SEEDS) == 0
    plan = plans.get_plan(db, "a")
    assert (seed_of(plan, SEEDS), plan.committed_at) == (KNOWN, NOW - timedelta(hours=1))
    assert plans.unsealed_plans(db, NOW) == {}
    assert publish_commitments(db, lambda: SIGNER, NOW) == 0, "the promise holds"
    assert begun(db).seed == KNOWN
    assert alarms(db) == []


def test_a_lesson_that_an_older_release_promised_and_began_goes_on(db):
    in_the_clear(db)
    promise(db)
    lessons.start_lesson(db, LESSON, make_plan("a", 2700.0, 100, KNOWN), "synchronised")
    lessons.add_capture(db, "a", lessons.Capture(0, "1.jpg", LESSON.start))
    assert begun(db).seed == KNOWN
    assert len(lessons.captures(db, "a")) == 1
    assert alarms(db) == []


@pytest.mark.parametrize(
    ("signer", "at"), [(Signer(OTHER_KEY), NOW - timedelta(hours=1)), (SIGNER, LESSON.start + timedelta(seconds=1))]
)
def test_a_promise_of_somebody_else_or_of_too_late_is_none(db, signer, at):
    in_the_clear(db)
    promise(db, signer=signer, at=at)
    lessons.start_lesson(db, LESSON, make_plan("a", 2700.0, 100, KNOWN), "synchronised")
    assert begun(db).seed != KNOWN
    assert len(alarms(db)) == 1


def test_after_a_rollback_the_later_promise_of_the_older_release_holds(db):
    """This release plans and promises, the one before as well, then this one again."""
    plan_ahead(db, [LESSON], 100, NOW, SEEDS)
    publish_commitments(db, lambda: SIGNER, NOW)
    own = plans.get_plan(db, "a").seed_sha256
    later = NOW + timedelta(minutes=10)
    in_the_clear(db, at=later)
    promise(db, at=later)
    assert plans.plan_on_record(db, "a") == (seed_digest(KNOWN), later)
    now = NOW + timedelta(minutes=20)
    plan_ahead(db, [LESSON], 100, now, SEEDS)
    publish_commitments(db, lambda: SIGNER, now)
    assert promised(db) == [own, seed_digest(KNOWN)]
    assert begun(db).seed == KNOWN
    assert plans.plan_on_record(db, "a") == (seed_digest(KNOWN), later)


def test_a_plan_of_ours_is_promised_again_where_the_older_release_promised_what_is_lost(db):
    plan_ahead(db, [LESSON], 100, NOW, SEEDS)
    own = plans.get_plan(db, "a").seed_sha256
    publish_commitments(db, lambda: SIGNER, NOW)
    promise(db, at=NOW + timedelta(minutes=10))
    assert publish_commitments(db, lambda: SIGNER, NOW + timedelta(minutes=20)) == 1
    assert promised(db) == [own, seed_digest(KNOWN), own]


def test_without_the_device_key_a_lesson_begins_with_a_seed_that_nobody_was_promised(db):
    in_the_clear(db)
    lesson = begin(db, LESSON, 100, Reading(LESSON.start, 100.0, "synchronised", "boot"), None)
    assert lesson.seed != KNOWN
    assert plans.get_plan(db, "a") is None


def test_a_sealed_seed_opens_with_its_key_for_its_lesson_as_it_was_sealed():
    sealed = SEEDS.seal("a", KNOWN)
    assert SEEDS.open("a", sealed) == KNOWN
    assert sealed != SEEDS.seal("a", KNOWN)
    assert KNOWN not in sealed
    for seeds, lesson_id, value in (
        (PlanSeeds(OTHER_KEY), "a", sealed),
        (SEEDS, "b", sealed),
        (SEEDS, "a", sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ):
        with pytest.raises(KeyFileError):
            seeds.open(lesson_id, value)
