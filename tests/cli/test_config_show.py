from __future__ import annotations

import json

import pytest

from edge_daemon.__main__ import run
from edge_daemon.cli.config_show import hide_secrets
from edge_daemon.configfile import load_config, tomllib


def show(home, capsys, *options) -> str:
    assert run(["--home", str(home), "config", "show", *options]) == 0
    return capsys.readouterr().out


def test_config_show_prints_a_configuration_with_the_same_settings(tmp_path, capsys):
    (tmp_path / "config.toml").write_text(
        '[device]\nname = "R\\"7\\\\"\ntime_zone = "Asia/Tokyo"\n[mail]\nfrom = "a@b"\n'
    )
    copy = tmp_path / "shown.toml"
    copy.write_text(show(tmp_path, capsys))
    assert load_config(copy) == load_config(tmp_path / "config.toml")


def test_json_and_toml_show_the_same(tmp_path, capsys):
    (tmp_path / "config.toml").write_text("[rule]\nshare = 0.5\n")
    as_json = json.loads(show(tmp_path, capsys, "--json"))
    assert as_json["rule"]["share"] == 0.5
    assert as_json == tomllib.loads(show(tmp_path, capsys))


@pytest.mark.parametrize(
    ("given", "expected"), [('""', ""), ('"R1"', "R1"), ('["R1"]', "R1"), ('["R1", "R2"]', ["R1", "R2"])]
)
def test_a_room_of_one_name_is_shown_as_text(tmp_path, capsys, given, expected):
    (tmp_path / "config.toml").write_text(f"[timetable]\nroom = {given}\n")
    assert json.loads(show(tmp_path, capsys, "--json"))["timetable"]["room"] == expected


def test_without_a_file_config_show_says_that_these_are_defaults(tmp_path, capsys):
    assert "does not exist: defaults" in show(tmp_path, capsys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://admin:hunter2@cam.example/1", "rtsp://***@cam.example/1"),
        ("https://user:p@ss@word@host/", "https://***@host/"),
        ("https://host/api?token=abc&room=7", "https://host/api?token=***&room=7"),
        ("https://host/api?access_token=abc", "https://host/api?access_token=***"),
        (
            "rtspsrc location=rtsp://cam user-id=a user-pw=hunter2 ! fakesink",
            "rtspsrc location=rtsp://cam user-id=a user-pw=*** ! fakesink",
        ),
        ("/run/credentials/smtp-password", "/run/credentials/smtp-password"),
        ("office@school.example", "office@school.example"),
    ],
)
def test_secrets_inside_an_address_are_hidden(text, expected):
    assert hide_secrets(text) == expected


def test_secrets_are_hidden_wherever_a_setting_stands(tmp_path, capsys):
    (tmp_path / "config.toml").write_text(
        '[camera]\nsource = "rtsp://u:hunter2@h/"\n[timetable]\nfiles = ["https://u:hunter2@h/t.ics"]\n'
    )
    for options in ((), ("--json",)):
        assert "hunter2" not in show(tmp_path, capsys, *options)
