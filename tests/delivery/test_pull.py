"""The office's documents from a real HTTPS server: complete, checked and once; a broken one changes nothing."""

from __future__ import annotations

import hashlib
import stat
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.delivery.http import Limits
from edge_daemon.delivery.pull import ASK_ANEW_AFTER, REST, PullResult, WantedDocument, pull
from edge_daemon.delivery.upstream import PullResponse, Upstream
from edge_daemon.errors import DeliveryError, StoreError
from edge_daemon.store import pulled
from edge_daemon.store.database import open_register
from edge_daemon.store.pulled import note_applied, note_refused, pulled_document
from edge_daemon.types import Outcome
from tests.delivery.upstreams import settings
from tests.office_server import PORTAL, OfficeServer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
PLACE = "v1/devices/room-1/corrections.json"
NAME = "corrections.json"


def _check(data: bytes) -> None:
    if data.startswith(b"broken"):
        raise DeliveryError("is not JSON", f"{NAME}, line 1", "correct it")


@dataclass
class Desk:
    """A device that pulls one document."""

    inbox: object
    db: object
    source: object
    max_bytes: int = 10_000
    now: datetime = NOW
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, etag: str, max_bytes: int) -> PullResponse:
        self.asked.append(etag)
        return self.source.get(path, etag, max_bytes)

    def pull(self, later: timedelta = timedelta(0)) -> PullResult:
        self.now += later
        return pull(WantedDocument(NAME, PLACE, self.max_bytes, _check), self, self.db, self.inbox, self.now)

    @property
    def known(self):
        return pulled_document(self.db, NAME)

    def waiting(self) -> bytes | None:
        path = self.inbox / NAME
        return path.read_bytes() if path.exists() else None

    def apply(self, problem: str = "") -> None:
        """Apply the waiting document, as the service does."""
        data = (self.inbox / NAME).read_bytes()
        note_applied(self.db, NAME, hashlib.sha256(data).hexdigest(), problem=problem, at=self.now)
        (self.inbox / NAME).unlink()

    def refuse(self, problem: str) -> None:
        data = (self.inbox / NAME).read_bytes()
        note_refused(self.db, NAME, hashlib.sha256(data).hexdigest(), problem=problem)
        (self.inbox / NAME).unlink()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def db(tmp_path):
    db = open_register(tmp_path / "register.sqlite")
    with closing(db.conn):
        yield db


@pytest.fixture
def server(tmp_path, certificates):
    with OfficeServer(tmp_path / "office", certificates=certificates) as office:
        yield office


@pytest.fixture
def desk(server, db, tmp_path):
    # A hundred megabytes take the server itself a while on a busy board.
    limits = Limits(connect_s=10, read_s=20, exchange_s=30)
    with Upstream(settings(server), server.token, device="room-1", limits=limits) as source:
        yield Desk(tmp_path / "inbox", db, source)


def publish(server, data: bytes) -> None:
    path = server.folder / PLACE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_a_document_is_put_into_the_inbox_whole_and_for_its_owner_only(server, desk):
    publish(server, b"one")
    assert desk.pull().result == "new"
    assert desk.waiting() == b"one"
    assert stat.S_IMODE((desk.inbox / NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.inbox.stat().st_mode) == 0o700
    assert [path.name for path in desk.inbox.iterdir()] == [NAME]


def test_a_waiting_or_applied_document_is_not_fetched_again(server, desk):
    publish(server, b"one")
    desk.pull()
    assert desk.pull().result == "unchanged"
    desk.apply()
    assert desk.pull().result == "unchanged"
    assert desk.waiting() is None
    assert desk.asked[0] == ""
    assert desk.asked[1:] == [desk.known.etag] * 2 != [""] * 2


def test_a_new_version_replaces_one_that_waits(server, desk):
    publish(server, b"one")
    desk.pull()
    publish(server, b"two")
    assert desk.pull().result == "new"
    assert desk.waiting() == b"two"


def test_a_server_without_etags_does_as_well(db, tmp_path):
    class Bare:
        def get(self, path, etag, max_bytes):
            assert etag == ""
            return PullResponse(200, b"one")

    desk = Desk(tmp_path / "inbox", db, Bare())
    assert desk.pull().result == "new"
    assert desk.pull().result == "unchanged"
    desk.apply()
    assert desk.pull().result == "unchanged"
    assert desk.waiting() is None


def test_a_document_that_is_not_there_changes_and_logs_nothing(desk, caplog):
    assert desk.pull() == PullResult(NAME, "nothing")
    assert desk.known.fetched_at is None
    assert caplog.records == []


def test_a_document_that_the_office_takes_back_is_not_applied(server, desk):
    publish(server, b"one")
    desk.pull()
    (server.folder / PLACE).unlink()
    assert desk.pull().result == "nothing"
    assert desk.waiting() is None
    publish(server, b"one")
    assert desk.pull().result == "new"


def test_a_broken_document_changes_nothing_is_reported_once_and_not_fetched_again(server, desk, caplog):
    publish(server, b"one")
    desk.pull()
    desk.apply()
    publish(server, b"broken")
    assert desk.pull() == PullResult(NAME, "broken", f"{NAME}, line 1: is not JSON; correct it")
    assert desk.pull().result == "unchanged"
    assert desk.waiting() is None
    assert desk.known.problem == f"{NAME}, line 1: is not JSON; correct it"
    assert desk.known.applied_sha256 == hashlib.sha256(b"one").hexdigest()
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == ["document refused"]


def test_a_good_document_that_waits_outlives_a_broken_one_after_it(server, desk):
    publish(server, b"one")
    desk.pull()
    publish(server, b"broken")
    desk.pull()
    assert desk.waiting() == b"one"


def test_the_old_version_put_back_ends_the_problem(server, desk):
    publish(server, b"one")
    desk.pull()
    desk.apply()
    publish(server, b"broken")
    desk.pull()
    publish(server, b"one")
    desk.pull()
    assert desk.known.problem == ""


def test_a_document_refused_when_applied_is_tried_again_after_a_day(server, desk):
    publish(server, b"one")
    desk.pull()
    desk.refuse("removes 9 of 9 students")
    assert desk.pull(timedelta(hours=1)).result == "unchanged"
    assert desk.waiting() is None
    assert desk.pull(ASK_ANEW_AFTER).result == "new"
    assert desk.waiting() == b"one"
    assert desk.known.problem == ""


def test_a_document_that_was_lost_before_it_was_applied_is_fetched_again(server, desk):
    publish(server, b"one")
    desk.pull()
    (desk.inbox / NAME).unlink()
    assert desk.pull().result == "new"
    assert desk.waiting() == b"one"


def test_a_document_that_is_being_applied_is_not_fetched_again(server, desk):
    publish(server, b"one")
    desk.pull()
    (desk.inbox / NAME).unlink()
    pulled.note_taken(desk.db, NAME, pulled.token(hashlib.sha256(b"one").hexdigest(), 1))
    assert desk.pull().result == "unchanged"


def test_a_body_of_a_hundred_megabytes_is_cut_off_while_it_is_read(server, desk):
    publish(server, b"one")
    desk.pull()
    desk.apply()
    with (server.folder / PLACE).open("wb") as file:
        file.truncate(100 * 2**20)
    result = desk.pull()
    assert (result.result, result.reason) == ("broken", f"{NAME}: is larger than 10000 bytes")
    assert desk.waiting() is None
    asked = len(desk.asked)
    assert desk.pull(REST / 2).reason == result.reason
    assert len(desk.asked) == asked, "it is not fetched every quarter of an hour"
    publish(server, b"two")
    assert desk.pull(REST).result == "new"


def test_a_packed_answer_is_not_unpacked(desk, db, tmp_path):
    """So that no bomb can be in it: nobody asked for packing."""

    class Packed:
        def get(self, path, etag, max_bytes):
            raise DeliveryError("came packed, which was not asked for", path, "")

    bomb = Desk(tmp_path / "inbox", db, Packed())
    assert bomb.pull() == PullResult(NAME, "broken", f"{NAME}: came packed, which was not asked for")


def test_a_captive_portal_is_no_document_and_nothing_is_remembered_of_it(server, desk):
    publish(server, b"one")
    desk.pull()
    desk.apply()
    server.faults.append("captive-portal")
    result = desk.pull()
    assert result.result == "unreachable"
    assert result.receiver_down
    assert desk.known.problem == ""
    assert desk.pull().result == "unchanged"


def test_a_page_that_calls_itself_something_else_is_no_document_either(db, tmp_path):
    class Liar:
        body = b"\n  " + PORTAL

        def get(self, path, etag, max_bytes):
            return PullResponse(200, self.body, '"portal"')

    liar = Liar()
    desk = Desk(tmp_path / "inbox", db, liar)
    assert desk.pull().result == "broken"
    assert desk.waiting() is None
    assert desk.known.etag == ""
    liar.body = b"one"
    assert desk.pull(REST).result == "new"


@pytest.mark.parametrize("fault", ["500", "401", "reset-after-body", "answer-cut", "no-length", "redirect"])
def test_a_server_in_trouble_changes_nothing(server, desk, fault):
    publish(server, b"one")
    desk.pull()
    publish(server, b"two")
    server.faults.append(fault)
    result = desk.pull()
    assert (result.result, bool(result.reason)) == ("unreachable", True)
    assert desk.waiting() == b"one"
    assert desk.pull().result == "new"


def test_an_error_of_one_document_does_not_mark_the_server_as_down(db, tmp_path):
    class Busy:
        def get(self, path, etag, max_bytes):
            return PullResponse(500, problem=Outcome("retry", "internal error"))

    assert desk_of(Busy(), db, tmp_path).pull() == PullResult(NAME, "unreachable", "internal error")


def desk_of(source, db, tmp_path) -> Desk:
    return Desk(tmp_path / "inbox", db, source)


def test_an_inbox_that_can_not_be_written_is_one_line(server, desk):
    publish(server, b"one")
    desk.inbox.write_text("a file in its place")
    with pytest.raises(StoreError, match="can't be"):
        desk.pull()
    assert desk.known.sha256 == ""
