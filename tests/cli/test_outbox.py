"""`edge-daemon outbox`: what waits and why, and how to retry it."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.cli.outbox import outbox as cli_outbox
from edge_daemon.home import Home
from edge_daemon.store import outbox
from edge_daemon.store.database import open_register
from edge_daemon.timestamps import stored, written
from edge_daemon.types import Outcome
from tests.cli.running import run
from tests.registers import START, a_lesson, a_register, keep

LESSON, NEXT = a_lesson(), a_lesson(START + timedelta(days=1))
RNG = random.Random(1)
SETTINGS = """[device]
time_zone = "Europe/Berlin"
[mail]
host = "mail.school.example"
office = ["office@school.example"]
guardians = true
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "config.toml").write_text(SETTINGS, "utf-8")
    with_rows = outbox_writer(Home(tmp_path).config)
    db = open_register(tmp_path / "register.sqlite")
    keep(db, *a_register(LESSON, {"s1": 0.0, "s2": 1.0}), also=with_rows)
    keep(db, *a_register(NEXT, {"s1": 0.4, "s2": 1.0}), also=with_rows)
    db.conn.close()
    return tmp_path


def settle(home, destination, outcome):
    db = open_register(home / "register.sqlite")
    now = datetime.now(timezone.utc)
    delivery = outbox.claim(db, destination, now, "a test")
    outbox.settle(db, delivery, outcome, now, RNG, "settings")
    db.conn.close()
    return delivery.item_id


def test_the_list_has_a_line_an_item_the_oldest_first(home):
    result = run(home, "outbox", "list")
    assert result.exit_code == 0
    heads, *lines = result.stdout.splitlines()
    assert heads.split() == ["item", "to", "what", "about", "student", "state", "tries", "next", "try", "answer"]
    assert [" ".join(line.split()[:6]) for line in lines] == [
        f"1 upstream register {LESSON.lesson_id[:8]}/1 waiting 0",
        f"2 mail office {LESSON.lesson_id[:8]}/1 waiting 0",
        f"3 mail guardian, absence {LESSON.lesson_id[:8]} s1",
        f"4 upstream register {NEXT.lesson_id[:8]}/1 waiting 0",
        f"5 mail office {NEXT.lesson_id[:8]}/1 waiting 0",
    ]


def test_the_list_as_json_says_the_same(home):
    listed = json.loads(run(home, "outbox", "list", "--json").stdout)
    assert [one["item_id"] for one in listed["items"]] == [1, 2, 3, 4, 5]
    assert listed["items"][2] == {
        "item_id": 3,
        "destination": "mail",
        "kind": "guardian",
        "ref": LESSON.lesson_id,
        "student_id": "s1",
        "lesson_id": LESSON.lesson_id,
        "state": "waiting",
        "created_at": "2026-11-16T07:45:00Z",
        "next_attempt": "2026-11-16T11:45:00Z",
        "attempts": 0,
        "answer": "",
        "settled_at": None,
    }
    assert [(one["destination"], one["state"]) for one in listed["destinations"]] == [
        ("upstream", "open"),
        ("mail", "open"),
    ]


def test_delivered_items_are_listed_only_on_request(home):
    item_id = settle(home, "upstream", Outcome("delivered", "201 stored"))
    assert "201 stored" not in run(home, "outbox", "list").stdout
    assert "201 stored" in run(home, "outbox", "list", "--state", "delivered").stdout
    everything = json.loads(run(home, "outbox", "list", "--state", "all", "--json").stdout)["items"]
    assert {one["item_id"] for one in everything} == {1, 2, 3, 4, 5}
    assert next(one for one in everything if one["item_id"] == item_id)["next_attempt"] is None


def test_before_the_first_register_there_is_nothing_and_no_file_is_made(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    assert run(home, "outbox", "list").stdout == "nothing to be delivered\n"
    assert json.loads(run(home, "outbox", "list", "--json").stdout) == {"destinations": [], "items": []}
    assert not list(home.iterdir())


def test_a_receiver_that_refuses_all_items_is_named_once_above_the_list(home):
    settle(home, "upstream", Outcome("parked", "401: the server does not know this token", receiver_down=True))
    first, *lines = run(home, "outbox", "list").stdout.splitlines()
    assert first.startswith("upstream accepts nothing since ")
    assert first.endswith(": 401: the server does not know this token")
    assert sum("accepts nothing" in line for line in lines) == 0


def test_an_item_is_shown_with_its_lesson_and_the_receivers_answer(home):
    item_id = settle(home, "mail", Outcome("parked", "550 no such mailbox"))
    lines = run(home, "outbox", "show", str(item_id)).stdout.splitlines()
    assert "lesson    Monday 2026-11-16 08:00-08:45 of 7b" in lines
    assert "state     parked" in lines
    assert "tries     1" in lines
    assert "answer    550 no such mailbox" in lines
    item = json.loads(run(home, "outbox", "show", str(item_id), "--json").stdout)
    assert (item["state"], item["answer"], item["lesson"]["course"]) == ("parked", "550 no such mailbox", "7b")


def test_nothing_that_a_receiver_answers_can_steer_the_terminal(home):
    settle(home, "mail", Outcome("parked", "550 \x1b[2J\nnot there"))
    for command in (("list",), ("show", "2")):
        assert "\x1b" not in run(home, "outbox", *command).stdout
        assert len(run(home, "outbox", "list").stdout.splitlines()) == 6


def test_a_parked_item_is_tried_again_when_a_person_says_so(home):
    item_id = settle(home, "mail", Outcome("parked", "550"))
    result = run(home, "outbox", "retry", str(item_id))
    assert (result.exit_code, result.stdout) == (
        0,
        f"1 item is tried at the next sync; or now: `edge-daemon --home {home} sync`\n",
    )
    assert [settle(home, "mail", Outcome("delivered", "250")) for _ in range(3)][-1] == item_id, "after what is new"


def test_on_an_installed_device_the_unit_is_named_that_has_the_token(home):
    installed = Home(None)
    installed.state_dir, installed.config_path = home, home / "config.toml"
    result = CliRunner().invoke(cli_outbox, ["retry", "--all-parked"], obj=installed)
    assert result.output.endswith("; or now: `sudo systemctl start edge-daemon-sync.service`\n")


def test_everything_that_is_parked_is_tried_again_also_the_receiver(home):
    settle(home, "mail", Outcome("parked", "550"))
    settle(home, "mail", Outcome("parked", "552"))
    settle(home, "upstream", Outcome("parked", "401", receiver_down=True))
    result = run(home, "outbox", "retry", "--all-parked")
    assert result.stdout.startswith("2 items are tried")
    listed = json.loads(run(home, "outbox", "list", "--json").stdout)
    assert {one["state"] for one in (*listed["destinations"], *listed["items"])} == {"open", "waiting"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("retry",), "give the numbers of items, or --all-parked"),
        (("retry", "1", "--all-parked"), "give the numbers of items, or --all-parked"),
        (("retry", "99"), "outbox 99: there is no such item"),
        (("retry", "1", "99"), "outbox 99: there is no such item"),
        (("show", "99"), "outbox 99: there is no such item"),
        (("show", "first"), "first"),
    ],
)
def test_wrong_usage_is_refused_in_one_line_and_changes_nothing(home, arguments, words):
    settle(home, "upstream", Outcome("parked", "413"))
    result = run(home, "outbox", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert json.loads(run(home, "outbox", "show", "1", "--json").stdout)["state"] == "parked"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome("delivered", "201"), "outbox 1: was delivered; there is nothing to retry"),
        (Outcome("void", "not absent after all"), "outbox 1: is not needed any more: not absent after all"),
        (Outcome("held", "a person has to confirm it"), "outbox 1: is held: a person has to confirm it"),
    ],
)
def test_delivered_held_and_void_items_are_not_tried_again(home, outcome, words):
    settle(home, "upstream", outcome)
    result = run(home, "outbox", "retry", "1")
    assert result.exit_code == 2
    assert words in result.stderr
    assert json.loads(run(home, "outbox", "show", "1", "--json").stdout)["state"] == outcome.name


def test_outbox_retry_does_not_shorten_the_time_to_correct(home):
    db = open_register(home / "register.sqlite")
    soon = datetime.now(timezone.utc) + timedelta(hours=3)
    db.execute("UPDATE outbox SET next_attempt_utc = ? WHERE item_id = 3", (stored(soon),))
    db.conn.commit()
    db.conn.close()
    result = run(home, "outbox", "retry", "3")
    assert result.exit_code == 2
    assert "outbox 3: waits until the teacher's time to correct is over (mail.hold_h)" in result.stderr
    assert json.loads(run(home, "outbox", "show", "3", "--json").stdout)["next_attempt"] == written(soon)


@pytest.mark.parametrize("named", [("3",), ("--all-parked",)])
def test_items_that_a_clock_ahead_deferred_are_brought_back(home, named):
    """An old mail to a guardian was postponed for a week; its hold is over, so it is sent."""
    db = open_register(home / "register.sqlite")
    made_at, ahead = datetime.now(timezone.utc) - timedelta(days=3), datetime.now(timezone.utc) + timedelta(days=20)
    db.execute("UPDATE outbox SET created_at_utc = ?, next_attempt_utc = ?", (stored(made_at), stored(ahead)))
    db.conn.commit()
    result = run(home, "outbox", "retry", *named)
    assert result.exit_code == 0, result.stderr
    now = datetime.now(timezone.utc)
    assert outbox.get(db, 3).next_attempt <= now
    if named == ("--all-parked",):
        assert all(one.next_attempt <= now for one in outbox.listed(db))
    db.conn.close()


def test_an_item_deferred_within_its_hold_goes_back_to_the_end_of_the_hold(home):
    db = open_register(home / "register.sqlite")
    made_at = datetime.now(timezone.utc) - timedelta(minutes=5)
    ahead = stored(made_at + timedelta(days=20))
    db.execute("UPDATE outbox SET created_at_utc = ?, next_attempt_utc = ? WHERE item_id = 3", (stored(made_at), ahead))
    db.conn.commit()
    assert run(home, "outbox", "retry", "3").exit_code == 2
    assert run(home, "outbox", "retry", "--all-parked").exit_code == 0
    hold = timedelta(hours=Home(home).config.mail.hold_h)
    assert abs(outbox.get(db, 3).next_attempt - made_at - hold) < timedelta(seconds=2)
    db.conn.close()


def test_a_correction_on_the_command_line_brings_its_rows(home):
    (home / "device.key").write_bytes(
        bytes(range(32))
    )  # the key of tests.registers.SIGNER: another key's is not extended
    (home / "device.key").chmod(0o600)
    result = run(
        *(home, "register", "correct", LESSON.lesson_id, "--student", "s1", "--verdict", "present"),
        *("--by", "T", "--reason", "was at the nurse"),
    )
    assert result.exit_code == 0, result.stderr
    items = json.loads(run(home, "outbox", "list", "--state", "all", "--json").stdout)["items"]
    assert [(one["kind"], one["ref"]) for one in items[5:]] == [
        ("register", f"{LESSON.lesson_id}/2"),
        ("office", f"{LESSON.lesson_id}/2"),
    ]
    assert (items[2]["kind"], items[2]["state"]) == ("guardian", "void")


def test_the_outbox_is_copied_to_a_stick_that_the_office_collects_from(home, tmp_path_factory):
    stick, book = tmp_path_factory.mktemp("stick"), tmp_path_factory.mktemp("office") / "term.csv"
    (home / "config.toml").write_text(SETTINGS.replace("[device]", f'[device]\nname = "{LESSON.device}"'), "utf-8")
    before = json.loads(run(home, "outbox", "list", "--json").stdout)
    result = run(home, "outbox", "copy", str(stick))
    assert (result.exit_code, result.stdout) == (0, f"2 documents copied to {stick}, 0 were there already\n")
    assert json.loads(run(home, "outbox", "list", "--json").stdout) == before
    collected = run(home, "collect", str(stick), "--output", str(book), "--time-zone", "UTC")
    assert (collected.exit_code, collected.stderr) == (0, "")
    assert "2 registers of 1 room written" in collected.stdout
    verdicts = [line.split(",")[10] for line in book.read_text("utf-8-sig").splitlines()[1:]]
    assert verdicts == ["absent", "present", "present", "present"]


def test_a_folder_that_is_not_there_is_no_stick(home, tmp_path):
    result = run(home, "outbox", "copy", str(tmp_path / "not" / "mounted"))
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "not").exists()


def test_where_there_are_rehearsals_only_the_stick_and_the_office_say_why_nothing_is_there(tmp_path):
    home, stick = tmp_path / "home", tmp_path / "stick"
    for folder in (home, stick):
        folder.mkdir()
    (home / "config.toml").write_text(f'[device]\nname = "{LESSON.device}"\n', "utf-8")
    db = open_register(home / "register.sqlite")
    keep(db, *a_register(a_lesson(origin="rehearsal"), {"a": 1.0}))
    db.conn.close()
    result = run(home, "outbox", "copy", str(stick))
    assert result.stdout.splitlines() == [
        f"0 documents copied to {stick}, 0 were there already",
        "1 of rehearsals stays here: the office gets a rehearsal only with `rehearse --deliver`",
    ]
    collected = run(home, "collect", str(stick), "--output", str(tmp_path / "t.csv"), "--time-zone", "UTC")
    assert collected.exit_code == 2
    assert (
        "no device has delivered a register there yet; a rehearsal comes only by `rehearse --deliver`"
        in (collected.stderr.splitlines()[-1])
    )
