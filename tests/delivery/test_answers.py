"""The outcome of a status, a Retry-After and a server's text."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.delivery.answers import fields_of, is_page, problem_of, refusal, retry_after_s
from edge_daemon.delivery.error_messages import LONGEST, cleaned
from edge_daemon.delivery.http import HttpAnswer

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=timezone.utc)


def answer(status: int, body: bytes = b"", **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, is_cut=False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Sat, 21 Nov 2026 15:02:00 GMT", 120),
        ("Sat, 21 Nov 2026 14:00:00 GMT", 0),
        ("Saturday, 21-Nov-26 15:02:00 GMT", 120),
        ("99999999999999999999", 86400),
        ("Sat, 21 Nov 2099 15:02:00 GMT", 86400),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_the_patience_that_is_asked_for_is_seconds_or_a_date_and_a_day_at_most(text, seconds):
    assert retry_after_s(text, NOW) == seconds


@pytest.mark.parametrize("status", [*range(100, 200), *range(300, 600)])
def test_every_status_has_a_meaning_and_none_means_delivered(status):
    outcome = refusal(answer(status), "office:443", NOW)
    assert outcome.name in ("retry", "parked")
    assert "office:443" in outcome.answer or status == 407
    if status >= 500 or status < 400:
        assert outcome.name == "retry"


@given(st.integers(100, 599), st.binary(max_size=300), st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_server_says_becomes_one_short_printable_line(status, body, after, target):
    outcome = refusal(answer(status, body, retry_after=after, location=target), "office:443", NOW)
    assert outcome.answer.isprintable()
    assert len(outcome.answer) < 700
    assert outcome.retry_after_s is None or 0 <= outcome.retry_after_s <= 86400


@given(st.text())
def test_cleaned_words_are_short_and_have_no_power(text):
    line = cleaned(text)
    assert line.isprintable()
    assert len(line) <= LONGEST
    assert not set("<>\r\n\u202e\u200b") & set(line)


def test_a_problem_is_read_and_nothing_else_is_taken_for_one():
    problem = problem_of(answer(422, b'{"title":"Too many students","detail":"41 of 40","sha256":"ab"}'))
    assert (problem.words, problem.sha256) == ("Too many students: 41 of 40", "ab")
    for body in (b"", b"[]", b"null", b"\xff", b'{"title":7,"detail":null}', b"[" * 100_000, b"<html>"):
        assert problem_of(answer(422, body)).words == ""


def test_a_page_is_known_by_its_kind_or_its_beginning():
    assert is_page(answer(200, b"", content_type="text/html; charset=utf-8"))
    assert is_page(answer(200, b"  \n<!doctype html>", content_type="application/json"))
    assert not is_page(answer(200, b'{"a":"<b>"}', content_type="application/json"))
    assert fields_of(answer(200, b'{"sha256":"x"}', content_type="text/html")) == {}
