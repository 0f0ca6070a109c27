"""An import makes the gallery match roster and photographs, as a whole or not at all, and is safe to repeat."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edge_daemon.cli.enrol_text import findings
from edge_daemon.errors import GalleryError, PhotographError, StoreError
from edge_daemon.gallery import roster_import
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.store.database import open_gallery
from tests.gallery.conftest import DEVICE_KEY
from tests.gallery.fakes import EMBEDDER, FakeReader, picture, save
from tests.gallery.school import NOW, School


@pytest.fixture
def school(tmp_path):
    school = School(tmp_path / "office")
    school.write_roster(S1="yes", S2="yes", S3="no")
    for shot in (0, 1, 2):
        school.photograph("S1", 1, shot)
        school.photograph("S2", 2, shot)
    return school


def state(store: GalleryStore):
    vectors = {t.student_id: sorted(map(tuple, t.vectors.tolist())) for t in store.templates(EMBEDDER)}
    return (
        [(r.student, dict(r.extra), r.on_roster, r.photographs) for r in store.records()],
        vectors,
        store.look_alikes(),
    )


def enrolled(store: GalleryStore) -> dict[str, int]:
    return {t.student_id: len(t.widths_px) // 2 for t in store.templates(EMBEDDER)}


def reasons(report) -> dict[str, str]:
    return {r.photograph: r.reason for r in report.refused}


def test_students_with_consent_and_photographs_are_enrolled(store, school):
    report = school.enrol(store)
    assert (report.students, report.accepted, report.refused) == (3, 6, ())
    assert report.without_template == ("S3",)
    assert report.without_consent == ("S3",)
    assert enrolled(store) == {"S1": 3, "S2": 3}


def test_importing_twice_gives_the_same_state(store, school):
    first_report, first = school.enrol(store), state(store)
    assert school.enrol(store) == first_report
    assert state(store) == first


def test_without_consent_no_photograph_is_even_looked_at(store, school):
    school.write_roster(S1="no", S2="no")
    reader = FakeReader()
    report = school.enrol(store, reader=reader)
    assert reader.seen == 0
    assert report.accepted == 0
    assert [s.consent for s in store.students()] == [False, False]


def test_every_bad_photograph_is_one_refusal_and_the_rest_goes_on(store, school, tmp_path):
    folder = school.photos / "S1"
    school.photograph("S1", 1, 4, faces=2)
    school.photograph("S1", 1, 5, faces=0)
    school.photograph("S1", 9, 6)
    (folder / "7.jpg").write_bytes(b"no picture")
    (folder / "8.heic").write_bytes(b"x")
    (folder / "9.png").write_bytes((folder / "0.png").read_bytes()[:500])
    outside = tmp_path / "outside.png"
    outside.write_bytes((folder / "0.png").read_bytes())
    (folder / "link.png").symlink_to(outside)
    report = school.enrol(store)
    words = {
        "S1/4.png": "2 faces",
        "S1/5.png": "no face",
        "S1/6.png": "different person",
        "S1/7.jpg": "not a JPEG",
        "S1/8.heic": "not a JPEG",
        "S1/9.png": "truncated",
        "S1/link.png": "leads out",
    }
    assert set(reasons(report)) == set(words)
    for photograph, expected in words.items():
        assert expected in reasons(report)[photograph]
    assert {r.student_id for r in report.refused} == {"S1"}
    assert enrolled(store) == {"S1": 3, "S2": 3}


def test_a_student_whose_photographs_are_all_bad_is_left_without_template(store, school):
    school.write_roster(S1="yes", S4="yes", S5="yes")
    school.photograph("S4", 4, faces=0)
    report = school.enrol(store)
    assert report.without_template == ("S4", "S5")
    assert report.without_consent == ()


def test_an_id_that_is_no_folder_name_is_a_refusal_and_the_rest_goes_on(store, school):
    school.roster.write_text(school.roster.read_text() + f"7/S1,x,,,yes,\n{'x' * 300},y,,,yes,\n")
    report = school.enrol(store)
    assert [r.student_id for r in report.refused] == ["7/S1", "x" * 300]
    assert report.accepted == 6
    assert report.without_template == ("S3", "7/S1", "x" * 300)


def test_photographs_of_all_students_in_one_folder_find_their_owners(store, school):
    header = "student_id,name,email,guardian_email,consent\n"
    school.roster.write_text(header + "S1,Al Ash,,,yes\nS2,Bo Bee,,,yes\nS3,Cy Sea,,,no\nS4,Di,,,yes\n")
    for shot in (0, 1, 2):
        for student_id in ("S1", "S2"):
            (school.photos / student_id / f"{shot}.png").unlink()
    for name, person, shot in (("S1.png", 1, 0), ("s1_2.png", 1, 1), ("Bee, Bo.png", 2, 0), ("S3.png", 3, 0)):
        save(school.photos / name, picture(person, shot))
    save(school.photos / "S9.png", picture(9))
    reader = FakeReader()
    report = school.enrol(store, reader=reader)
    assert enrolled(store) == {"S1": 2, "S2": 1}
    assert [(one.path.name, one.student_id, one.by) for one in report.matched] == [
        ("Bee, Bo.png", "S2", "name"), ("S1.png", "S1", "id"), ("S3.png", "S3", "id"), ("s1_2.png", "S1", "id"),
    ]  # fmt: skip
    assert [(one.name, one.reason) for one in report.unmatched] == [("S9.png", "no id and no name of the roster")]
    assert reader.seen == 3, "without consent no photograph is looked at, wherever it lies"
    assert sorted(report.taken) == [("S1", "S1.png"), ("S1", "s1_2.png"), ("S2", "Bee, Bo.png")]


def test_photographs_without_a_student_on_the_roster_are_named(store, school):
    school.photograph("S9", 9)
    assert school.enrol(store).unclaimed == ("S9",)


def test_the_same_face_under_two_students_is_reported_and_gets_a_stricter_threshold(store, school):
    school.write_roster(S1="yes", S2="yes", S4="yes")
    (school.photos / "S4").mkdir()
    (school.photos / "S4" / "0.png").write_bytes((school.photos / "S1" / "0.png").read_bytes())
    report = school.enrol(store)
    assert [(t.a, t.b, t.reason) for t in report.twins] == [("S1", "S4", "the same photograph")]
    assert store.look_alikes() == {("S1", "S4")}


def test_look_alikes_are_kept_and_renewed_with_every_import(store, school):
    school.photograph("S2", 2, 0, agreement=1)
    for shot in (1, 2):
        (school.photos / "S2" / f"{shot}.png").unlink()
    assert school.enrol(store).twins == ()
    assert store.look_alikes() == {("S1", "S2")}
    school.photograph("S2", 2, 0)
    school.enrol(store)
    assert store.look_alikes() == frozenset()


def test_without_a_folder_of_photographs_the_roster_alone_is_renewed(store, school):
    school.enrol(store)
    school.write_roster(S2="yes", S1="no", S4="yes")
    report = school.enrol(store, photos=False)
    assert enrolled(store) == {"S2": 3}
    assert report.without_template == ("S1", "S4")


def test_a_withdrawn_consent_ends_the_look_alike_too(store, school):
    for shot in (1, 2):
        (school.photos / "S2" / f"{shot}.png").unlink()
    school.photograph("S2", 2, 0, agreement=1)
    school.enrol(store)
    school.write_roster(S1="yes", S2="yes")
    school.enrol(store, photos=False)
    assert store.look_alikes() == {("S1", "S2")}
    school.write_roster(S1="yes", S2="no")
    school.enrol(store, photos=False)
    assert store.look_alikes() == frozenset()


def test_a_student_who_left_the_roster_leaves_the_lessons_and_keeps_the_templates(store, school):
    school.enrol(store)
    school.write_roster(S2="yes")
    report = school.enrol(store)
    assert report.left == ("S1", "S3")
    assert [s.student_id for s in store.students()] == ["S2"]
    assert enrolled(store) == {"S2": 3}
    assert [(r.student.student_id, r.on_roster, r.photographs) for r in store.records()][1:] == [
        ("S1", False, 3),
        ("S3", False, 0),
    ]
    school.write_roster(S1="yes", S2="yes")
    assert school.enrol(store, photos=False).without_template == ()


def test_photographs_that_are_gone_take_their_templates_with_them(store, school):
    school.enrol(store)
    (school.photos / "S1" / "0.png").unlink()
    school.enrol(store)
    assert enrolled(store) == {"S1": 2, "S2": 3}


def test_a_student_who_loses_all_templates_is_reported_with_their_number(store, school):
    assert (school.enrol(store).lost, school.enrol(store).withdrawn) == ((), ())
    for photograph in (school.photos / "S1").iterdir():
        photograph.unlink()
    assert (school.enrol(store).lost, enrolled(store)) == ((), {"S1": 3, "S2": 3})
    assert school.enrol(store, whole=True).lost == (("S1", 3),)
    assert school.enrol(store, whole=True).lost == ()
    (school.photos / "S2" / "0.png").unlink()
    assert school.enrol(store).lost == ()


def test_a_folder_of_one_student_leaves_the_templates_of_the_others(store, school):
    school.enrol(store)
    before = state(store)
    for shot in (0, 1, 2):
        (school.photos / "S1" / f"{shot}.png").unlink()
    report = school.enrol(store)
    assert (report.kept, report.lost, report.accepted, state(store)) == (("S1",), (), 3, before)
    (line,) = [one for one in findings(report) if one.startswith("warning: S1: ")]
    assert line == "warning: S1: no photograph in the folder; earlier templates stay; --drop-missing removes them"


def test_enrolled_students_are_compared_with_new_ones(store, school):
    school.enrol(store)
    for shot in (0, 1, 2):
        (school.photos / "S1" / f"{shot}.png").unlink()
    school.write_roster(S1="yes", S2="yes", S4="yes")
    school.photograph("S4", 1, 0)
    assert [(twin.a, twin.b) for twin in school.enrol(store).twins] == [("S1", "S4")]
    assert ("S1", "S4") in store.look_alikes()


def test_bad_photographs_of_a_student_still_cost_the_templates_with_a_warning(store, school):
    school.enrol(store)
    for shot in (0, 1, 2):
        (school.photos / "S1" / f"{shot}.png").write_bytes(b"no picture")
    report = school.enrol(store)
    assert (report.kept, report.lost) == ((), (("S1", 3),))


def test_templates_of_another_face_model_are_of_no_use_and_go(store, school):
    school.enrol(store)
    for shot in (0, 1, 2):
        (school.photos / "S1" / f"{shot}.png").unlink()
    other = EmbedderId("another model", 1)
    report = school.enrol(store, embedder=other)
    assert (report.kept, report.lost) == ((), (("S1", 3),))
    assert [one.student_id for one in store.templates(other)] == ["S2"]


def test_withdrawn_consents_and_unopened_photographs_are_reported(store, school):
    school.enrol(store)
    school.photograph("S3", 3)
    save(school.photos / "S3_2.png", picture(3, 1))
    school.write_roster(S1="no", S2="yes", S3="no", S4="no")
    report = school.enrol(store)
    assert (report.withdrawn, report.lost, report.unopened) == (("S1",), (), (("S1", 3), ("S3", 2)))
    again = school.enrol(store, photos=False)
    assert (again.withdrawn, again.lost, again.unopened) == ((), (), ())


def test_photographs_are_counted_for_the_progress_bar(store, school):
    steps = []
    school.enrol(store, watch=lambda done, total: steps.append((done, total)))
    assert steps == [(n, 6) for n in range(7)]


def test_a_missing_folder_of_photographs_is_refused(store, school):
    school.enrol(store)
    before = state(store)
    school.photos = Path("/nowhere")
    with pytest.raises(PhotographError, match="no such folder"):
        school.enrol(store)
    assert state(store) == before


def test_a_fault_in_the_middle_changes_nothing(store, school):
    school.enrol(store)
    before = state(store)
    school.write_roster(S1="no", S4="yes")
    school.photograph("S4", 4)

    class Broken(FakeReader):
        def faces(self, picture):
            raise MemoryError

    with pytest.raises(MemoryError):
        school.enrol(store, reader=Broken())
    assert state(store) == before


def test_a_locked_gallery_is_refused_before_the_photographs_are_read(school, gallery_path):
    db = open_gallery(gallery_path, busy_timeout_s=0.1)
    other = sqlite3.connect(gallery_path)
    reader = FakeReader()
    with closing(db.conn), closing(other):
        store = GalleryStore(db, DEVICE_KEY)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            school.enrol(store, reader=reader)
    assert reader.seen == 0


def test_a_removal_during_an_import_is_not_undone(store, school, gallery_path):
    school.enrol(store)

    class Meanwhile(FakeReader):
        def faces(self, picture):
            if not self.seen:
                db = open_gallery(gallery_path)
                with closing(db.conn):
                    GalleryStore(db, DEVICE_KEY).remove("S1", NOW)
            return super().faces(picture)

    with pytest.raises(GalleryError, match="meanwhile"):
        school.enrol(store, reader=Meanwhile())
    assert enrolled(store) == {"S2": 3}


KILLED = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import database, gallery
from tests.gallery.conftest import DEVICE_KEY
from tests.gallery.school import NOW, School
school = object.__new__(School)
school.roster, school.photos = Path({roster!r}), Path({photos!r})
store = GalleryStore(database.open_gallery(Path({gallery!r})), DEVICE_KEY)
original = gallery._put_student
def slow(db, student):
    original(db, student)
    print("writing", flush=True)
    time.sleep(60)
gallery._put_student = slow
school.enrol(store)
"""


def test_a_kill_in_the_middle_of_writing_leaves_the_old_state(store, school, gallery_path):
    school.enrol(store)
    before = state(store)
    school.write_roster(S2="no", S7="yes")
    root = str(Path(__file__).parents[2])
    script = KILLED.format(root=root, roster=str(school.roster), photos=str(school.photos), gallery=str(gallery_path))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert state(store) == before


def test_ten_thousand_students_are_written_in_seconds(store, school):
    rows = "".join(f"N{n},Name,a@x.org,b@x.org,yes,\n" for n in range(10_000))
    school.roster.write_text("student_id,name,email,guardian_email,consent,locker\n" + rows)
    start = time.process_time()
    report = school.enrol(store, photos=False)
    assert time.process_time() - start < 60  # 2 s where nothing else runs
    assert len(report.without_template) == 10_000
    assert len(store.students()) == 10_000


def test_the_digest_of_a_photograph_is_keyed(store, school):
    """A person with a photograph can't find out from the database whether it was enrolled."""
    school.enrol(store)
    stored = [row[0] for row in store.db.execute("SELECT photograph FROM templates")]
    plain = {hashlib.sha256(path.read_bytes()).hexdigest() for path in school.photos.rglob("*.png")}
    assert len(stored) == 6
    assert not plain & set(stored)


def test_vectors_are_unit_rows(store, school):
    school.enrol(store)
    for templates in store.templates(EMBEDDER):
        assert np.allclose(np.linalg.norm(templates.vectors, axis=1), 1, atol=1e-5)


def test_the_gallerys_file_is_for_its_owner_only(store, school, gallery_path):
    school.enrol(store)
    assert {path.stat().st_mode & 0o077 for path in gallery_path.parent.iterdir()} == {0}


def test_a_trial_holds_no_lock_while_its_report_is_made(school, store, monkeypatch):
    def made(rows, done):
        assert not store.db.conn.in_transaction
        return enrol_report(rows, done)

    enrol_report = roster_import.enrol_report
    monkeypatch.setattr(roster_import, "enrol_report", made)
    tried = school.enrol(store, is_trial=True)
    assert enrolled(store) == {}
    assert school.enrol(store) == tried
