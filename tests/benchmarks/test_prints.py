"""Prints and sitters as the benchmarks make them, the fit of their weights, and rates of shut eyes."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import eyes, print_fit, prints, table_prints
from benchmarks.print_faces import PersonFaces, SeatFaces
from benchmarks.print_media import MEDIA, Original, Seat
from edge_daemon.types import StudentTemplates
from tests.vision import pictures

CROP = 224


@pytest.fixture(scope="module")
def original() -> Original:
    """A portrait, and points that fill an ellipsoid where the face is."""
    rng = np.random.default_rng(0)
    crop = np.asarray(pictures.portrait()[:CROP, 80 : 80 + CROP])
    places = rng.uniform(-1, 1, (468, 2))
    mesh = np.column_stack([112 + 60 * places[:, 0], 100 + 75 * places[:, 1], -40 + 40 * (places**2).sum(1)])
    return Original(np.ascontiguousarray(crop), mesh.astype(np.float32))


def differences(medium, original: Original, captures: int = 4) -> list[float]:
    seat = Seat(medium, [original], np.random.default_rng(1))
    pictures = [seat.shown().astype(int) for _ in range(captures)]
    assert all(one.shape == (CROP, CROP, 3) for one in pictures)
    # The light falls from one side of the whole crop; what is left is what moved.
    gradients = [np.diff(one.mean(2) / one.mean(), axis=1)[60:160, 60:160] for one in pictures]
    return [float(np.abs(gradients[0] - other).mean()) for other in gradients[1:]]


def test_a_pinned_print_only_changes_its_light_and_everything_else_moves(original):
    still = max(differences("pinned", original))
    assert all(min(differences(medium, original)) > 1.5 * still for medium in ("held", "bent", "sitter"))


def test_the_same_seat_comes_out_every_time(original):
    for medium in MEDIA:
        one, other = (Seat(medium, [original], np.random.default_rng(3)).shown() for _ in range(2))
        assert (one == other).all()


def test_the_fit_separates_what_is_apart_and_says_even_odds_between():
    rng = np.random.default_rng(4)
    printed = np.repeat([True, False], 60)
    rows = rng.normal(0, 1, (120, 3)) + np.where(printed, 2.0, -2.0)[:, None] * (1, 0, 0)
    found = print_fit.fit(rows, printed)
    fitted = found.logits(rows) > 0
    assert (fitted == printed).mean() > 0.95
    assert found.each[0] > 3 * abs(found.each[1:]).max()
    assert found.logits(np.zeros((1, 3)))[0] == pytest.approx(0, abs=0.8)


NAMES = [f"p{number:02d}" for number in range(30)]


def person(name: str) -> PersonFaces:
    templates = StudentTemplates(name, np.zeros((1, 192), np.float32), np.zeros(1, np.float32))
    media = [("living", 2), ("sitter", 3), ("pinned", 1), ("held", 2), ("bent", 2)]
    seats = [SeatFaces(medium, "48+", ()) for medium, count in media for _ in range(count)]
    return PersonFaces(templates, tuple(seats))


def test_every_seat_is_in_one_lesson_and_no_person_is_twice_in_a_lesson():
    people = [person(name) for name in NAMES]
    held = list(prints.lessons(people, "48+", np.random.default_rng(5), dict.fromkeys(NAMES, 4)))
    kinds = [case.kind for lesson in held for case in lesson]
    assert {kind: kinds.count(kind) for kind in ("living", "sitter", "pinned", "held", "bent", "beside")} == {
        "living": 60, "sitter": 90, "pinned": 30, "held": 60, "bent": 60, "beside": 30,
    }  # fmt: skip
    few = list(prints.lessons(people, "48+", np.random.default_rng(5), dict.fromkeys(NAMES, 3)))
    assert sum(case.kind == "alternating" for lesson in few for case in lesson) == 60
    for lesson in held:
        names = [case.person.templates.student_id for case in lesson]
        assert len(set(names)) == len(names) == prints.CLASS


def test_eyes_are_shut_by_the_persons_own_median():
    def eyes_of(condition: str, closure: float) -> eyes.Shown:
        return eyes.Shown(condition, {48: closure})

    people = {
        "narrow": [*(eyes_of("normal", 0.5) for _ in range(6)), eyes_of("sleepy", 0.79)],
        "wide": [*(eyes_of("normal", 0.1) for _ in range(6)), eyes_of("sleepy", 0.5), eyes_of("wink", 0.2)],
        "too few": [eyes_of("normal", 0.9)],
    }
    found = dict(eyes._rates(people, 48, has_conditions=True))
    assert (found["shut_found"]["hits"], found["shut_found"]["n"]) == (2, 2)
    assert (found["called_shut"]["hits"], found["called_shut"]["n"]) == (0, 13)
    assert "shut_found" not in dict(eyes._rates(people, 48, has_conditions=False))


def test_the_page_marks_what_is_missed():
    def rate(hits: int, n: int) -> dict[str, object]:
        return {"rate": hits / n, "hits": hits, "n": n, "low": 0.0, "high": 1.0}

    kinds = {"prints": {"present": rate(1, 100), "flagged": rate(96, 100)}}
    clip = {"video": "a.mpg", "seconds": 3.0, "shown": "living", "width_px": 32.0, "captures": 24, "picture": 0.9}
    page = table_prints.prints({"by_width_px": {"48+": kinds}, "people": 3, "captures": 24, "clips": [clip]})
    assert "≤ 0 % – **missed**" in page
    assert "| ≥ 95 % |" in page
    assert "| a.mpg | 3 s | living | 32 px | yes (0.900) |" in page
