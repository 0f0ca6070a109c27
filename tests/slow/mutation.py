"""Mutation test: changes the register's modules in every way that mutmut offers, and checks that a test notices.

    pip install mutmut==3.8.1
    nice python -m tests.slow.mutation --json OUT [--survivors] [--parallel 2] [--only PATH_PART] [--tests PATH ...]

A mutant is one change: `<` for `<=`, `max` with an argument less, another number, a text in capitals. Each mutant runs
in a fork of one process that has collected the tests. There the tests that reach it run, the fastest first.

Each survivor needs its reason in `mutation_reasons.py`; without one the exit code is 1. Other modules keep their
results in OUT. With `--survivors`, functions that have not changed since OUT keep theirs as well.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.slow.mutants import Mutant, mutants_of
from tests.slow.mutation_results import Known, first_functions, reason
from tests.slow.mutation_session import Plugin, Result, forked

ROOT = Path(__file__).parents[2]
MODULES = (
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "edge_daemon/attendance").rglob("*.py")),
    "edge_daemon/gallery/match.py",
    "edge_daemon/lesson/plan.py",
    "edge_daemon/store/outbox.py",
    "edge_daemon/store/outbox_decisions.py",
    "edge_daemon/store/outbox_items.py",
    "edge_daemon/delivery/answers.py",
)
TESTS = (
    "tests/attendance",
    "tests/gallery/test_match.py",
    "tests/gallery/test_common_mean.py",
    "tests/lesson/test_plan.py",
    "tests/lesson/test_plan_limits.py",
    "tests/store/test_outbox.py",
    "tests/store/test_outbox_rules.py",
    "tests/store/test_outbox_afterwards.py",
    "tests/store/test_outbox_items.py",
    "tests/delivery/test_answers.py",
    "tests/delivery/test_answer_meanings.py",
)
SLOW = (
    "tests/attendance/test_export.py::test_ten_thousand_students_are_exported_in_a_while",
    "tests/attendance/evidence/test_sighting_resolver.py::test_no_crowd_however_noisy_makes_it_fail_and_nobody_is_twice",
    "tests/attendance/evidence/test_tracks.py::test_every_face_of_a_place_is_in_exactly_one_link_however_alike",
    "tests/lesson/test_plan.py::test_the_place_in_every_single_slot_is_uniform",
)
"""Prefixes of tests that take long because they look at many cases at once; they are left out."""
ARGUMENTS = (
    "-q",
    "-p",
    "no:cacheprovider",
    "--tb=line",
    "--assert=plain",
    "--no-header",
    *(f"--deselect={one}" for one in SLOW),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--only", action="append", default=[], help="part of a module's path; may be repeated")
    parser.add_argument("--tests", nargs="+", default=list(TESTS))
    parser.add_argument("--budget", type=float, default=3.0, help="processor seconds of tests for a mutant")
    parser.add_argument(
        "--survivors",
        action="store_true",
        help="in functions unchanged since OUT, try only survivors without a reason",
    )
    parser.add_argument("--most", type=int, default=1_000_000, help="try so many at most, of whole functions")
    parser.add_argument("--reasons", action="store_true", help="try nothing; give the survivors of OUT their reasons")
    options = parser.parse_args()
    os.chdir(ROOT)
    recorded = json.loads(options.json.read_text("utf-8"))["modules"] if options.json.exists() else {}
    modules = {path: recorded[path] for path in MODULES if path in recorded}
    paths = [path for path in MODULES if not options.only or any(part in path for part in options.only)]
    if not options.reasons:
        sources = {path: (ROOT / path).read_text("utf-8") for path in paths}
        kept = {path: modules.get(path, {}) if options.survivors else {} for path in paths}
        known = {path: Known(path, sources[path], kept[path]) for path in paths}
        mutants = {path: list(mutants_of(ROOT, path)) for path in paths}
        untried = [one for path in paths for one in mutants[path] if not known[path].holds(one)]
        results = _tried(first_functions(untried, options.most), paths, options)
        for path in (path for path in paths if mutants[path]):
            modules[path] = {"date": date.today().isoformat(), **known[path].with_results(mutants[path], results)}  # noqa: DTZ011 - of whoever runs it
    written = _summary({path: modules[path] for path in MODULES if path in modules})
    options.json.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({key: written[key] for key in ("mutants", "killed", "killed_share", "without_reason")}))
    return 1 if written["without_reason"] else 0


def _tried(mutants: Sequence[Mutant], paths: Sequence[str], options: argparse.Namespace) -> list[Result]:
    began, results, is_whole = time.perf_counter(), list[Result](), not mutants

    def report(result: Result) -> None:
        results.append(result)
        if result.test:
            killers = plugin.killers[result.mutant.path, result.mutant.function]
            killers[:] = [result.test, *(test for test in killers if test != result.test)]
        elif result.end in ("survived", "untested"):
            mutant = result.mutant
            print(f"{result.end}: {mutant.name} {mutant.function} | {mutant.before} => {mutant.after}", flush=True)
        if len(results) % 200 == 0:
            left = sum(one.end in ("survived", "untested") for one in results)
            print(f"{len(results)} tried in {time.perf_counter() - began:.0f} s, {left} not killed", flush=True)

    def work(plugin: Plugin) -> None:
        reach = plugin.measure(options.budget)
        print(
            f"\n{len(reach.seconds)} tests in {sum(reach.seconds.values()):.0f} s, {len(mutants)} mutants", flush=True
        )
        forked(plugin.attempts(mutants, reach), options.parallel, report)
        nonlocal is_whole
        is_whole = True

    plugin = Plugin(paths, ROOT, work)
    if mutants:
        pytest.main([*ARGUMENTS, *options.tests], plugins=[plugin])
    if not is_whole:
        raise SystemExit("the run was cut; OUT is as it was")
    return results


def _summary(modules: dict[str, Any]) -> dict[str, Any]:
    reasons: Counter[str] = Counter()
    for path, module in modules.items():
        module["killed_share"] = round(module["killed"] / module["mutants"], 4)
        for one in module["survivors"]:
            one["reason"] = reason(path, one)
            reasons[one["reason"]] += 1
    mutants, killed = (sum(module[key] for module in modules.values()) for key in ("mutants", "killed"))
    return {
        "tool": f"operators of mutmut {importlib.metadata.version('mutmut')}, run by tests/slow/mutation.py",
        "python": sys.version.split()[0],
        "mutants": mutants,
        "killed": killed,
        "killed_share": round(killed / max(mutants, 1), 4),
        "without_reason": reasons.pop("", 0),
        "reasons": dict(reasons.most_common()),
        "modules": modules,
    }


if __name__ == "__main__":
    raise SystemExit(main())
