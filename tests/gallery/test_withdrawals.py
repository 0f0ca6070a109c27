"""A consent withdrawn at the office: templates and key are erased, also for backups; the name stays."""

from __future__ import annotations

import pytest

from edge_daemon.errors import GalleryError
from edge_daemon.gallery import erasure
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.gallery.withdrawals import WithdrawalResult, withdraw
from edge_daemon.store import gallery as tables
from tests.gallery.school import NOW, School


@pytest.fixture
def school(tmp_path, store) -> School:
    school = School(tmp_path)
    school.write_roster(S1="yes", S2="yes", S3="no", S4="yes")
    for person, student_id in enumerate(("S1", "S2", "S4"), 1):
        school.photograph(student_id, person)
    school.enrol(store)
    return school


def test_templates_go_and_all_else_stays(store, school):
    assert withdraw(store, ["S1", "S3", "X9"], NOW) == WithdrawalResult(erased=1, already=1, unknown=1)
    assert tables.template_counts(store.db) == {"S2": 1, "S4": 1}
    records = store.records()
    assert [(r.student.student_id, r.student.consent) for r in records] == [
        ("S1", False), ("S2", True), ("S3", False), ("S4", True),
    ]  # fmt: skip
    assert (records[0].student.name, records[0].student.email) == ("Name of S1", "S1@school.example")
    assert records[0].extra == {"locker": "locker-S1"}


def test_the_key_is_another_one_and_the_old_one_has_a_tombstone(store, school):
    before = erasure.key_sha256(store.row("S1"))
    withdraw(store, ["S1"], NOW)
    assert before in erasure.destroyed_keys(store.db)
    assert erasure.key_sha256(store.row("S1")) not in erasure.destroyed_keys(store.db)


def test_twice_is_once(store, school):
    withdraw(store, ["S1"], NOW)
    row = store.row("S1")
    assert withdraw(store, ["S1"], NOW) == WithdrawalResult(0, 1, 0)
    assert store.row("S1") == row


def test_a_student_who_left_the_roster_loses_the_templates_too(store, school):
    school.write_roster(S2="yes", S4="yes")
    school.enrol(store, photos=False)
    assert tables.template_counts(store.db)["S1"] == 1
    withdraw(store, ["S1"], NOW)
    assert "S1" not in tables.template_counts(store.db)
    assert store.record("S1").on_roster is False
    assert [s.student_id for s in store.students()] == ["S2", "S4"]


def test_all_students_may_withdraw(store, school):
    assert withdraw(store, ["S1", "S2", "S3", "S4"], NOW).erased == 3
    assert tables.template_counts(store.db) == {}


def test_another_device_key_changes_nothing(store, school):
    other = GalleryStore(store.db, bytes(32))
    with pytest.raises(GalleryError, match="device key"):
        withdraw(other, ["S1"], NOW)
    assert tables.template_counts(store.db)["S1"] == 1


def test_a_change_meanwhile_is_noticed_and_nothing_is_written(store, school, monkeypatch):
    rows = tables.student_rows(store.db)
    monkeypatch.setattr("edge_daemon.gallery.withdrawals.tables.student_rows", lambda _: rows[:3])
    with pytest.raises(GalleryError, match="meanwhile"):
        withdraw(store, ["S1"], NOW)
    monkeypatch.undo()
    assert tables.template_counts(store.db)["S1"] == 1
