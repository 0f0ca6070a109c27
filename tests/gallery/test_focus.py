"""Photographs out of focus are recognised by their missing detail."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_daemon.gallery.focus import LEAST_DETAIL, detail
from edge_daemon.types import Box
from tests.gallery.fakes import EMBEDDER
from tests.gallery.school import School
from tests.vision import pictures

WHOLE = Box(0, 0, 1e6, 1e6)


def spoiled(picture):
    """Return a photograph that was halved, blurred and enlarged again."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), 1.3), (width, height))


@pytest.mark.parametrize("name", pictures.NAMES)
def test_a_photograph_loses_detail_out_of_focus(name):
    picture = pictures.portrait(name)
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (224, round(224 * height / width)), interpolation=cv2.INTER_AREA)
    face = Box(40, 30, 140, 170)
    assert detail(small, face) > LEAST_DETAIL
    assert detail(spoiled(small), face) < detail(small, face)


def test_an_even_picture_and_a_box_beyond_the_picture_have_a_number():
    assert np.isfinite(detail(np.full((50, 50, 3), 90, np.uint8), WHOLE))
    assert np.isfinite(detail(np.full((50, 50, 3), 90, np.uint8), Box(-30, 90, 10, 10)))


def test_a_student_with_only_unsharp_photographs_is_poorly_photographed(store, tmp_path, monkeypatch):
    school = School(tmp_path / "office")
    school.write_roster(S1="yes", S2="yes", S3="no")
    for student_id, person, shot in (("S1", 1, 0), ("S2", 2, 0), ("S2", 2, 1)):
        school.photograph(student_id, person, shot)
    given = iter([0.1, 0.1, 0.5])
    monkeypatch.setattr("edge_daemon.gallery.roster_import.detail", lambda *_: next(given))
    school.enrol(store)
    assert store.poorly_photographed() == {"S1"}
    assert sorted(one.detail for one in store.photograph_details("S2")) == [0.1, 0.5]
    store.db.execute("UPDATE templates SET details = NULL")  # as the release before left them
    assert store.poorly_photographed() == set()
    assert len(store.templates(EMBEDDER)) == 2


def test_a_lesson_opens_no_keys_of_students_who_left_the_roster(store, tmp_path):
    school = School(tmp_path / "office")
    school.write_roster(S1="yes")
    school.photograph("S1", 1, 0)
    school.enrol(store)
    store.db.execute("UPDATE students SET position = NULL")
    store.db.execute("UPDATE student_keys SET wrapped_key = x'00'")
    assert store.poorly_photographed() == set()
