"""OneRoster files: each student gets the right classes, and no consent is invented."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_daemon.errors import RosterError
from edge_daemon.gallery.enrolment_dates import is_expected
from edge_daemon.gallery.oneroster import read_student_names, read_students
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
    """Return a line of a file; columns that are not given are empty."""
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
        return {row.student.student_id: row.student for row in read_students(self.folder, TODAY).rows}

    def remarks(self) -> list[str]:
        return [str(one) for one in read_students(self.folder, TODAY).remarks]

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
    row = read_students(export.folder / "users.csv", TODAY).rows[0]
    assert (row.student.name, row.student.email, row.student.guardian_email) == ("Al Ash", "al@x.org", "")
    assert row.extra == {"identifier": "4711", "grades": "09"}


def test_without_a_written_consent_no_student_has_agreed(export):
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
    assert export.students()["s2"].consent
    export.write("consent", "sourcedId,consent", "s2,perhaps")
    assert "consent.csv, line 2: consent is 'perhaps'" in export.refusal()
    export.write("consent", "sourcedId,consent", "s2,yes", "s2,no")
    assert "'s2' is already on line 2" in export.refusal()


def test_where_both_are_asked_one_no_is_enough(export):
    header = USERS + ",metadata.consent"
    export.write("users", header, export.user("s1") + ",no", export.user("s2") + ",yes")
    export.write("consent", "sourcedId,consent", "s1,yes", "s2,no")
    assert {one.consent for one in export.students().values()} == {False}


@pytest.mark.parametrize("status", ["tobedeleted", "inactive"])
def test_a_user_who_is_to_be_deleted_is_left_out_in_every_file(export, status):
    export.write("users", USERS, export.user("s1", status=status), export.user("s2", status="active"))
    assert list(export.students()) == ["s2"]
    assert f"users.csv: 1 record left out because of the status '{status}'" in export.remarks()
    export.write("users", USERS, export.user("s1"), export.user("s2"))
    export.write("enrollments", ENROLLMENTS, export.enrolled("s1", "c1", status=status), export.enrolled("s2", "c1"))
    assert list(export.students()) == ["s2"]
    assert f"enrollments.csv: 1 record left out because of the status '{status}'" in export.remarks()


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


def test_names_for_the_office_come_out_of_users(export, tmp_path):
    export.write("users", USERS, export.user("s1", givenName="Ann", familyName="Lee"), export.user("s2"))
    names = read_student_names(export.folder)
    assert names["s1"] == "Ann Lee"
    assert names == read_student_names(export.folder / "users.csv")
    path = tmp_path / "names.csv"
    path.write_text("id;name\nS1;Ann\n", encoding="utf-8")
    assert read_student_names(path) == {"S1": "Ann"}


def test_a_csv_roster_is_still_a_roster_by_whatever_name(tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("student_id,name,email,guardian_email,consent\nS1,Al,,,yes\n", encoding="utf-8")
    for given_path in (path, tmp_path):
        assert [row.student.student_id for row in read_students(given_path, TODAY).rows] == ["S1"]


def test_a_delta_is_refused_because_it_lacks_students_who_have_not_left(export):
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


def test_damaged_rows_are_named_with_their_lines_and_cost_no_other_row(export):
    export.write(
        "users", USERS, export.user("s1"), export.user("s1"), export.user(""), "a,b", export.user("s3\x07"),
        export.user("2.0261E+11"), export.user("s2"),
    )  # fmt: skip
    export.write(
        "enrollments", ENROLLMENTS, *(export.enrolled(one, "c1") for one in ("s1", "s2", "2.0261E+11")),
        export.enrolled("s2", "c2", endDate="soon"), export.enrolled("s9", "c1"),
        export.enrolled("s2", "c3", beginDate="2026-05-01", endDate="2026-04-01"),
    )  # fmt: skip
    roster = read_students(export.folder, TODAY)
    assert {row.student.student_id: row.student.courses for row in roster.rows} == {"s1": ("c1",), "s2": ("c1",)}
    left_out = [str(remark) for remark in roster.left_out]
    for expected in (
        "users.csv, line 4: the sourcedId is empty",
        "users.csv, line 5: 2 fields where the header has 23",
        "users.csv, line 6: the sourcedid has a control character",
        "users.csv, line 7: the student_id was shortened",
        "enrollments.csv, line 5: endDate is 'soon'",
        "enrollments.csv, line 6: the user 's9' is not in users.csv",
        "enrollments.csv, line 7: ends on 2026-04-01",
    ):
        assert sum(one.startswith(expected) for one in left_out) == 1, expected
    assert len(left_out) == 7
    assert "users.csv, line 3: is the same as line 2, and is read once" in map(str, roster.remarks)


def test_an_enrolment_with_an_unknown_role_is_named(export):
    export.write(
        "enrollments", ENROLLMENTS, export.enrolled("s1", "c1"), export.enrolled("s2", "c1", role=""),
        export.enrolled("s2", "c1", role="pupil"), export.enrolled("s2", "c1", role="Proctor"),
    )  # fmt: skip
    roster = read_students(export.folder, TODAY)
    assert [row.student.student_id for row in roster.rows] == ["s1"]
    assert [str(remark) for remark in roster.left_out] == [
        "enrollments.csv, line 3: has the role '', expected student or teacher",
        "enrollments.csv, line 4: has the role 'pupil', expected student or teacher",
    ]


def test_two_different_users_of_one_id_are_refused(export):
    export.write("users", USERS, export.user("s1"), export.user("s1", email="other@x.org"), export.user(""))
    line = export.refusal()
    assert "users.csv, line 3: the sourcedId 's1' is already on line 2" in line
    assert "users.csv, line 4: the sourcedId is empty" in line


def test_an_enrolment_in_a_class_that_is_nowhere_is_left_out(export):
    export.write("classes", CLASSES, record(CLASSES, sourcedId="c1", title="Maths"))
    export.write("enrollments", ENROLLMENTS, export.enrolled("s1", "c1"), export.enrolled("s2", "cX"))
    roster = read_students(export.folder, TODAY)
    assert [row.student.student_id for row in roster.rows] == ["s1"]
    assert [str(one) for one in roster.left_out] == ["enrollments.csv, line 3: the class 'cX' is not in classes.csv"]
    export.write("enrollments", ENROLLMENTS, export.enrolled("s2", "cX"))
    assert "line 2: the class 'cX' is not in classes.csv" in export.refusal()


def test_dates_are_kept_for_the_day_of_the_lesson(export):
    export.write(
        "enrollments", ENROLLMENTS,
        export.enrolled("s1", "c1", beginDate="2026-04-01"), export.enrolled("s1", "c2"),
        export.enrolled("s2", "c1", beginDate="2025-09-01", endDate="2026-03-10"),
    )  # fmt: skip
    first, second = export.students()["s1"], export.students()["s2"]
    assert first.courses == ("c1", "c2")
    assert [is_expected(first, "c1", date(2026, month, 1)) for month in (3, 4)] == [False, True]
    assert is_expected(first, "c2", TODAY)
    assert [is_expected(second, course, date(2026, 3, day)) for day in (9, 10) for course in ("c1", "")] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2026-04-01T00:00:00.000Z", "2026-05-01T00:00:00Z"),
        ("2026-03-31T22:00:00.000Z", "2026-04-30T22:00:00Z"),
        ("2026-04-01 00:00:00", "2026-05-01 00:00"),
        ("01.04.2026", "01.05.2026"),
        ("04/01/2026", "05/01/2026"),
        ("2026-04-01T00:00:00.0000000+02:00", "2026-05-01T00:00:00+02:00"),
    ],
)
def test_days_are_read_in_the_forms_that_systems_write(export, begin, end):
    export.write(
        "enrollments", ENROLLMENTS,
        export.enrolled("s1", "c1", beginDate=begin, endDate=end),
        export.enrolled("s2", "c1", beginDate="08/25/2025"),  # shows that the month comes first
    )  # fmt: skip
    roster = read_students(export.folder, TODAY, ZoneInfo("Europe/Berlin"))
    (period,) = roster.rows[0].student.periods
    assert (period.begin, period.end) == (date(2026, 4, 1), date(2026, 5, 1))


def test_days_in_an_ambiguous_order_are_left_out(export):
    export.write(
        "enrollments", ENROLLMENTS,
        export.enrolled("s1", "c1", beginDate="04/01/2026"), export.enrolled("s2", "c1", beginDate="2026-02-30"),
        export.enrolled("s2", "c2"),
    )  # fmt: skip
    roster = read_students(export.folder, TODAY)
    assert [row.student.courses for row in roster.rows] == [("c2",)]
    assert [one.line for one in roster.left_out] == [2, 3]


def test_guids_are_compared_without_regard_to_capitals(export):
    export.write("users", USERS, export.user("{0A1B}", agentSourcedIds="{0C}"), export.user("{0c}", email="mum@x.org"))
    export.write("roles", ROLES, record(ROLES, userSourcedId="{0C}", role="Guardian"))
    export.write("classes", CLASSES, record(CLASSES, sourcedId="C1", title="Maths"))
    export.write("enrollments", ENROLLMENTS, export.enrolled("{0a1b}", "c1"))
    export.write("consent", "sourcedId,consent", "{0a1B},yes")
    (student,) = export.students().values()
    assert (student.student_id, student.courses, student.consent, student.guardian_email) == (
        "{0A1B}", ("C1", "Maths"), True, "mum@x.org",
    )  # fmt: skip


def test_ids_that_differ_in_capitals_alone_are_not_taken_for_each_other(export):
    export.write("users", USERS, export.user("s1"), export.user("S1"))
    export.write("enrollments", ENROLLMENTS, export.enrolled("s1", "c1"), export.enrolled("S1", "c2"))
    assert {key: one.courses for key, one in export.students().items()} == {"s1": ("c1",), "S1": ("c2",)}


@pytest.mark.parametrize("value", ["delta", "DELTA", "Delta "])
def test_a_delta_is_one_however_the_manifest_writes_it(export, value):
    export.write("manifest", "propertyName,value", f"File.Users,{value}")
    assert "manifest.csv, line 2: file.users is a delta" in export.refusal()


def test_without_a_manifest_a_delta_shows_by_its_status(export):
    stamp = {"dateLastModified": "2026-02-28T10:00:00Z"}
    gone, there = ({"status": status, **stamp} for status in ("tobedeleted", "active"))
    export.write("users", USERS, export.user("s1", **there), export.user("s2", **gone))
    assert "users.csv: is a delta" in export.refusal()
    export.write("users", USERS, export.user("s1", **there), export.user("s2", **there))
    assert len(export.students()) == 2  # some systems fill these columns in bulk, too
    export.write("users", USERS, export.user("s1"), export.user("s2", **gone))
    assert list(export.students()) == ["s1"]


def test_files_are_found_whatever_the_case_of_their_names(export):
    for name in ("users", "enrollments"):
        (export.folder / f"{name}.csv").rename(export.folder / f"{name.title()}.CSV")
    assert list(export.students()) == ["s1", "s2"]


def test_semicolons_and_tabs_in_cells_are_read_with_a_word(export):
    export.write("users", USERS, export.user("s1", givenName="An\tna"), export.user("s2"))
    for name in ("users", "enrollments"):
        path = export.folder / f"{name}.csv"
        path.write_text(path.read_text().replace(",", ";"))
    roster = read_students(export.folder, TODAY)
    assert roster.rows[0].student.name.startswith("An na")
    words = [str(remark) for remark in roster.remarks]
    assert "users.csv: the cells are separated by ';'" in words
    assert any(word.startswith("users.csv, line 2: the givenname has a control character") for word in words)


def test_an_export_without_any_student_is_refused(export):
    export.write("enrollments", ENROLLMENTS, export.enrolled("s1", "c1", "teacher"))
    assert "no student is enrolled in a class" in export.refusal()


def test_another_encoding_is_read_with_a_word(export, tmp_path):
    export.write("users", USERS, export.user("s1", givenName="Jörg"), export.user("s2"))
    path = tmp_path / "users.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    assert export.students()["s1"].name.startswith("Jörg ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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
