"""A server's text in a log contains no name."""

from __future__ import annotations

import logging

import pytest

from edge_daemon.app.sync.day_documents import without_addresses
from edge_daemon.device.discretion import discreet, hide_names
from edge_daemon.device.journal import LineFormatter, fields_of


@pytest.fixture(autouse=True)
def names():
    hide_names(["Anna Weber", "Jos\u00e9 van der Berg", "Li Ng"])
    yield
    hide_names([])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 no such user: Anna Weber", "550 no such user: (name)"),
        ("no such user WEBER, anna", "no such user (name), (name)"),
        ("mailbox anna.weber@school.example is full", "mailbox (address) is full"),
        ("<jose@home.example>: refused", "<(address)>: refused"),
        ("unknown: Jos\u00e9 van der Berg", "unknown: (name)"),
        ("unknown: Li Ng", "unknown: (name)"),
        ("the webers are not Weberlein; bergen", "the webers are not Weberlein; bergen"),
        ("421 try again later", "421 try again later"),
        ("", ""),
    ],
)
def test_addresses_and_names_of_the_roster_are_taken_out(text, expected):
    assert discreet(text) == expected
    assert without_addresses(text) == expected


def test_a_line_of_the_log_has_the_reason_without_them_and_all_else_as_it_is():
    record = logging.LogRecord("edge_daemon.x", logging.WARNING, "", 0, "destination refuses", (), None)
    record.reason, record.destination = "550 Anna Weber <a.weber@school.example> unknown", "mail"
    assert fields_of(record) == {"reason": "550 (name) <(address)> unknown", "destination": "mail"}
    assert "Weber" not in LineFormatter(priority=True).format(record)


def test_without_a_roster_only_addresses_go():
    hide_names([])
    assert discreet("Anna Weber a@b") == "Anna Weber (address)"
