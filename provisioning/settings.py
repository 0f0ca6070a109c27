"""Columns that become settings of the device: some by a short name, others by `section.key`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Union, get_type_hints

from edge_daemon.config import Config, Key
from provisioning.quoting import toml_text

Value = Union[str, int, float, bool, "list[str]"]

SHORT = {
    "time_zone": ("device", "time_zone"),
    "timetable_room": ("timetable", "room"),
    "camera_kind": ("camera", "kind"),
    "camera_source": ("camera", "source"),
    "upstream_url": ("upstream", "url"),
    "upstream_kind": ("upstream", "kind"),
}
_OURS = {("device", "name"), ("timetable", "files"), ("timetable", "holidays"), ("upstream", "ca_file")}
"""Settings that are derived from other columns."""


def _keys() -> dict[tuple[str, str], tuple[Any, Key]]:
    found: dict[tuple[str, str], tuple[Any, Key]] = {}
    for section, kind in get_type_hints(Config).items():
        types = get_type_hints(kind)
        for key in fields(kind):
            setting: Key = key.metadata["key"]
            found[section, setting.renamed or key.name] = (types[key.name], setting)
    return {name: value for name, value in found.items() if name not in _OURS and not name[1].endswith("_file")}


KEYS = _keys()
"""Section and key of every setting that a column may set."""


def values(cells: Mapping[str, str]) -> tuple[dict[tuple[str, str], Value], list[tuple[str, str]]]:
    """Return the settings of a line, and (column, problem) for the invalid ones."""
    found: dict[tuple[str, str], Value] = {("device", "name"): cells.get("device", "")}
    problems = []
    for column, cell in cells.items():
        name = SHORT.get(column) or (tuple(column.split(".", 1)) if "." in column else None)
        if name is None or not cell:
            continue
        section, key = name
        kind, setting = KEYS[section, key]
        try:
            found[section, key] = _value(cell, kind, setting)
        except ValueError as error:
            problems.append((column, str(error)))
    return found, problems


def _value(cell: str, kind: Any, key: Key) -> Value:
    if kind is bool:
        if cell.lower() not in ("true", "false", "yes", "no"):
            raise ValueError(f"expected true or false, found “{cell}”")
        return cell.lower() in ("true", "yes")
    if kind in (int, float):
        return _number(cell, kind, key)
    if kind is str:
        if key.choices and cell not in key.choices:
            raise ValueError(f"expected one of {', '.join(key.choices)}, found “{cell}”")
        return cell
    parts = [part.strip() for part in cell.split("|") if part.strip()]
    return parts[0] if key.text_or_list and len(parts) == 1 else parts


def _number(cell: str, kind: Any, key: Key) -> int | float:
    try:
        number: int | float = kind(cell)
    except ValueError:
        raise ValueError(f"expected a {'whole ' if kind is int else ''}number, found “{cell}”") from None
    low, high = key.low if key.low is not None else -math.inf, key.high if key.high is not None else math.inf
    if not low <= number <= high or (key.above_low and number == low):
        raise ValueError(f"expected a number from {low:g} to {high:g}, found “{cell}”")
    return number


def config_toml(settings: Mapping[tuple[str, str], Value], heading: str) -> str:
    """Return the device's config.toml."""
    lines = [f"# {heading}"]
    for section in dict.fromkeys(section for section, _ in settings):
        lines += ["", f"[{section}]"]
        lines += [f"{key} = {_toml(value)}" for (of, key), value in settings.items() if of == section]
    return "\n".join(lines) + "\n"


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, list):
        return f"[{', '.join(toml_text(part) for part in value)}]"
    return repr(value)
