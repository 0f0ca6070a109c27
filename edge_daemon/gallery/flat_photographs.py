"""Matches the photographs in one folder to the students: `S001.jpg`, `S001_2.jpg`, `Miller, Ada.jpg`."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from edge_daemon.types import Student

_CLUTTER: Final = frozenset(("thumbs.db", "desktop.ini"))
_PICTURES: Final = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif"))
_COPY: Final = re.compile(r"(?:[\s_.-]*(?:\(\d{1,3}\)|copy|kopie|copie|copia))+$", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"[\s_.-]+(?:\d{1,2}|[a-z]|front|left|right|links|rechts|vorn|gauche|droite)$", re.IGNORECASE
)
_FOLDED: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"})


@dataclass(frozen=True, slots=True)
class MatchedPhotograph:
    """A file that belongs to one student."""

    path: Path
    student_id: str
    by: Literal["id", "name"]


@dataclass(frozen=True, slots=True)
class UnmatchedPhotograph:
    """A file that matches no student of the roster, or several."""

    name: str
    reason: str


def match_files(folder: Path, students: Sequence[Student]) -> tuple[list[MatchedPhotograph], list[UnmatchedPhotograph]]:
    """Match the files of a folder to students, by the id or the name in the file's name.

    An id takes precedence over a name. A name must match one student only, with its words in any order, with or without
    accents. A file that fits several students is not matched.

    Args:
        folder: every file in it is examined; subfolders are not.
        students: all students on the roster, with or without consent.
    """
    ids = _unique((form, student.student_id) for student in students for form in _id_forms(student.student_id))
    names = _unique((key, student.student_id) for student in students for key in _name_keys(student.name))
    matched: list[MatchedPhotograph] = []
    unmatched: list[UnmatchedPhotograph] = []
    for name in sorted(entry.name for entry in os.scandir(folder) if not entry.is_dir()):
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - of a name
        if name.startswith(".") or name.lower() in _CLUTTER or suffix.lower() not in _PICTURES:
            continue
        found, by = _owners(stem, ids, names)
        if len(found) == 1:
            matched.append(MatchedPhotograph(folder / name, next(iter(found)), by))
        elif found:
            unmatched.append(UnmatchedPhotograph(name, f"may be of {', '.join(sorted(found))}: name it after an id"))
        else:
            unmatched.append(UnmatchedPhotograph(name, "no id and no name of the roster"))
    return matched, unmatched


def _owners(
    stem: str, ids: dict[str, frozenset[str]], names: dict[str, frozenset[str]]
) -> tuple[frozenset[str], Literal["id", "name"]]:
    for form in _shorter(stem):
        found = ids.get(unicodedata.normalize("NFC", form).casefold())
        if found:
            exact = found & {form, unicodedata.normalize("NFC", form), unicodedata.normalize("NFD", form)}
            return exact or found, "id"
    for form in _shorter(stem):
        matching: set[str] = set()
        for key in _name_keys(form):
            matching |= names.get(key, frozenset())
        if matching:
            return frozenset(matching), "name"
    return frozenset(), "name"


def _shorter(stem: str) -> list[str]:
    """Return forms of a file's name: without its extension, then also without marks of a copy or a second picture."""
    forms = [stem.strip()]
    for pattern in (_COPY, _NUMBER, _COPY):
        shorter = pattern.sub("", forms[-1]).strip()
        if shorter and shorter != forms[-1]:
            forms.append(shorter)
    return forms


def _id_forms(student_id: str) -> list[str]:
    return [unicodedata.normalize("NFC", student_id).casefold()]


def _name_keys(name: str) -> set[str]:
    """Return the two spellings of a name without accents, as words in alphabetical order: ü as u, and ü as ue.

    A name of a single word gives none, because several students may have it.
    """
    keys = set()
    for text in (name.casefold(), unicodedata.normalize("NFC", name.casefold()).translate(_FOLDED)):
        bare = "".join(s for s in unicodedata.normalize("NFKD", text) if not unicodedata.combining(s))
        words = sorted(re.findall(r"[^\W\d_]+", bare))
        if len(words) > 1:  # a first name alone may fit several students
            keys.add(" ".join(words))
    return keys


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, student_id in pairs:
        found.setdefault(key, set()).add(student_id)
    return {key: frozenset(student_ids) for key, student_ids in found.items()}
