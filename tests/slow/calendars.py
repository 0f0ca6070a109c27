"""Compares the lessons that the program reads from made calendars with the intended ones, and with two other readers.

    npm install --prefix NODE ical.js@2.2.1
    OUT=benchmarks/results/calendars.json
    python -m tests.slow.calendars --modules NODE --json $OUT --page benchmarks/CALENDARS.md

Needs Node, npm and recurring-ical-events (`pip install -e .[test]`). Exit code 1 means that the program did not read
the intended lessons, or that a reader differs without an entry in `calendar_verdicts`.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from tests.slow.calendar_readers import Lessons, Reading, by_ical_js, by_program, by_recurring_ical_events
from tests.slow.calendar_variants import Variant, variants
from tests.slow.calendar_verdicts import JS, RIE, VERDICTS, Verdict, verdict


@dataclass
class Difference:
    """A reader that differs from the program on a construct."""

    construct: str
    reader: str
    right: str
    why: str
    of: int
    """Number of variants of the construct that the reader has read."""
    variants: list[int] = field(default_factory=list)
    """Numbers of the variants on which the reader differs."""
    example: dict[str, object] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description="Compare readers of calendars.")
    parser.add_argument("--modules", type=Path, required=True, help="folder with node_modules/ical.js")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--page", type=Path, help="write the page of the documentation")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    cases = variants()
    with ProcessPoolExecutor(options.processes) as pool:
        ours = list(pool.map(by_program, cases, chunksize=20))
        asked = [number for number, one in enumerate(cases) if one.is_standard]
        theirs = {RIE: list(pool.map(by_recurring_ical_events, [cases[n] for n in asked], chunksize=20))}
    theirs[JS] = by_ical_js([cases[n] for n in asked], options.modules)
    wrong = [number for number, (one, read) in enumerate(zip(cases, ours, strict=True)) if not is_as_meant(one, read)]
    found = differences(cases, ours, asked, theirs)
    result = {
        "measured": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "python": platform.python_version(),
        "readers": {RIE: version("recurring-ical-events"), JS: _version_of_ical_js(options.modules)},
        "variants": len(cases),
        "constructs": len({one.construct for one in cases}),
        "not_as_meant": [{"variant": number, "construct": cases[number].construct} for number in wrong],
        "asked_of_other_readers": len(asked),
        "same_lessons": {
            reader: len(asked) - sum(len(d.variants) for d in found if d.reader == reader) for reader in theirs
        },
        "differences": [vars(one) for one in found],
    }
    options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if options.page:
        options.page.write_text(page(result), encoding="utf-8")
    unknown = [one for one in found if not one.right]
    print(
        f"{len(cases)} variants, {len(wrong)} not as meant; {len(found)} differences, {len(unknown)} without a verdict"
    )
    for one in unknown:
        print(f"  {one.reader}: {one.construct}")
    return 1 if wrong or unknown else 0


def is_as_meant(variant: Variant, read: Reading) -> bool:
    """Return whether the lessons are the intended ones, with the expected remark.

    If no remark is expected, there must be none.
    """
    named = any(variant.named in remark for remark in read.remarks) if variant.named else not read.remarks
    return read.lessons == variant.lessons and named and not read.error


def differences(
    made: Sequence[Variant], ours: Sequence[Reading], asked: Sequence[int], theirs: dict[str, list[Reading]]
) -> list[Difference]:
    """Return where other readers find other lessons, by construct and reader."""
    found: dict[tuple[str, str], Difference] = {}
    for reader, readings in theirs.items():
        for number, reading in zip(asked, readings, strict=True):
            construct = made[number].construct
            if reading.lessons == ours[number].lessons:
                continue
            if (construct, reader) not in found:
                known = verdict(construct, reader)
                of = sum(made[n].construct == construct for n in asked)
                right, why = (known.right, known.why) if known else ("", "")
                example = _example(ours[number].lessons, reading)
                found[construct, reader] = Difference(construct, reader, right, why, of, example=example)
            found[construct, reader].variants.append(number)
    return sorted(found.values(), key=lambda one: (one.construct, one.reader))


def _example(ours: Lessons, reading: Reading) -> dict[str, object]:
    def first_three(lessons: Iterable[tuple[object, object]]) -> list[str]:
        return [f"{start:%Y-%m-%d %H:%M}Z" for start, _ in sorted(lessons)][:3]  # type: ignore[type-var, str-format]

    missing, more = set(ours) - set(reading.lessons), set(reading.lessons) - set(ours)
    return {"it_has_not": first_three(missing), "it_has_besides": first_three(more), "error": reading.error}


def page(result: dict[str, object]) -> str:
    """Return the page of the documentation."""
    readers: dict[str, str] = result["readers"]  # type: ignore[assignment]
    same: dict[str, int] = result["same_lessons"]  # type: ignore[assignment]
    wrong: list[object] = result["not_as_meant"]  # type: ignore[assignment]
    found = [Difference(**one) for one in result["differences"]]  # type: ignore[attr-defined]
    asked = result["asked_of_other_readers"]
    lines = [
        "# Calendars beside two other readers",
        "",
        "Made by `tests/slow/calendars.py`; don't edit it by hand. [TIMETABLE.md](../docs/TIMETABLE.md) has the rules.",
        "",
        f"{result['measured']}: {result['variants']} made calendars of {result['constructs']} constructs.",
        "The lessons come first, by plain arithmetic on days; the text is written from them as real programs write it.",
        f"Not as meant, in lessons or in what has to be named: **{len(wrong)}**.",
        "",
        f"{asked} of them were also read by recurring-ical-events {readers[RIE]} and ical.js {readers[JS]} alone; the",
        "others have holidays or settings. Both are given the rule for rooms and the meaning of STATUS.",
        f"The same lessons as here: recurring-ical-events {same[RIE]}, ical.js {same[JS]}.",
        "Every difference, by its cause (n of the calendars that have it);",
        "[calendars.json](results/calendars.json) has each by its number:",
        "",
        f"| construct | {RIE} | {JS} | right | why |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(one, found) for one in VERDICTS if any(d.why == one.why for d in found)]
    return "\n".join(lines) + "\n"


def _row(one: Verdict, found: Sequence[Difference]) -> str:
    own = [d for d in found if d.why == one.why]
    names = list(dict.fromkeys(_short(d.construct) for d in own))
    constructs = "; ".join(names[:4]) + (f"; and {len(names) - 4} more" if len(names) > 4 else "")
    counts = []
    for reader in (RIE, JS):
        differing = [d for d in own if d.reader == reader]
        counts.append(
            f"{sum(len(d.variants) for d in differing)} of {sum(d.of for d in differing)}" if differing else "same"
        )
    return f"| {constructs} | {counts[0]} | {counts[1]} | {one.right} | {one.why} |"


def _short(construct: str) -> str:
    return construct.replace("|", "\\|")


def _version_of_ical_js(modules: Path) -> str:
    found: dict[str, str] = json.loads((modules / "node_modules/ical.js/package.json").read_text(encoding="utf-8"))
    return found["version"]


if __name__ == "__main__":
    sys.exit(main())
