"""Reads a JSON object field by field, so that the results have the declared types."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Union, get_args

from edge_daemon_office.shared.errors import RegisterError
from edge_daemon_office.shared.timestamps import parsed

MOST: Final = 1_000_000
"""Highest plausible count in a document, as of captures, students or faces."""
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2999
"""A time in a document is plausible from `_FIRST_YEAR` to this year. Not every zone can express times beyond."""
_MOST_DIGITS: Final = 400
_LIMITS_DIGITS: Final = hasattr(sys, "get_int_max_str_digits")
"""Whether Python itself refuses integers of thousands of digits. Before 3.10.7 it parses them, which takes minutes."""

Json = Union[None, bool, int, float, str, "Sequence[Json]", "Mapping[str, Json]"]


def is_plausible(at: datetime) -> bool:
    """Return whether a time is plausible for a document: in a possible year, and valid in every time zone."""
    return _FIRST_YEAR <= at.year <= _LAST_YEAR


def json_object(text: str, kind: str = "document") -> dict[str, Any]:
    """Return the JSON object in a text.

    Raises:
        RegisterError: the text is not an object, or has numbers that JSON does not allow.
    """
    try:
        values = json.loads(text, parse_constant=_no_number, parse_int=None if _LIMITS_DIGITS else _whole)
    except (ValueError, RecursionError) as error:
        raise RegisterError(f"is not a {kind}", str(error), "check where it came from") from error
    if not isinstance(values, dict):
        raise RegisterError(f"is not a {kind}", "top level", "an object was expected")
    return values


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a JSON number")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


@dataclass(frozen=True, slots=True)
class ObjectReader:
    """One JSON object. Each method reads a key, and raises RegisterError if its value has another type."""

    values: Mapping[str, Any]
    kind: str = "register document"
    """Expected kind of document, for messages."""

    @classmethod
    def of(cls, text: str, kind: str = "register document") -> ObjectReader:
        """Return a reader for the object in a text."""
        return cls(json_object(text, kind), kind)

    def text(self, key: str) -> str:
        """Return the text under a key."""
        return str(self._value(key, str, "a text"))

    def optional_text(self, key: str) -> str | None:
        """Return the text under a key; None for null or a missing key."""
        return None if self.values.get(key) is None else self.text(key)

    def boolean(self, key: str) -> bool:
        """Return the true or false under a key."""
        return bool(self._value(key, bool, "true or false"))

    def whole(self, key: str, most: int = MOST) -> int:
        """Return a whole number from 0 to `most`."""
        value = self._value(key, int, "a whole number")
        if isinstance(value, bool) or not 0 <= value <= most:
            raise self._error(key, f"a whole number from 0 to {most}")
        return int(value)

    def number(self, key: str) -> float:
        """Return a number between minus a million and a million."""
        value = self._value(key, (int, float), "a number")
        if isinstance(value, bool) or not -MOST <= value <= MOST:  # NaN is in no range
            raise self._error(key, "a number")
        return float(value)

    def share(self, key: str) -> float:
        """Return a number from 0 to 1."""
        value = self.number(key)
        if not 0 <= value <= 1:
            raise self._error(key, "a number from 0 to 1")
        return value

    def optional_share(self, key: str) -> float | None:
        """Return a number from 0 to 1; None for null or a missing key."""
        return None if self.values.get(key) is None else self.share(key)

    def time(self, key: str) -> datetime:
        """Return the time under a key, in UTC."""
        try:
            at = parsed(self.text(key))
        except ValueError as error:
            raise self._error(key, "a time like 2026-11-21T08:00:00Z") from error
        if not is_plausible(at):
            raise self._error(key, f"a time of the years {_FIRST_YEAR} to {_LAST_YEAR}")
        return at

    def optional_time(self, key: str) -> datetime | None:
        """Return the time under a key, in UTC; None for null or a missing key."""
        return None if self.values.get(key) is None else self.time(key)

    def hexadecimal(self, key: str) -> bytes:
        """Return the bytes whose hexadecimal digits a key has."""
        try:
            return bytes.fromhex(self.text(key))
        except ValueError as error:
            raise self._error(key, "hexadecimal digits") from error

    def choice(self, key: str, literal: Any) -> str:
        """Return the text under a key, which must be one of a Literal's values."""
        if self.values.get(key) not in get_args(literal):
            raise self._error(key, "one of " + ", ".join(get_args(literal)))
        return self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts under a key."""
        values = self._value(key, list, "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise self._error(key, "a list of texts")
        return tuple(values)

    def text_map(self, key: str) -> Mapping[str, str]:
        """Return the object under a key, whose values are texts."""
        values = self._value(key, dict, "an object of texts")
        if not all(isinstance(value, str) for value in values.values()):
            raise self._error(key, "an object of texts")
        return dict(values)

    def optional_object(self, key: str) -> ObjectReader | None:
        """Return the object under a key; None for null or a missing key."""
        if self.values.get(key) is None:
            return None
        return ObjectReader(self._value(key, dict, "an object"), self.kind)

    def objects(self, key: str) -> tuple[ObjectReader, ...]:
        """Return the list of objects under a key."""
        values = self._value(key, list, "a list of objects")
        if not all(isinstance(value, dict) for value in values):
            raise self._error(key, "a list of objects")
        return tuple(ObjectReader(value, self.kind) for value in values)

    def _value(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        value = self.values.get(key)
        if not isinstance(value, kind):
            raise self._error(key, expected)
        return value

    def _error(self, key: str, expected: str) -> RegisterError:
        return RegisterError(f"is not a {self.kind}: {expected} was expected", f"key {key}", "check its origin")
