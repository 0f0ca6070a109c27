"""One folder for all students: whose a photograph is, by the name of its file."""

from __future__ import annotations

import unicodedata

import pytest

from edge_daemon.gallery.flat_photographs import match_files
from edge_daemon.types import Student


def student(student_id: str, name: str) -> Student:
    return Student(student_id, name, "", "", True, ())


ROSTER = [
    student("S001", "Ada Miller"),
    student("S002", "Jörg Müller-Groß"),
    student("S003", "José Ángel Núñez"),
    student("S010", "Ann Lee"),
    student("S011", "Lee Ann"),
    student("7b-2", "Bo"),
    student("s1", "Cy Kay"),
    student("S1", "Di Low"),
]


def owner(tmp_path, name: str) -> str:
    (tmp_path / name).write_bytes(b"x")
    matched, unmatched = match_files(tmp_path, ROSTER)
    assert len(matched) + len(unmatched) == 1
    return matched[0].student_id if matched else unmatched[0].reason


@pytest.mark.parametrize(
    ("name", "student_id"),
    [
        ("S001.jpg", "S001"), ("s001.JPG", "S001"), ("S001_2.png", "S001"), ("S001-a.jpeg", "S001"),
        ("S001 (1).jpg", "S001"), ("S001 - Kopie.jpg", "S001"), ("S001_front.webp", "S001"),
        ("Miller, Ada.jpg", "S001"), ("Ada Miller.jpg", "S001"), ("ada_miller_2.jpg", "S001"),
        ("Müller-Groß, Jörg.jpg", "S002"), ("mueller-gross joerg.jpg", "S002"), ("MULLER GROSS JORG.jpg", "S002"),
        (unicodedata.normalize("NFD", "Jörg Müller-Groß.jpg"), "S002"), ("Nunez Jose Angel.heic", "S003"),
        ("7b-2.jpg", "7b-2"), ("7b-2_3.jpg", "7b-2"), ("s1.jpg", "s1"), ("S1.jpg", "S1"), ("S1_2.jpg", "S1"),
    ],
)  # fmt: skip
def test_ids_and_names_in_many_forms(tmp_path, name, student_id):
    assert owner(tmp_path, name) == student_id


@pytest.mark.parametrize(
    "name", ["S0012.jpg", "Miller.jpg", "Ada.jpg", "Ada Miller Jones.jpg", "IMG_1234.jpg", "S00.jpg"]
)
def test_a_file_name_without_an_id_or_name_of_the_roster_belongs_to_no_student(tmp_path, name):
    assert owner(tmp_path, name) == "no id and no name of the roster"


def test_a_file_name_that_fits_two_students_belongs_to_neither(tmp_path):
    assert owner(tmp_path, "Ann Lee.jpg") == "may be of S010, S011: name it after an id"


def test_clutter_folders_and_other_files_are_passed_over(tmp_path):
    (tmp_path / "S001").mkdir()
    for name in ("Thumbs.db", ".DS_Store", "._S001.jpg", "list.xlsx", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert match_files(tmp_path, ROSTER) == ([], [])
