"""After an update and a return, the release before still works with a gallery that has phrases."""

from __future__ import annotations

import dataclasses
from contextlib import closing

from sqlite_utils import Migrations

from edge_daemon.store import database
from edge_daemon.store.database import open_gallery
from edge_daemon.store.migrations import GALLERY

_PUT = "INSERT INTO students (student_id, position, courses, consent, sealed) VALUES ('S1', 0, '[]', 1, x'01')"
_PHRASE = "INSERT INTO phrases VALUES ('S1', x'02', 1, 'ab', 2, '2026-11-30T08:00:00.000000Z')"


def one_release_ago():
    before = Migrations("gallery")
    before._migrations = [m for m in GALLERY.migrations._migrations if not m.name.startswith("0006")]
    return dataclasses.replace(GALLERY, version=GALLERY.version - 1, migrations=before)


def test_the_release_before_works_on_and_takes_a_phrase_with_the_consent(tmp_path, monkeypatch):
    path = tmp_path / "gallery.sqlite"
    db = open_gallery(path)
    with closing(db.conn), db.conn:
        db.execute(_PUT)
        db.execute(_PHRASE)
    with monkeypatch.context() as patched:
        patched.setattr(database, "GALLERY", one_release_ago())
        old = open_gallery(path)
        with closing(old.conn), old.conn:
            old.execute("UPDATE students SET consent = 0 WHERE student_id = 'S1'")
    again = open_gallery(path)
    with closing(again.conn):
        assert again.execute("SELECT count(*) FROM phrases").fetchone() == (0,)
        assert again.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == (
            str(GALLERY.version),
        )


def test_a_gallery_of_the_release_before_is_brought_up_and_keeps_its_students(tmp_path, monkeypatch):
    path = tmp_path / "gallery.sqlite"
    with monkeypatch.context() as patched:
        patched.setattr(database, "GALLERY", one_release_ago())
        old = open_gallery(path)
        with closing(old.conn), old.conn:
            old.execute(_PUT)
    db = open_gallery(path)
    with closing(db.conn), db.conn:
        db.execute(_PHRASE)
        db.execute("DELETE FROM students")
        assert db.execute("SELECT count(*) FROM phrases").fetchone() == (0,), "the phrase goes with the student"
