from __future__ import annotations

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
