"""A removed student is gone: from the file's bytes, from backups that are restored, and from the next roster."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta

import pytest

from edge_daemon.errors import GalleryError
from edge_daemon.gallery import erasure
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import gallery as tables
from edge_daemon.store import lessons
from edge_daemon.store.database import open_gallery, open_register
from tests.gallery.conftest import DEVICE_KEY
from tests.gallery.fakes import EMBEDDER
from tests.gallery.school import NOW, School
from tests.gallery.sightings import put_sightings

LATER = NOW + timedelta(days=1)


@pytest.fixture
def school(tmp_path, store):
    school = School(tmp_path / "office")
    school.write_roster(S1="yes", S2="yes", S3="no")
    school.photograph("S1", 1)
    school.photograph("S2", 2)
    school.enrol(store)
    return school


@pytest.fixture
def backup(store, school, gallery_path, tmp_path):
    """A copy of gallery.sqlite as it was before; calling it puts the copy back and opens it."""
    copy = tmp_path / "backup.sqlite"
    shutil.copy(gallery_path, copy)
    opened = []

    def restore() -> GalleryStore:
        store.db.conn.close()
        for name in ("gallery.sqlite-wal", "gallery.sqlite-shm"):
            gallery_path.with_name(name).unlink(missing_ok=True)
        shutil.copy(copy, gallery_path)
        opened.append(open_gallery(gallery_path))
        return GalleryStore(opened[-1], DEVICE_KEY)

    yield restore
    for db in opened:
        db.conn.close()


def ids(store: GalleryStore) -> list[str]:
    return [record.student.student_id for record in store.records()]


def enrolled(store: GalleryStore) -> list[str]:
    return [templates.student_id for templates in store.templates(EMBEDDER)]


def test_removing_destroys_key_fields_and_templates_of_one_student(store, school):
    assert store.remove("S1", LATER)
    assert ids(store) == ["S2", "S3"]
    assert enrolled(store) == ["S2"]


def test_no_sealed_byte_of_a_removed_student_stays_in_the_files(store, school, gallery_path):
    row = store.row("S1")
    secrets = [row.wrapped_key, row.sealed, *(t.sealed for t in tables.template_rows(store.db) if t.student_id == "S1")]

    def secrets_in_files() -> list[bool]:
        raw = b"".join(path.read_bytes() for path in gallery_path.parent.iterdir())
        return [secret[at : at + 16] in raw for secret in secrets for at in range(0, len(secret) - 16, 64)]

    assert all(secrets_in_files())
    store.remove("S1", LATER)
    assert not any(secrets_in_files())


def test_a_restored_backup_is_cleaned_when_it_is_opened(store, school, backup):
    store.remove("S1", LATER)
    restored = backup()
    assert ids(restored) == ["S2", "S3"]
    assert enrolled(restored) == ["S2"]


def test_a_restored_backup_is_cleaned_even_where_only_the_database_knew_of_the_removal(
    store, school, gallery_path, backup
):
    """A power cut between database and file: the next opening writes the file."""
    store.remove("S1", LATER)
    gallery_path.with_name(erasure.TOMBSTONES_FILE).unlink()
    GalleryStore(store.db, DEVICE_KEY)
    assert ids(backup()) == ["S2", "S3"]


def test_half_a_line_in_the_file_neither_hides_nor_breaks_the_others(store, school, gallery_path, backup):
    file = gallery_path.with_name(erasure.TOMBSTONES_FILE)
    file.write_text("0123 cut off in the mid")
    store.remove("S1", LATER)
    with file.open("a") as tail:
        tail.write("\nx y student yesterday\n\ufffd")
    assert ids(backup()) == ["S2", "S3"]


def test_removing_needs_no_device_key(store, school, gallery_path):
    GalleryStore(store.db, bytes(32)).remove("S1", LATER)
    assert ids(store) == ["S2", "S3"]


def test_an_unknown_student_can_not_be_removed(store, school):
    with pytest.raises(GalleryError, match="no such student"):
        store.remove("S9", LATER)


def test_a_removed_student_stays_without_template_whatever_the_roster_says(store, school):
    store.remove("S1", LATER)
    for _ in range(2):
        report = school.enrol(store)
        assert report.removed_before == ("S1",)
        assert report.without_template == ("S1", "S3")
        assert enrolled(store) == ["S2"]
        assert store.record("S1").student.name == ""


def test_a_readmitted_student_is_enrolled_and_stays_so_after_reopening(store, school, gallery_path):
    store.remove("S1", LATER)
    school.enrol(store, readmit=frozenset({"S1"}))
    assert school.enrol(store).removed_before == ()
    again = GalleryStore(store.db, DEVICE_KEY)
    assert enrolled(again) == ["S1", "S2"]
    assert again.record("S1").student.name == "Name of S1"


def test_withdrawn_consent_erases_the_templates_also_from_backups(store, school, backup):
    school.write_roster(S1="no", S2="yes", S3="no")
    school.enrol(store, now=LATER)
    assert enrolled(store) == ["S2"]
    restored = backup()
    assert enrolled(restored) == ["S2"]
    assert restored.record("S1").student.consent is False
    school.write_roster(S1="yes", S2="yes", S3="no")
    school.enrol(restored)
    assert enrolled(GalleryStore(restored.db, DEVICE_KEY)) == ["S1", "S2"]


def test_sightings_of_a_restored_register_are_erased_up_to_the_removal(store, school, tmp_path):
    register_db = open_register(tmp_path / "register.sqlite")
    with closing(register_db.conn):
        for lesson_id, start in (("before", NOW), ("after", LATER + timedelta(days=1))):
            put_sightings(register_db, lesson_id, start, "S1", "S2")
        store.remove("S1", LATER)
        assert store.erase_sightings_again(register_db) == 1
        assert [s.student_id for s in lessons.sightings(register_db, "before")] == ["S2"]
        assert [s.student_id for s in lessons.sightings(register_db, "after")] == ["S1", "S2"]


def test_removing_while_another_process_reads_says_that_old_pages_wait(school, gallery_path):
    db, reader = open_gallery(gallery_path, busy_timeout_s=0.1), open_gallery(gallery_path)
    with closing(db.conn), closing(reader.conn):
        reader.conn.execute("BEGIN")
        reader.conn.execute("SELECT count(*) FROM students").fetchone()
        assert not GalleryStore(db, DEVICE_KEY).remove("S1", LATER)
        reader.conn.execute("COMMIT")
        assert tables.wipe_log(db)
    assert gallery_path.with_name("gallery.sqlite-wal").stat().st_size == 0
