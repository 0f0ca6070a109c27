"""Reading a JSON object field by field, so that what leaves the parser has the types it claims."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Union, get_args

from edge_daemon.errors import RegisterError
from edge_daemon.timestamps import parsed

Json = Union[None, bool, int, float, str, "Sequence[Json]", "Mapping[str, Json]"]


@dataclass(frozen=True, slots=True)
class ObjectReader:
    """One JSON object; every method names a key and raises RegisterError where its value is of another kind."""

    values: Mapping[str, Any]
    kind: str = "register document"
    """What it should be, for messages."""

    @classmethod
    def of(cls, text: str, kind: str = "register document") -> ObjectReader:
        """Return the reader of the object that a text holds."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RegisterError(f"is not a {kind}", str(error), "check where it came from") from error
        if not isinstance(values, dict):
            raise RegisterError(f"is not a {kind}", "top level", "an object was expected")
        return cls(values, kind)

    def text(self, key: str) -> str:
        """Return a text."""
        return str(self._value(key, str, "a text"))

    def optional_text(self, key: str) -> str | None:
        """Return a text, None for null."""
        return None if self.values.get(key) is None else self.text(key)

    def boolean(self, key: str) -> bool:
        """Return true or false."""
        return bool(self._value(key, bool, "true or false"))

    def whole(self, key: str) -> int:
        """Return a whole number that is not negative."""
        value = self._value(key, int, "a whole number")
        if isinstance(value, bool) or value < 0:
            raise self._error(key, "a whole number from 0 up")
        return int(value)

    def number(self, key: str) -> float:
        """Return a number."""
        value = self._value(key, (int, float), "a number")
        if isinstance(value, bool):
            raise self._error(key, "a number")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Return a number, None for null."""
        return None if self.values.get(key) is None else self.number(key)

    def time(self, key: str) -> datetime:
        """Return a time in UTC."""
        try:
            return parsed(self.text(key))
        except ValueError as error:
            raise self._error(key, "a time like 2026-11-21T08:00:00Z") from error

    def optional_time(self, key: str) -> datetime | None:
        """Return a time in UTC, None for null."""
        return None if self.values.get(key) is None else self.time(key)

    def hexadecimal(self, key: str) -> bytes:
        """Return bytes that were written as hexadecimal digits."""
        try:
            return bytes.fromhex(self.text(key))
        except ValueError as error:
            raise self._error(key, "hexadecimal digits") from error

    def choice(self, key: str, literal: Any) -> str:
        """Return a text that is one of a Literal's values."""
        if self.values.get(key) not in get_args(literal):
            raise self._error(key, "one of " + ", ".join(get_args(literal)))
        return self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        values = self._value(key, list, "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise self._error(key, "a list of texts")
        return tuple(values)

    def text_map(self, key: str) -> Mapping[str, str]:
        """Return an object whose values are texts."""
        values = self._value(key, dict, "an object of texts")
        if not all(isinstance(value, str) for value in values.values()):
            raise self._error(key, "an object of texts")
        return dict(values)

    def optional_object(self, key: str) -> ObjectReader | None:
        """Return an object, None for null or where the key is missing."""
        if self.values.get(key) is None:
            return None
        return ObjectReader(self._value(key, dict, "an object"), self.kind)

    def objects(self, key: str) -> tuple[ObjectReader, ...]:
        """Return a list of objects."""
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
