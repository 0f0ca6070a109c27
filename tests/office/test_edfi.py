"""After any changes of registers and excuses, and any interruption, the Ed-Fi system agrees with the registers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_daemon_office.decisions.models import Excuse
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.interfaces.edfi.client import EdFiClient
from edge_daemon_office.interfaces.edfi.mapping import read_mapping
from edge_daemon_office.interfaces.edfi.send import SendResult, send_events
from edge_daemon_office.interfaces.marks import state_of
from edge_daemon_office.interfaces.models import CourseSection, EdFiEvent
from edge_daemon_office.interfaces.settings import EDFI_CATEGORIES, EdFiSettings
from edge_daemon_office.registers.models import Mark
from edge_daemon_office.shared.attendance.edfi import attendance_event
from edge_daemon_office.shared.types import Tally, Verdict
from tests.office.edfi_server import EdFiServer, an_edfi_server
from tests.office.school_tree import pinned_room
from tests.registers import START

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
TODAY = date(2026, 11, 20)
MAPPING = """course,local_course_code,section_identifier,session_name,school_year,class_period,start
7a,MATH,S7A,Fall,2027,P1,08:00
7a,MATH,S7A,Fall,2027,P2,09:00
7b,BIO,S7B,Fall,2027,,
"""
FLAGS = {"late": "late", "left_early": "left_early"}


@pytest.fixture(scope="module")
def server() -> Iterator[EdFiServer]:
    with an_edfi_server({"S7A", "S7B"}) as one:
        yield one


@pytest.fixture
def school(office, server):
    """A school whose Ed-Fi system is empty."""
    server.events.clear()
    server.asked.clear()
    server.students, server.status = None, 0
    path = office.folder / "mapping.csv"
    path.write_text(MAPPING, "utf-8")
    usual = {
        state: f"uri://ed-fi.org/AttendanceEventCategoryDescriptor#{one}" for state, one in EDFI_CATEGORIES.items()
    }
    edfi = EdFiSettings(server.url, "key", "secret", 255901, path, usual)
    return replace(office.schools["north"], edfi=edfi)


def test_a_correction_deletes_the_absence_and_an_excuse_changes_its_category(school, server):
    room = pinned_room(school, "room 1")
    register = room.register(START, {"S1": 0.9, "S2": 0.0, "S3": 0.0}, "7a")
    room.deliver(register)
    ingest(school, NOW)
    result = send_events(school, TODAY)
    assert (result.sent, result.deleted, result.unmapped, result.refused, result.down) == (2, 0, {}, [], "")
    absent = {(one, "2026-11-16", "S7A", "Unexcused Absence"): frozenset({"P1"}) for one in ("S2", "S3")}
    assert server.state() == absent
    before = len(server.asked)
    assert send_events(school, TODAY).unchanged == 2
    assert len(server.asked) == before  # nothing new: nothing is asked
    room.correct(register, "S2", "present")
    ingest(school, NOW)
    about = {"first_day": date(2026, 11, 16), "last_day": date(2026, 11, 16), "code": "illness", "at": NOW}
    Excuse.objects.create(school="north", excuse_id="1", student_id="S3", **about)
    server.asked.clear()
    result = send_events(school, TODAY)
    assert (result.sent, result.deleted) == (1, 2)
    assert server.state() == {("S3", "2026-11-16", "S7A", "Excused Absence"): frozenset({"P1"})}
    kinds = [one.split()[0] for one in server.asked]
    assert kinds == ["DELETE", "DELETE", "POST"]  # delete, then post: the category is part of the key


def test_the_lines_of_the_page_are_sent_in_place_of_those_of_the_file(school, server):
    room = pinned_room(school, "room 1")
    room.deliver(room.register(START, {"S2": 0.0}, "7a"))
    ingest(school, NOW)
    school.edfi.mapping.unlink()
    with pytest.raises(OfficeError, match="fill the page Ed-Fi"):
        send_events(school, TODAY)
    section = {"local_course_code": "BIO", "section_identifier": "S7B", "session_name": "Fall", "school_year": 2027}
    CourseSection.objects.create(school="north", line_id="1", course="7a", class_period="P9", **section)
    assert send_events(school, TODAY).sent == 1
    assert server.state() == {("S2", "2026-11-16", "S7B", "Unexcused Absence"): frozenset({"P9"})}


def put_mark(student: str, day: int, period: int, course: str, state: str) -> None:
    start = START + timedelta(days=day, hours=period)
    lesson_id = f"{course}-{day}-{period}"
    Mark.objects.filter(school="north", lesson_id=lesson_id, student_id=student).delete()
    if state != "gone":
        standing = {"late": "present", "left_early": "present"}.get(state, state)
        verdict = "inconclusive" if state == "to_confirm" else standing
        when = {"day": start.date(), "month": 202611, "start": start}
        state_fields = {"verdict": verdict, "standing": standing, "flags": FLAGS.get(state, ""), "share": 0.5}
        counts = {"captures_seen": 1, "captures_facing": 1, "is_counted": True}
        about = {"lesson_id": lesson_id, "student_id": student, "course": course}
        Mark.objects.create(school="north", **about, **when, **state_fields, **counts)


class CutClient(EdFiClient):
    """A client whose process is killed at one request: before it is sent, or before its answer is read."""

    def __init__(self, edfi: EdFiSettings, at: int, *, after: bool) -> None:
        super().__init__(edfi)
        self.at, self.after, self.count = at, after, 0

    def _send(self, *words: Any) -> Any:
        self.count += 1
        if self.count == self.at and not self.after:
            raise KeyboardInterrupt
        answer = super()._send(*words)
        if self.count == self.at:
            raise KeyboardInterrupt
        return answer


STATES = ("present", "absent", "late", "left_early", "to_confirm", "not_assessed", "gone")
MARKS = st.tuples(
    st.just("mark"), st.sampled_from(("S1", "S2")), st.integers(0, 1), st.integers(0, 1), st.sampled_from(("7a", "7b"))
)
STEPS = st.one_of(
    st.tuples(MARKS, st.sampled_from(STATES)),
    st.tuples(st.just("excuse"), st.sampled_from(("S1", "S2")), st.integers(0, 1), st.booleans()),
    st.tuples(st.just("run"), st.integers(1, 6), st.booleans()),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(steps=st.lists(STEPS, max_size=14))
def test_any_history_with_any_cut_ends_in_the_right_state(school, server, steps):
    for model in (Mark, Excuse, EdFiEvent):
        model.objects.all().delete()
    server.events.clear()
    marks: dict[tuple[str, int, int, str], str] = {}
    excused: set[tuple[str, int]] = set()
    for step in steps:
        if step[0] == "excuse":
            _, student, number, is_there = step
            Excuse.objects.filter(student_id=student, excuse_id=f"{student} {number}").delete()
            excused.discard((student, number))
            if is_there:
                day = START.date() + timedelta(days=number)
                about = {"first_day": day, "last_day": day, "code": "illness", "at": NOW}
                Excuse.objects.create(school="north", excuse_id=f"{student} {number}", student_id=student, **about)
                excused.add((student, number))
        elif step[0] == "run":
            with contextlib.suppress(KeyboardInterrupt):
                send_events(school, TODAY, client=CutClient(school.edfi, step[1], after=step[2]))
        else:
            (_, student, day, period, course), state = step
            put_mark(student, day, period, course, state)
            marks[student, day, period, course] = state
    result = send_events(school, TODAY)
    assert (result.refused, result.down) == ([], "")
    expected: dict[tuple[str, str, str, str], frozenset[str]] = {}
    words = {"absent": "Unexcused Absence", "late": "Tardy", "left_early": "Early departure"}
    for (student, day, period, course), state in marks.items():
        word = "Excused Absence" if state == "absent" and (student, day) in excused else words.get(state)
        if word:
            name = (student, str(START.date() + timedelta(days=day)), f"S{course.upper()}", word)
            more = {f"P{period + 1}"} if course == "7a" else set()
            expected[name] = expected.get(name, frozenset()) | more
    assert server.state() == expected
    asked = len(server.asked)
    send_events(school, TODAY)
    assert len(server.asked) == asked


def test_a_system_that_is_down_or_refuses_is_named_and_nothing_is_lost(school, server):
    for student in ("S1", "S2"):
        put_mark(student, 0, 0, "7a", "absent")
    put_mark("S1", 0, 1, "8c", "absent")
    server.status = 503
    result = send_events(school, TODAY)
    assert (result.sent, result.down) == (0, "answers with status 503")
    server.status, server.students = 0, {"S1"}
    result = send_events(school, TODAY)
    assert (result.sent, result.unmapped) == (1, {"8c, 09:00": 1})
    assert result.refused == [
        "2026-11-16: status 409: The value supplied for the related 'studentSectionAssociation' does not exist."
    ]
    asked = len(server.asked)
    assert send_events(school, TODAY).sent == 0
    assert len(server.asked) == asked  # a refused event is not tried at each run
    server.students = None
    later = datetime.now(timezone.utc) + timedelta(days=1)
    assert send_events(school, TODAY, now=lambda: later).sent == 1
    assert len(server.events) == 2
    server.token = "expired"
    put_mark("S1", 0, 0, "7a", "present")
    assert send_events(school, TODAY).deleted == 1
    nobody = replace(school, edfi=replace(school.edfi, client_secret="wrong"))
    put_mark("S1", 0, 0, "7a", "absent")
    assert "gives no token (status 401)" in send_events(nobody, TODAY).down
    gone = replace(school, edfi=replace(school.edfi, url="http://127.0.0.1:1"))
    assert send_events(gone, TODAY).down == "does not answer (ConnectionRefusedError)"
    assert isinstance(send_events(school, TODAY), SendResult)


@pytest.mark.parametrize(
    ("line", "expected_message"),
    [
        ("7a,MATH,S7A,Fall,x,P1,08:00", "'x' is not a school year"),
        ("7a,MATH,,Fall,2027,P1,08:00", "has no section_identifier"),
        ("7a,MATH,S7A,Fall,2027,P1,8 o'clock", "is not a time"),
    ],
)
def test_a_wrong_line_of_the_mapping_is_named(tmp_path, line, expected_message):
    path = tmp_path / "m.csv"
    path.write_text(MAPPING + line + "\n", "utf-8")
    with pytest.raises(OfficeError) as caught:
        read_mapping(path)
    assert expected_message in caught.value.line()
    assert f"{path}, line 5" in caught.value.line()
    with pytest.raises(OfficeError, match="is not there"):
        read_mapping(tmp_path / "none.csv")


def test_states_are_worded_as_the_document_words_verdicts():
    tally = Tally("S1", 10, 5, START, START)
    for verdict in ("present", "absent"):
        for flags in ((), ("late",), ("left_early",), ("late", "left_early"), ("late", "corrected")):
            if verdict == "absent" and flags:
                continue
            word = attendance_event(Verdict(tally, 0.5, verdict, flags))
            mark = Mark(verdict=verdict, standing=verdict, flags=" ".join(flags))
            state = state_of(mark, [])
            assert EDFI_CATEGORIES.get(state, "In Attendance") == word
