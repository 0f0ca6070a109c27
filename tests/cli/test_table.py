from __future__ import annotations

import sys

import pytest

from edge_daemon.cli.register_text import _folded
from edge_daemon.cli.table import table


def test_numbers_stand_to_the_right_and_text_to_the_left():
    rows = [("S1", "Ann", "7", "92%"), ("S20", "Benedict", "104", "-")]
    assert table(("id", "name", "seen", "share"), rows).splitlines() == [
        "id   name      seen  share",
        "S1   Ann          7    92%",
        "S20  Benedict   104      -",
    ]


def test_a_table_without_rows_is_its_heads():
    assert table(("id", "name"), []) == "id  name"


def test_wide_signs_and_marks_are_counted_as_a_terminal_shows_them():
    rows = [("山田", "x"), ("e\u0301", "y"), ("🎓", "z"), ("abcd", "w")]
    assert table(("name", "id"), rows).splitlines()[1:] == ["山田  x", "e\u0301     y", "🎓    z", "abcd  w"]


def test_control_characters_can_not_reach_the_terminal():
    assert "\x1b" not in table(("name",), [("\x1b[2Jgone\r\n",)])
    assert len(table(("name",), [("a\nb",)]).splitlines()) == 2


def test_a_long_name_is_cut():
    assert table(("name",), [("n" * 300,)]).splitlines()[1] == "n" * 39 + "…"


@pytest.fixture
def terminal(monkeypatch):
    """Make the output a terminal with this many columns."""

    def columns(count: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(count))

    return columns


HEADS = ("student", "name", "verdict", "seen", "note")
ROWS = [
    ("S1", "Ann", "present", "41", "close to the rule, and the only one there in the last third of it"),
    ("S2", "Benedict Longname-Somebody", "absent", "0", ""),
]


def test_a_narrow_terminal_gets_a_paragraph_for_each_row(terminal):
    terminal(40)
    assert table(HEADS, ROWS, widest=70).splitlines() == [
        "student S1  name Ann  verdict present",
        "  seen 41",
        "  note close to the rule, and the only",
        "    one there in the last third of it",
        "student S2",
        "  name Benedict Longname-Somebody",
        "  verdict absent  seen 0",
    ]


def test_a_terminal_that_is_wide_enough_gets_the_table(terminal):
    terminal(140)
    assert table(HEADS, ROWS, widest=70).splitlines()[0].split() == list(HEADS)


def test_a_table_in_a_file_never_depends_on_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert table(HEADS, ROWS, widest=70).splitlines()[0].split() == list(HEADS)


def test_the_pictures_of_a_student_are_folded_in_tens(terminal):
    terminal(40)
    assert list(_folded("S1 ", "#" * 70)) == ["S1   " + "#" * 30, "     " + "#" * 30, "     " + "#" * 10]
    terminal(120)
    assert list(_folded("S1 ", "#" * 70)) == ["S1   " + "#" * 70]
