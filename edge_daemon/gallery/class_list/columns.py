"""Identifies the columns of a list by the program's own column names or by synonyms (header_words.py)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from edge_daemon.gallery.class_list.header_words import HEADER_WORDS, LAST_RESORT

COLUMNS: Final = ("student_id", "name", "email", "guardian_email", "consent")
_OPTIONAL: Final = ("courses", "teacher_email")
_PARTS: Final = ("given_name", "family_name")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a list, in its order."""

    names: tuple[str, ...]
    """Meaning of each column: one of `COLUMNS`, `courses`, `given_name`, `family_name`; else its name in the list."""
    translated: tuple[tuple[str, str], ...]
    """The list's own name of a column and its meaning, for each column where they differ."""
    missing: tuple[str, ...]
    unclear: str
    """The undecided question about the header, in words; empty if there is none."""


def is_column_name(cell: str) -> bool:
    """Return whether a cell is a known column name."""
    bare = _bare(cell)
    return bare.lower() in (*COLUMNS, *_OPTIONAL) or plain(bare) in HEADER_WORDS or plain(bare) in LAST_RESORT


def understood(cells: Sequence[str], wanted: Collection[str] = COLUMNS) -> Columns:
    """Return the meaning of the cells of a header.

    Args:
        cells: the header.
        wanted: the required columns. If all of them appear under the program's own column names, synonyms are not
            looked up.
    """
    header = [cell.strip() for cell in cells]
    meant = [_bare(name).lower() if _bare(name).lower() in (*COLUMNS, *_OPTIONAL) else "" for name in header]
    unclear = ""
    if not set(wanted) <= set(meant):
        unclear = _translate(header, meant)
    names = tuple(meaning or name for meaning, name in zip(meant, header, strict=True))
    pairs = zip(header, meant, strict=True)
    translated = tuple((name, meaning) for name, meaning in pairs if meaning and name.lower() != meaning)
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled and not unclear:
        unclear = f"the column {doubled[0]!r} is there twice"
    there = set(names) | ({"name"} if set(_PARTS) & set(names) else set())
    return Columns(names, translated, tuple(name for name in COLUMNS if name in wanted and name not in there), unclear)


def plain(text: str) -> str:
    """Return a header in lower case without accents, its words separated by one blank."""
    letters = unicodedata.normalize("NFKD", text.replace("№", "no").replace("N°", "no").replace("n°", "no"))
    bare = "".join(sign for sign in letters if not unicodedata.combining(sign)).casefold()
    return re.sub(r"[^\w]+|_", " ", bare).strip()


def _translate(header: Sequence[str], meant: list[str]) -> str:
    """Write the meaning of columns into `meant` from the tables of synonyms.

    Returns:
        The question that stays undecided, in words; empty if there is none.
    """
    for words in (HEADER_WORDS, LAST_RESORT):
        open_to = {name for name in (*COLUMNS, *_OPTIONAL, *_PARTS) if name not in meant}
        for at, name in enumerate(header):
            meaning = words.get(plain(name), "")
            if meant[at] or meaning not in open_to:
                continue
            if meaning in meant:
                first = header[meant.index(meaning)]
                return f"{first!r} and {name!r} may both be the {meaning}: name one of them {meaning}"
            meant[at] = meaning
    # `Name` beside `Vorname` is the family name. A single part of a name is taken as the whole name.
    if "name" in meant and "given_name" in meant and "family_name" not in meant:
        meant[meant.index("name")] = "family_name"
    if "name" in meant:
        for part in _PARTS:
            if part in meant:
                meant[meant.index(part)] = ""
    return ""


def _bare(cell: str) -> str:
    """Return a header without surrounding blanks and invisible characters."""
    seen = "".join(sign for sign in cell if unicodedata.category(sign) != "Cf")
    return " ".join(seen.split())
