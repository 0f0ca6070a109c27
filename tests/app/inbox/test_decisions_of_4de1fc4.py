"""Registers and a list of 4de1fc4: decisions that it applied or skipped count as done, whatever their ids.

That commit's own program wrote `data/register-4de1fc4.sql`. The file has three lessons. 2026-1 and 2026-3 were made
revisions. 2026-5 was in the register already, made by hand. 2026-2 and 2026-4 were skipped, because a decision with a
later time was there.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.app.inbox.corrections import apply_corrections
from edge_daemon.app.registers.correct_register import is_overtaken
from edge_daemon.delivery.office_documents import parse_corrections
from edge_daemon.store.database import open_register
from edge_daemon.types import Correction
from tests.registers import SIGNER

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=timezone.utc)


@pytest.fixture
def db(tmp_path):
    with closing(sqlite3.connect(tmp_path / "register.sqlite")) as old:
        old.executescript((DATA / "register-4de1fc4.sql").read_text("utf-8"))
    db = open_register(tmp_path / "register.sqlite")
    yield db
    db.conn.close()


@pytest.fixture
def entries() -> list[dict[str, str]]:
    return json.loads((DATA / "corrections-4de1fc4.json").read_text("utf-8"))["corrections"]


def apply(db, entries):
    document = json.dumps({"schema": 1, "device": "room 204", "corrections": entries}).encode()
    return apply_corrections(db, parse_corrections(document, "room 204", NOW), SIGNER, lambda _db, _stored: None, NOW)


def renamed(entries, prefix="new"):
    return [{**one, "id": f"{prefix}-{number}"} for number, one in enumerate(entries)]


def revisions(db) -> int:
    return db.execute("SELECT count(*) FROM registers").fetchone()[0]


def test_the_list_that_was_done_before_the_upgrade_does_nothing(db, entries):
    before = revisions(db)
    result = apply(db, entries)
    assert (result.revisions, result.already, result.overtaken, result.left_out) == (0, 3, 2, ())
    assert revisions(db) == before


def test_the_same_decisions_under_other_ids_do_nothing(db, entries):
    result = apply(db, renamed(entries))
    assert (result.revisions, result.left_out) == (0, ())


def test_nor_do_they_in_a_later_list_under_yet_other_ids_and_in_another_order(db, entries):
    apply(db, entries)
    for prefix, listed in (("a", entries), ("b", entries[::-1])):
        result = apply(db, renamed(listed, prefix))
        assert (result.revisions, result.left_out) == (0, ())


def test_a_decision_that_is_new_after_the_upgrade_counts(db, entries):
    apply(db, entries)
    new = {**entries[1], "id": "2026-9", "at": "2026-11-20T10:00:00Z"}
    assert apply(db, [*entries, new]).revisions == 1
    assert apply(db, [*entries, {**new, "id": "2026-10"}]).revisions == 0


WANTED = Correction("S1", "present", "Ms Weber", "came_late", NOW, "came_late")


@pytest.mark.parametrize(
    ("other", "is_later"),
    [
        (replace(WANTED, verdict="absent", at=NOW + timedelta(seconds=1)), True),
        (replace(WANTED, verdict="absent"), False),
        (replace(WANTED, verdict="absent", at=NOW - timedelta(seconds=1)), False),
        (replace(WANTED, at=NOW + timedelta(seconds=1)), False),
        (replace(WANTED, student_id="S2", verdict="absent", at=NOW + timedelta(seconds=1)), False),
    ],
)
def test_a_decision_is_overtaken_by_a_later_one_that_decides_otherwise_about_the_same_student(other, is_later):
    assert is_overtaken((other,), WANTED) is is_later
