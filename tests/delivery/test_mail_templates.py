"""Words of messages: both languages are whole, a school's own are checked, and values are never more than text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.delivery.mail_blocks import FactRow, Facts, Figure, Figures, Rows
from edge_daemon.delivery.mail_templates import BLOCKS, PLACEHOLDERS, Templates
from edge_daemon.errors import DeliveryError

VALUES = {name: name.upper() for names in PLACEHOLDERS.values() for name in names - BLOCKS}
STUDENT = "Subject: {iso_day} {course}\n\n# Hello {name}\n\nYou were not there.\n"


def own_template(tmp_path, text, name="student.txt", encoding="utf-8"):
    (tmp_path / name).write_bytes(text.encode(encoding))
    return Templates("en", tmp_path)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", sorted(PLACEHOLDERS))
def test_every_language_has_every_template_and_leaves_no_brace(language, name):
    composed = Templates(language, None).template(name).fill(VALUES)
    for text in (composed.subject, composed.text, composed.html):
        assert text.strip()
        assert not re.search(r"[{}]", text)
    assert max(map(len, composed.text.splitlines())) <= 72


def test_both_languages_have_the_same_words_with_the_same_placeholders():
    english, german = (Templates(language, None).words for language in ("en", "de"))
    assert english.keys() == german.keys()
    for name, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", german[name])), name


def test_an_unknown_placeholder_is_named_with_file_line_and_what_is_known(tmp_path):
    templates = own_template(tmp_path, "; ours\nSubject: Hello\n\nDear {nmae},\n\nsee {course.__class__} and {}\n")
    with pytest.raises(DeliveryError) as caught:
        templates.template("student")
    line = str(caught.value)
    assert line.startswith(str(tmp_path / "student.txt"))
    assert "line 4: {nmae} is not known here; known are: course, date" in line
    assert "line 6: {course.__class__} is not known" in line
    assert "line 6: {} is not known" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello {name}\n", "it does not begin with `Subject: ...`"),
        ("", "it does not begin with `Subject: ...`"),
        ("Subject:\n\nText", "it does not begin with `Subject: ...`"),
        ("Subject: A\n\nText {name\n", "line 3: a lone {"),
        ("Subject: A\n\nText }\n", "line 3: a lone }"),
        ("Subject: A\n\nFacts: {facts}\n", "line 3: {facts} must be alone"),
        ("Subject: A {facts}\n\nText\n", "line 1: {facts} must be alone"),
    ],
)
def test_a_template_with_a_mistake_is_refused(tmp_path, text, words):
    with pytest.raises(DeliveryError, match=re.escape(words)):
        own_template(tmp_path, text).template("student")
    with pytest.raises(DeliveryError, match=re.escape(words)):
        own_template(tmp_path, text).check()


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    with pytest.raises(DeliveryError, match="is not UTF-8 text"):
        own_template(tmp_path, "Subject: Größe\n", encoding="latin-1").template("student")


def test_a_file_that_stands_in_for_nothing_is_named(tmp_path):
    with pytest.raises(DeliveryError, match="replaces no file of the program"):
        own_template(tmp_path, STUDENT, "studnet.txt").check()
    with pytest.raises(DeliveryError, match="there is no such folder"):
        Templates("en", tmp_path / "none").check()


def test_a_schools_own_template_stands_in_for_one_of_the_programs(tmp_path):
    templates = own_template(tmp_path, "\ufeffSubject: {course}, absent\r\n\r\n# Hi {name}\r\n\r\nBraces: {{}}\r\n")
    assert templates.check() == 1
    composed = templates.template("student").fill({"name": "Ada", "course": "7b"})
    assert composed.subject == "7b, absent"
    assert composed.text == "Hi Ada\n======\n\nBraces: {}\n"
    assert templates.template("guardian") == Templates("en", None).template("guardian")


def test_words_may_be_the_schools_own_a_few_at_a_time(tmp_path):
    templates = own_template(tmp_path, "; ours\nabsent = Missing\n", "words.txt")
    assert templates.words["absent"] == "Missing"
    assert templates.words["present"] == "Present"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("abssent = Missing", "abssent is not known"),
        ("weekdays = Mo Tu We", "weekdays does not fit"),
        ("count_absent = {cuont} away", "count_absent does not fit"),
        ("absent", "line 1 is not `name = text`"),
    ],
)
def test_words_with_a_mistake_are_refused(tmp_path, line, words):
    with pytest.raises(DeliveryError, match=re.escape(words)):
        _ = own_template(tmp_path, f"{line}\n", "words.txt").words


def test_a_layout_without_a_place_for_the_message_is_refused(tmp_path):
    with pytest.raises(DeliveryError, match=re.escape("{body} is missing")):
        own_template(tmp_path, "<html>{title}</html>", "layout.html").check()


def test_a_value_is_text_whatever_is_in_it(tmp_path):
    composed = (
        own_template(tmp_path, STUDENT)
        .template("student")
        .fill({"name": "<b>{course}</b>\r\nBcc: x", "course": "{body}"})
    )
    assert composed.subject == "{body}"
    assert "Hello <b>{course}</b> Bcc: x" in composed.text
    assert "Hello &lt;b&gt;{course}&lt;/b&gt; Bcc: x" in composed.html
    assert composed.html.count("<!DOCTYPE html>") == 1


def _tags(text):
    """How many tags a message's parts have with this text everywhere."""
    row = FactRow(text, text, text, text, "bad")
    parts = (Rows(text, (row, row)), Facts(((text, text),)), Figures((Figure(text, 1, "good"),)))
    return sum(part.html().count("<") for part in parts)


@given(st.text(max_size=60))
def test_no_text_gets_out_of_its_place_in_a_message(text):
    assert _tags(text) in (_tags("x"), _tags(""))
    composed = Templates("en", None).template("guardian").fill({**VALUES, "name": text})
    assert len(composed.subject.splitlines()) == 1
    assert composed.html.count("<") == Templates("en", None).template("guardian").fill(VALUES).html.count("<")


def test_paragraphs_and_lists_without_anything_in_them_are_left_out():
    empty = {"figures": Figures(()), "absent": Rows("Absent", ()), "facts": Facts(()), "told": ""}
    composed = Templates("en", None).template("office").fill({**VALUES, **empty})
    assert "ABSENT" not in composed.text
    assert "\n\n\n" not in composed.text
    assert "<h2" not in composed.html


@pytest.mark.parametrize(
    ("language", "direction"),
    [("en", "ltr"), ("ar", "rtl"), ("ar-EG", "rtl"), ("FA", "rtl"), ("pt-BR", "ltr"), ("az-Arab", "rtl"),
     ("ur-Latn", "ltr"), ("yi-US", "rtl"), ("de", "ltr")],
)  # fmt: skip
def test_a_message_says_its_language_and_which_way_it_is_written(tmp_path, language, direction):
    (tmp_path / "words.txt").write_text(f"language = {language}\n", encoding="utf-8")
    composed = own_template(tmp_path, STUDENT).template("student").fill(VALUES)
    assert composed.language == language
    assert f'<html lang="{language}" dir="{direction}">' in composed.html
    assert f'<div lang="{language}" dir="{direction}">\n<h1' in composed.html


def test_a_page_of_the_schools_own_says_the_language_within_the_body(tmp_path):
    (tmp_path / "layout.html").write_text("<html><body>{body}</body></html>", encoding="utf-8")
    composed = own_template(tmp_path, STUDENT).template("student").fill(VALUES)
    assert composed.html.startswith('<html><body><div lang="en" dir="ltr">\n')
    assert composed.html.endswith("</div></body></html>")


@pytest.mark.parametrize("language", ["english", "e", 'en" onload="x', "en_GB", "{course}"])
def test_an_invalid_language_is_refused(tmp_path, language):
    (tmp_path / "words.txt").write_text(f"language = {language}\n", encoding="utf-8")
    with pytest.raises(DeliveryError, match=r"words\.txt"):
        own_template(tmp_path, STUDENT).check()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_programs_own_texts_name_their_language(language):
    assert Templates(language, None).words["language"] == language
