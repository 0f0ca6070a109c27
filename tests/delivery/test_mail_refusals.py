"""Refusals because of the sender, worded as if they concerned one message: three in a row count for the sender."""

from __future__ import annotations

import pytest

from edge_daemon.delivery.mail_refusals import RefusalsInARow, is_passing
from edge_daemon.delivery.smtp_session import SmtpRefusal
from edge_daemon.types import Outcome

PASSING = [
    ("receiver", 550, "5.7.1 Service unavailable; Client host [203.0.113.7] blocked using zen.spamhaus.org"),
    ("receiver", 554, "5.7.1 Your address 203.0.113.7 is listed in dnsbl.sorbs.net"),
    ("receiver", 550, "5.7.511 Access denied, banned sender[203.0.113.7], blocklist"),
    ("message", 550, "5.4.5 Daily user sending limit exceeded. For more information go to example"),
    ("message", 554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; 12"),
    ("sender", 450, "4.7.1 sending rate limit of 30 messages exceeded"),
    ("message", 550, "5.4.6 Too many messages from this account"),
]
OF_ONE = [
    ("receiver", 550, "5.1.1 <x@y.example> User unknown"),
    ("receiver", 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; not found"),
    ("receiver", 552, "5.2.2 mailbox is over its quota"),
    ("receiver", 452, "4.2.2 The recipient's mailbox is full"),
    ("receiver", 550, "No such user here"),
    ("receiver", 550, "5.2.1 The email account that you tried to reach is disabled"),
]


def outcome_of(refused: SmtpRefusal) -> Outcome:
    return Outcome("parked" if refused.code >= 500 else "retry", refused.words)


def weighed(row: RefusalsInARow, step: str, code: int, words: str) -> Outcome:
    refused = SmtpRefusal(step, code, words)
    return row.weighed(refused, outcome_of(refused), "mail.example:587")


@pytest.mark.parametrize(("step", "code", "words"), PASSING)
def test_quotas_and_blocklists_are_tried_again_by_themselves(step, code, words):
    row = RefusalsInARow()
    found = [weighed(row, step, code, words.replace("12", str(n))) for n in range(4)]
    assert [one.name for one in found] == ["retry"] * 4, "never parked"
    assert [one.receiver_down for one in found] == [False, False, True, True]
    assert found[2].retry_after_s == 3600


@pytest.mark.parametrize(("step", "code", "words"), OF_ONE)
def test_a_refused_address_is_that_address_however_many_there_are(step, code, words):
    row = RefusalsInARow()
    assert not is_passing(SmtpRefusal(step, code, words))
    found = [weighed(row, step, code, words) for _ in range(5)]
    assert [one.receiver_down for one in found] == [False] * 5
    assert {one.name for one in found} == {"parked" if code >= 500 else "retry"}


def test_three_equal_refusals_in_a_row_mean_that_the_sender_is_not_allowed():
    row = RefusalsInARow()
    words = "5.2.252 SendAsDenied; room204@school.example not allowed to send as office-{}@school.example"
    found = [weighed(row, "message", 554, words.format(n)) for n in range(3)]
    assert [(one.name, one.receiver_down) for one in found] == [("parked", False)] * 2 + [("parked", True)]
    assert "check mail.from" in found[2].answer
    assert "school.example" not in found[2].answer


def test_refusals_that_differ_or_are_not_in_a_row_concern_their_own_message():
    row = RefusalsInARow()
    for words in ("5.7.1 spam", "5.7.1 virus", "5.7.1 spam", "5.6.0 malformed", "5.7.1 spam"):
        assert not weighed(row, "message", 554, words).receiver_down
    row.forget()
    for _ in range(2):
        assert not weighed(row, "message", 554, "5.7.1 spam").receiver_down
    row.forget()
    assert not weighed(row, "message", 554, "5.7.1 spam").receiver_down
