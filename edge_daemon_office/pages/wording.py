"""Words of the pages: English in the code and templates, other languages in `wording/LANGUAGE.json`.

The office's folder may contain `wording/LANGUAGE.json` with further languages, or with other words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import get_language

from edge_daemon_office.errors import OfficeError

RIGHT_TO_LEFT: Final = frozenset(("ar", "fa", "he", "ur"))
_HERE: Final = Path(__file__).parent / "wording"
_NAMES: Final = {"en": "English", "de": "Deutsch", "ar": "العربية", "fa": "فارسی", "he": "עברית", "ur": "اردو"}


def t(text: str, **values: Any) -> str:
    """Return a text in the language of the page, or in English if that language lacks it."""
    language = (get_language() or "en").partition("-")[0]
    folder = settings.OFFICE.folder
    words = words_of(language, folder).get(text) or words_of("en", folder).get(text, text)
    return words % values if values else words


def is_right_to_left() -> bool:
    """Return whether the language of the page is read from right to left."""
    return (get_language() or "en").partition("-")[0] in RIGHT_TO_LEFT


def languages() -> list[tuple[str, str]]:
    """Return code and name of every language that the office has."""
    codes = {"en", *(path.stem for folder in _folders(settings.OFFICE.folder) for path in folder.glob("*.json"))}
    return [(code, _NAMES.get(code, code)) for code in sorted(codes)]


@cache
def words_of(language: str, folder: Path) -> Mapping[str, str]:
    """Return the words of a language, by the English words.

    Raises:
        OfficeError: a file of words can't be read.
    """
    found: dict[str, str] = {}
    for place in _folders(folder):
        path = place / f"{language}.json"
        if path.exists():
            try:
                found.update(json.loads(path.read_text("utf-8")))
            except (OSError, ValueError, TypeError) as error:
                hint = "write one JSON object of texts"
                raise OfficeError(f"can't be read: {error}", str(path), hint) from error
    return found


def _folders(folder: Path) -> tuple[Path, ...]:
    return _HERE, folder / "wording"
