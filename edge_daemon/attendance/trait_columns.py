"""The traits of faces as named columns of numbers, for the stored form of candidates.

A column is named by trait, version and number: "\\0mask/1/right". No student id has a control character, so a program
that does not know a column takes it for an unknown student and ignores it. A number that was not measured is NaN.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, get_args, get_type_hints

from edge_daemon.traits import Traits
from edge_daemon.types import Candidate


def column_names(candidates: Sequence[Candidate]) -> list[str]:
    """Return the columns of the traits that at least one of the candidates has."""
    measured = [trait for trait in _columns_of() if any(getattr(c.traits, trait) is not None for c in candidates)]
    return [column for trait in measured for column in _columns_of()[trait]]


def column_values(traits: Traits, names: Sequence[str]) -> list[float]:
    """Return the column values of one face."""
    known = {
        column: math.nan if trait is None else _number(trait, column.rpartition("/")[2])
        for name, columns in _columns_of().items()
        for trait in [getattr(traits, name)]
        for column in columns
    }
    return [known[name] for name in names]


def traits_of(values: Mapping[str, float]) -> Traits:
    """Return the traits of a face from its columns; a missing or NaN column makes its trait None."""
    found = {}
    for name, columns in _columns_of().items():
        numbers = [values.get(column, math.nan) for column in columns]
        if not any(math.isnan(number) for number in numbers):
            kind = _kinds()[name]
            found[name] = kind(array("f", numbers)) if hasattr(kind, "COUNT") else kind(*numbers)
    return Traits(**found)


@cache
def _kinds() -> Mapping[str, Any]:
    """Return the class of each trait, by the trait's name."""
    hints = get_type_hints(Traits)
    return {one.name: get_args(hints[one.name])[0] for one in fields(Traits)}


@cache
def _columns_of() -> Mapping[str, tuple[str, ...]]:
    """Return the names of each trait's columns, by the trait's name."""
    return {
        name: tuple(f"\0{name}/{kind.VERSION}/{number}" for number in _number_names(kind))
        for name, kind in _kinds().items()
    }


def _number_names(kind: Any) -> Sequence[str]:
    """Return the names of a trait's numbers; for a trait that has them in an array, their indices."""
    return [str(i) for i in range(kind.COUNT)] if hasattr(kind, "COUNT") else [number.name for number in fields(kind)]


def _number(trait: Any, name: str) -> float:
    return float(trait.numbers[int(name)] if hasattr(trait, "COUNT") else getattr(trait, name))
