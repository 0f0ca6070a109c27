"""What is known of the office's documents: what was seen and what is in force are two things."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone

import pytest

from edge_daemon.store.database import open_register
from edge_daemon.store.pulled import (
    PulledDocument,
    note_applied,
    note_refused,
    note_seen,
    pulled_document,
    pulled_documents,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def db(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    with closing(db.conn):
        yield db


def note_document(db, sha256: str, problem: str = "") -> None:
    note_seen(db, "a", etag=f'"{sha256}"', sha256=sha256, problem=problem, at=NOW)


def test_nothing_is_known_of_a_document_that_never_came(db):
    assert pulled_document(db, "a") == PulledDocument("a")
    assert pulled_documents(db) == []


def test_a_version_is_seen_then_applied(db):
    note_document(db, "1")
    note_applied(db, "a", "1", problem="", at=NOW)
    assert pulled_documents(db) == [PulledDocument("a", '"1"', "1", NOW, "1", NOW, "")]


def test_a_broken_version_leaves_what_is_in_force(db):
    note_document(db, "1")
    note_applied(db, "a", "1", problem="", at=NOW)
    note_document(db, "2", "is broken")
    known = pulled_document(db, "a")
    assert (known.sha256, known.applied_sha256, known.problem) == ("2", "1", "is broken")


def test_a_result_of_an_older_version_does_not_hide_the_problem_of_the_newer_one(db):
    note_document(db, "2", "is broken")
    note_applied(db, "a", "1", problem="", at=NOW)
    assert pulled_document(db, "a").problem == "is broken"
    note_refused(db, "a", "1", problem="takes most students off")
    assert pulled_document(db, "a").problem == "is broken"


def test_a_document_that_was_brought_by_hand_is_known_too(db):
    note_refused(db, "a", "1", problem="takes most students off")
    assert pulled_document(db, "a") == PulledDocument("a", problem="takes most students off")
    note_applied(db, "a", "2", problem="", at=NOW)
    assert pulled_document(db, "a") == PulledDocument("a", applied_sha256="2", applied_at=NOW)
