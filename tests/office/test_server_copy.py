"""The tree as a copy of a server: new documents come by the feed, and the office's lists go back."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from email.message import EmailMessage
from smtplib import SMTPException

import pytest

from edge_daemon.timestamps import written
from edge_daemon_office.alerts import digest
from edge_daemon_office.alerts.find import alerts_of
from edge_daemon_office.cli import serving
from edge_daemon_office.cli.serving import ingest_round
from edge_daemon_office.decisions.excuses import excuse, publish_excuses
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import MailSettings, ServerSettings, read_home
from edge_daemon_office.ingest import day_logs, tree_copy
from edge_daemon_office.ingest.keys import pin
from edge_daemon_office.ingest.run import ingest
from edge_daemon_office.ingest.server_copy import bring_documents, send_lists
from edge_daemon_office.registers.models import Lesson
from edge_daemon_office.web_client import NoAnswerError, WebSession, ask
from tests.office.browser import an_account
from tests.office_server import OfficeServer
from tests.office_tree import OfficeRoom
from tests.registers import START
from tests.silent_host import silent_host

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def copied(office, tmp_path, certificates):
    """A server with two rooms, and a school whose tree is a copy of it."""
    with OfficeServer(tmp_path / "server", certificates=certificates) as server:
        settings = ServerSettings(server.url, "secret-token", ca_file=str(server.ca_file))
        school = replace(office.schools["north"], server=settings)
        rooms = [OfficeRoom(server.folder, name) for name in ("a", "b")]
        for room in rooms:
            pin(school.keys, room.device, room.signer.public_key)
            for day in range(3):
                room.deliver(room.register(START + timedelta(days=day), {f"{room.device}1": 0.9}))
            room.heartbeat(NOW)
        server.feed_limit = 5
        yield office, school, server, rooms


def requests_of(server) -> list[str]:
    found = [one.path.removeprefix("/office/") for one in server.seen]
    server.seen.clear()
    return found


def test_the_second_run_asks_once_and_a_new_document_costs_one_request_more(copied):
    office, school, server, rooms = copied
    assert bring_documents(office, school) == []
    assert len(requests_of(server)) == 2 + 10  # two pages; of each room three registers, its key and its heartbeat
    assert ingest(school, NOW).registers == 6
    assert bring_documents(office, school) == []
    assert requests_of(server) == ["v1/documents"]
    assert ingest(school, NOW).documents == 0
    rooms[0].correct(rooms[0].register(START, {"a1": 0.9}), "a1", "absent")
    assert bring_documents(office, school) == []
    assert len(requests_of(server)) == 2
    assert ingest(school, NOW).registers == 1
    server.forget_cursors()
    assert bring_documents(office, school) == []
    names = requests_of(server)
    assert not [one for one in names if "/registers/" in one], "documents that are here are not asked for again"


def test_the_log_of_a_day_is_had_where_a_promised_lesson_has_no_register_once_in_an_hour(copied):
    office, school, server, rooms = copied
    now = datetime.now(timezone.utc)
    lesson = rooms[0].lesson(now - timedelta(hours=2))
    rooms[0].promise([lesson], now - timedelta(hours=20), "0" * 64)
    rooms[0].put(f"v1/devices/a/days/{lesson.start.date()}.json", {"lessons_withdrawn": []})
    bring_documents(office, school)
    assert not [one for one in requests_of(server) if "/days/" in one], "nobody misses a register yet"
    ingest(school, now)
    for _ in range(2):
        assert bring_documents(office, school) == []
    day = lesson.start.astimezone(school.zone).date()
    assert requests_of(server) == ["v1/documents", f"v1/devices/a/days/{day}.json", "v1/documents"]
    assert (school.tree / f"v1/devices/a/days/{day}.json").is_file() == (day == lesson.start.date())


def test_an_alert_waits_until_the_log_of_its_day_was_asked_for(copied, monkeypatch):
    office, school, _, rooms = copied
    now = (datetime.now(timezone.utc) - timedelta(days=1)).replace(hour=13, minute=30, second=0)
    lessons = [room.lesson(now - timedelta(minutes=90)) for room in rooms]
    for room, lesson in zip(rooms, lessons, strict=True):
        room.promise([lesson], now - timedelta(hours=20), "0" * 64)
    last = lessons[1]
    gone = {"lesson_id": last.lesson_id, "start": written(last.start), "end": written(last.end)}
    rooms[1].put(f"v1/devices/b/days/{now.date()}.json", {"lessons_withdrawn": [gone]})
    technician = an_account("technician")

    def alerts(at: datetime) -> list[str]:
        return [one.line for one in alerts_of(technician, school, at) if one.key.startswith("register ")]

    bring_documents(office, school)
    ingest(school, now)
    monkeypatch.setattr(day_logs, "_MOST_LOGS", 1)
    assert alerts(now) == []
    assert len(alerts(now + timedelta(hours=2))) == 2, "it does not wait for ever"
    for _ in range(2):  # room a has no log, and room b comes second
        bring_documents(office, school)
        assert [line[:2] for line in alerts(now)] == ["a,"]
    state = school.tree / ".server.json"
    noted = json.loads(state.read_text("utf-8"))
    noted["day_logs"] = dict.fromkeys(noted["day_logs"], written(lessons[0].start))
    state.write_text(json.dumps(noted), "utf-8")
    assert alerts(now) == [], "it was asked for before the lesson ended"


def test_a_run_that_is_cut_goes_on_and_what_could_not_be_had_is_asked_for_again(copied):
    office, school, server, _ = copied
    server.sticky["GET", "/b/registers/"] = "503"
    problems = bring_documents(office, school)
    assert len(problems) == 3
    assert all("can't be had (status 503)" in one for one in problems)
    assert ingest(school, NOW).registers == 3
    server.sticky.clear()
    server.always = "reset-after-body"
    with pytest.raises(OfficeError, match="does not answer"):
        bring_documents(office, school)
    server.always = ""
    assert bring_documents(office, school) == []
    assert ingest(school, NOW).registers == 3
    assert Lesson.objects.count() == 6


def test_without_the_server_what_is_here_is_ingested_and_one_line_says_so(copied):
    office, school, server, _ = copied
    assert bring_documents(office, school) == []
    server.stop()
    lines = ingest_round(office, school)
    assert len(lines) == 1
    assert lines[0].startswith(f"{server.url}: does not answer (ConnectionRefusedError); ")
    assert lines[0].endswith("; what was here already is ingested")
    assert Lesson.objects.count() == 6
    server.start()
    assert ingest_round(office, school) == []


def test_a_server_can_write_nowhere_else_and_a_changed_document_is_named(copied, tmp_path):
    office, school, server, rooms = copied
    honest = server.documents
    evil = {f"v1/devices/{name}/registers/x/1.json": b"{}" for name in ("..", ".hidden", "a\\b", "con", "ä" * 150)}
    evil["../outside.json"] = b"{}"
    server.documents = lambda: {**honest(), **evil}
    problems = bring_documents(office, school)
    assert len(problems) == 5
    assert all("has a name that is none" in one for one in problems)
    assert not list(tmp_path.glob("outside*"))
    wanted = {path for path in honest() if not path.startswith(".")}
    here = {p.relative_to(school.tree).as_posix() for p in school.tree.rglob("*.json") if p.name[0] != "."}
    assert {path for path in here if "/days/delivered/" not in path} == wanted
    server.documents = honest
    (school.tree / ".server.json").unlink()
    server.forget_cursors()
    server._order = {path: at for path, at in server._order.items() if path in honest()}
    path = rooms[0].deliver(rooms[0].register(START + timedelta(days=9), {"a1": 0.9}))
    server.sticky["GET", path.parent.name] = "changed-answer"
    assert [one.partition(": ")[2] for one in bring_documents(office, school)] == [
        "is another document than the list says"
    ]


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(copied):
    _, _, server, _ = copied
    session = WebSession(
        server.url, {"Authorization": "Bearer secret-token"}, ca_file=str(server.ca_file), longest_s=0.4
    )
    assert session.ask("GET", "v1/documents").status == 200
    server.sticky["GET", "/v1/documents"] = "slow-loris"
    begun_s = time.monotonic()
    for _ in range(2):  # on the open connection, and on a new one
        with pytest.raises(NoAnswerError, match=r"^does not answer \("):
            session.ask("GET", "v1/documents")
    assert time.monotonic() - begun_s < 3
    server.sticky.clear()
    assert session.ask("GET", "v1/documents").status == 200


def test_half_a_character_as_cursor_begins_the_feed_anew(copied, monkeypatch):
    office, school, server, _ = copied
    honest = server.feed

    def feed(after: str, limit: int):
        return honest(after, limit) if not after else None

    server.feed_limit = 1000
    assert bring_documents(office, school) == []
    state = school.tree / ".server.json"
    state.write_text(json.dumps({**json.loads(state.read_text("utf-8")), "cursor": "\ud800"}), "utf-8")
    monkeypatch.setattr(server, "feed", feed)
    assert bring_documents(office, school) == []


def test_a_tree_that_cannot_be_written_is_one_line_and_ingest_goes_on(copied, monkeypatch):
    office, school, _, _ = copied
    bring_documents(office, school)
    monkeypatch.setattr(tree_copy, "put", full_disk)
    (school.tree / ".server.json").unlink()
    assert any("No space left on device" in line for line in ingest_round(office, school))
    assert Lesson.objects.count() == 6


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_unforeseen_error_does_not_end_the_ingest_of_serve(office, monkeypatch):
    stop, tried = threading.Event(), []

    def round_(_home, school):
        tried.append(school.school)
        if len(tried) > len(office.schools):
            stop.set()
        raise ValueError

    monkeypatch.setattr(serving, "ingest_round", round_)
    serving._ingest_for_ever(office, 0, stop)
    assert len(tried) == 2 * len(office.schools)


def test_the_offices_lists_are_put_on_the_server_and_foreign_ones_stay(copied):
    office, school, server, _ = copied
    bring_documents(office, school)
    ingest(school, NOW)
    account = an_account("office")
    for device in ("a", "b"):
        excuse(account, school, f"{device}1", date(2026, 11, 19), date(2026, 11, 21), "illness")
    foreign = server.folder / "v1/devices/b/excuses.json"
    foreign.write_text('{"by": "another program"}', "utf-8")
    assert publish_excuses(office, school, NOW.date()) == []
    requests_of(server)
    problems = send_lists(office, school)
    assert problems == ["v1/devices/b/excuses.json: was written by somebody else: take it away from the server first"]
    there = json.loads((server.folder / "v1/devices/a/excuses.json").read_text("utf-8"))
    assert sorted(one["student_id"] for one in there["excuses"]) == ["a1", "b1"]
    assert foreign.read_text("utf-8") == '{"by": "another program"}'
    foreign.unlink()
    assert send_lists(office, school) == []
    requests_of(server)
    assert send_lists(office, school) == []
    assert requests_of(server) == []


def test_settings_of_a_server_are_checked(tmp_path, copied):
    office, school, _, _ = copied
    (tmp_path / "server-token").write_text("t0ken\n", "ascii")
    path = tmp_path / "office.toml"
    usual = '[schools.north]\ntree = "t"\n[schools.north.server]\nurl = "https://office.example.org/attendance/"\n'
    path.write_text(usual, "utf-8")
    found = read_home(tmp_path).schools["north"].server
    assert found.url == "https://office.example.org/attendance"
    assert found.authorization() == {"Authorization": "Bearer t0ken"}
    assert "t0ken" not in repr(found)
    path.write_text(usual.replace("https:", "http:"), "utf-8")
    with pytest.raises(OfficeError, match=r"is not an https address"):
        read_home(tmp_path)
    with pytest.raises(OfficeError, match="refuses the login"):
        bring_documents(office, replace(school, server=replace(school.server, token="wrong")))


@contextmanager
def a_dripping_server(start: bytes) -> Iterator[int]:
    """A server that answers with a byte now and then, for ever; yields its port."""
    listener, stop = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(start)
                while not stop.wait(0.02):
                    connection.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        listener.close()
        thread.join()


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"])
def test_one_request_has_an_end_whatever_the_server_sends(start):
    begun_s = time.monotonic()
    with a_dripping_server(start) as port, pytest.raises(NoAnswerError, match=r"not complete after 0\.2 s"):
        ask("GET", f"http://127.0.0.1:{port}/data", {}, longest_s=0.2)
    assert time.monotonic() - begun_s < 3


def test_an_encrypted_connection_has_an_end_while_it_is_made():
    with a_dripping_server(b"\x16\x03\x03\x40\x00") as port, pytest.raises(NoAnswerError, match="not complete"):
        ask("GET", f"https://127.0.0.1:{port}/data", {}, longest_s=0.2)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_mail_has_an_end_whatever_the_server_sends(monkeypatch, security):
    monkeypatch.setattr(digest, "_LONGEST_S", 0.2)
    start = b"\x16\x03\x03\x40\x00" if security == "tls" else b"220-"
    with a_dripping_server(start) as port, pytest.raises((OSError, SMTPException)):
        digest._send(MailSettings("127.0.0.1", port, security, "a@school.example"), EmailMessage())


def test_many_silent_addresses_take_no_longer_than_the_deadline(monkeypatch):
    with silent_host(monkeypatch) as port:
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            ask("GET", f"http://many.example:{port}/x", {}, timeout_s=0.2, longest_s=0.5)
        assert 0.4 < time.monotonic() - began < 4, "40 addresses with 0.2 s each take 8 s"
