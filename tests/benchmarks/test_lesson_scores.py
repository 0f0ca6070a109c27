from __future__ import annotations

from benchmarks import lesson_faces, lesson_verdicts
from benchmarks.lesson_truth import Outcome, SeenFace, TrueFace, TrueStudent, Truth, Verdict


def student(student_id, verdict="present", *, borderline=False, at_risk=False, print_held_up=False):
    return TrueStudent(student_id, verdict, 9, borderline, at_risk, print_held_up)


def counts(rate):
    return rate["hits"], rate["n"]


TRUTH = Truth(
    "lesson",
    (
        student("right"),
        student("missed"),
        student("taken-over", "absent", at_risk=True),
        student("edge", borderline=True),
        student("edge-unflagged", "absent", borderline=True),
        student("print", "absent", print_held_up=True),
    ),
    {"0001": ()},
)
OUTCOME = Outcome(
    {
        "right": Verdict("present", (), 9),
        "missed": Verdict("absent", (), 2),
        "taken-over": Verdict("present", (), 9),
        "edge": Verdict("absent", ("borderline",), 9),
        "edge-unflagged": Verdict("absent", (), 9),
        "print": Verdict("present", (), 9),
    },
    {},
)


def test_verdicts_of_borderline_students_and_prints_are_apart():
    found = lesson_verdicts.scored([(TRUTH, OUTCOME)])
    assert counts(found["verdicts_right"]) == (1, 3)
    assert counts(found["false_present_at_risk"]) == (1, 1)
    assert counts(found["false_absent"]) == (1, 2)
    assert counts(found["borderline_flagged"]) == (1, 2)
    assert counts(found["prints_present"]) == (1, 1)


def test_every_mistake_is_listed_by_lesson_and_id():
    found = {m["student_id"]: m["what"] for m in lesson_verdicts.mistakes(TRUTH, OUTCOME)}
    assert found == {
        "missed": "absent, was present",
        "taken-over": "present, was absent (at risk)",
        "edge-unflagged": "borderline without the flag",
    }


def test_a_student_without_a_line_in_the_register_is_a_wrong_verdict():
    found = lesson_verdicts.scored([(TRUTH, Outcome({}, {}))])
    assert counts(found["verdicts_right"]) == (0, 3)


def face(x, kind="student", who="A", width=30.0):
    return TrueFace((x, 0, width, width), kind, who if kind == "student" else "", width)


def seen_face(x, who="", width=30.0):
    return SeenFace((x, 0, width, width), who)


def scored(truth, outcome):
    return lesson_faces.scored([(Truth("lesson", (), {"0001": truth}), Outcome({}, {"0001": outcome}))])


def test_names_are_shares_of_the_students_faces_that_were_there():
    truth = tuple(face(x, who=who) for x, who in ((0, "A"), (100, "B"), (200, "C"), (300, "D")))
    found = scored(truth, (seen_face(0, "A"), seen_face(100, "A"), seen_face(200)))
    assert counts(found["right_name"]["26-40"]) == (1, 4)
    assert counts(found["wrong_name"]["26-40"]) == (1, 4)
    assert counts(found["unknown"]["26-40"]) == (1, 4)
    assert counts(found["missed"]["26-40"]) == (1, 4)
    assert counts(found["found"]["26-40"]) == (3, 4)
    assert counts(found["found"]["60+"]) == (0, 0)


def test_strangers_and_posters_count_as_faces_and_have_no_name():
    truth = (face(0, "stranger"), face(100, "poster"), face(200, "poster"))
    found = scored(truth, (seen_face(0, "A"), seen_face(100)))
    assert counts(found["found"]["all"]) == (2, 3)
    assert counts(found["strangers_and_posters_named"]) == (1, 2)
    assert counts(found["right_name"]["all"]) == (0, 0)


def test_a_box_where_no_face_is_counts_as_false_whether_it_has_a_name_or_not():
    found = scored((), (seen_face(0), seen_face(500, "A")))
    assert found["false_boxes"] == 2
    assert found["false_boxes_a_capture"] == 2.0
    assert found["false_boxes_named"] == 1


def test_a_print_that_is_held_up_is_neither_a_face_nor_a_false_box():
    found = scored((face(0, "photo"),), (seen_face(0, "A"),))
    assert counts(found["found"]["all"]) == (0, 0)
    assert found["false_boxes"] == 0
    assert counts(found["prints_named"]) == (1, 1)
