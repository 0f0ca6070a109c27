"""Message templates: the package has a folder of files for each language, and the school may replace single files.

A template is a text. Its first line is the subject; paragraphs follow, separated by empty lines. A line that begins
with `# ` is a heading, one that begins with `;` a remark for translators. A placeholder such as `{name}` is replaced by
its value. Each template has a fixed set of placeholders. Any other is refused, with file and line, before a message is
made. The same file gives the text and the HTML of a message.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from edge_daemon.delivery.mail_blocks import WIDTH, Block, escaped, shown
from edge_daemon.errors import DeliveryError

Values = Mapping[str, str | Block]

_LESSON: Final = ("course", "date", "day", "iso_day", "weekday", "start", "end", "room")
_PERSONAL: Final = (*_LESSON, "name", "facts")
_PERIOD: Final = ("period", "first_day", "last_day", "room", "figures", "lessons")
PLACEHOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "office": frozenset(
        (*_LESSON, "counts", "figures", "corrections", "absent", "doubtful", "unassessed", "remarks", "told", "facts")
    ),
    "teacher": frozenset(
        (*_LESSON, "counts", "figures", "corrections", "absent", "doubtful", "ticks", "remarks", "facts")
    ),
    "student": frozenset(_PERSONAL),
    "guardian": frozenset(_PERSONAL),
    "student-correction": frozenset(_PERSONAL),
    "guardian-correction": frozenset(_PERSONAL),
    "week": frozenset((*_PERIOD, "absences", "doubtful")),
    "month": frozenset((*_PERIOD, "absences", "doubtful")),
    "student-week": frozenset((*_PERIOD, "name", "own")),
    "guardian-week": frozenset((*_PERIOD, "name", "own")),
    "guardian-month": frozenset((*_PERIOD, "name", "own")),
    "test": frozenset(("room", "server")),
}
"""The allowed placeholders of each template, by its name."""
BLOCKS: Final = frozenset(
    ("figures", "corrections", "absent", "doubtful", "unassessed", "ticks", "remarks", "facts", "absences", "own")
)
"""Placeholders for a block (`mail_blocks.py`), which must be alone in their paragraph."""

_BRACED = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PIECES = re.compile(r"\{title\}|\{body\}|\{language\}|\{direction\}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
"""A BCP 47 tag, checked by its form only."""
_RIGHT_TO_LEFT: Final = frozenset(("ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "ug", "ur", "yi"))
_SCRIPTS: Final = frozenset(("adlm", "arab", "hebr", "nkoo", "rohg", "syrc", "thaa"))
"""Right-to-left scripts in language tags, as in `az-Arab`."""
_SUBJECT = "Subject:"
_PACKAGE = Path(__file__).parent / "templates"
_H1 = "font-size:20px;line-height:26px;margin:0 0 14px;color:#24405C"
_P = "margin:0 0 12px"


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A filled template."""

    subject: str
    text: str
    html: str
    language: str
    """BCP 47 tag: `en`, `pt-BR`."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template that passed the checks."""

    subject: str
    paragraphs: tuple[str, ...]
    layout: str
    language: str

    def fill(self, values: Values) -> RenderedMail:
        """Return the message with all placeholders replaced. A paragraph whose values are all empty is left out."""
        subject = shown(_filled(self.subject, {k: v for k, v in values.items() if isinstance(v, str)}, plain=True))
        parts = [part for part in (_part(paragraph, values) for paragraph in self.paragraphs) if part is not None]
        text = "\n\n".join(part[0] for part in parts) + "\n"
        direction = direction_of(self.language)
        # Many programs drop the html tag with its attributes, so the body repeats them.
        opening = f'<div lang="{self.language}" dir="{direction}">'
        pieces = {
            "{title}": escaped(subject),
            "{body}": "\n".join((opening, *(part[1] for part in parts), "</div>")),
            "{language}": self.language,
            "{direction}": direction,
        }
        html = _PIECES.sub(lambda match: pieces[match[0]], self.layout)
        return RenderedMail(subject, text, html, self.language)


def direction_of(language: str) -> str:
    """Return `rtl` for a language that is written from right to left, otherwise `ltr`."""
    name, *more = language.lower().split("-")
    scripts = [part for part in more if len(part) == 4 and part.isalpha()]
    is_from_the_right = scripts[0] in _SCRIPTS if scripts else name in _RIGHT_TO_LEFT
    return "rtl" if is_from_the_right else "ltr"


class Templates:
    """The templates of one language, with the school's replacements.

    Args:
        language: name of the language's folder in the package.
        own: folder with the school's files, which replace those of the package; None: the school has none.
    """

    def __init__(self, language: str, own: Path | None) -> None:
        self._package = _PACKAGE / language
        self._own = own

    @cached_property
    def words(self) -> Mapping[str, str]:
        """Short words and date formats by name, from words.txt.

        If the school's own file lacks a word, the word of the package's file is used.

        Raises:
            DeliveryError: a line of the school's file can't be used.
        """
        package = self._package / "words.txt"
        standard = dict(_words(str(package), _read(package)))
        own = self._own_file("words.txt")
        if own is None:
            return standard
        found = dict(_words(str(own), _read(own)))
        for name, text in found.items():
            if name not in standard:
                raise DeliveryError(f"{name} is not known", str(own), f"known are: {', '.join(standard)}")
            spare = set(_names(text)) - set(_names(standard[name]))
            if spare or (name in _LISTS and len(text.split()) != len(standard[name].split())):
                raise DeliveryError(f"{name} does not fit", str(own), f"the program's own is: {standard[name]}")
        language = found.get("language", standard["language"])
        if not _LANGUAGE.fullmatch(language):
            hint = "use the tag of a language such as en, pt-BR or ar"
            raise DeliveryError(f"language = {language[:40]} is not a language tag", str(own), hint)
        return {**standard, **found}

    def template(self, name: str) -> Template:
        """Return a template by its name in PLACEHOLDERS.

        Raises:
            DeliveryError: the school's own file has a mistake; the message has file, line and placeholder.
        """
        place = self._own_file(f"{name}.txt") or self._package / f"{name}.txt"
        written = _read(place).splitlines()
        problems = list(_problems(written, PLACEHOLDERS[name]))
        if problems:
            raise DeliveryError("; ".join(problems), str(place), "correct it; docs/MAIL.md has every placeholder")
        lines = [line.rstrip() for line in written if not line.startswith(";")]
        first = next(number for number, line in enumerate(lines) if line)
        body = "\n".join(lines[first + 1 :])
        paragraphs = tuple(part.strip() for part in re.split(r"\n\s*\n", body) if part.strip())
        return Template(lines[first].removeprefix(_SUBJECT).strip(), paragraphs, self._layout(), self.words["language"])

    def check(self) -> int:
        """Check every file of the school; return their number.

        Raises:
            DeliveryError: a file has a mistake, or replaces nothing.
        """
        if self._own is None:
            return 0
        if not self._own.is_dir():
            raise DeliveryError("there is no such folder", str(self._own), "make it, or correct mail.templates")
        known = {*(f"{name}.txt" for name in PLACEHOLDERS), "words.txt", "layout.html"}
        found = sorted(path for path in self._own.iterdir() if path.suffix in (".txt", ".html"))
        for path in found:
            if path.name not in known:
                raise DeliveryError(
                    "replaces no file of the program", str(path), f"known are: {', '.join(sorted(known))}"
                )
        for name in PLACEHOLDERS:
            self.template(name)
        _ = self.words
        return len(found)

    def _layout(self) -> str:
        place = self._own_file("layout.html") or _PACKAGE / "layout.html"
        text = _read(place)
        if "{body}" not in text:
            raise DeliveryError("{body} is missing", str(place), "start from the program's own layout.html")
        return text

    def _own_file(self, name: str) -> Path | None:
        if self._own is None or not (self._own / name).is_file():
            return None
        return self._own / name


_LISTS: Final = frozenset(("weekdays", "weekdays_short", "months", "months_short"))
"""Entries of words.txt that are lists. A school's list must have as many words as the package's."""


def _read(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DeliveryError("is not UTF-8 text", str(place), "save it as UTF-8") from error
    except OSError as error:
        raise DeliveryError(f"can't be read: {error.strerror}", str(place), "check its owner and mode") from error


def _words(where: str, text: str) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip() or line.startswith(";"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not value:
            raise DeliveryError(f"line {number} is not `name = text`", where, "see the program's own words.txt")
        yield name, value


def _problems(lines: list[str], known: frozenset[str]) -> Iterable[str]:
    """Yield a text for each mistake in a template, in the order of its lines."""
    first = next((line for line in lines if line.strip() and not line.startswith(";")), "")
    if not first.startswith(_SUBJECT) or not first.removeprefix(_SUBJECT).strip():
        yield f"it does not begin with `{_SUBJECT} ...`"
    for number, line in enumerate(lines, 1):
        if line.startswith(";"):
            continue
        for match in _BRACED.finditer(line):
            name = match[1]
            if match[0] in ("{{", "}}"):
                continue
            if name is None:
                yield f"line {number}: a lone {match[0]} (write {2 * match[0]} for the sign itself)"
            elif name not in known:
                yield f"line {number}: {{{name}}} is not known here; known are: {', '.join(sorted(known))}"
            elif name in BLOCKS and line.strip() != match[0]:
                yield f"line {number}: {{{name}}} must be alone on its line"


def _names(text: str) -> list[str]:
    return [match[1] for match in _BRACED.finditer(text) if match[1]]


def filled(words: str, values: Mapping[str, str]) -> str:
    """Return an entry of words.txt with its placeholders replaced."""
    return _filled(words, values, plain=True)


def _filled(text: str, values: Mapping[str, str], *, plain: bool) -> str:
    """Replace placeholders in one pass; a placeholder within a value is not replaced."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        value = values.get(match[1] or "", "")
        return shown(value) if plain else escaped(value)

    return _BRACED.sub(replaced, text)


def _part(paragraph: str, values: Values) -> tuple[str, str] | None:
    """Return a paragraph as text and as HTML; None if it is empty."""
    alone = _BRACED.fullmatch(paragraph)
    if alone and alone[1] in BLOCKS:
        block = values.get(alone[1])
        if block is None or isinstance(block, str) or not block.html():
            return None
        return block.text(), block.html()
    strings = {name: value for name, value in values.items() if isinstance(value, str)}
    if alone and not strings.get(alone[1] or "", ""):
        return None
    joined = " ".join(paragraph.split())
    heading = joined.startswith("# ")
    joined = joined.removeprefix("# ")
    plain, rich = _filled(joined, strings, plain=True), _filled(_marked(joined), strings, plain=False)
    if heading:
        return f"{plain}\n{'=' * min(WIDTH, len(plain))}", f'<h1 style="{_H1}">{rich}</h1>'
    return textwrap.fill(plain, WIDTH, break_long_words=False, break_on_hyphens=False), f'<p style="{_P}">{rich}</p>'


def _marked(text: str) -> str:
    """Return the running text of a template as HTML; its braces stay unchanged."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
