"""Documents from the office's server over HTTPS until they are in force, and what a bad server can't do."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timezone

import pytest

from edge_daemon.app.inbox.apply import apply_inbox
from edge_daemon.app.inbox.waiting import bare, inbox_dir, pull_all, wanted_names
from edge_daemon.app.opening.timetable_files import pulled_timetable
from edge_daemon.config import Config, TimetableConfig, UpstreamConfig
from edge_daemon.delivery.http import Limits
from edge_daemon.delivery.upstream import Upstream
from edge_daemon.errors import RosterError
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.pulled import pulled_documents
from tests.delivery.upstreams import settings
from tests.lesson.calendar_files import calendar, lesson
from tests.office_server import OfficeServer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
HEADER = "student_id,name,email,guardian_email,consent\n"
PLACE = "v1/devices/room-1"
CONFIG = """
[device]
name = "room-1"
[upstream]
pull = ["roster", "corrections", "withdrawals"]
[timetable]
files = ["upstream"]
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def home(tmp_path) -> Home:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text(CONFIG)
    return Home(tmp_path / "home")


@pytest.fixture(params=["api", "webdav"])
def server(request, tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates, kind=request.param) as office:
        (office.folder / PLACE).mkdir(parents=True)
        yield office


def pulled(home: Home, server: OfficeServer) -> dict[str, str]:
    db = open_register(home.register_db_path)
    patience = Limits(connect_s=10, read_s=20, exchange_s=30)
    source = Upstream(settings(server), server.token, device="room-1", limits=patience)
    with closing(db.conn), source:
        return {one.document: one.result for one in pull_all(home, db, source, NOW)}


def problems(home: Home) -> dict[str, str]:
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return {one.name: one.problem for one in pulled_documents(db) if one.problem}


def test_everything_comes_and_is_put_into_force(home, server):
    folder = server.folder / PLACE
    (folder / "roster.csv").write_text(HEADER + "S1,Al,a@b.example,,yes\n")
    (folder / "timetable.ics").write_bytes(calendar(lesson("20261201T080000")))
    (folder / "corrections.json").write_text(json.dumps({"schema": 1, "corrections": []}))
    (folder / "withdrawals.json").write_text(json.dumps({"schema": 1, "withdrawals": [{"student_id": "S1"}]}))
    assert set(pulled(home, server).values()) == {"new"}
    in_force = {one.document: one.in_force for one in apply_inbox(home, NOW)}
    assert in_force == dict.fromkeys(wanted_names(home.config), True)
    assert set(pulled(home, server).values()) == {"unchanged"}
    assert list(inbox_dir(home).iterdir()) == []
    assert pulled_timetable(home).exists()
    assert problems(home) == {}


def test_a_server_that_has_nothing_for_us_is_no_problem(home, server):
    assert set(pulled(home, server).values()) == {"nothing"}
    assert problems(home) == {}
    assert apply_inbox(home, NOW) == ()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("roster.csv", HEADER + "../../etc/passwd,Al,,,yes\n", "line 2: the student_id"),
        ("roster.csv", HEADER + 'S1,Al,"a@b.example\nBcc: c@d.example",,yes\n', "line 2: the email"),
        ("roster.csv", HEADER + "S1,Al,,,yes\nS1,Bo,,,yes\n", "line 3"),
        ("roster.csv", HEADER, "no students"),
        ("roster.csv", "x" * (2 * 2**20 + 1), "larger than 2097152 bytes"),
        ("timetable.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "truncated"),
        ("timetable.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "has no event"),
        ("corrections.json", '{"schema": 1, "corrections": [{}]}', "correction 1"),
        ("corrections.json", "[" * 900_000, "nests too deep"),
        ("withdrawals.json", '{"schema": 1, "device": "room-2", "withdrawals": []}', "another device"),
    ],
)
def test_an_invalid_document_never_reaches_the_inbox_and_holds_up_no_other(home, server, name, content, what):
    folder = server.folder / PLACE
    (folder / "withdrawals.json").write_text(json.dumps({"schema": 1, "withdrawals": []}))
    (folder / name).write_text(content)
    results = pulled(home, server)
    assert results[name] == "broken"
    assert what in problems(home)[name]
    assert not (inbox_dir(home) / name).exists()
    assert name == "withdrawals.json" or results["withdrawals.json"] == "new"


def test_without_a_network_the_first_question_is_the_last(home, server):
    server.stop()
    assert list(pulled(home, server).values()) == ["unreachable"]
    server.start()


def test_by_default_the_office_may_correct_and_withdraw_and_no_more():
    assert wanted_names(Config()) == ("withdrawals.json", "removals.json", "corrections.json", "excuses.json")
    assert wanted_names(Config(upstream=UpstreamConfig(pull=()))) == ()
    assert wanted_names(Config(timetable=TimetableConfig(files=("a.ics", "upstream"))))[-1] == "timetable.ics"


def test_a_problem_is_reported_without_the_values_that_it_quotes():
    error = RosterError("line 3: student_id 'S1' is already on line 2, consent is \"it's\", x", "roster.csv", "mend it")
    assert bare(error) == "roster.csv: line 3: student_id (...) is already on line 2, consent is (...), x; mend it"
