"""The roster: exports of offices are read, and all errors are reported at once."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.errors import RosterError
from edge_daemon.gallery.roster import read_roster

HEADER = "student_id,name,email,guardian_email,consent\n"


@pytest.fixture
def roster(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "roster.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def students(path):
    return [row.student for row in read_roster(path).rows]


def refusal(path) -> str:
    with pytest.raises(RosterError) as caught:
        read_roster(path)
    line = caught.value.line()
    assert "\n" not in line
    assert caught.value.exit_code == 2
    return line


def test_a_roster_is_read_in_its_order(roster):
    path = roster(HEADER + "S2,Bo,b@x.org,p@x.org,yes\nS1,Al,,,no\n")
    assert [(s.student_id, s.name, s.email, s.guardian_email, s.consent) for s in students(path)] == [
        ("S2", "Bo", "b@x.org", "p@x.org", True),
        ("S1", "Al", "", "", False),
    ]


def test_a_byte_order_mark_and_windows_lines_are_allowed(roster):
    path = roster(b"\xef\xbb\xbf" + (HEADER + "S1,Al,,,yes\n").replace("\n", "\r\n").encode())
    assert students(path)[0].student_id == "S1"


def test_extra_columns_are_kept_and_the_order_of_columns_is_free(roster):
    path = roster("Locker,consent,name,STUDENT_ID,guardian_email,email,shoe\n7,1,Al,S1,,,42\n")
    (row,) = read_roster(path).rows
    assert row.extra == {"Locker": "7", "shoe": "42"}
    assert row.student.student_id == "S1"
    assert row.student.consent


def test_courses_are_split_at_semicolons(roster):
    path = roster(HEADER.replace("consent", "consent,courses") + "S1,Al,,,yes,Maths 1; Art;;\nS2,Bo,,,yes,\n")
    assert [s.courses for s in students(path)] == [("Maths 1", "Art"), ()]


@pytest.mark.parametrize(
    ("word", "consent"),
    [
        ("yes", True),
        ("YES", True),
        (" true ", True),
        ("1", True),
        ("no", False),
        ("False", False),
        ("0", False),
        ("", False),
    ],
)
def test_consent_is_understood(roster, word, consent):
    assert students(roster(HEADER + f"S1,Al,,,{word}\n"))[0].consent is consent


@pytest.mark.parametrize(
    "odd",
    ['O\'Brien "Bob"', "😀👩‍👧", "محمد علي", "=cmd|' /C calc'!A0", "x" * 300, "S,1", "a/b", "...", "Größe"],
)
def test_odd_names_and_ids_are_taken_as_they_are(roster, odd):
    quoted = '"' + odd.replace('"', '""') + '"'
    (student,) = students(roster(HEADER + f"{quoted},{quoted},,,no\n"))
    assert (student.student_id, student.name) == (odd, odd)


def test_blank_lines_and_rows_of_empty_cells_are_skipped(roster):
    assert len(students(roster(HEADER + "\nS1,Al,,,yes\n,,,,\n\n"))) == 1


def test_ten_thousand_rows_are_read_in_no_time(roster):
    path = roster(HEADER + "".join(f"S{n},Name {n},n{n}@x.org,p{n}@x.org,yes\n" for n in range(10_000)))
    start = time.process_time()
    assert len(students(path)) == 10_000
    assert time.process_time() - start < 10  # 0.4 s where nothing else runs


def test_missing_columns_are_named(roster):
    assert "the columns email, consent are missing" in refusal(roster("student_id,name,guardian_email\nS1,Al,\n"))


def test_a_column_that_is_there_twice_is_refused(roster):
    assert "'name' is there twice" in refusal(roster(HEADER.replace("consent", "consent,Name") + "S1,Al,,,yes,Al\n"))


def test_a_duplicate_id_is_refused_with_both_lines(roster):
    line = refusal(roster(HEADER + "S1,Al,,,yes\nS2,Bo,,,yes\n S1 ,Cy,,,yes\n"))
    assert "line 4: student_id 'S1' is already on line 2" in line


def test_an_empty_id_is_refused(roster):
    assert "line 3: the student_id is empty" in refusal(roster(HEADER + "S1,Al,,,yes\n  ,Bo,,,yes\n"))


def test_a_ragged_line_is_refused(roster):
    assert "line 2: 4 fields where the header has 5" in refusal(roster(HEADER + "S1,Al,,yes\n"))


def test_an_unknown_consent_is_refused(roster):
    assert "line 2: consent is 'perhaps'" in refusal(roster(HEADER + "S1,Al,,,perhaps\n"))
    text = HEADER.strip() + ",checkin_consent\nS1,Al,,,yes,\nS2,Bo,,,yes,perhaps\n"
    assert "line 3: checkin_consent is 'perhaps', expected yes or no" in refusal(roster(text))


def test_every_wrong_line_is_named_at_once(roster):
    line = refusal(
        roster(HEADER + "S1,Al,,,perhaps\n,Bo,,,yes\n" + "S3,Cy,,,yes,7\n" * 6 + "S4,Di,,,yes\nS4,Ed,,,yes\n")
    )
    assert "line 2: consent" in line
    assert "line 3: the student_id is empty" in line
    assert [n for n in range(4, 10) if f"line {n}: 6 fields" not in line] == []
    assert "line 11: student_id 'S4' is already on line 10" in line
    assert "nothing was changed" in line


def test_of_very_many_wrong_lines_the_last_are_named_by_their_numbers(roster):
    good = "S1,Al,,,yes\n"
    line = refusal(roster(HEADER + good + ",Bo,,,yes\n" * 60 + "S2,Cy,,,yes\n" + ",Bo,,,yes\n" * 2))
    full = line.count("the student_id is empty")
    assert 30 < full < 60
    assert f"and {62 - full} more: lines {full + 3}-62, 64-65; " in line
    assert len(line) < 2000


def test_lines_are_counted_as_an_editor_counts_them(roster):
    assert "line 4: the student_id" in refusal(roster(HEADER + '"S1","Al\nof two lines",,,yes\n,Bo,,,yes\n'))


@pytest.mark.parametrize("content", ["", "\n\n", HEADER])
def test_a_roster_without_students_is_refused(roster, content):
    refusal(roster(content))


def test_an_open_quote_is_refused_where_it_begins(roster):
    assert "line 2" in refusal(roster(HEADER + '"S1,Al,,,yes\n'))


def test_a_control_character_in_an_id_is_refused(roster):
    assert "control character" in refusal(roster(HEADER + '"S\n1",Al,,,yes\n'))
    assert "line 2" in refusal(roster(HEADER + "S\x001,Al,,,yes\n"))


@pytest.mark.parametrize("student_id", [".", "..", "../S1", "S1/../../etc", "./S1"])
def test_an_id_that_leads_to_another_folder_is_refused_with_its_line(roster, student_id):
    path = roster(HEADER + f"S1,Al,,,yes\n{student_id},Bo,,,no\n")
    assert refusal(path).startswith(f"{path}: line 3: the student_id '{student_id}' can't name a folder")


def test_a_missing_roster_and_a_folder_are_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "none.csv")
    assert "can't be read" in refusal(tmp_path)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_roster_or_one_line(tmp_path_factory, content, with_header):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(HEADER.encode() * with_header + content)
    with contextlib.suppress(RosterError):
        rows = read_roster(path).rows
        assert len({row.student.student_id for row in rows}) == len(rows) > 0
