"""A face at the door is one more template of its student for one lesson, if it agrees with the photographs."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge_daemon.gallery.door_faces import AGREES, DoorFaces, with_face
from edge_daemon.gallery.match import Matcher
from edge_daemon.gallery.templates import EmbedderId
from edge_daemon.types import CoveredTemplates, StudentTemplates

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=timezone.utc)
EMBEDDER = EmbedderId("ab" * 32, 2)
PLAIN, MASKED, GLASSES = np.eye(192, dtype=np.float32)[:3]
WIDTHS = np.array([112.0, 30.0], np.float32)


def near(direction, cosine):
    """Return a vector of length 1 at a cosine to a direction."""
    other = np.eye(192, dtype=np.float32)[100]
    return np.asarray(cosine * direction + np.sqrt(1 - cosine**2) * other, np.float32)


def templates(student_id="S1"):
    covers = tuple(CoveredTemplates(np.tile(one, (2, 1)), WIDTHS) for one in (MASKED, GLASSES))
    return StudentTemplates(student_id, np.tile(PLAIN, (2, 1)), WIDTHS, covers)


class Gallery:
    """Stands for the gallery: one student, one key."""

    key = b"k" * 32

    def templates(self, embedder):
        return [templates()]

    def row(self, student_id):
        return student_id

    def data_key(self, row):
        return self.key

    def keyed_id(self, student_id):
        return f"hash-of-{ord(student_id[-1])}"


@pytest.fixture
def faces(tmp_path):
    return DoorFaces(Gallery(), EMBEDDER, tmp_path / "run" / "door-faces")


@pytest.mark.parametrize(("direction", "cover"), [(PLAIN, -1), (MASKED, 0), (GLASSES, 1)])
def test_a_face_joins_the_templates_that_it_is_like(faces, direction, cover):
    vector = near(direction, 0.7)
    assert faces.keep("S1", vector, NOW)
    face = faces.of("S1", NOW - timedelta(minutes=15))
    assert (face.cover, face.at) == (cover, NOW)
    np.testing.assert_array_equal(face.vector, vector)
    after = with_face(templates(), face)
    sets = [after, *after.covered]
    assert [len(one.vectors) for one in sets] == [4 if k == cover + 1 else 2 for k in range(3)]
    changed = sets[cover + 1]
    assert sorted(changed.widths_px) == [30, 30, 112, 112]
    np.testing.assert_array_equal(changed.vectors[2:], [vector, vector])


def test_a_door_face_that_does_not_agree_or_is_of_another_student_is_not_kept(faces, tmp_path):
    assert not faces.keep("S1", near(PLAIN, AGREES - 0.01), NOW)
    assert not faces.keep("S2", PLAIN, NOW)
    assert not (tmp_path / "run").exists()
    assert faces.keep("S1", near(PLAIN, AGREES + 0.01), NOW)


def test_the_file_is_sealed_names_nobody_and_opens_for_no_other_student_or_model(faces, tmp_path):
    faces.keep("S1", PLAIN, NOW)
    (path,) = (tmp_path / "run" / "door-faces").iterdir()
    assert path.name == "hash-of-49"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert PLAIN.tobytes()[:40] not in path.read_bytes()
    path.rename(path.with_name("hash-of-50"))
    assert faces.of("S2", NOW) is None
    path.with_name("hash-of-50").rename(path)
    assert DoorFaces(Gallery(), EmbedderId("cd" * 32, 2), path.parent).of("S1", NOW) is None
    assert faces.of("S1", NOW) is not None
    Gallery.key, before = b"e" * 32, Gallery.key  # the student was erased, and the key with them
    assert faces.of("S1", NOW) is None
    Gallery.key = before


def test_door_faces_before_the_time_do_not_count_and_are_erased_after_the_lesson(faces, tmp_path):
    assert not faces.have_changed()
    faces.keep("S1", PLAIN, NOW)
    assert [faces.have_changed(), faces.have_changed()] == [True, False]
    assert faces.of("S1", NOW + timedelta(seconds=1)) is None
    (path,) = (tmp_path / "run" / "door-faces").iterdir()
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    faces.erase(NOW)
    assert path.exists()
    path.with_name(".part").symlink_to("moved")  # stands for a file that the check-in moves while this looks
    faces.erase(NOW + timedelta(seconds=1))
    assert not path.exists()


def test_a_face_at_the_door_improves_the_match_of_its_student_only(faces):
    others = [
        StudentTemplates(f"T{k}", np.tile(np.eye(192, dtype=np.float32)[10 + k], (2, 1)), WIDTHS) for k in range(3)
    ]
    today = near(PLAIN, 0.6)
    faces.keep("S1", today, NOW)
    seen, width = today[None], np.array([30.0], np.float32)
    before = Matcher([templates(), *others]).similarities(seen, width)[0]
    after = Matcher([with_face(templates(), faces.of("S1", NOW)), *others]).similarities(seen, width)[0]
    assert after[0] > before[0] + 0.1
    np.testing.assert_allclose(after[1:], before[1:], atol=1e-6)
