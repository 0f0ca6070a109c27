"""`edge-daemon plan`: hashes before the lesson, instants after it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.attendance.commitment import PlanCommitment, sign_commitment
from edge_daemon.lesson.plan import make_plan, seed_digest
from edge_daemon.store.commitments import add_commitment
from edge_daemon.store.database import open_register
from edge_daemon.store.plans import commit_plan
from tests.cli.running import run
from tests.registers import SIGNER, a_home, a_lesson, a_register

LESSON = a_lesson()
PLAN = make_plan(LESSON.lesson_id, 2700.0, 20, bytes(32))


@pytest.fixture
def home(tmp_path):
    return a_home(tmp_path, [a_register(LESSON, {"a": 1.0})])


def on_record(home, before_s: float, seed: bytes = bytes(32)) -> None:
    plan = make_plan(LESSON.lesson_id, 2700.0, 20, seed)
    at = LESSON.start - timedelta(seconds=before_s)
    commit_plan(open_register(home / "register.sqlite"), LESSON, plan.seed, plan.seed_sha256, 20, at)


def test_an_honest_register_agrees_with_the_plan_on_record(home):
    on_record(home, 3600)
    result = run(home, "plan", "check", LESSON.lesson_id[:8], "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["seed"] == bytes(32).hex()
    for slot, offset_s in zip(report["slots"], PLAN.offsets_s, strict=True):
        planned = datetime.fromisoformat(slot["planned"].replace("Z", "+00:00"))
        assert abs((planned - LESSON.start).total_seconds() - offset_s) < 1e-5
        assert slot["taken"]


@pytest.mark.parametrize(("before_s", "seed"), [(-1, bytes(32)), (3600, bytes(31) + b"\1")])
def test_a_plan_made_afterwards_or_another_one_is_found_out(home, before_s, seed):
    on_record(home, before_s, seed)
    result = run(home, "plan", "check", LESSON.lesson_id)
    assert result.exit_code == 1
    assert "NO  " in result.stdout


@pytest.mark.parametrize(("before_s", "seed", "code"), [(60, bytes(32), 0), (-1, bytes(32), 0), (60, b"1" * 32, 1)])
def test_a_signed_promise_is_held_against_the_register(home, before_s, seed, code):
    on_record(home, 3600)
    db, at = open_register(home / "register.sqlite"), LESSON.start - timedelta(seconds=before_s)
    promise = PlanCommitment(LESSON.lesson_id, LESSON.start, LESSON.end, 20, seed_digest(seed))
    ref, document = sign_commitment("room 204", at, [promise], None, SIGNER)
    add_commitment(db, ref, document, at)
    result = run(home, "plan", "check", LESSON.lesson_id, "--json")
    assert result.exit_code == code, result.stdout
    # One that was made after the lesson began says nothing.
    assert json.loads(result.stdout).get("promised_signed_before_the_lesson") == (None if before_s < 0 else code == 0)


def test_a_register_without_a_plan_on_record_does_not_agree(home):
    assert run(home, "plan", "check", LESSON.lesson_id).exit_code == 1


def test_coming_plans_show_their_hash_and_never_their_seed(home):
    start = datetime.now(timezone.utc) + timedelta(hours=2)
    lesson, plan = a_lesson(start), make_plan("x", 2700.0, 100)
    db = open_register(home / "register.sqlite")
    commit_plan(db, lesson, plan.seed, plan.seed_sha256, 100, start - timedelta(hours=1))
    for options in ((), ("--json",)):
        result = run(home, "plan", "list", *options)
        assert result.exit_code == 0
        assert plan.seed_sha256 in result.stdout
        assert plan.seed.hex() not in result.stdout
    assert run(home, "plan", "check", lesson.lesson_id).exit_code == 2, "no register: nothing is revealed"


def test_without_any_register_the_answer_is_a_line(tmp_path):
    assert run(tmp_path, "plan", "list").stdout == "no plan on record for a coming lesson\n"
    result = run(tmp_path / "home", "plan", "check", "abc")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_rehearsal_has_no_promise_and_that_is_no_fault(tmp_path):
    rehearsed = a_lesson(origin="rehearsal")
    a_home(tmp_path, [a_register(rehearsed, {"a": 1.0}, captures=4)])
    result = run(tmp_path, "plan", "check", rehearsed.lesson_id)
    assert result.exit_code == 0, result.stdout
    assert "a rehearsal has no promise" in result.stdout
    assert "on record" not in result.stdout
    report = json.loads(run(tmp_path, "plan", "check", rehearsed.lesson_id, "--json").stdout)
    assert report["rehearsal"] is True
    said = run(tmp_path, "ledger").stdout
    assert said == "no lessons on record\nnot in this list: 1 rehearsal; `register list` has them\n"
    assert run(tmp_path, "ledger", "--json").stdout == "[]\n"
    result = run(tmp_path, "register", "confirm", rehearsed.lesson_id, "--not-held", "--by", "A. Teacher")
    assert "the lesson was not held" in result.stdout, result.stderr
    (withdrawn,) = json.loads(run(tmp_path, "register", "list", "--json").stdout)
    assert (withdrawn["held"], withdrawn["to_confirm"]) == (False, 0)
    assert run(tmp_path, "register", "list").stdout.rstrip().endswith("not held")
