"""A device with a pinned office key accepts only corrections that are signed with it."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge_daemon.app.health.doctor_office import office_key_check
from edge_daemon.app.inbox.apply import apply_inbox
from edge_daemon.app.inbox.office_keys import pinned_keys
from edge_daemon.app.inbox.waiting import inbox_dir
from edge_daemon.attendance.document import from_json
from edge_daemon.delivery.office_documents import CORRECTIONS
from edge_daemon.device.signing import Signer, fingerprint, signed
from edge_daemon.home import Home
from edge_daemon.store import registers
from edge_daemon.store.database import open_register
from edge_daemon.store.pulled import pulled_document
from tests.cli.running import run
from tests.registers import START, a_home, a_lesson, a_register

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
LESSON = a_lesson(START).lesson_id
OFFICE, NEXT, OTHER = (Signer(bytes([n]) * 32) for n in (1, 2, 3))
SETTINGS = '[device]\nname = "room 204"\n[upstream]\nurl = "https://office.example/attendance"\n'
ENTRY = {
    "id": "1",
    "lesson_id": LESSON,
    "student_id": "S2",
    "verdict": "present",
    "by": "Ms Weber",
    "title": "teacher",
    "reason": "not_recognised",
    "at": "2026-11-20T10:00:00Z",
}
FIELDS = {"schema": 1, "kind": "corrections", "device": "room 204", "corrections": [ENTRY]}


@pytest.fixture
def home(tmp_path) -> Home:
    a_home(tmp_path, [a_register(a_lesson(START), {"S1": 0.9, "S2": 0.1})])
    (tmp_path / "config.toml").write_text(SETTINGS, "utf-8")
    return Home(tmp_path)


def apply(home: Home, text: str) -> tuple[bool, str]:
    """Put a list into the inbox and apply it; return whether it is in force, and what was wrong."""
    inbox_dir(home).mkdir(exist_ok=True)
    (inbox_dir(home) / CORRECTIONS).write_text(text, "utf-8")
    (result,) = apply_inbox(Home(home.state_dir), NOW)
    return result.in_force, result.problem


def revisions(home: Home) -> int:
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return len(registers.revisions(db, LESSON))


def test_without_a_pinned_key_a_list_is_taken_as_before_and_doctor_warns(home):
    assert apply(home, json.dumps(FIELDS)) == (True, "")
    assert revisions(home) == 2
    check = office_key_check(home)
    assert (check.state, "anybody with access to the server" in check.found) == ("warning", True)


def test_with_a_pinned_office_key_a_signed_list_is_applied_with_the_title_of_its_author(home):
    assert run(home.state_dir, "office-key", "pin", OFFICE.public_key.upper()).exit_code == 0
    assert apply(home, signed(FIELDS, OFFICE)) == (True, "")
    db = open_register(home.register_db_path)
    with closing(db.conn):
        (one,) = from_json(registers.latest(db, LESSON).document).register.corrections
    assert (one.by, one.title, one.reason_code) == ("Ms Weber", "teacher", "not_recognised")
    check = office_key_check(Home(home.state_dir))
    assert (check.state, check.found) == ("good", f"fingerprint {fingerprint(OFFICE.public_key)}")


HOSTILE = {
    "unsigned": json.dumps(FIELDS),
    "of another key": signed(FIELDS, OTHER),
    "changed": signed(FIELDS, OFFICE).replace('"present"', '"absent"'),
    "of another device": signed({**FIELDS, "device": "room 205"}, OFFICE),
    "of no device": signed({key: value for key, value in FIELDS.items() if key != "device"}, OFFICE),
    "of another kind": signed({**FIELDS, "kind": "excuses"}, OFFICE),
    "of no kind": signed({key: value for key, value in FIELDS.items() if key != "kind"}, OFFICE),
    "written anew": json.dumps(json.loads(signed(FIELDS, OFFICE)), indent=1),
    "a signed text within another": json.dumps({**FIELDS, "note": signed(FIELDS, OFFICE)}),
    "not UTF-8": "\ud800",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_with_one_every_other_list_is_refused_and_changes_nothing(home, what):
    run(home.state_dir, "office-key", "pin", OFFICE.public_key)
    inbox_dir(home).mkdir(exist_ok=True)
    (inbox_dir(home) / CORRECTIONS).write_bytes(HOSTILE[what].encode("utf-8", "surrogatepass"))
    (result,) = apply_inbox(Home(home.state_dir), NOW)
    assert not result.in_force
    assert revisions(home) == 1
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert pulled_document(db, CORRECTIONS).problem == result.problem != ""
    assert "Weber" not in result.problem


def test_while_the_office_changes_its_key_both_are_right_and_then_the_new_one_alone(home):
    folder = home.state_dir
    (folder / "config.toml").write_text(f'{SETTINGS}office_keys = ["{OFFICE.public_key}"]\n', "utf-8")  # by a card
    assert run(folder, "office-key", "pin", NEXT.public_key).exit_code == 0
    assert pinned_keys(Home(folder)) == (OFFICE.public_key, NEXT.public_key)
    assert apply(home, signed(FIELDS, OFFICE))[0]
    assert apply(home, signed(FIELDS, NEXT))[0]
    third = run(folder, "office-key", "pin", OTHER.public_key)
    assert (third.exit_code, third.stderr) == (
        2,
        "edge-daemon: KEY: two other keys are pinned; unpin the old one first\n",
    )
    assert run(folder, "office-key", "unpin", OFFICE.public_key).exit_code == 2  # it stands in the settings
    (folder / "config.toml").write_text(SETTINGS, "utf-8")
    assert not apply(home, signed(FIELDS, OFFICE))[0]
    assert run(folder, "office-key", "list").stdout.startswith(NEXT.public_key)
    assert run(folder, "office-key", "unpin", NEXT.public_key).stdout.endswith("unsigned lists are accepted now\n")
    assert run(folder, "office-key", "list").stdout == "no office key is pinned: unsigned lists are accepted\n"


@pytest.mark.parametrize("key", ["", "x", "0" * 63, "0" * 65, "g" * 64])
def test_what_is_no_key_is_refused(home, key):
    assert run(home.state_dir, "office-key", "pin", key).exit_code == 2
    assert not (home.state_dir / "office-keys").exists()
    assert run(home.state_dir, "office-key", "unpin", key).exit_code == 2


def test_a_damaged_file_of_keys_lets_nothing_in(home):
    run(home.state_dir, "office-key", "pin", OFFICE.public_key)
    path = Path(home.state_dir / "office-keys")
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("nonsense\n", "ascii")
    assert not apply(home, json.dumps(FIELDS))[0]
    assert office_key_check(Home(home.state_dir)).state == "bad"
    assert revisions(home) == 1


def test_more_than_two_keys_of_a_card_let_nothing_in(home):
    keys = ", ".join(f'"{one.public_key}"' for one in (OFFICE, NEXT, OTHER))
    (home.state_dir / "config.toml").write_text(f"{SETTINGS}office_keys = [{keys}]\n", "utf-8")
    assert not apply(home, signed(FIELDS, OFFICE))[0]
    check = office_key_check(Home(home.state_dir))
    assert (check.state, "3 office keys are pinned" in check.found) == ("bad", True)
