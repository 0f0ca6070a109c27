"""A removal that is killed before any write or sync: the gallery opens, and the next start finishes the removal."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from edge_daemon.app.erasure.pending import is_work_left
from edge_daemon.app.erasure.removal import finish_erasures, remove_students
from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.store import gallery as tables
from edge_daemon.store.backup import backups
from edge_daemon.store.database import open_gallery
from edge_daemon.store.removal_requests import requested_removals
from tests.app.erasure.room import LATER, Room
from tests.kill_points import killed_before

STEP = 1 if os.environ.get("EDGE_DAEMON_EVERY_WRITE") else 9
"""All 340 writes take four minutes; with 9 only every ninth is tested."""


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Room:
    folder = tmp_path_factory.mktemp("room")
    room = Room(folder / "home", folder / "office")
    room.enrol()
    return room


def _requested(room: Room) -> bool:
    db = open_gallery(room.home.gallery_db_path)
    with closing(db.conn):
        return bool(requested_removals(db)) or len(tables.student_rows(db)) == 2


def test_a_removal_killed_anywhere_leaves_a_gallery_that_opens_and_is_finished_at_the_next_start(room, tmp_path):
    nth = 1
    points = begun = 0
    while True:
        cut = room.copied_to(tmp_path / "cut")
        if not killed_before(nth, lambda home=cut.home: remove_students(home, ["S1"], LATER)):
            break
        points += 1
        names = cut.enrolled()  # every data key unwraps, whichever slot key it is under
        assert {"S2", "S3"} <= set(names), f"before write {nth}"
        assert "S2" in cut.recognised(), f"before write {nth}"
        requested = _requested(cut)
        begun += requested
        finish_erasures(cut.home, LATER)  # what the start of the service does
        publish_contacts(cut.home)
        gone = "S1" not in cut.enrolled()
        assert gone == requested, f"before write {nth}: half a removal"
        if gone:
            assert cut.recognised() == ["S2"], f"before write {nth}"
            assert cut.sighted() == {"S2"}, f"before write {nth}"
            assert set(cut.contacts()) == {"S2", "S3"}, f"before write {nth}"
            assert {one.taken_at for one in backups(cut.home.backup_dir, "gallery")} == {LATER}, f"before write {nth}"
        assert all(len(generations) == 1 for generations in cut.slots().values()), f"before write {nth}"
        assert not is_work_left(cut.home), f"before write {nth}"
        nth += STEP
    assert points > 20
    assert begun > 15
