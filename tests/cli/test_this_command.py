"""Advice names commands as they work where it is read."""

from __future__ import annotations

import sys

import click
import pytest

from edge_daemon.__main__ import run
from edge_daemon.cli import cli
from edge_daemon.cli.this_command import commands_here, line_here
from edge_daemon.errors import StoreError
from edge_daemon.home import Home

ADVICE = "see `edge-daemon outbox list`, then `edge-daemon outbox retry`"


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/opt/edge-daemon/venv")


def test_on_a_device_advice_names_the_command_that_has_the_keys(installed):
    assert commands_here(ADVICE, Home()) == "see `attendance outbox list`, then `attendance outbox retry`"
    sync = commands_here("wait for `edge-daemon sync`", Home())
    assert sync == "wait for `sudo systemctl start edge-daemon-sync.service`"
    assert commands_here("`edge-daemon update --back`", Home()) == "`sudo edge-daemon update --back`"


def test_with_another_home_advice_names_it_once(installed, tmp_path):
    home = Home(tmp_path / "my class")
    named = f"edge-daemon --home '{tmp_path}/my class'"
    assert commands_here(ADVICE, home) == f"see `{named} outbox list`, then `{named} outbox retry`"
    assert commands_here("`edge-daemon doctor`, `edge-daemon run`", home) == f"`{named} doctor`, `{named} run`"
    assert line_here(StoreError("is refused", "item 7", ADVICE), home).startswith(
        f"item 7: is refused; see `{named} outbox"
    )
    for already in (home.enrol_step, "see `edge-daemon collect --help`"):
        assert commands_here(already, home) == already


def test_in_a_checkout_the_command_stays(installed, monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/home/me/edge-daemon/.venv")
    assert commands_here(ADVICE, Home()) == ADVICE
    assert commands_here(Home().enrol_step, Home()).startswith("enrol first: `edge-daemon --home DIR enrol import ")


def test_an_error_has_its_advice_for_the_device(installed, monkeypatch, capsys):
    def refuse() -> None:
        raise StoreError("is refused", "item 7", ADVICE)

    monkeypatch.delenv("EDGE_DAEMON_HOME", raising=False)
    monkeypatch.setattr(type(cli), "get_command", lambda self, ctx, name: click.Command(name, callback=refuse))
    assert run(["x"]) == 2
    assert capsys.readouterr().err.endswith("see `attendance outbox list`, then `attendance outbox retry`\n")
