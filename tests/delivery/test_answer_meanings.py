"""For each status: the exact text in the outbox, and whether other items are tried meanwhile."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from edge_daemon.delivery.answers import (
    ForbiddenOutcome,
    ProblemDetails,
    doubtful,
    fields_of,
    held,
    is_page,
    page,
    problem_of,
    refusal,
    retry_after_s,
    unfetched,
)
from edge_daemon.delivery.error_messages import wants_certificate
from edge_daemon.delivery.http import HttpAnswer
from edge_daemon.types import Outcome

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=timezone.utc)
DAY_S = 86400.0


def _answer(status: int, body: bytes = b"", *, is_cut: bool = False, **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, is_cut=is_cut)


def _refusal(status: int, **headers: str) -> Outcome:
    return refusal(_answer(status, **headers), "office:443", NOW)


PORTAL = "office:443 answers with a web page: a captive portal or log-in, or a wrong upstream.url"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (404, "office:443 knows no such address; check upstream.url (404)"),
        (405, "office:443 does not take documents there; check upstream.url and upstream.kind (405)"),
        (410, "office:443 knows no such address any more; check upstream.url (410)"),
        (415, "office:443 does not take this kind of document; check upstream.kind (415)"),
        (421, "office:443 is not the server of that name; check upstream.url and the proxy (421)"),
        (501, "office:443 does not take documents; check upstream.url and upstream.kind (501)"),
        (407, "the proxy asks for a name and password (407)"),
        (511, PORTAL),
        (429, "office:443 has no capacity now (429)"),
        (502, "office:443 has no capacity now (502)"),
        (503, "office:443 has no capacity now (503)"),
        (504, "office:443 has no capacity now (504)"),
        (507, "office:443 has no capacity now (507)"),
        (300, "office:443 answers with a redirect to another place: a captive portal, or a wrong upstream.url"),
        (399, "office:443 answers with a redirect to another place: a captive portal, or a wrong upstream.url"),
    ],
)
def test_an_answer_about_the_whole_server_is_retried_and_holds_up_all_its_items(status, line):
    assert _refusal(status) == Outcome("retry", line, receiver_down=True)


@pytest.mark.parametrize("status", [100, 199, 408, 423, 425, 500, 505, 506, 508, 510, 599])
def test_an_answer_that_may_concern_one_document_is_retried_and_holds_up_no_other(status):
    assert _refusal(status) == Outcome("retry", f"office:443 failed ({status})", receiver_down=False)


@pytest.mark.parametrize("status", [400, 402, 406, 409, 411, 413, 422, 426, 431, 451, 499])
def test_a_document_that_is_refused_is_parked_and_holds_up_nothing_else(status):
    assert _refusal(status) == Outcome("parked", f"office:443 refuses the document ({status})", receiver_down=False)


def test_a_token_that_is_not_known_parks_and_holds_up_everything():
    retry = "then `edge-daemon outbox retry`"
    unknown = f"office:443 does not know this device's token (401); correct upstream.token_file, {retry}"
    assert _refusal(401) == Outcome("parked", unknown, receiver_down=True)
    assert not isinstance(_refusal(401), ForbiddenOutcome)
    not_allowed = f"office:443 does not allow this device to deliver (403); ask its administrator, {retry}"
    assert _refusal(403) == ForbiddenOutcome("parked", not_allowed, receiver_down=True)


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 500])
def test_the_text_of_the_server_is_in_brackets_behind_the_status(status):
    body = b'{"title":"No <room>","detail":"Come\\nlater"}'
    without_text, with_text = _refusal(status), refusal(_answer(status, body), "office:443", NOW)
    assert with_text.answer == without_text.answer.replace(f"({status})", f"({status}) (No room: Come later)")
    assert (with_text.name, with_text.receiver_down) == (without_text.name, without_text.receiver_down)


@pytest.mark.parametrize("status", [429, 502, 503, 504, 507, 408, 423, 425, 500, 599, 199])
def test_the_patience_that_a_busy_server_asks_for_is_kept(status):
    assert _refusal(status, retry_after="77").retry_after_s == 77
    assert _refusal(status, retry_after="Sat, 21 Nov 2026 15:01:17 GMT").retry_after_s == 77
    assert _refusal(status).retry_after_s is None


@pytest.mark.parametrize("status", [301, 401, 403, 404, 407, 413, 511])
def test_other_answers_can_not_set_a_time_to_retry(status):
    assert _refusal(status, retry_after="77").retry_after_s is None


def test_a_redirect_names_its_target_in_a_hundred_characters():
    answer = _refusal(302, location="https://portal.example/<x>" + "a" * 200).answer
    start, target = "office:443 answers with a redirect to ", "https://portal.example/ x " + "a" * 73 + "…"
    assert answer == f"{start}{target}: a captive portal, or a wrong upstream.url"


def test_a_document_that_the_server_already_holds_is_delivered_and_another_one_there_is_parked():
    assert held("office:443", is_ours=True) == Outcome("delivered", "office:443 already had it")
    other = (
        "office:443 holds another document there, which is never overwritten; was register.sqlite restored from a "
        "backup, or do two devices share a name?"
    )
    assert held("office:443", is_ours=False) == Outcome("parked", other)
    assert page("office:443") == Outcome("retry", PORTAL, receiver_down=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("\t86399 ", 86399.0),
        ("86400", DAY_S),
        ("86401", DAY_S),
        ("9" * 400, DAY_S),
        ("Sun, 22 Nov 2026 14:59:59 GMT", 86399.0),
        ("Sun, 22 Nov 2026 15:00:01 GMT", DAY_S),
        ("Sat, 21 Nov 2026 14:59:59 GMT", 0.0),
        ("Sat, 21 Nov 2026 16:02:00 +0100", 120.0),
        ("Sat, 21 Nov 2026 15:02:00 -0000", 120.0),  # without a zone: UTC
        ("٣", None),
        ("1e3", None),
        ("+5", None),
        (" ", None),
        ("Sat, 99 Nov 2026 15:02:00 GMT", None),
    ],
)
def test_retry_after_is_whole_seconds_or_a_date_and_a_day_at_most(text, seconds):
    assert retry_after_s(text, NOW) == seconds


def test_a_date_without_a_zone_is_in_utc_wherever_the_device_is(monkeypatch):
    try:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert retry_after_s("Sat, 21 Nov 2026 15:02:00 -0000", NOW) == 120.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_date_is_held_against_the_clock():
    text = "Sat, 21 Nov 2026 15:02:00 GMT"
    assert retry_after_s(text, NOW + timedelta(seconds=30)) == 90
    assert retry_after_s(text, NOW + timedelta(seconds=121)) == 0


@pytest.mark.parametrize(
    ("body", "words", "sha256"),
    [
        (b'{"title":"Full"}', "Full", ""),
        (b'{"detail":"41 of 40"}', "41 of 40", ""),
        (b'{"title":"Full","detail":"41 of 40","sha256":"ab"}', "Full: 41 of 40", "ab"),
        (b'{"title":" <> ","detail":"41 of 40"}', "41 of 40", ""),
        (b'{"title":7,"detail":["x"],"sha256":7}', "", ""),
        (b'{"sha256":"ab"}', "", "ab"),
        (b"[]", "", ""),
        (b"", "", ""),
    ],
)
def test_problem_details_are_title_and_detail(body, words, sha256):
    assert problem_of(_answer(422, body)) == ProblemDetails(words, sha256)
    assert ProblemDetails(words) == ProblemDetails(words, "")


def test_of_an_answer_that_was_cut_nothing_is_read():
    assert fields_of(_answer(422, b'{"title":"Full"}')) == {"title": "Full"}
    assert fields_of(_answer(422, b'{"title":"Full"}', is_cut=True)) == {}
    assert fields_of(_answer(422, b'{"title":"Full"}', content_type="text/html")) == {}


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "", False),
        (b"{}", "application/json", False),
        (b"<p>", "", True),
        (b" \r\n\t<p>", "", True),
        (b" " * 63 + b"<", "", True),
        (b" " * 64 + b"<", "", False),
        (b"x<p>", "text/plain", False),
        (b"{}", "TEXT/HTML", True),
        (b"{}", "application/xhtml+xml", True),
    ],
)
def test_a_page_is_html_by_its_type_or_begins_with_an_angle_bracket(body, content_type, expected):
    headers = {"content_type": content_type} if content_type else {}
    assert is_page(_answer(200, body, **headers)) is expected


def _wants(status: int) -> str:
    return f"{wants_certificate('office:443')} ({status})"


@pytest.mark.parametrize(
    ("status", "body"), [(400, b"<html>No required SSL certificate was sent"), (495, b""), (496, b"")]
)
def test_a_server_that_wants_a_certificate_says_so_about_this_item(status, body):
    found = refusal(_answer(status, body), "office:443", NOW)
    assert (found, found.is_doubtful) == (Outcome("retry", _wants(status), receiver_down=True), True)


@pytest.mark.parametrize(("status", "body"), [(400, b"no ssl certificate"), (400, b""), (497, b"SSL certificate")])
def test_any_other_bad_request_wants_no_certificate(status, body):
    assert refusal(_answer(status, body), "office:443", NOW).answer != _wants(status)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 407, 429, 503, 511])
def test_a_status_that_may_concern_one_item_only_is_doubtful(status):
    assert _refusal(status).is_doubtful is True
    assert _refusal(status).is_occupied is False


@pytest.mark.parametrize("status", [413, 500])
def test_a_status_that_concerns_the_document_is_not_doubtful(status):
    assert _refusal(status).is_doubtful is False


def test_a_doubtful_answer_keeps_the_patience_that_was_asked_for():
    assert doubtful("so", 7.0, "parked") == Outcome("parked", "so", 7.0, receiver_down=True)
    assert doubtful("so").is_doubtful is True


def test_a_place_that_another_document_has_is_occupied():
    assert held("office:443", is_ours=False).is_occupied is True
    assert held("office:443", is_ours=True).is_occupied is False


@pytest.mark.parametrize("status", [403, 405, 415, 501])
def test_a_document_that_may_not_be_read_is_named(status):
    body = b'{"title":"No"}'
    found = unfetched(_answer(status, body), "roster.csv", "office:443", NOW)
    line = f"roster.csv was not fetched: office:443 does not allow this device to read it ({status}) (No)"
    assert (found.name, found.answer, found.is_doubtful) == ("retry", line, True)
    assert found.receiver_down is _refusal(status).receiver_down
    assert unfetched(_answer(status), "roster.csv", "office:443", NOW).answer == line.removesuffix(" (No)")


@pytest.mark.parametrize("status", [199, 300, 404, 500, 503])
def test_any_other_answer_is_the_reason_why_a_document_was_not_fetched(status):
    expected = _refusal(status, retry_after="77")
    found = unfetched(_answer(status, retry_after="77"), "roster.csv", "office:443", NOW)
    assert (found.name, found.answer) == ("retry", f"roster.csv was not fetched: {expected.answer}")
    assert (found.retry_after_s, found.receiver_down) == (expected.retry_after_s, expected.receiver_down)
    assert found.is_doubtful is True


def test_a_date_until_which_a_document_is_not_given_out_is_held_against_the_clock():
    busy = _answer(503, retry_after="Sat, 21 Nov 2026 15:01:17 GMT")
    assert unfetched(busy, "roster.csv", "office:443", NOW).retry_after_s == 77
    assert unfetched(busy, "roster.csv", "office:443", NOW + timedelta(seconds=7)).retry_after_s == 70


@pytest.mark.parametrize("status", [200, 299])
def test_a_web_page_as_the_answer_is_the_reason_why_a_document_was_not_fetched(status):
    found = unfetched(_answer(status, b"<html>"), "roster.csv", "office:443", NOW)
    assert found.answer == f"roster.csv was not fetched: {PORTAL}"
    assert found.receiver_down is True
