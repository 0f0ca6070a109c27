"""The choice of counted pictures is asked for, reported, and written into the settings of each card."""

from __future__ import annotations

import io

import pytest

from edge_daemon.configfile import tomllib
from provisioning import attention
from provisioning.rooms import read_rooms
from tests.provisioning.lists import GOOD, OTHER, make_cards, write_list


@pytest.mark.parametrize(("options", "deg"), [((), None), (("--count", "facing"), None), (("--count", "there"), 180)])
def test_the_choice_is_in_the_settings_and_in_the_output(tmp_path, options, deg):
    result = make_cards(write_list(tmp_path, GOOD), tmp_path / "cards", *options)
    assert result.returncode == 0, result.stderr
    written = (tmp_path / "cards" / "room-7a" / "edge-daemon" / "config.toml").read_text("utf-8")
    assert tomllib.loads(written).get("attention", {}).get("max_yaw_deg") == deg
    counts = "every picture in which a student is there counts" if deg else "only pictures in which a student faces"
    assert counts in result.stdout


def test_a_value_of_the_list_for_a_room_stays(tmp_path):
    rooms, problems = read_rooms(
        write_list(tmp_path, {**GOOD, "attention.max_yaw_deg": "40"}, {**OTHER, "timetable_room": "7a"})
    )
    assert not problems
    chosen = attention.with_choice(rooms, "there")
    assert [room.settings["attention", "max_yaw_deg"] for room in chosen] == [40, 180]
    assert "in 1 of 2 rooms" in attention.summary(chosen)


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "choice"), [("there\n", "there"), ("what?\nFacing\n", "facing"), ("", "facing")])
def test_at_a_terminal_the_person_is_asked(tmp_path, monkeypatch, capsys, typed, choice):
    rooms, _ = read_rooms(write_list(tmp_path, GOOD))
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert attention.wanted(rooms, None) == choice
    assert "docs/PRIVACY.md" in capsys.readouterr().out
    assert attention.wanted(rooms, "there") == "there"
    assert not capsys.readouterr().out


def test_no_question_is_asked_where_the_list_has_the_value(tmp_path, monkeypatch):
    rooms, _ = read_rooms(write_list(tmp_path, {**GOOD, "attention.max_yaw_deg": "180"}))
    monkeypatch.setattr("sys.stdin", Terminal("there\n"))
    assert attention.wanted(rooms, None) == "facing"
    assert attention.summary(rooms).startswith("every picture")
