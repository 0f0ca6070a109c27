"""Reads a configuration file into `Config`, and reports all of its problems at once."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields
from datetime import date, time
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import cattrs
from cattrs.gen import make_dict_structure_fn, override

from edge_daemon.config import Config, Key, is_address
from edge_daemon.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_WORDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a section"),
    ((date, time), "a date or time"),
)

_TODO = "correct it; docs/config.example.toml has every key"
_MOST_PROBLEMS: Final = 20
"""Largest number of problems that one message lists."""
_LONGEST_NAME: Final = 40
"""Largest number of characters of an unknown key that a message shows."""


def load_config(path: Path) -> Config:
    """Read the settings from a TOML file. A file that does not exist gives the defaults.

    Raises:
        ConfigError: the file can't be read, or has problems. The message lists the first 20 problems on one line.
    """
    try:
        tables = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return Config()
    except OSError as e:
        hint = "put a file there" if isinstance(e, IsADirectoryError) else "check its owner and mode"
        raise ConfigError(f"can't be read: {e.strerror}", str(path), hint) from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"is not UTF-8 text (byte {e.start})", str(path), "save it as UTF-8") from e
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"is not TOML: {e}", str(path), _TODO) from e
    except ValueError as e:  # after TOMLDecodeError, which is one: CPython reads no integer of over 4,300 digits
        raise ConfigError("has a number of too many digits", str(path), _TODO) from e
    except RecursionError as e:
        raise ConfigError("is nested too deeply", str(path), _TODO) from e
    try:
        return _converter(path.parent).structure(tables, Config)
    except cattrs.BaseValidationError as e:
        problems = list(_problems(e, ""))
        more = [f"and {len(problems) - _MOST_PROBLEMS} more"] if len(problems) > _MOST_PROBLEMS else []
        raise ConfigError("; ".join(problems[:_MOST_PROBLEMS] + more), str(path), _TODO) from e


def file_name(key: Field[Any]) -> str:
    """Return the name that a key has in the configuration file."""
    spec: Key | None = key.metadata.get("key")
    return spec.renamed if spec and spec.renamed else key.name


def _converter(folder: Path) -> cattrs.Converter:
    """Return a strict converter for a file in a folder. The default converter of cattrs would turn "3" into 3."""
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for section in get_type_hints(Config).values():
        converter.register_structure_hook(section, partial(_section, _structure(converter, section, folder)))
    return converter


def _structure(converter: cattrs.Converter, section: Any, folder: Path) -> Callable[[Any, Any], Any]:
    types = get_type_hints(section)
    hooks: dict[str, Any] = {
        f.name: override(rename=file_name(f), struct_hook=partial(_value, f.metadata["key"], types[f.name], folder))
        for f in fields(section)
    }
    return make_dict_structure_fn(section, converter, _cattrs_forbid_extra_keys=True, **hooks)


def _section(structure: Callable[[Any, Any], Any], value: object, kind: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a section, found {_found(value)}")
    return structure(value, kind)


def _value(key: Key, kind: Any, folder: Path, value: Any, _: Any) -> Any:
    if kind == tuple[str, ...]:
        return _texts(key, value)
    takes = (int, float) if kind is float else kind
    fits = isinstance(value, takes) and isinstance(value, bool) == (kind is bool)
    if not fits or not _allowed(key, value):
        raise ValueError(f"expected {_expected(key, kind)}, found {_found(value)}")
    return str(folder / value) if key.folder and value else kind(value)


def _texts(key: Key, value: Any) -> tuple[str, ...]:
    if key.text_or_list and isinstance(value, str):
        value = [value] if value.strip() else []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        expected = "text or a list of text" if key.text_or_list else "a list of text"
        raise ValueError(f"expected {expected}, found {_found(value)}")
    for text in value:
        if key.choices and text not in key.choices:
            raise ValueError(f"expected a list out of {', '.join(key.choices)}, found {_found(text)}")
        if key.address and not is_address(text):
            raise ValueError(f"expected mail addresses such as office@school.example, found {_found(text)}")
    return tuple(value)


def _allowed(key: Key, value: Any) -> bool:
    if key.choices and value not in key.choices:
        return False
    if key.zone:
        return _is_zone(value)
    if key.address:
        return value == "" or is_address(value)
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if key.low is not None and (value < key.low or (key.above_low and value == key.low)):
        return False
    return key.high is None or value <= key.high


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError):  # RecursionError: a path of many folders
        return False
    return True


def _expected(key: Key, kind: Any) -> str:
    if key.choices:
        return "one of " + ", ".join(key.choices)
    if key.zone:
        return "a time zone such as Europe/Berlin"
    if key.address:
        return "a mail address such as office@school.example"
    words = next(w for t, w in _WORDS if t == kind)
    unit = f" of {key.unit}" if key.unit else ""
    if key.low is None:
        return words + unit
    low = f"above {key.low:g} and at most" if key.above_low else f"from {key.low:g} to"
    return f"{words}{unit} {low} {key.high:g}"


def _found(value: object) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value).lower()[:40]
    if isinstance(value, str):
        return f'"{value[:40]}"'
    return next((w for t, w in _WORDS if isinstance(value, t)), type(value).__name__)


def _problems(error: BaseException, at: str) -> Iterator[str]:
    """Yield one sentence for each problem; `at` is the dotted name of its section or key."""
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        known = [file_name(f) for f in fields(error.cl)]
        for name in sorted(name[:_LONGEST_NAME] for name in error.extra_fields):
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {_join(at, near[0])}?" if near else f"known here: {', '.join(known)}"
            yield f"{_join(at, name)}: unknown key, {hint}"
    elif isinstance(error, cattrs.ClassValidationError):
        within, others = error.group_exceptions()
        for inner, note in within:
            yield from _problems(inner, _join(at, note.name.rstrip("_")))
        for inner in others:
            yield from _problems(inner, at)
    else:
        yield f"{at}: {error}"


def _join(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name
