"""Still faces are kept by lesson, and erased with the sightings, also by the release before."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from datetime import timedelta

import pytest
from sqlite_utils import Migrations

from edge_daemon.store import database, gallery, lessons, retention
from edge_daemon.store.database import open_register
from edge_daemon.store.migrations import REGISTER
from edge_daemon.store.still_faces import earlier_still_faces, keep_still_faces, still_faces_of
from edge_daemon.types import Box, Lesson
from tests.registers import START, a_lesson, a_register, keep

PLACE = Box(100.5, 200.0, 40.0, 50.0)


@pytest.fixture
def db(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    with closing(db.conn):
        yield db


def hold_lesson(db, day: int, *still: str, shares: dict[str, float] | None = None, **lesson: object) -> Lesson:
    """Hold a lesson with sightings of two students, and keep the still faces of those who are named."""
    one = a_lesson(START + timedelta(days=day), **lesson)
    keep(db, *a_register(one, {"S1": 0.9, "S2": 0.8} if shares is None else shares))
    keep_still_faces(db, one.lesson_id, [(student_id, PLACE) for student_id in still])
    return one


def still_faces_kept(db) -> list[tuple[str, int]]:
    return db.execute("SELECT student_id, count(*) FROM still_faces GROUP BY 1 ORDER BY 1").fetchall()


def test_a_lesson_gets_those_of_the_lessons_before_it_newest_first(db):
    first, second, third, fourth = (
        hold_lesson(db, day, *ids) for day, ids in enumerate((["S1"], ["S1", "S2"], [], ["S3"]))
    )
    assert earlier_still_faces(db, first) == []
    assert earlier_still_faces(db, second) == [[("S1", PLACE)]]
    assert earlier_still_faces(db, fourth) == [
        [("S1", PLACE), ("S2", PLACE)],
        [("S1", PLACE)],
    ]
    assert earlier_still_faces(db, dataclasses.replace(fourth, origin="rehearsal")) == []
    assert earlier_still_faces(db, dataclasses.replace(fourth, device="another room")) == []
    assert still_faces_of(db, second.lesson_id, "S2") == [PLACE]
    assert still_faces_of(db, third.lesson_id, "S2") == []


def test_keeping_again_replaces(db):
    one = hold_lesson(db, 0, "S1")
    keep_still_faces(db, one.lesson_id, [("S2", PLACE)])
    assert still_faces_kept(db) == [("S2", 1)]


def test_they_go_with_the_student_also_where_only_a_poster_was_seen(db):
    hold_lesson(db, 0, "S1", "S2")
    hold_lesson(db, 1, "S1", "S2", shares={"S2": 0.9})
    lessons.erase_sightings(db, "S1")
    assert still_faces_kept(db) == [("S2", 2)]
    assert "S1" not in gallery.sighted_students(db)


def test_they_go_after_the_retention_of_the_sightings(db):
    hold_lesson(db, 0, "S1", "S2", shares={"S2": 0.9})
    hold_lesson(db, 5, "S1", "S2")
    retention.erase_sightings_of_lessons_before(db, START + timedelta(days=2))
    assert still_faces_kept(db) == [("S1", 1), ("S2", 1)]


def test_a_restored_register_loses_those_of_before_the_removal(db):
    hold_lesson(db, 0, "S1", "S2")
    hold_lesson(db, 5, "S1")
    assert "S1" in gallery.sighted_students(db)
    gallery.erase_sightings_before(db, [("S1", START + timedelta(days=2))])
    assert still_faces_kept(db) == [("S1", 1), ("S2", 1)]


def test_the_release_before_goes_on_and_erases_them_with_the_sightings(tmp_path, monkeypatch):
    path, before = tmp_path / "register.sqlite", Migrations("register")
    before._migrations = [m for m in REGISTER.migrations._migrations if not m.name.startswith("0013")]
    with monkeypatch.context() as patched:
        patched.setattr(database, "REGISTER", dataclasses.replace(REGISTER, version=12, migrations=before))
        old = open_register(path)
        with closing(old.conn):
            keep(old, *a_register(a_lesson(), {"S1": 0.9}))
    db = open_register(path)
    with closing(db.conn):
        hold_lesson(db, 1, "S1", "S2")
        hold_lesson(db, 2, "S1", "S2", shares={"S2": 0.9})
    with monkeypatch.context() as patched:
        patched.setattr(database, "REGISTER", dataclasses.replace(REGISTER, version=12, migrations=before))
        old = open_register(path)
        with closing(old.conn), database.transaction(old):
            old.execute("DELETE FROM sightings WHERE student_id = 'S1'")
    db = open_register(path)
    with closing(db.conn):
        assert still_faces_kept(db) == [("S2", 2)]
