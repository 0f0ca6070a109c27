"""The gallery keeps nothing personal in the clear and opens with the right key only."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from edge_daemon.errors import GalleryError
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.store.database import open_gallery
from tests.gallery.fakes import EMBEDDER, FakeReader, picture
from tests.gallery.school import School


@pytest.fixture
def school(tmp_path):
    school = School(tmp_path / "office")
    school.write_roster(S2="yes", S1="yes", S3="no")
    for shot in (0, 1):
        school.photograph("S1", 1, shot)
        school.photograph("S2", 2, shot)
    return school


def test_students_and_templates_come_back_in_the_rosters_order(store, school):
    school.enrol(store)
    assert [s.student_id for s in store.students()] == ["S2", "S1", "S3"]
    assert store.students()[1].name == "Name of S1"
    assert store.record("S1").extra == {"locker": "locker-S1"}
    templates = store.templates(EMBEDDER)
    assert [t.student_id for t in templates] == ["S2", "S1"]
    assert templates[1].vectors.shape == (4, 192)
    assert templates[1].vectors.dtype == np.float32
    assert sorted(templates[1].widths_px) == [40, 40, 80, 80]


def test_the_vectors_come_back_bit_for_bit(store, school):
    school.enrol(store)
    vectors, _ = FakeReader().templates(picture(1, 0), None)
    rows = store.templates(EMBEDDER)[1].vectors
    assert any((rows[at : at + 2] == vectors).all() for at in range(3))


def test_covered_templates_come_back_and_those_of_an_earlier_release_are_none(store, school):
    school.enrol(store)
    _, mine = store.templates(EMBEDDER)
    assert [one.vectors.shape for one in mine.covered] == [(4, 192), (4, 192)]
    assert (mine.covered[0].vectors == -mine.vectors).all()
    store.db.execute("UPDATE templates SET covered = NULL WHERE student_id = 'S1'")
    assert [len(one.covered) for one in store.templates(EMBEDDER)] == [2, 0]


def test_covered_templates_of_another_student_do_not_open(store, school):
    school.enrol(store)
    store.db.execute(
        "UPDATE templates SET covered = (SELECT covered FROM templates WHERE student_id = 'S2') WHERE student_id = 'S1'"
    )
    with pytest.raises(GalleryError):
        store.templates(EMBEDDER)


def test_the_release_before_reads_and_writes_a_gallery_with_covered_templates(store, school):
    """Its statements name their columns, and know nothing of `covered`."""
    school.enrol(store)
    rows = store.db.execute("SELECT student_id, photograph, sealed, model_sha256, preprocessing FROM templates")
    first = rows.fetchone()
    store.db.conn.execute("DELETE FROM templates WHERE student_id = ?", first[:1])
    store.db.conn.execute(
        "INSERT INTO templates (student_id, photograph, sealed, model_sha256, preprocessing) VALUES (?, ?, ?, ?, ?)",
        tuple(first),
    )
    assert {t.student_id: len(t.covered) for t in store.templates(EMBEDDER)}[first[0]] == 0
    meta = dict(store.db.execute("SELECT key, value FROM meta").fetchall())
    assert int(meta["readable_from"]) <= 4


def test_the_files_hold_nothing_personal_in_the_clear(store, school, gallery_path):
    school.enrol(store)
    raw = b"".join(path.read_bytes() for path in sorted(gallery_path.parent.iterdir()))
    assert b"S1" in raw  # bare ids may stay
    for secret in ("Name of S1", "school.example", "home.example", "locker", "0.png"):
        assert secret.encode() not in raw
    everybody = store.templates(EMBEDDER)[0]
    for row in (*everybody.vectors, *everybody.covered[1].vectors):
        assert row.tobytes()[:24] not in raw
        assert row.astype(np.float16).tobytes()[:24] not in raw


def test_nothing_personal_is_in_the_write_ahead_log_while_another_process_reads(store, school, gallery_path):
    with closing(open_gallery(gallery_path).conn) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM students").fetchone()
        school.enrol(store)
        log = gallery_path.with_name("gallery.sqlite-wal").read_bytes()
        assert len(log) > 4096
        assert b"Name of" not in log
        assert b"example" not in log


@pytest.mark.parametrize("other", [EmbedderId("b" * 64, 1), EmbedderId("a" * 64, 2)])
def test_templates_of_another_model_or_preprocessing_are_refused(store, school, other):
    school.enrol(store)
    with pytest.raises(GalleryError, match="enrol import") as caught:
        store.templates(other)
    assert caught.value.exit_code == 2


def test_a_template_passed_off_as_another_models_does_not_open(store, school):
    school.enrol(store)
    store.db.execute("UPDATE templates SET model_sha256 = ?", ("b" * 64,))
    with pytest.raises(GalleryError, match="changed"):
        store.templates(EmbedderId("b" * 64, 1))


def test_a_template_moved_to_another_student_does_not_open(store, school):
    school.enrol(store)
    store.db.execute("UPDATE templates SET student_id = 'S1' WHERE student_id = 'S2'")
    with pytest.raises(GalleryError):
        store.templates(EMBEDDER)


def test_another_device_key_is_refused_with_what_to_do(store, school, gallery_path):
    school.enrol(store)
    db = open_gallery(gallery_path)
    with closing(db.conn):
        other = GalleryStore(db, bytes(32))
        for use in (other.students, lambda: other.templates(EMBEDDER), lambda: school.enrol(other)):
            with pytest.raises(GalleryError, match="right device key"):
                use()
    assert len(store.students()) == 3


def test_an_unknown_student_is_named(store):
    with pytest.raises(GalleryError, match="student S9: no such student"):
        store.record("S9")


def test_candidates_open_in_their_own_lesson_and_slot_only(store):
    sealed = store.seal_candidates("lesson", 3, b"boxes")
    assert store.open_candidates("lesson", 3, sealed) == b"boxes"
    for lesson_id, slot in (("lesson", 4), ("other", 3)):
        with pytest.raises(GalleryError):
            store.open_candidates(lesson_id, slot, sealed)
