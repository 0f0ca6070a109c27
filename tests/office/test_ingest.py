"""From the tree to the tables: each document once, in any order; an untrusted document is a problem."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.attendance.confirmation import confirm
from edge_daemon.attendance.doubt import counts
from edge_daemon.device.signing import signed
from edge_daemon.types import Confirmation
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.keys import offered, pin, read_keys, unpin
from edge_daemon_office.ingest.ledger_checks import check_ledger
from edge_daemon_office.ingest.run import ingest, rebuild
from edge_daemon_office.ingest.store import TALLY
from tests.app.collect.test_hostile_documents import NUMBERS, document
from tests.office.school_tree import pinned_room, tables
from tests.office_tree import OfficeRoom
from tests.registers import START, a_register

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
SEED_SHA256 = a_register(OfficeRoom(Path("x"), "x", with_key=False).lesson(START), {"S1": 1.0})[0].plan.seed_sha256


def a_week(room: OfficeRoom) -> None:
    """Deliver five lessons, one of them corrected, one of them not held."""
    room.promise([room.lesson(START + timedelta(days=n)) for n in range(6)], START - timedelta(days=1), SEED_SHA256)
    for n in range(5):
        register = room.register(START + timedelta(days=n), {"S1": 0.9, "S2": 0.1, "S3": 0.0})
        room.deliver(register)
        if n == 1:
            room.correct(room.correct(register, "S2", "present"), "S3", "present")
        if n == 2:
            room.deliver(confirm(register, Confirmation(False, "Office", register.lesson.end)))
    room.heartbeat(NOW)


def test_a_day_is_tallied_from_its_own_marks_only(office):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {TALLY}", ["north", "2026-11-16", "7b", 202611])
        plan = " ".join(row[3] for row in cursor.fetchall())
    assert "USING INDEX mark_day (school=? AND day=? AND course=?)" in plan


def test_a_week_is_in_the_tables_as_the_device_counts_it(office):
    from edge_daemon_office.registers.models import DayTally, Heartbeat, Lesson, Mark, Promise, Revision, SignedChange

    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    a_week(room)
    result = ingest(school, NOW)
    assert (result.registers, result.commitments, result.left_out, result.problems) == (8, 1, 0, 0)
    assert Lesson.objects.count() == 5
    assert Revision.objects.count() == 8
    assert Mark.objects.count() == 15
    assert sorted(Lesson.objects.values_list("revision", flat=True)) == [1, 1, 1, 2, 3]
    corrected = Lesson.objects.get(revision=3)
    assert (corrected.present, corrected.absent, corrected.to_confirm) == (3, 0, 0)
    assert list(SignedChange.objects.order_by("number").values_list("student_id", "verdict", "by")) == [
        ("", "not_held", "Office"),
        ("S2", "present", "Ms Ünal"),
        ("S3", "present", "Ms Ünal"),
    ]
    for lesson in Lesson.objects.exclude(revision__gt=1):
        expected = counts(a_register(room.lesson(lesson.start), {"S1": 0.9, "S2": 0.1, "S3": 0.0})[0])
        assert (lesson.present, lesson.absent, lesson.to_confirm) == (
            expected["present"],
            expected["absent"],
            expected["to_confirm"],
        )
    totals = Counter[str]()
    for row in DayTally.objects.all():  # the lesson that was not held counts nowhere
        totals.update(present=row.present, absent=row.absent, to_confirm=row.to_confirm)
    assert sum(totals.values()) == 12
    assert Promise.objects.count() == 6
    assert Heartbeat.objects.get().version == "0.9.0"


def test_a_second_run_examines_nothing_and_changes_nothing(office):
    school = office.schools["north"]
    a_week(pinned_room(school, "room 1"))
    ingest(school, NOW)
    before = tables(school)
    assert ingest(school, NOW + timedelta(hours=1)).documents == 0
    assert tables(school) == before


def test_documents_in_any_order_and_a_rebuild_give_the_same_tables(office, tmp_path):
    school = office.schools["north"]
    a_week(pinned_room(school, "room 1"))
    ingest(school, NOW)
    before = tables(school)
    shutil.move(school.tree, tmp_path / "all")
    files = sorted(path for path in (tmp_path / "all").rglob("*.json"))
    random.Random(7).shuffle(files)
    for model in tables(school):  # begin with nothing, and let the documents come in five parts
        assert model
    school.tree.mkdir()
    (school.tree / "v1/devices").mkdir(parents=True)
    rebuild(school, NOW)
    for start in range(0, len(files), 3):
        for path in files[start : start + 3]:
            target = school.tree / path.relative_to(tmp_path / "all")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        ingest(school, NOW)
    assert tables(school) == before
    rebuild(school, NOW)
    assert tables(school) == before


def test_a_run_that_is_cut_between_two_rooms_goes_on_the_next_time(office):
    school = office.schools["north"]
    for device in ("room 1", "room 2"):
        a_week(pinned_room(school, device))

    def cut(folder: str) -> None:
        if folder == "room 2":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(school, NOW, cut)
    assert ingest(school, NOW).registers == 8
    before = tables(school)
    rebuild(school, NOW)
    assert tables(school) == before


def problems() -> dict[str, str]:
    from edge_daemon_office.registers.models import Problem

    return dict(Problem.objects.values_list("where", "what"))


@pytest.mark.parametrize("what", NUMBERS)
def test_a_document_that_no_device_makes_becomes_a_problem_signed_or_not(office, what):
    school = office.schools["north"]
    bad = pinned_room(school, "bad")
    bad.deliver(bad.register(START, {"s": 1.0}))
    fields = document(bad, **NUMBERS[what])
    bad.put("v1/devices/bad/registers/evil/1.json", signed(fields, bad.signer))
    bad.put(
        "v1/devices/bad/registers/evil/2.json", signed({**fields, "revision": 2}, OfficeRoom(school.tree, "x").signer)
    )
    result = ingest(school, NOW)
    assert result.registers == 1
    assert result.left_out == 2
    assert {"bad/registers/evil/1.json", "bad/registers/evil/2.json"} <= problems().keys()


TEXTS = [
    "",
    "{}",
    "null",
    "\ufeff{}",
    '{"a":' * 5000 + "1" + "}" * 5000,
    '{"revision":' + "9" * 100_000 + "}",
    '{"public_key":"\\ud800","signature":"\\ud800"}',
    '"signature":"' + "0" * 128 + '"' + '"public_key":"' + "0" * 64 + '"',
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_that_was_made_to_end_the_run_becomes_a_problem(office, text):
    school = office.schools["north"]
    room = pinned_room(school, "bad")
    for path in ("registers/evil/1.json", "commitments/evil.json", "key.json", "status.json"):
        room.put(f"v1/devices/bad/{path}", text)
    assert ingest(school, NOW).left_out == 2
    assert {"bad/registers/evil/1.json", "bad/commitments/evil.json"} <= problems().keys()


@pytest.mark.parametrize("student_id", ["", "a\nb", "x" * 201, "\0", "\ud800"])
def test_a_signed_register_with_an_impossible_student_becomes_a_problem(office, student_id):
    school = office.schools["north"]
    bad = pinned_room(school, "bad")
    bad.deliver(bad.register(START, {"s": 1.0}))
    (student,) = document(bad)["students"]  # type: ignore[misc]
    if student_id == "\ud800":
        text = signed(document(bad, students=[student]), bad.signer).replace(
            '"student_id":"s"', '"student_id":"\\ud800"'
        )
    else:
        text = signed(document(bad, students=[{**student, "student_id": student_id}]), bad.signer)
    bad.put("v1/devices/bad/registers/evil/1.json", text)
    assert ingest(school, NOW).left_out == 1


def test_documents_of_another_room_and_two_that_differ_are_left_out(office):
    from edge_daemon_office.registers.models import Mark

    school = office.schools["north"]
    one, two = pinned_room(school, "room 1"), pinned_room(school, "room 2")
    path = one.deliver(one.register(START, {"S1": 0.9}))
    two.put("v1/devices/room 2/registers/x/1.json", path.read_text())
    other = one.register(START, {"S1": 0.0})
    text = path.read_text("utf-8")
    differs = one.deliver(other).read_text("utf-8")
    path.write_text(text, "utf-8")
    one.put("v1/devices/room 1/registers/y/1.json", differs)
    copy = path.with_name("1 (copy).json")
    copy.write_text(differs, "utf-8")
    ingest(school, NOW)
    assert "another key" in problems()["room 2/registers/x/1.json"]
    assert "folder of another lesson" in problems()["room 1/registers/y/1.json"]
    assert "both signed" in problems()[copy.relative_to(school.tree / "v1/devices").as_posix()]
    assert Mark.objects.get().verdict == "present"


def test_nothing_counts_before_its_key_is_pinned_and_nothing_after_it_is_taken_off(office):
    from edge_daemon_office.ingest.keys import pin
    from edge_daemon_office.registers.models import DayTally, Lesson, Mark

    school = office.schools["north"]
    room = OfficeRoom(school.tree, "room 1")
    a_week(room)
    assert ingest(school, NOW).left_out == 9
    assert Lesson.objects.count() == 0
    assert problems() == {"room 1": "no key is pinned for this device; documents left out: 9"}
    pin(school.keys, "room 1", room.signer.public_key)
    result = ingest(school, NOW)
    assert (result.registers, result.left_out) == (8, 0)
    assert problems() == {}
    school.keys.write_text("device,public_key\n" + f"room 1,{'0' * 64}\n", "utf-8")
    ingest(school, NOW)
    assert (Lesson.objects.count(), Mark.objects.count(), DayTally.objects.count()) == (0, 0, 0)
    assert all("not pinned" in what for what in problems().values())
    pin(school.keys, "room 1", room.signer.public_key)
    assert ingest(school, NOW).registers == 8


def test_a_key_that_is_unpinned_leaves_all_other_lines_as_they_are(tmp_path):
    path, right, wrong = tmp_path / "keys.csv", "a" * 64, "b" * 64
    head = f"\ufeffdevice;public_key;note\r\n\r\nroom 1;{right};mine\r\n"
    path.write_bytes(f'{head}room 1;{wrong.upper()};"x"\r\nroom 2;{wrong};"x\r\ny"\r\n'.encode())
    path.chmod(0o640)
    unpin(path, "room 1", wrong)
    assert path.read_bytes() == f'{head}room 2;{wrong};"x\r\ny"\r\n'.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(OfficeError, match="by hand"):
        unpin(path, "room 2", wrong)
    assert [one.name for one in tmp_path.iterdir()] == ["keys.csv"]


def test_a_document_that_is_taken_away_is_named_and_counts_until_a_rebuild(office):
    from edge_daemon_office.registers.models import Lesson

    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    first = room.deliver(room.register(START, {"S1": 0.9}))
    room.deliver(room.register(START + timedelta(days=1), {"S1": 0.9}))
    ingest(school, NOW)
    first.unlink()
    ingest(school, NOW)
    assert "was removed" in problems()[first.relative_to(school.tree / "v1/devices").as_posix()]
    assert Lesson.objects.count() == 2
    rebuild(school, NOW)
    assert Lesson.objects.count() == 1
    assert any("made before it is not here" in what for what in problems().values())


def test_a_changed_document_is_left_out_and_what_was_proven_stays(office):
    from edge_daemon_office.registers.models import Mark

    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    path = room.deliver(room.register(START, {"S1": 0.9}))
    ingest(school, NOW)
    path.write_text(path.read_text("utf-8").replace('"present"', '"absent"'), "utf-8")
    assert ingest(school, NOW).left_out == 1
    assert "was changed after it was signed" in problems()[path.relative_to(school.tree / "v1/devices").as_posix()]
    assert Mark.objects.get().verdict == "present"


def test_what_is_missing_and_a_broken_promise_are_named(office):
    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    room.promise([room.lesson(START)], START - timedelta(days=1), "0" * 64)
    register = room.register(START, {"S1": 0.9, "S2": 0.0})
    room.deliver(register)
    second = room.correct(register, "S2", "present")
    gone = next((school.tree / "v1/devices/room 1/registers").rglob("2.json"))
    room.correct(second, "S1", "absent")
    gone.unlink()
    ingest(school, NOW)
    (line,) = problems().values()
    assert "revision 2 is not here; revision 3 is taken" in line
    assert "reveals another seed" in line


@pytest.mark.parametrize("what", ["nothing", "revision", "register", "seed", "heartbeat"])
def test_one_new_register_shows_what_is_missing_without_reading_the_whole_ledger(office, monkeypatch, what):
    import edge_daemon_office.ingest.run as run

    school = office.schools["north"]
    room = pinned_room(school, "room 1")
    tomorrow = START + timedelta(days=1)
    room.promise([room.lesson(tomorrow)], START - timedelta(days=1), SEED_SHA256 if what != "seed" else "0" * 64)
    register = room.register(START, {"S1": 0.9})
    room.deliver(register)
    ingest(school, NOW)
    assert problems() == {}
    calls: list[str] = []
    monkeypatch.setattr(run, "check_ledger", lambda name, device: calls.append(device) or check_ledger(name, device))
    if what in ("revision", "register"):
        second = room.correct(register, "S1", "absent")
        gone = next((school.tree / "v1/devices/room 1/registers").rglob("2.json"))
        if what == "revision":
            room.correct(second, "S1", "present")
        gone.unlink()
    room.deliver(room.register(tomorrow, {"S1": 0.9}))
    if what == "heartbeat":
        room.heartbeat(NOW, last_register={"sha256": "f" * 64})
    ingest(school, NOW)
    assert calls == ([] if what == "nothing" else ["room 1"])
    assert len(problems()) == (what != "nothing")
    before = tables(school)
    rebuild(school, NOW)
    assert tables(school) == before


def test_two_schools_share_no_row(office):
    from edge_daemon_office.registers.models import Lesson

    for name, school in office.schools.items():
        room = pinned_room(school, "room 1")
        room.deliver(room.register(START, {f"{name} 1": 0.9}))
        ingest(school, NOW)
    assert Lesson.objects.count() == 2  # the same lesson id in both
    before = tables(office.schools["south"])
    rebuild(office.schools["north"], NOW)
    shutil.rmtree(office.schools["north"].tree / "v1/devices/room 1")
    rebuild(office.schools["north"], NOW)
    assert tables(office.schools["south"]) == before
    assert Lesson.objects.count() == 1


def test_the_roster_gives_names_and_a_wrong_line_is_named(office):
    from edge_daemon_office.registers.models import Student

    school = office.schools["north"]
    school.roster.write_text("student_id;name;courses\nS1;Zoë;7b\nS2;Bela Nagy;7b\n", "utf-8-sig")
    ingest(school, NOW)
    assert dict(Student.objects.values_list("student_id", "name")) == {"S1": "Zoë", "S2": "Bela Nagy"}
    school.roster.write_text("student_id,name\nS1,Zoë\nS1,Zoé\n", "utf-8")
    with pytest.raises(OfficeError, match="line 3"):
        ingest(school, NOW)
    assert Student.objects.count() == 2


@pytest.mark.parametrize(
    "text",
    [
        "device,public_key\na,{a}",
        "\ufeffdevice;public_key\r\na;{a}\r\n",
        "Public_Key,note,device\n{a},from the card,a\n",
    ],
)
def test_a_pinned_key_fits_into_the_list_as_people_and_spreadsheets_write_it(tmp_path, text):
    path = tmp_path / "keys.csv"
    path.write_text(text.format(a="a" * 64), "utf-8", newline="")
    for _ in range(2):
        pin(path, "b", "b" * 64)
    assert read_keys(path) == {"a": {"a" * 64}, "b": {"b" * 64}}


def test_an_offered_key_changes_no_terminal(office):
    school = office.schools["north"]
    room = OfficeRoom(school.tree, "a")
    for name, device in (("b", "\x1b[2Jb"), ("c", "\ud800")):
        room.put(f"v1/devices/{name}/key.json", json.dumps({"device": device, "public_key": room.signer.public_key}))
    assert [device for device, *_ in offered(school.tree, school.keys)] == ["a"]


def test_names_that_are_not_utf_8_are_named_and_everything_else_is_ingested(office):
    from edge_daemon_office.registers.models import Problem

    school = office.schools["north"]
    room = pinned_room(school, "a")
    room.deliver(room.register(START, {"a1": 0.9}))
    devices, odd = school.tree / "v1" / "devices", os.fsdecode(b"S\xfcd")
    try:
        (devices / odd / "commitments").mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (devices / odd / "commitments" / "x.json").write_text("{}")
    (devices / ("x" * 201)).mkdir()
    (devices / "a" / "registers" / odd).mkdir()
    assert ingest(school, NOW).registers == 1
    found = {one.where: one.what for one in Problem.objects.all()}
    wrong = "has a name that is not UTF-8"
    assert found == {"S?d": wrong, "a/registers/S?d": wrong, "x" * 201: "has a name of more than 200 signs"}
    shutil.rmtree(devices / odd)
    (devices / "a" / "registers" / odd).rmdir()
    (devices / ("x" * 201)).rmdir()
    assert ingest(school, NOW).problems == 0


def test_a_file_of_any_size_fits_into_the_table(office):
    from edge_daemon_office.registers.models import Source

    school = office.schools["north"]
    room = pinned_room(school, "a")
    huge = room.deliver(room.register(START, {"a1": 0.9}))
    os.truncate(huge, 2**40)  # without any data on the disk
    assert ingest(school, NOW).left_out == 1
    assert Source.objects.get().size_bytes == 2**31 - 1  # PostgreSQL refuses more
