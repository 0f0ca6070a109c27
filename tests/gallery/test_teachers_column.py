"""The column `teacher_email` of class lists, and teachers in OneRoster files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list.teachers import MOST, as_text, understood
from edge_daemon.gallery.oneroster import read_students
from edge_daemon.gallery.pulled_roster import parse_pulled_roster
from edge_daemon.gallery.roster import read_roster

HEAD = "student_id,name,email,guardian_email,consent,courses,teacher_email\n"


@pytest.mark.parametrize(
    ("cell", "courses", "found"),
    [
        ("", ("7b",), {}),
        (" ; ", ("7b", "8a"), {}),
        ("t@x.example", ("7b", "8a"), {"7b": ("t@x.example",), "8a": ("t@x.example",)}),
        ("t@x.example; u@x.example", ("7b", "8a"), {"7b": ("t@x.example",), "8a": ("u@x.example",)}),
        (";u@x.example", ("7b", "8a"), {"8a": ("u@x.example",)}),
        ("t@x.example, u@x.example", ("7b",), {"7b": ("t@x.example", "u@x.example")}),
        ("t@x.example", (), {"": ("t@x.example",)}),
    ],
)
def test_the_teachers_column_has_one_address_for_all_courses_or_one_for_each(cell, courses, found):
    assert understood(cell, courses) == (found, "")
    assert understood(as_text(found, courses), courses) == (found, ""), "what is kept is read again as it was"


def test_a_named_address_is_read_and_remarked_and_no_more_than_five_teach_a_course():
    found, odd = understood("Ann Lee <ann@x.example>", ("7b",))
    assert (found, odd) == ({"7b": ("ann@x.example",)}, "is read as 'ann@x.example'")
    many = ",".join(f"t{number}@x.example" for number in range(9))
    assert len(understood(many, ("7b",))[0]["7b"]) == MOST


@pytest.mark.parametrize(
    ("cell", "odd"),
    [
        ("a@x.example;b@x.example;c@x.example", "has 3 entries for 2 courses; it is left out"),
        ("ask the office", "is not one mail address ('ask the office'); it is left out"),
    ],
)
def test_an_unreadable_teacher_is_remarked_and_left_out(tmp_path, cell, odd):
    path = tmp_path / "r.csv"
    path.write_text(f"{HEAD}1,Ann,,,yes,7b;8a,{cell}\n", encoding="utf-8")
    roster = read_roster(path)
    assert [str(one) for one in roster.remarks] == [f"line 2: the teacher_email {odd}"]
    assert dict(roster.rows[0].extra) == {}


def test_rows_of_a_student_for_each_course_are_put_together_with_their_teachers(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(f"{HEAD}1,Ann,,,yes,7b,t@x.example\n1,Ann,,,yes,8a,u@x.example\n2,Bo,,,yes,7b,\n", encoding="utf-8")
    ann, bo = read_roster(path).rows
    assert (ann.student.courses, dict(ann.extra)) == (("7b", "8a"), {"teacher_email": "t@x.example;u@x.example"})
    assert dict(bo.extra) == {}


@pytest.mark.parametrize("head", ["Teacher e-mail", "E-Mail Lehrkraft", "Courriel de l'enseignant", "correo profesor"])
def test_other_words_for_the_column_are_known(tmp_path, head):
    path = tmp_path / "r.csv"
    path.write_text(
        f"Schüler-ID,Name,E-Mail,Eltern-E-Mail,Einwilligung,Kurse,{head}\n1,A,,,ja,7b,t@x.example\n", "utf-8"
    )
    assert dict(read_roster(path).rows[0].extra) == {"teacher_email": "t@x.example"}


def test_a_pulled_roster_is_held_to_addresses():
    good = parse_pulled_roster(f"{HEAD}1,Ann,,,yes,7b,t@x.example\n".encode())
    assert dict(good[0].extra) == {"teacher_email": "t@x.example"}
    with pytest.raises(RosterError, match="teacher_email"):
        parse_pulled_roster(f"{HEAD}1,Ann,,,yes,7b,call me\n".encode())


def test_teachers_of_oneroster_classes(tmp_path: Path):
    (tmp_path / "users.csv").write_text(
        "sourcedId,givenName,familyName,email,metadata.consent\n"
        "s1,Ann,Lee,,yes\nt1,Tea,Cher,tea@x.example,\nt2,Old,One,old@x.example,\nt3,No,Mail,,\n",
        "utf-8",
    )
    (tmp_path / "classes.csv").write_text("sourcedId,title,classCode\nc1,Maths,7b\nc2,Art,7a\n", "utf-8")
    (tmp_path / "enrollments.csv").write_text(
        "sourcedId,classSourcedId,userSourcedId,role,beginDate,endDate\n"
        "e1,c1,s1,student,,\ne2,c2,s1,student,,\n"
        "e3,c1,t1,teacher,,\ne4,c1,t2,teacher,2025-08-01,2026-02-01\ne5,c2,t3,teacher,,\ne6,c1,t1,aide,,\n",
        "utf-8",
    )
    (row,) = read_students(tmp_path, date(2026, 11, 16)).rows
    assert row.student.courses == ("c1", "7b", "Maths", "c2", "7a", "Art")
    tea = ("tea@x.example",)
    assert understood(row.extra["teacher_email"], row.student.courses)[0] == {"c1": tea, "7b": tea, "Maths": tea}
