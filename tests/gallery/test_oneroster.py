"""OneRoster files: who is a student of which class, and that nobody's consent is invented."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_daemon.errors import RosterError
from edge_daemon.gallery.oneroster import read_students
from edge_daemon.types import Student

TODAY = date(2026, 3, 2)
# The headers of 1EdTech OneRoster 1.2, CSV binding.
USERS = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,"
    "sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,"
    "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns"
)
ENROLLMENTS = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
)
CLASSES = (
    "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
    "termSourcedIds,subjects,subjectCodes,periods"
)
ROLES = (
    "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId"
)


def record(header: str, **cells: str) -> str:
    """Return a line of a file; what is not named is empty."""
    columns = header.split(",")
    assert set(cells) <= set(columns)
    return ",".join(f'"{cells[column]}"' if column in cells else "" for column in columns)


class Export:
    """A folder of OneRoster files as a school's system writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("users", USERS, self.user("s1", givenName="Al", familyName="Ash", email="al@x.org"), self.user("s2"))
        self.write("enrollments", ENROLLMENTS, self.enrolled("s1", "c1"), self.enrolled("s2", "c1"))

    def write(self, name: str, header: str, *lines: str) -> None:
        (self.folder / f"{name}.csv").write_text("\r\n".join([header, *lines, ""]), encoding="utf-8")

    def user(self, user_id: str, **cells: str) -> str:
        return record(USERS, **{"sourcedId": user_id, "givenName": "Given", "familyName": "Family", **cells})

    def enrolled(self, user_id: str, class_id: str, role: str = "student", **cells: str) -> str:
        return record(ENROLLMENTS, userSourcedId=user_id, classSourcedId=class_id, role=role, **cells)

    def students(self) -> dict[str, Student]:
        return {row.student.student_id: row.student for row in read_students(self.folder, TODAY)}

    def refusal(self) -> str:
        with pytest.raises(RosterError) as caught:
            self.students()
        line = caught.value.line()
        assert "\n" not in line
        return line


@pytest.fixture
def export(tmp_path) -> Export:
    return Export(tmp_path)


def test_students_are_those_who_are_enrolled_in_a_class_as_students(export):
    export.write("users", USERS, *(export.user(one) for one in ("t1", "s2", "s1", "nobody")))
    export.write(
        "enrollments", ENROLLMENTS,
        export.enrolled("t1", "c1", "teacher"), export.enrolled("s1", "c1"), export.enrolled("s1", "c2"),
        export.enrolled("s2", "c2"), export.enrolled("s1", "c1"),
    )  # fmt: skip
    assert {one.student_id: one.courses for one in export.students().values()} == {"s2": ("c2",), "s1": ("c1", "c2")}
    assert list(export.students()) == ["s2", "s1"]  # the order of users.csv


def test_name_address_and_what_an_office_knows_students_by(export):
    export.write(
        "users", USERS,
        export.user("s1", givenName="Albert", familyName="Ash", preferredGivenName="Al", email="al@x.org",
                    identifier="4711", grades="09"),
        export.user("s2"),
    )  # fmt: skip
    row = read_students(export.folder / "users.csv", TODAY)[0]
    assert (row.student.name, row.student.email, row.student.guardian_email) == ("Al Ash", "al@x.org", "")
    assert row.extra == {"identifier": "4711", "grades": "09"}


def test_nobody_has_agreed_unless_it_is_written(export):
    assert {one.consent for one in export.students().values()} == {False}


def test_consent_in_a_column_of_ones_own(export):
    header = USERS + ",metadata.consent"
    export.write("users", header, export.user("s1") + ",yes", export.user("s2") + ",")
    assert {key: one.consent for key, one in export.students().items()} == {"s1": True, "s2": False}
    export.write("users", header, export.user("s1") + ",perhaps", export.user("s2") + ",")
    assert "line 2: metadata.consent is 'perhaps'" in export.refusal()


def test_consent_in_a_file_of_its_own(export):
    export.write("consent", "sourcedId,consent", "s2,yes", "somebody,yes")
    assert {key: one.consent for key, one in export.students().items()} == {"s1": False, "s2": True}
    export.write("consent", "sourcedId,consent", "s2,ja")
    assert "consent.csv: line 2: consent is 'ja'" in export.refusal()
    export.write("consent", "sourcedId,consent", "s2,yes", "s2,no")
    assert "'s2' is already on line 2" in export.refusal()


def test_where_both_are_asked_one_no_is_enough(export):
    header = USERS + ",metadata.consent"
    export.write("users", header, export.user("s1") + ",no", export.user("s2") + ",yes")
    export.write("consent", "sourcedId,consent", "s1,yes", "s2,no")
    assert {one.consent for one in export.students().values()} == {False}


@pytest.mark.parametrize("status", ["tobedeleted", "inactive"])
def test_who_is_to_be_deleted_is_left_out_wherever_it_stands(export, status):
    export.write("users", USERS, export.user("s1", status=status), export.user("s2", status="active"))
    assert list(export.students()) == ["s2"]
    export.write("users", USERS, export.user("s1"), export.user("s2"))
    export.write("enrollments", ENROLLMENTS, export.enrolled("s1", "c1", status=status), export.enrolled("s2", "c1"))
    assert list(export.students()) == ["s2"]


def test_an_enrolment_that_has_ended_counts_no_more_and_its_last_day_is_not_in_it(export):
    export.write(
        "enrollments", ENROLLMENTS,
        export.enrolled("s1", "c1", endDate="2026-03-02"), export.enrolled("s1", "c2", endDate="2026-03-03"),
        export.enrolled("s2", "c1", endDate="2026-01-31"),
    )  # fmt: skip
    assert {one.student_id: one.courses for one in export.students().values()} == {"s1": ("c2",)}


def test_classes_add_their_code_and_title_where_only_one_class_has_it(export):
    export.write(
        "classes", CLASSES,
        record(CLASSES, sourcedId="c1", title="Maths", classCode="M-1"),
        record(CLASSES, sourcedId="c2", title="Maths", classCode="M-2"),
        record(CLASSES, sourcedId="c3", title="Art", classCode="Art"),
        record(CLASSES, sourcedId="c4", title="Old", status="tobedeleted"),
        record(CLASSES, sourcedId="c5", title="c1"),
    )  # fmt: skip
    export.write(
        "enrollments", ENROLLMENTS,
        export.enrolled("s1", "c1"), export.enrolled("s1", "c3"), export.enrolled("s1", "c4"),
        export.enrolled("s2", "c5"),
    )  # fmt: skip
    assert {one.student_id: one.courses for one in export.students().values()} == {
        "s1": ("c1", "M-1", "c3", "Art"),
        "s2": ("c5",),  # its title is the id of another class
    }


def test_a_guardian_is_an_agent_who_is_one_by_role(export):
    export.write(
        "users", USERS,
        export.user("s1", agentSourcedIds="t1, g1,g2"), export.user("s2", agentSourcedIds="t1"),
        export.user("t1", email="teacher@x.org"), export.user("g1"), export.user("g2", email="mum@x.org"),
    )  # fmt: skip
    assert {one.guardian_email for one in export.students().values()} == {""}  # nobody's role is known
    export.write(
        "roles", ROLES,
        record(ROLES, userSourcedId="t1", role="teacher"), record(ROLES, userSourcedId="g1", role="parent"),
        record(ROLES, userSourcedId="g2", role="guardian"),
    )  # fmt: skip
    assert {one.student_id: one.guardian_email for one in export.students().values()} == {"s1": "mum@x.org", "s2": ""}


def test_files_of_version_1_1_have_the_role_in_users(export):
    header = (
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
        "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
    )
    export.write(
        "users", header,
        record(header, sourcedId="s1", role="student", givenName="A", familyName="B", agentSourcedIds="g"),
        record(header, sourcedId="s2", role="student", givenName="A", familyName="C"),
        record(header, sourcedId="g", role="guardian", givenName="D", familyName="B", email="d@x.org"),
    )  # fmt: skip
    assert export.students()["s1"].guardian_email == "d@x.org"


def test_a_csv_roster_is_still_a_roster_by_whatever_name(tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("student_id,name,email,guardian_email,consent\nS1,Al,,,yes\n", encoding="utf-8")
    for given_path in (path, tmp_path):
        assert [row.student.student_id for row in read_students(given_path, TODAY)] == ["S1"]


def test_a_delta_is_refused_for_who_is_not_in_it_is_not_gone(export):
    export.write("manifest", "propertyName,value", "manifest.version,1.0", "oneroster.version,1.2", "file.users,bulk")
    assert len(export.students()) == 2
    export.write("manifest", "propertyName,value", "file.users,bulk", "file.enrollments,delta")
    assert "manifest.csv, line 3: file.enrollments is a delta" in export.refusal()


def test_missing_files_and_columns_are_named(export, tmp_path):
    (tmp_path / "enrollments.csv").unlink()
    assert "enrollments.csv: is missing" in export.refusal()
    export.write("enrollments", "classSourcedId,role", "c1,student")
    assert "the columns userSourcedId are missing" in export.refusal()
    export.write("users", "sourcedId,givenName", "s1,Al")
    assert "the columns familyName are missing" in export.refusal()
    (tmp_path / "users.csv").unlink()
    assert "there is no users.csv" in export.refusal()


def test_what_is_wrong_is_named_with_its_line(export):
    export.write("users", USERS, export.user("s1"), export.user("s1"), export.user(""), "a,b", export.user("s2\x07"))
    line = export.refusal()
    assert "line 3: the sourcedId 's1' is already on line 2" in line
    assert "line 4: the sourcedId is empty" in line
    assert "line 5: 2 fields where the header has 23" in line
    assert "line 6: the sourcedid has a control character" in line
    export.write("users", USERS, export.user("s1"))
    export.write("enrollments", ENROLLMENTS, export.enrolled("s1", "c1", endDate="soon"), export.enrolled("s9", "c1"))
    assert "line 2: endDate is 'soon'" in export.refusal()
    assert "line 3: the user 's9' is not in users.csv" in export.refusal()


def test_an_export_without_any_student_is_refused(export):
    export.write("enrollments", ENROLLMENTS, export.enrolled("s1", "c1", "teacher"))
    assert "no student is enrolled in a class" in export.refusal()


def test_another_encoding_is_refused_with_its_place(export, tmp_path):
    export.write("users", USERS, export.user("s1", givenName="Jörg"), export.user("s2"))
    path = tmp_path / "users.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    assert "users.csv, line 2" in export.refusal()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120), st.sampled_from(["users", "enrollments", "classes", "roles", "manifest", "consent"]))
def test_any_bytes_in_any_file_are_students_or_one_line(export, content, name):
    path = export.folder / f"{name}.csv"
    before = path.read_bytes() if path.exists() else b""
    path.write_bytes(before + content)
    try:
        with contextlib.suppress(RosterError):
            assert all(one.courses and not one.consent for one in export.students().values())
    finally:
        if before:
            path.write_bytes(before)
        else:
            path.unlink()
