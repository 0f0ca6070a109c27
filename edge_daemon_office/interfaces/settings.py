"""Settings of a school's exports: CSV templates and Ed-Fi. Each key has its default and limits beside it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge_daemon_office.settings_reader import SettingsReader

FIELDS: Final = (
    *("student_id", "name", "course", "room", "day", "start", "end", "lesson_id"),
    *("word", "standing", "verdict", "flags", "share_percent", "excuse_code"),
)
"""Fields for the columns of a CSV template."""
STATES: Final = ("present", "late", "left_early", "absent", "excused", "to_confirm", "not_assessed")
"""States of a mark in a CSV file: `excused` is an absence with an excuse, `late` and `left_early` are presences."""
EDFI_CATEGORIES: Final = {
    "absent": "Unexcused Absence",
    "excused": "Excused Absence",
    "late": "Tardy",
    "left_early": "Early departure",
}
"""Code values of AttendanceEventCategoryDescriptor (Ed-Fi Data Standard 6.1)."""
_NAMESPACE: Final = "uri://ed-fi.org/AttendanceEventCategoryDescriptor#"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LARGEST_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CsvTemplate:
    """The format of a CSV file for another system."""

    columns: tuple[tuple[str, str], ...]
    """Heading and field of each column."""
    words: Mapping[str, str]
    """The other system's word for each state."""
    skip: frozenset[str] = frozenset()
    """States whose rows are left out."""
    delimiter: str = ","
    encoding: str = "utf-8"
    date_format: str = "%Y-%m-%d"
    time_format: str = "%H:%M"


@dataclass(frozen=True, slots=True)
class EdFiSettings:
    """An Ed-Fi system that gets the school's negative attendance."""

    url: str
    """Address of the ODS/API, without `/data/v3`."""
    client_id: str
    client_secret: str = field(repr=False)
    school_id: int = 0
    mapping: Path = Path()
    """CSV file that maps a course to section, session and class period."""
    categories: Mapping[str, str] = field(default_factory=dict)
    """Descriptor for each state."""
    days: int = 60
    """Number of days that a run looks back."""
    token_path: str = "/oauth/token"  # noqa: S105 - a path
    data_path: str = "/data/v3"


def csv_templates(reader: SettingsReader, where: str, value: object) -> dict[str, CsvTemplate]:
    """Return the templates of a school.

    Raises:
        OfficeError: a setting is wrong; the error names the key.
    """
    return {name: _template(reader, f"{where}.{name}", name, one) for name, one in reader.table(where, value).items()}


def _template(reader: SettingsReader, where: str, name: str, value: object) -> CsvTemplate:
    table = reader.table(where, value)
    if not _NAME.fullmatch(name):
        raise reader.error(where, "is not a name for a template", "use letters, digits, - and _")
    keys = {"columns", "words", "skip", "delimiter", "encoding", "date_format", "time_format"}
    reader.known(f"{where}.", table, keys)
    text = {
        key: reader.text(f"{where}.{key}", table[key]) for key in keys - {"columns", "words", "skip"} & table.keys()
    }
    if len(text.get("delimiter", ",")) != 1:
        raise reader.error(f"{where}.delimiter", "is not one sign", 'write "," or ";" or "\\t"')
    try:
        codecs.lookup(text.get("encoding", "utf-8"))
    except LookupError as error:
        raise reader.error(f"{where}.encoding", "is unknown", "write utf-8, utf-8-sig or cp1252") from error
    words = {state: reader.text(f"{where}.words.{state}", word) for state, word in _states(reader, where, table)}
    skip = table.get("skip", [])
    if not isinstance(skip, list) or not set(map(str, skip)) <= set(STATES):
        raise reader.error(f"{where}.skip", "is not a list of states", f"use {', '.join(STATES)}")
    return CsvTemplate(
        columns=_columns(reader, f"{where}.columns", table.get("columns")),
        words={state: words.get(state, state) for state in STATES},
        skip=frozenset(skip),
        **text,
    )


def _states(reader: SettingsReader, where: str, table: Mapping[str, Any]) -> list[tuple[str, Any]]:
    words = reader.table(f"{where}.words", table.get("words", {}))
    reader.known(f"{where}.words.", words, STATES)
    return list(words.items())


def _columns(reader: SettingsReader, where: str, value: object) -> tuple[tuple[str, str], ...]:
    hint = 'write columns = [["Student", "student_id"], ["Status", "word"]]'
    if not isinstance(value, list) or not value:
        raise reader.error(where, "is not a list of columns", hint)
    found = []
    for one in value:
        is_pair = isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one)
        if not is_pair or one[1] not in FIELDS:
            raise reader.error(where, f"has an unknown column: {one}", f"{hint}; fields: {', '.join(FIELDS)}")
        found.append((one[0], one[1]))
    return tuple(found)


def edfi_settings(reader: SettingsReader, where: str, value: object, school: str) -> EdFiSettings:
    """Return the settings of Ed-Fi.

    Raises:
        OfficeError: a setting is wrong; the error names the key.
    """
    table = reader.table(where, value)
    paths = ("token_path", "data_path")
    keys = {"url", "client_id", "secret_file", "school_id", "mapping", "categories", "days", *paths}
    reader.known(f"{where}.", table, keys)
    for key in ("url", "client_id", "secret_file", "school_id"):
        if key not in table:
            raise reader.error(f"{where}.{key}", "is missing", "docs/OFFICE.md has an example")
    url = reader.text(f"{where}.url", table["url"]).rstrip("/")
    if not re.fullmatch(r"https://[^\s?#]+|http://(localhost|127\.0\.0\.1)(:\d+)?(/[^\s?#]*)?", url):
        raise reader.error(f"{where}.url", "is not an https address", "write https://edfi.example.org/api")
    path = reader.path(f"{where}.secret_file", table["secret_file"])
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise reader.error(f"{where}.secret_file", f"can't be read: {error}", "make it, mode 600") from error
    categories = reader.table(f"{where}.categories", table.get("categories", {}))
    reader.known(f"{where}.categories.", categories, EDFI_CATEGORIES)
    words = {key: reader.text(f"{where}.categories.{key}", word) for key, word in categories.items()}
    usual = {state: f"{_NAMESPACE}{word}" for state, word in EDFI_CATEGORIES.items()}
    return EdFiSettings(
        url=url,
        client_id=reader.text(f"{where}.client_id", table["client_id"]),
        client_secret=secret,
        school_id=reader.whole(f"{where}.school_id", table["school_id"], 1, _LARGEST_ID),
        mapping=reader.path(f"{where}.mapping", table.get("mapping", f"{school}-edfi.csv")),
        categories={**usual, **words},
        days=reader.whole(f"{where}.days", table.get("days", 60), 1, 400),
        **{key: reader.text(f"{where}.{key}", table[key]) for key in paths if key in table},
    )
