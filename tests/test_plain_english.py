"""The check of the prose finds what it is meant to find, and nothing in plain sentences."""

from __future__ import annotations

import pytest

from tests.plain_english import blocks_of, findings_of, mean_words, sentences_of, word_count

LONG = "The service " + "and the worker " * 14 + "wait."


def findings(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return findings_of(blocks_of(path))


@pytest.mark.parametrize(
    "sentence",
    [
        "A name tells one from the other.",
        "The worker is told when to stop.",
        "Whoever has the key can read it.",
        "The file is kept; who changes it needs no key.",
        "The queue is only for who knows the lock.",
        "The wait ends, for nobody answers.",
        LONG,
    ],
)
@pytest.mark.parametrize(
    ("name", "frame"),
    [("a.md", "# Title\n\n{}\n"), ("a.py", '"""{}"""\n'), ("b.py", "# {}\n"), ("c.py", 'f(help="{}")\n')],
)
def test_the_check_finds_a_banned_construction_and_a_long_sentence(tmp_path, name, frame, sentence):
    assert len(findings(tmp_path, name, frame.format(sentence))) == 1


@pytest.mark.parametrize("fragment", ["Of connecting and logging in.", "Where the files are."])
def test_a_docstring_does_not_begin_as_a_fragment(tmp_path, fragment):
    assert len(findings(tmp_path, "a.py", f'"""{fragment}"""\n')) == 1
    assert (
        len(
            findings(
                tmp_path, "a.py", f'def f(x):\n    """Read.\n\n    Args:\n        x: {fragment.lower()}\n    """\n'
            )
        )
        == 1
    )
    assert not findings(tmp_path, "a.md", f"{fragment}\n")


def test_plain_sentences_have_no_findings(tmp_path):
    plain = "The service retries after 1.5 s. It reports who was absent, and waits for it. Where is the key?"
    assert not findings(tmp_path, "a.md", f"{plain}\n\n    edge-daemon tell\n\n```\n{LONG}\n```\n\n- `tell` is code.\n")
    assert not findings(tmp_path, "a.py", f'"""{plain.partition(" Where")[0]}"""\n# noqa: S101\ntold = "told"\n')


def test_sentences_end_at_full_stops_and_not_at_decimal_points_or_abbreviations():
    text = "It waits 1.7 s, e.g. after a cut. See [the page](docs/A.md). `a. B` stays one word!"
    assert [word_count(one) for one in sentences_of(text)] == [8, 3, 4]


def test_the_mean_counts_paragraphs_and_items_and_no_cells(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "- one two three\n- one two three\n\n" + "One two three. " * 3 + "\n\n| a b c d e f g h i j |\n", "utf-8"
    )
    assert mean_words(blocks_of(path)) == 3
    path.write_text("One two three. " * 4, "utf-8")
    assert mean_words(blocks_of(path)) is None
