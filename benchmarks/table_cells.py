"""Cells of the tables in benchmarks/RESULTS.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Rate = Mapping[str, Any]


def rate(found: Rate) -> str:
    """Return a share with its interval and its counts."""
    if found["rate"] is None:
        return "– (0)"
    counts = f"({found['hits']:,} of {found['n']:,})"
    return f"{percent(found['rate'])} [{percent(found['low'])}, {percent(found['high'])}] {counts}"


def percent(share: float) -> str:
    """Return a share in per cent; 0 and 100 have no decimals."""
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.2f} %"


def target(text: str, *, reached: bool) -> str:
    """Return the text of a target, with a mark if the result misses it."""
    return text if reached else f"{text} – **missed**"


def at_least(found: Rate, share: float) -> str:
    """Return the target of a rate that should be high."""
    return target(f"≥ {100 * share:g} %", reached=found["rate"] is None or found["rate"] >= share)


def at_most(found: Rate, share: float) -> str:
    """Return the target of a rate that should be low."""
    return target(f"≤ {100 * share:g} %", reached=found["rate"] is None or found["rate"] <= share)


def table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"
