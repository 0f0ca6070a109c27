"""A roster that nobody reviewed: names are free, ids and addresses are strict, and it can't drop most students."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from edge_daemon.errors import RosterError
from edge_daemon.gallery.pulled_roster import check_change, parse_pulled_roster, without_marks
from edge_daemon.store import gallery as tables
from tests.gallery.school import School

TODAY = date(2026, 11, 21)
HEADER = "student_id,name,email,guardian_email,consent\n"


@pytest.fixture
def school(tmp_path) -> School:
    return School(tmp_path)


def parsed(*lines: str, header: str = HEADER):
    return parse_pulled_roster((header + "".join(f"{line}\n" for line in lines)).encode())


def refusal(data: bytes) -> str:
    with pytest.raises(RosterError) as caught:
        parse_pulled_roster(data)
    return caught.value.line()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "O'Brien-Größe", "محمد علي", "😀"])
def test_names_are_text_whatever_they_look_like(name):
    (row,) = parsed(f'S1,"{name}",s1@school.example,,yes')
    assert row.student.name == name


@pytest.mark.parametrize(
    "student_id",
    [
        "../S1",
        "S1/../../etc",
        "..",
        "=1+1",
        "-S1",
        "@S1",
        "<b>S1</b>",
        "S1;rm -rf",
        "S'1",
        "S1|x",
        "S\u202e1",
        "x" * 101,
        "/etc",
    ],
)
def test_ids_that_could_be_more_than_an_id_are_refused_with_their_line(student_id):
    line = refusal(f'{HEADER}S0,Al,,,yes\n"{student_id}",Bo,,,yes\n'.encode())
    assert line.startswith("roster.csv: line 3: the student_id")


@pytest.mark.parametrize("student_id", ["S1", "2026/17", "größe.9", "a b", "7b-03", "u@school.example", "urn:1:2"])
def test_ids_of_real_schools_are_taken(student_id):
    assert parsed(f"{student_id},Al,,,yes")[0].student.student_id == student_id


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\nBcc: all@c.example",
        "a@b.example\r\nSubject: x",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "a b@c.example",
        "ab",
        "a@b@c",
        "a@b\u2028c",
    ],
)
def test_an_address_that_is_not_one_address_is_refused_with_its_line(address):
    line = refusal(f'{HEADER}S0,Al,,,yes\nS1,Bo,,"{address}",yes\n'.encode())
    assert "line 3: the guardian_email" in line
    assert "\n" not in line


def test_a_line_break_in_a_name_is_refused():
    assert "line 2: the name has a control character" in refusal(f'{HEADER}S1,"Al\nBo",,,yes\n'.encode())
    assert "line 2: the name has characters that can't be printed" in refusal(f"{HEADER}S1,Al\u2029Bo,,,yes\n".encode())


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", HEADER.encode(), b"<!DOCTYPE html><title>Log in</title>", b"PK\x03\x04zip"]
)
def test_an_invalid_or_empty_roster_is_refused(data):
    assert refusal(data).startswith("roster.csv")


def test_students_twice_are_refused():
    assert "line 3: student_id 'S1' is already on line 2" in refusal(f"{HEADER}S1,Al,,,yes\nS1,Al,,,yes\n".encode())


def test_more_students_than_a_school_has_are_refused():
    rows = "".join(f"S{n},,,,no\n" for n in range(5001))
    assert "has 5001 students, at most 5000" in refusal((HEADER + rows).encode())


def enrolled(store, school, **consents):
    school.write_roster(**consents)
    school.enrol(store, photos=False)
    return tables.student_rows(store.db)


def test_a_few_who_leave_come_or_withdraw_are_no_question(store, school):
    before = enrolled(store, school, S1="yes", S2="yes", S3="yes", S4="no")
    check_change(before, parsed("S1,Al,,,yes", "S2,Bo,,,no", "S3,Cy,,,yes", "S9,Di,,,yes"), TODAY)
    check_change(before, parsed("S1,Al,,,yes", "S2,Bo,,,yes"), TODAY)


def test_a_roster_without_most_of_the_students_needs_a_word(store, school):
    before = enrolled(store, school, S1="yes", S2="yes", S3="yes", S4="no")
    rows = parsed("S1,Al,,,yes", "S9,Di,,,yes")
    with pytest.raises(
        RosterError, match=r"removes 3 of 4 students; if that is meant, add a column large_change_until"
    ):
        check_change(before, rows, TODAY)


def test_a_roster_that_lost_its_consents_needs_a_word_because_templates_never_come_back(store, school):
    before = enrolled(store, school, S1="yes", S2="yes", S3="yes", S4="no")
    with pytest.raises(RosterError, match="withdraws the consent of 3 of 3 students"):
        check_change(before, parsed("S1,Al,,,", "S2,Bo,,,", "S3,Cy,,,", "S4,Di,,,"), TODAY)


@pytest.mark.parametrize(("until", "taken"), [("2026-11-21", True), ("2026-12-31", True), ("2026-11-20", False)])
def test_the_word_is_a_day_until_which_it_holds(store, school, until, taken):
    before = enrolled(store, school, S1="yes", S2="yes", S3="yes")
    rows = parsed(f"S9,Di,,,yes,{until}", header=HEADER.replace("consent", "consent,Large_Change_Until"))
    if taken:
        check_change(before, rows, TODAY)
        assert without_marks(rows)[0].extra == {}
    else:
        with pytest.raises(RosterError):
            check_change(before, rows, TODAY)


def test_a_word_that_is_no_day_is_refused(store, school):
    rows = parsed("S9,Di,,,yes,soon", header=HEADER.replace("consent", "consent,large_change_until"))
    with pytest.raises(RosterError, match="is not a day"):
        check_change([], rows, TODAY)


def test_the_example_of_the_page_is_taken_as_it_stands():
    page = (Path(__file__).parents[2] / "docs" / "PULL.md").read_text("utf-8")
    (example,) = re.findall(r"```csv\n(.*?)```", page, re.S)
    rows = parse_pulled_roster(example.encode())
    check_change([], rows, TODAY)
    assert [row.student.courses for row in rows] == [("7b", "choir"), ("7b",)]


def test_the_first_roster_of_a_device_removes_no_student():
    check_change([], parsed("S1,Al,,,yes"), TODAY)
