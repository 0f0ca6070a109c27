from __future__ import annotations

from edge_daemon.store.candidates import candidates, erase_candidates, put_candidates
from edge_daemon.store.database import open_gallery


def test_candidates_wait_sealed_until_the_lesson_is_finalised_and_leave_no_trace(tmp_path):
    db = open_gallery(tmp_path / "gallery.sqlite")
    put_candidates(db, "lesson", 7, b"seven")
    put_candidates(db, "lesson", 2, b"first try")
    put_candidates(db, "lesson", 2, b"sealed-canary-0123456789" * 300)
    put_candidates(db, "other", 0, b"kept")
    assert list(candidates(db, "lesson")) == [2, 7]
    assert candidates(db, "lesson")[7] == b"seven"
    erase_candidates(db, "lesson")
    assert candidates(db, "lesson") == {}
    assert candidates(db, "other") == {0: b"kept"}
    assert not any(b"sealed-canary-0123456789" in file.read_bytes() for file in tmp_path.iterdir())
