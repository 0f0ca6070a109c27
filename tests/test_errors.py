"""One line for every error, whatever the file has that it quotes."""

from __future__ import annotations

from edge_daemon.errors import EdgeError


def test_a_line_has_no_control_characters_and_says_where_what_and_what_to_do():
    error = EdgeError("is\nbroken\x1b[2J", "a\tfile", "mend\rit")
    assert error.line() == "a file: is broken [2J; mend it"


def test_the_text_of_a_file_can_not_make_an_error_line_too_long():
    error = EdgeError("begins " + "x" * 100_000 + " ends", "/" + "y" * 100_000 + "/card.json", "z" * 100_000)
    assert len(error.line()) < 4000
    for part in ("begins xxx", "xxx ends", "yyy/card.json: begins"):
        assert part in error.line()
    assert str(error) == error.line()
