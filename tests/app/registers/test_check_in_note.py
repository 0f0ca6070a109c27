"""Check-ins from a laptop at the door reach the room's device as a signed note, before or after the register."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.app.inbox.apply import apply_inbox
from edge_daemon.app.inbox.waiting import inbox_dir
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.app.registers.check_in_note import take_check_ins
from edge_daemon.app.registers.check_in_note_reading import read_notes
from edge_daemon.attendance.document import from_json
from edge_daemon.device.signing import Signer, signed
from edge_daemon.errors import CheckinNoteError
from edge_daemon.home import Home
from edge_daemon.store import registers
from edge_daemon.store.alarms import LEDGER, alarms
from edge_daemon.store.check_ins import check_ins_of, note_check_in
from edge_daemon.store.database import open_register
from edge_daemon.timestamps import written
from tests.cli.running import run
from tests.registers import a_lesson, a_register, keep

NOW = datetime.now(timezone.utc).replace(microsecond=0)
START = NOW - timedelta(hours=1)


@pytest.fixture
def laptop(tmp_path):
    home = Home(tmp_path / "laptop")
    roster = tmp_path / "roster.csv"
    roster.write_text("student_id,name,email,guardian_email,consent\nS1,Ann,,,yes\n")
    assert run(tmp_path / "laptop", "enrol", "import", str(roster)).exit_code == 0
    db = open_register(home.register_db_path)
    with closing(db.conn):
        for student_id, minutes in (("S1", 3), ("S2", 4), ("S3", -300)):
            note_check_in(db, student_id, START + timedelta(minutes=minutes))
    assert run(tmp_path / "laptop", "checkin", "note", str(tmp_path / "note.json")).exit_code == 0
    return home


@pytest.fixture
def room(tmp_path, laptop):
    """The room's device, with a key of its own; it trusts the laptop."""
    path = tmp_path / "room"
    assert run(path, "enrol", "import", str(tmp_path / "roster.csv")).exit_code == 0
    (path / "config.toml").write_text(f'[checkin]\ndevices = ["{open_signer(laptop).public_key}"]\n')
    return Home(path)


def put_register(home, shares):
    """Put the register of a lesson into the database; return the lesson's id."""
    db = open_register(home.register_db_path)
    with closing(db.conn):
        lesson = a_lesson(START)
        keep(db, *a_register(lesson, shares), signer=open_signer(home))
        return lesson.lesson_id


def verdicts(home, lesson_id):
    db = open_register(home.register_db_path)
    with closing(db.conn):
        stored = registers.latest(db, lesson_id)
    found = from_json(stored.document).register
    return found.revision, {v.tally.student_id: (v.verdict, v.checked_in_at) for v in found.verdicts}


def accept(home, note):
    return run(home.state_dir, "checkin", "accept", str(note))


def test_a_register_that_is_made_already_gets_one_revision_and_the_rule_keeps_its_verdicts(room, tmp_path):
    lesson_id = put_register(room, {"S1": 0.0, "S2": 0.2, "S3": 0.0, "S4": 0.9})
    before = {"S1": ("absent", None), "S2": ("absent", None), "S3": ("absent", None), "S4": ("present", None)}
    assert verdicts(room, lesson_id) == (1, before)
    for expected in ("1 registers revised", "0 registers revised"):
        result = accept(room, tmp_path / "note.json")
        assert expected in result.stdout, result.stderr
    early, late = START + timedelta(minutes=3), START + timedelta(minutes=4)
    after = {**before, "S1": ("inconclusive", early), "S2": ("absent", late)}
    assert verdicts(room, lesson_id) == (2, after)
    assert run(room.state_dir, "ledger", "verify").exit_code == 0


def test_a_note_before_the_lesson_ends_is_noted_and_twice_is_once(room, tmp_path):
    for _ in range(2):
        result = accept(room, tmp_path / "note.json")
        assert result.exit_code == 0, result.stderr
        assert "3 check-ins, 0 registers revised" in result.stdout
    db = open_register(room.register_db_path)
    with closing(db.conn):
        assert check_ins_of(db, "S1") == [START + timedelta(minutes=3)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"S1"', '"S9"'), "was changed after it was signed"),
        (lambda text: text.replace("check_ins", "checkins"), "is not a note of check-ins"),
        (lambda text: "[]", "is not a note of check-ins"),
        (lambda text: text[:40], "is not a note of check-ins"),
        (lambda text: json.dumps({**json.loads(text), "public_key": "ab" * 32}), "does not trust"),
    ],
)
def test_a_note_that_is_not_the_laptops_is_one_line_and_changes_nothing(room, tmp_path, change, message):
    note = tmp_path / "note.json"
    note.write_text(change(note.read_text()))
    result = accept(room, note)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    db = open_register(room.register_db_path)
    with closing(db.conn):
        assert check_ins_of(db, "S1") == []


def test_a_time_before_every_lesson_is_one_line(room, laptop, tmp_path):
    note = tmp_path / "note.json"
    entries = [{"student_id": "S1", "at": "0001-01-01T00:00:00Z"}]
    note.write_text(signed({**json.loads(note.read_text()), "check_ins": entries}, open_signer(laptop)))
    result = accept(room, note)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "before 1970" in result.stderr


def test_the_office_finds_no_template_in_a_note(room, tmp_path):
    fields = json.loads((tmp_path / "note.json").read_text())
    assert set(fields) == {"schema", "kind", "device", "check_ins", "public_key", "signature"}
    assert all(set(one) == {"student_id", "at"} for one in fields["check_ins"])


def pulled(home, notes):
    """Give a document to the device as the process with the network does; return exit code and output."""
    inbox_dir(home).mkdir(exist_ok=True)
    (inbox_dir(home) / "check_ins.json").write_text(json.dumps(notes), "utf-8")
    config = home.config_path.read_text("utf-8")
    if "[upstream]" not in config:
        home.config_path.write_text(f'{config}[upstream]\npull = ["check_ins"]\n', "utf-8")
    result = run(home.state_dir, "maintain", "inbox")
    assert not result.stderr, result.stderr
    return result.exit_code, result.stdout


@pytest.mark.parametrize("as_list", [True, False])
def test_the_school_s_server_may_bring_a_note_or_a_list_of_notes(room, tmp_path, as_list):
    lesson_id = put_register(room, {"S1": 0.0})
    note = json.loads((tmp_path / "note.json").read_text())
    for revised in (1, 0):
        found = pulled(room, [note, note] if as_list else note)
        assert found == (0, f"check_ins.json: {6 if as_list else 3} check-ins, {revised} registers revised\n")
    assert verdicts(room, lesson_id)[1]["S1"] == ("inconclusive", START + timedelta(minutes=3))


def test_a_register_that_was_changed_raises_an_alarm_and_stops_nothing(room, tmp_path):
    lesson_id = put_register(room, {"S1": 0.0})
    db = open_register(room.register_db_path)
    with closing(db.conn):
        db.execute("DROP TRIGGER registers_never_change")
        db.execute("UPDATE registers SET document = replace(document, '\"absent\"', '\"present\"')")
        db.conn.commit()
    note = json.loads((tmp_path / "note.json").read_text())
    (inbox_dir(room)).mkdir()
    (inbox_dir(room) / "check_ins.json").write_text(json.dumps(note), "utf-8")
    (result,) = apply_inbox(room, NOW, ["check_ins.json"])
    assert (result.in_force, result.summary) == (True, "3 check-ins, 0 registers revised")
    assert lesson_id in result.problem
    again = accept(room, tmp_path / "note.json")
    assert again.exit_code == 0
    assert again.stderr == f"warning: {result.problem}\n"
    db = open_register(room.register_db_path)
    with closing(db.conn):
        assert [one.name for one in alarms(db)] == [LEDGER]
        assert check_ins_of(db, "S1") == [START + timedelta(minutes=3)]


def test_a_note_that_the_server_changed_or_made_refuses_all_notes_of_the_document(room, tmp_path):
    lesson_id = put_register(room, {"S1": 0.0})
    note = json.loads((tmp_path / "note.json").read_text())
    forged = {**note, "check_ins": [*note["check_ins"], {"student_id": "S9", "at": written(START)}]}
    stranger = json.loads(signed({**note, "device": "elsewhere"}, Signer(b"x" * 32)))
    for wrong in (forged, stranger, "note", {}):
        code, words = pulled(room, [note, wrong])
        assert (code, words.startswith("check_ins.json: refused; ")) == (1, True)
    assert pulled(room, [note] * 51)[0] == 1
    assert verdicts(room, lesson_id) == (1, {"S1": ("absent", None)})


SIGNER = Signer(b"k" * 32)


def a_note(*entries: tuple[str, datetime]) -> bytes:
    check_ins = [{"student_id": student_id, "at": written(at)} for student_id, at in entries]
    return signed({"schema": 1, "kind": "check_ins", "device": "laptop", "check_ins": check_ins}, SIGNER).encode()


def is_taken(data: bytes, trusted=(SIGNER.public_key,)) -> bool:
    try:
        return bool(read_notes(data, trusted, "note.json", NOW))
    except CheckinNoteError:
        return False


@pytest.mark.parametrize(
    ("student_id", "at", "taken"),
    [
        ("S1", NOW + timedelta(minutes=5), True),
        ("S1", NOW + timedelta(minutes=5, seconds=1), False),
        ("S1", datetime(1970, 1, 1, tzinfo=timezone.utc), True),
        ("S1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=timezone.utc), False),
        ("", NOW, False),
    ],
)
def test_a_check_in_has_an_id_and_a_time_from_1970_until_five_minutes_from_now(student_id, at, taken):
    assert is_taken(a_note(("S2", NOW), (student_id, at))) is taken


def test_without_devices_in_the_settings_no_note_is_trusted():
    assert is_taken(a_note(("S1", NOW)))
    assert not is_taken(a_note(("S1", NOW)), trusted=())


def test_a_document_has_50_notes_at_most_and_a_mebibyte():
    note = a_note(("S1", NOW)).decode()
    found = [is_taken(f"[{', '.join([note] * count)}]".encode()) for count in (1, 50, 51)]
    assert found == [True, True, False]
    assert [is_taken(note.encode().ljust(size)) for size in (1 << 20, (1 << 20) + 1)] == [True, False]


def test_a_note_has_5000_check_ins_at_most():
    assert [is_taken(a_note(*[("S1", NOW)] * count)) for count in (5000, 5001)] == [True, False]


def test_a_check_in_counts_for_the_lesson_that_began_a_while_before(room):
    lesson_id = put_register(room, {"S1": 0.0})
    at = START + timedelta(minutes=30)
    assert take_check_ins(room, [("S1", at)], NOW).revisions == 1
    assert verdicts(room, lesson_id)[1]["S1"] == ("inconclusive", at)


def test_where_a_revision_can_not_be_written_no_check_in_stays(room):
    put_register(room, {"S1": 0.0})
    db = open_register(room.register_db_path)
    with closing(db.conn):
        db.execute("CREATE TRIGGER fails BEFORE INSERT ON registers BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(sqlite3.IntegrityError):
            take_check_ins(room, [("S1", START)], NOW)
        assert check_ins_of(db, "S1") == []
