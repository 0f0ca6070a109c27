from __future__ import annotations

import numpy as np
import pytest

from edge_daemon.types import Box
from edge_daemon.vision import drawing
from edge_daemon.vision.drawing import Text


def test_a_blanked_face_is_a_few_squares_and_what_is_around_it_stays():
    picture = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    before = picture.copy()
    drawing.blank(picture, Box(100, 100, 60, 75))
    assert len(np.unique(picture[100:175, 100:160].reshape(-1, 3), axis=0)) <= 25
    assert (picture[:60] == before[:60]).all()
    assert (picture[:, 200:] == before[:, 200:]).all()


@pytest.mark.parametrize(
    "box", [Box(-30, -40, 60, 75), Box(280, 290, 60, 75), Box(900, 900, 60, 75), Box(10, 10, 0, 0)]
)
def test_a_face_at_the_edge_or_outside_is_no_trouble(box):
    picture = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    drawing.blank(picture, box)
    assert picture.shape == (300, 300, 3)


def test_points_are_drawn_where_they_are_and_outside_the_picture_nowhere():
    picture = np.zeros((40, 60, 3), np.uint8)
    drawing.points(picture, np.array([[10.2, 20.7], [500, -3]], np.float32), (0, 255, 0), 1)
    assert tuple(picture[21, 10]) == (0, 255, 0)
    rows, columns = np.nonzero(picture[..., 1])
    assert (abs(rows - 21) <= 2).all()
    assert (abs(columns - 10) <= 2).all()


def test_text_is_as_high_as_asked_for_and_stays_in_its_label():
    picture = np.full((400, 900, 3), 255, np.uint8)
    text = Text(("HIT 97%", "ABC"), 40)
    width, height = text.size
    drawing.write(picture, text, 100, 100, (0, 0, 0))
    rows, columns = np.nonzero((picture < 128).any(axis=2))
    assert rows.min() >= 100
    assert rows.max() <= 100 + height
    assert columns.min() >= 100
    assert columns.max() <= 100 + width
    first_line = rows[rows < 100 + 0.5 * height]
    assert 32 <= first_line.max() - first_line.min() <= 48


def test_signs_that_the_strokes_do_not_have_are_spelt():
    assert drawing.plain("Tilt 5° – 4608 × 2592…") == "Tilt 5 deg - 4608 x 2592..."
    assert drawing.plain("Schüler") == "Sch?ler"


def test_lines_break_where_the_paper_ends_and_no_word_is_lost():
    text = "8 faces (rows 6, 7) are below 40 px, from which on hardly any face is missed"
    lines = drawing.wrapped(text, 500, 20)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(Text((line,), 20).size[0] <= 500 for line in lines)
    assert drawing.wrapped("unbreakable", 10, 20) == ["unbreakable"]


def test_ink_can_be_read_on_its_paper():
    assert drawing.ink((66, 228, 240)) == (0, 0, 0)
    assert drawing.ink((178, 114, 0)) == (255, 255, 255)


def test_a_label_finds_a_place_that_hides_no_face_and_stays_in_the_picture():
    picture = np.zeros((400, 400, 3), np.uint8)
    face, above = Box(150, 150, 50, 60), Box(120, 60, 120, 80)
    left, top = drawing.free_place((100, 60), face, [above], picture)
    assert top >= face.y + face.h or left >= face.x + face.w or left + 100 <= face.x
    left, top = drawing.free_place((100, 60), Box(0, 0, 50, 60), [], picture)
    assert left >= 0
    assert top >= 0
