"""`edge-daemon enrol import` of a folder of OneRoster files."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import run

USERS = "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,email,metadata.consent\n"
ENROLLMENTS = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary\n"


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    people = "".join(
        f"{one},,,true,{one},Given,{one.upper()},,{consent}\n" for one, consent in (("s1", "yes"), ("s2", ""))
    )
    (folder / "users.csv").write_text(USERS + people + "t1,,,true,t1,Tea,Cher,,\n")
    classes = "".join(f"e{n},,,{one},school,{who},{role},\n" for n, (one, who, role) in enumerate(
        [("c1", "s1", "student"), ("c2", "s1", "student"), ("c2", "s2", "student"), ("c1", "t1", "teacher")]
    ))  # fmt: skip
    (folder / "enrollments.csv").write_text(ENROLLMENTS + classes)
    return folder


@pytest.mark.parametrize("name", ["", "users.csv"])
def test_students_are_enrolled_with_their_classes_and_only_with_consent(tmp_path, export, name):
    result = run(tmp_path / "home", "enrol", "import", str(export / name), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["students_without_template"] == ["s1", "s2"]
    listed = json.loads(run(tmp_path / "home", "enrol", "list", "--json").stdout)
    assert [(one["student_id"], one["name"], one["consent"], one["courses"]) for one in listed] == [
        ("s1", "Given S1", True, ["c1", "c2"]),
        ("s2", "Given S2", False, ["c2"]),
    ]


def test_a_mistake_changes_nothing(tmp_path, export):
    (export / "enrollments.csv").write_text(ENROLLMENTS + "e1,,,c1,school,nobody,student,\n")
    result = run(tmp_path / "home", "enrol", "import", str(export))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "enrollments.csv, line 2: the user 'nobody' is not in users.csv" in result.stderr
    assert not (tmp_path / "home").exists()
