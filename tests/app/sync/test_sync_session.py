"""Runs of sync against the office's server, over real sockets."""

from __future__ import annotations

import json
import random

import pytest

from edge_daemon.app.health.delivery_overview import look_at_delivery
from edge_daemon.app.health.doctor_delivery import delivery_check
from edge_daemon.app.sync import office_receiver, sync_session
from edge_daemon.app.sync.delivery_lock import alone
from edge_daemon.delivery.upstream import Upstream
from edge_daemon.errors import DeliveryError
from edge_daemon.store import outbox
from edge_daemon.store.backlog import backlogs
from edge_daemon.store.database import open_register
from edge_daemon.store.sync_note import read_note
from tests.cli.running import run as invoke
from tests.mail_server import PASSWORD, USER
from tests.mail_server import Server as MailServer
from tests.office_server import OfficeServer
from tests.sync_device import (
    NOW,
    Clock,
    a_device,
    add_lessons,
    document,
    held_registers,
    made_registers,
    run,
    settings,
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(params=["api", "webdav"])
def server(request, tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates, kind=request.param) as server:
        yield server


@pytest.fixture
def api(tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates) as server:
        yield server


@pytest.fixture
def clock():
    return Clock()


def queue(home):
    db = open_register(home.register_db_path)
    found = backlogs(db)
    db.conn.close()
    return found


def test_every_register_arrives_as_it_was_made(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server)
    result = run(home, clock)
    assert held_registers(server) == made_registers(home)
    assert result.line() == "upstream: 3 delivered"
    assert not result.needs_a_person
    assert queue(home)["upstream"].delivered == 3


def test_a_second_run_delivers_nothing_twice(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    run(home, clock)
    api.seen.clear()
    assert run(home, clock).line() == "upstream: 0 delivered"
    puts = [one.path.rpartition("/")[2] for one in api.seen if one.method == "PUT"]
    assert puts == ["status.json"], "what did not change is not sent again"


def test_without_receivers_sync_says_so_and_touches_nothing(tmp_path, clock):
    home = a_device(tmp_path / "home", None, lessons=0)
    home.register_db_path.unlink()
    result = run(home, clock)
    assert result.nothing_done == "not set up"
    assert "upstream.url" in result.line()
    assert not home.register_db_path.exists()


def test_without_any_link_nothing_is_tried_and_nothing_noted_as_failed(tmp_path, api, clock, monkeypatch):
    home = a_device(tmp_path / "home", api)
    near = (home.state_dir / "config.toml").read_text()
    (home.state_dir / "config.toml").write_text(near.replace("https://localhost", "https://office.example"))
    monkeypatch.setattr(sync_session, "has_link", lambda: False)
    result = run(home, clock)
    assert result.line() == "no network yet; 3 items wait"
    assert not result.needs_a_person
    problem = "no network yet; 3 items wait: check the cable or the Wi-Fi"
    assert list(look_at_delivery(home, clock()).problems()) == [problem]
    assert delivery_check(home, clock()).state == "bad"
    status = invoke(home.state_dir, "status")
    assert (status.exit_code, f"TO DO         {problem}" in status.stdout) == (1, True)
    assert queue(home)["upstream"].state == "open", "the link that comes up finds no wait in its way"
    (home.state_dir / "config.toml").write_text(near)
    run(home, clock)
    assert held_registers(api) == made_registers(home), "a server on this computer needs no link"


def test_a_second_sync_leaves_the_first_one_alone(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    with alone(home) as is_alone:
        assert is_alone
        assert run(home, clock).nothing_done == "busy"
    assert held_registers(api) == {}


def test_one_bad_item_holds_up_no_other(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    api.faults.extend([*["404"] * len(home.config.upstream.pull), "422"])  # what it has for us is asked first
    result = run(home, clock)
    assert len(held_registers(api)) == 2
    assert result.tried["upstream"].outcomes == {"parked": 1, "delivered": 2}
    assert result.needs_a_person
    clock.forward(hours=2)
    assert not run(home, clock).needs_a_person, "the refusal was reported already"
    assert len(held_registers(api)) == 2, "what is parked waits for a person"


def test_many_documents_on_which_the_server_fails_do_not_hold_up_the_others(api, tmp_path, clock, monkeypatch):
    home = a_device(tmp_path / "home", api, lessons=6)
    good = max(made_registers(home), key=lambda key: json.loads(made_registers(home)[key])["start"])
    put = Upstream.put

    def guarded(self, path, body, *, write_once):
        with monkeypatch.context() as patch:
            patch.setattr(api, "always", "500" if "/registers/" in path and good[0] not in path else "")
            return put(self, path, body, write_once=write_once)

    monkeypatch.setattr(Upstream, "put", guarded)
    for _ in range(12):
        run(home, clock, rng=Shortest())
        clock.forward(minutes=15)
    assert list(held_registers(api)) == [good]


class Shortest(random.Random):
    """Makes waits as short as possible, so that all failed items are due again."""

    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


def test_an_answer_that_concerns_all_items_ends_the_run_and_costs_no_item_a_try(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    api.always = "redirect"
    result = run(home, clock)
    assert "captive portal" in result.tried["upstream"].stopped_by
    assert not result.needs_a_person
    db = open_register(home.register_db_path)
    assert {item.attempts for item in outbox.listed(db, ("waiting",))} == {0}
    db.conn.close()
    api.always = ""
    assert run(home, clock).tried["upstream"].waits, "it is not asked again at once"
    clock.forward(hours=1, seconds=1)
    run(home, clock)
    assert held_registers(api) == made_registers(home)


@pytest.mark.parametrize("ahead", [{"days": 2}, {"days": 400}, {"days": -2}])
def test_a_clock_that_was_wrong_while_the_server_was_away_puts_nothing_off(api, tmp_path, clock, ahead):
    home = a_device(tmp_path / "home", api)
    api.always = "handshake-cut"
    right = clock.at
    clock.forward(**ahead)
    run(home, clock)
    api.always, clock.at = "", right
    clock.forward(hours=1, minutes=1)
    run(home, clock)
    clock.forward(hours=1, minutes=1)
    run(home, clock)
    assert held_registers(api) == made_registers(home)


def test_an_eager_run_tries_a_waiting_receiver_at_once(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    api.always = "503"
    run(home, clock)
    api.always = ""
    assert run(home, clock).tried["upstream"].waits
    run(home, clock, eager=True)
    assert held_registers(api) == made_registers(home)


def test_an_eager_run_tries_single_waiting_items_at_once(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    api.faults.extend([*["404"] * len(home.config.upstream.pull), "500"])
    run(home, clock)
    assert len(held_registers(api)) == 2
    run(home, clock)
    assert len(held_registers(api)) == 2
    run(home, clock, eager=True)
    assert held_registers(api) == made_registers(home)


def test_a_wrong_token_is_parked_once_and_a_right_one_opens_it(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    (home.state_dir / "token").write_text("wrong\n")
    first = run(home, clock)
    assert first.needs_a_person
    assert "401" in first.line()
    seen = len(api.seen)
    clock.forward(hours=3)
    assert not run(home, clock).needs_a_person
    assert len(api.seen) == seen, "asked once, not 2,000 times"
    (home.state_dir / "token").write_text("secret-token\n")
    assert not run(home, clock).needs_a_person
    assert held_registers(api) == made_registers(home)


def test_a_token_that_is_withdrawn_in_the_middle_of_a_run_parks_no_item(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api, lessons=6)

    def withdraw(done: int, _total: int) -> None:
        api.token = "another" if done >= 2 else api.token

    assert run(home, clock, show=withdraw).needs_a_person
    assert (queue(home)["upstream"].parked, queue(home)["upstream"].waiting) == (0, 4)
    api.token = "secret-token"
    clock.forward(hours=26)
    run(home, clock)
    assert held_registers(api) == made_registers(home)


def test_a_device_that_was_renamed_delivers_what_it_made_before_under_its_old_name(server, tmp_path, clock):
    home = a_device(tmp_path / "home", server)
    config = home.config_path.read_text()
    home.config_path.write_text(config.replace("room 204", "room 205"))
    run(home, clock)
    assert held_registers(server) == made_registers(home)
    found = {path.split("/")[2] for path in server.documents() if "/registers/" in path}
    assert found == {"room 204"}, "its name when it made and signed them"
    assert document(server, "status.json", "room 205")["device"] == "room 205"


def test_items_under_an_old_device_name_that_the_server_forbids_hold_up_no_new_ones(api, tmp_path, clock, monkeypatch):
    home = a_device(tmp_path / "home", api, lessons=5)
    home.config_path.write_text(home.config_path.read_text().replace("room 204", "room 205"))
    put = Upstream.put

    def guarded(self, path, body, *, write_once):
        with monkeypatch.context() as patch:
            patch.setattr(api, "always", "403" if "/room 204/" in path else "")
            return put(self, path, body, write_once=write_once)

    monkeypatch.setattr(Upstream, "put", guarded)
    run(home, clock)
    assert queue(home)["upstream"].parked == 5
    assert queue(home)["upstream"].state == "open"
    add_lessons(home, range(5, 7), device="room 205")
    clock.forward(hours=3)
    run(home, clock)
    assert len(held_registers(api)) == 2


def test_a_server_that_refused_all_items_is_tried_again_after_a_day(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    api.token = "another"
    run(home, clock)
    api.token = "secret-token"
    clock.forward(hours=26)
    run(home, clock)
    assert held_registers(api) == made_registers(home)


def test_settings_that_cannot_be_used_park_the_receiver_and_say_why(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    (home.state_dir / "config.toml").write_text(settings(api).replace("https:", "http:"))
    result = run(home, clock)
    assert result.needs_a_person
    assert "insecure_http" in result.line()
    (home.state_dir / "config.toml").write_text(settings(api))
    run(home, clock)
    assert held_registers(api) == made_registers(home)


def test_a_server_that_is_away_costs_nothing_but_time(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    api.stop()
    result = run(home, clock)
    assert not result.needs_a_person
    assert queue(home)["upstream"].waiting == 3
    api.start()
    clock.forward(hours=1, seconds=1)
    run(home, clock)
    assert held_registers(api) == made_registers(home)


def test_a_run_that_is_stopped_finishes_its_current_item_and_the_next_run_goes_on(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    result = run(home, clock, stopping=lambda: len(held_registers(api)) >= 1)
    assert result.stopped
    assert len(held_registers(api)) == 1
    assert queue(home)["upstream"].waiting == 2
    run(home, clock)
    assert held_registers(api) == made_registers(home)


def test_items_of_a_run_that_was_killed_are_taken_up_at_once(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    db = open_register(home.register_db_path)
    assert outbox.claim(db, "upstream", clock(), "a process that is gone") is not None
    db.conn.close()
    run(home, clock)
    clock.forward(hours=1)
    run(home, clock)
    assert held_registers(api) == made_registers(home)


def test_a_mistake_of_ours_in_one_item_costs_the_others_nothing(api, tmp_path, clock, monkeypatch):
    home = a_device(tmp_path / "home", api)
    deliver, first = office_receiver.OfficeReceiver.deliver, []

    def broken(self, db, delivery):
        first.append(delivery.item_id)
        if delivery.item_id == first[0]:
            raise ZeroDivisionError
        return deliver(self, db, delivery)

    monkeypatch.setattr(office_receiver.OfficeReceiver, "deliver", broken)
    result = run(home, clock)
    assert result.tried["upstream"].outcomes == {"retry": 1, "delivered": 2}


def test_an_item_that_cannot_be_used_is_parked(api, tmp_path, clock, monkeypatch):
    home = a_device(tmp_path / "home", api, lessons=1)

    def unusable(self, db, delivery):
        raise DeliveryError("is not there", "item")

    monkeypatch.setattr(office_receiver.OfficeReceiver, "deliver", unusable)
    assert run(home, clock).tried["upstream"].outcomes == {"parked": 1}


def test_an_inbox_that_can_not_be_written_keeps_no_register_back(api, tmp_path, clock, caplog):
    home = a_device(tmp_path / "home", api)
    home.delivery_dir.mkdir()
    (home.delivery_dir / "inbox").write_text("somebody's file")
    place = api.folder / "v1" / "devices" / "room 204"
    place.mkdir(parents=True)
    (place / "corrections.json").write_text('{"schema": 1, "corrections": []}')
    run(home, clock)
    assert "document not kept" in [one.message for one in caplog.records]
    assert held_registers(api) == made_registers(home)


def test_progress_comes_to_its_end(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    progress = []
    run(home, clock, show=lambda done, total: progress.append((done, total)))
    assert progress == [(1, 3), (2, 3), (3, 3)]


def test_the_key_is_sent_once_the_day_logs_when_they_change_and_the_status_always(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    run(home, clock)
    assert len(document(api, "key.json")["public_key"]) == 64
    assert document(api, "days/2026-11-16.json")["lessons_held"] == 3
    assert document(api, "status.json")["queue"]["upstream"]["delivered"] == 3
    add_lessons(home, range(3, 5))
    clock.forward(days=1)
    run(home, clock)
    assert document(api, "days/2026-11-16.json")["lessons_held"] == 5
    assert document(api, "days/2026-11-17.json")["lessons_held"] == 0
    note = read_note(home.delivery_dir)
    assert note.summary == "upstream: 2 delivered"
    assert note.reached_at is not None
    assert note.reached_at > NOW


def test_days_that_are_over_are_not_made_again(api, tmp_path, clock):
    home = a_device(tmp_path / "home", api)
    clock.forward(days=30)
    run(home, clock)
    assert len([p for p in api.documents() if "/days/" in p]) == 31
    api.seen.clear()
    clock.forward(days=1)
    run(home, clock)
    assert sorted(one.path.rpartition("/")[2] for one in api.seen if "/days/" in one.path) == ["2026-12-17.json"]
    assert len(read_note(home.delivery_dir).documents) <= 9


MAIL = """
[mail]
host = "localhost"
port = {port}
ca_file = "{ca}/ca.pem"
username = "{user}"
password_file = "password"
from = "room204@school.example"
office = ["office@school.example"]
per_minute = 600
"""


@pytest.fixture
def post(certificates):
    with MailServer(certificates) as post:
        yield post


@pytest.fixture
def mailing(api, post, tmp_path, certificates):
    more = MAIL.format(port=post.port, ca=certificates, user=USER)
    home = a_device(tmp_path / "home", api, more=more)
    (home.state_dir / "password").write_text(PASSWORD)
    return home


def test_the_office_has_each_register_upstream_and_by_mail(mailing, api, post, clock):
    result = run(mailing, clock)
    assert result.line() == "upstream: 3 delivered; mail: 3 delivered"
    assert held_registers(api) == made_registers(mailing)
    assert [one.receiver for one in post.taken] == ["office@school.example"] * 3


def test_mail_goes_though_the_server_of_the_school_is_away_and_the_other_way_round(mailing, api, post, clock):
    api.stop()
    post.mood.starttls_offered = False
    first = run(mailing, clock)
    assert first.needs_a_person, "a mail server that takes the encryption away is refused and reported"
    assert (len(post.taken), held_registers(api)) == (0, {})
    post.mood.starttls_offered = True
    run(mailing, clock, eager=True)
    assert len(post.taken) == 3
    api.start()
    run(mailing, clock, eager=True)
    assert held_registers(api) == made_registers(mailing)
    assert len(post.taken) == 3


def test_a_mail_whose_answer_was_lost_comes_again_under_the_same_message_id(mailing, post, clock):
    post.mood.data.append("drop")
    run(mailing, clock)
    clock.forward(hours=1)
    run(mailing, clock)
    ids = [str(one.message["Message-ID"]) for one in post.taken]
    assert (len(ids), len(set(ids))) == (4, 3)


def test_another_password_opens_a_mail_server_that_did_not_know_us(mailing, post, clock):
    (mailing.state_dir / "password").write_text("wrong")
    assert run(mailing, clock).needs_a_person
    (mailing.state_dir / "password").write_text(PASSWORD)
    run(mailing, clock)
    assert len(post.taken) == 3
