"""What `status` and `doctor` report about delivery, against a real server."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from edge_daemon.app.health.delivery_overview import look_at_delivery
from edge_daemon.app.health.doctor_delivery import delivery_check, upstream_check
from edge_daemon.home import Home
from edge_daemon.store.database import open_register
from edge_daemon.store.pulled import note_seen
from tests.cli.running import run as invoke
from tests.office_server import OfficeServer
from tests.sync_device import NOW, Clock, a_device, run, settings


@pytest.fixture
def server(tmp_path):
    with OfficeServer(tmp_path / "office", certificates=tmp_path / "ca") as server:
        yield server


@pytest.fixture
def home(tmp_path, server):
    return a_device(tmp_path / "home", server)


def problems(home, now=NOW):
    return list(look_at_delivery(Home(home.state_dir), now).problems())


def test_a_device_that_delivers_has_nothing_for_a_person_to_do(home):
    run(home, Clock())
    assert problems(home) == []
    assert delivery_check(home, NOW).state == "good"


def test_items_that_wait_over_a_weekend_are_fine_and_after_three_days_are_a_problem(home, server):
    server.stop()
    run(home, Clock())
    assert problems(home, NOW + timedelta(days=2)) == []
    (problem,) = problems(home, NOW + timedelta(days=4))
    assert problem.startswith("upstream: the oldest of 3 items waits for 4 days")
    assert delivery_check(home, NOW + timedelta(days=4)).state == "bad"


def test_a_refused_token_is_a_problem_at_once_with_the_servers_answer(home, server):
    server.token = "another"
    run(home, Clock())
    (problem,) = problems(home)
    assert "401" in problem


def test_parked_items_are_a_problem_until_a_person_has_decided(home, server):
    server.faults.extend([*["404"] * len(home.config.upstream.pull), "422"])
    run(home, Clock())
    (problem,) = problems(home)
    assert problem == "upstream: 1 item was refused for good: `edge-daemon outbox list --state parked`"


def test_an_invalid_document_of_the_office_is_a_problem(home):
    db = open_register(home.register_db_path)
    note_seen(db, "roster.csv", etag="", sha256="", problem="line 3: no id", at=NOW)
    db.conn.close()
    assert problems(home) == ["roster.csv of the office can't be used: line 3: no id"]


def test_without_receivers_waiting_items_are_no_problem(home):
    (home.state_dir / "config.toml").write_text(settings(None))
    home = Home(home.state_dir)
    assert problems(home, NOW + timedelta(days=40)) == []
    assert delivery_check(home, NOW).state == "not checked"


def test_before_the_first_register_there_is_nothing_to_say(tmp_path):
    home = Home(tmp_path / "empty")
    assert look_at_delivery(home, NOW) is None
    assert delivery_check(home, NOW).state == "not checked"


def test_status_shows_the_queue_and_the_last_sync(home):
    run(home, Clock())
    output = invoke(home.state_dir, "status").stdout
    assert "upstream      3 delivered" in output
    assert "mail          not set up" in output
    assert "upstream: 3 delivered" in output.split("last sync")[1].splitlines()[0]
    document = json.loads(invoke(home.state_dir, "status", "--json").stdout)["delivery"]
    assert document["upstream"]["delivered"] == 3
    assert document["last_sync"]["summary"] == "upstream: 3 delivered"


def test_the_doctor_tries_the_token_and_changes_nothing(home, server):
    check = upstream_check(home)
    assert (check.state, "accepts the token, and has nothing of this device yet" in check.found) == ("good", True)
    assert server.documents() == {}
    run(home, Clock())
    assert "has the state of this device" in upstream_check(home).found


def test_the_doctor_finds_a_wrong_token_a_portal_and_a_stranger(home, server):
    server.token = "another"
    assert "401" in upstream_check(home).found
    server.always = "captive-portal"
    assert "portal" in upstream_check(home).found
    server.always = "unknown-ca"
    assert upstream_check(home).state == "bad"


def test_the_doctor_says_which_setting_names_no_token(home):
    (home.state_dir / "token").unlink()
    with pytest.raises(Exception, match=r"upstream\.token_file"):
        upstream_check(home)


def test_on_an_installed_device_no_sync_for_hours_is_a_problem_unless_the_device_is_new(home):
    def no_sync_problems(after):
        overview = replace(look_at_delivery(home, NOW + after), installed=True)
        return [one for one in overview.problems() if one.startswith("no sync runs")]

    oldest = min(q.oldest for q in look_at_delivery(home, NOW).queues.values() if q.oldest)
    assert no_sync_problems(oldest - NOW + timedelta(hours=2)) == []
    assert len(no_sync_problems(oldest - NOW + timedelta(hours=4))) == 1
    run(home, Clock())
    assert no_sync_problems(timedelta(hours=2)) == []
    assert len(no_sync_problems(timedelta(hours=4))) == 1
