"""Chooses delimiters and decimal signs in CSV by the language of the spreadsheet program that opens it.

In a country with a decimal comma a spreadsheet program expects `;` between cells; with commas it shows one column.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from edge_daemon.errors import RegisterError

_WITH_COMMA: Final = frozenset(
    (
        *("bg", "bs", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fi", "fr", "gl", "hr", "hu", "id", "is", "it"),
        *("kk", "lt", "lv", "mk", "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "tr"),
        *("uk", "vi"),
    )
)
_WITH_POINT: Final = frozenset(
    ("ar", "bn", "cy", "en", "fa", "ga", "he", "hi", "ja", "km", "ko", "lo", "ms", "mt", "my", "si", "sw", "ta", "th",
     "tl", "ur", "zh")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CsvForm:
    """The delimiter and the decimal sign of a CSV file."""

    delimiter: str = ","
    decimal: str = "."

    def number(self, text: str) -> str:
        """Return a number with this form's decimal sign; `text` has a decimal point."""
        return text.replace(".", self.decimal)


_POINT: Final = CsvForm()
_COMMA: Final = CsvForm(";", ",")
_SWISS: Final = CsvForm(";", ".")
_REGIONS: Final = {
    **dict.fromkeys(("de-ch", "de-li", "it-ch"), _SWISS),
    "en-za": _COMMA,
    **{f"es-{region}": _POINT for region in ("do", "gt", "hn", "mx", "ni", "pa", "pe", "pr", "sv", "us")},
}
"""CSV forms of regions that differ from the form of their language."""


def form_of(locale: str) -> CsvForm:
    """Return the form of a language, with or without its country: `de`, `de-AT`, `de_AT.UTF-8`.

    Raises:
        RegisterError: the language is not known.
    """
    name = locale.partition(".")[0].partition("@")[0].replace("_", "-").casefold()
    language = name.partition("-")[0]
    if name in _REGIONS:
        return _REGIONS[name]
    if language in _WITH_COMMA:
        return _COMMA
    if language in _WITH_POINT:
        return _POINT
    raise RegisterError("is not a known language", f"--locale {locale}", "use one such as de, fr-CA or en")


def write_rows(file: IO[str], form: CsvForm, rows: Iterable[Sequence[str | int | float]]) -> None:
    """Write rows: numbers with a fraction in the given form, texts unchanged."""
    writer: Any = csv.writer(file, delimiter=form.delimiter)
    writer.writerows([form.number(f"{cell:.4f}") if isinstance(cell, float) else cell for cell in row] for row in rows)
