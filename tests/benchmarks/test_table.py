from __future__ import annotations

import json

import pytest

from benchmarks import table, table_scenarios
from benchmarks.table_cells import at_least, at_most, rate


def test_the_page_says_what_the_raw_results_say():
    assert table.PAGE.read_text(encoding="utf-8") == table.page(table.RESULTS)


def test_readme_has_the_table_of_conditions():
    result = json.loads((table.RESULTS / "scenarios_simulated.json").read_text(encoding="utf-8"))
    assert table_scenarios.for_readers(result) in (table.ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", table.names(table.RESULTS))
def test_every_result_says_when_and_where_it_was_measured(name):
    measured = json.loads((table.RESULTS / f"{name}.json").read_text(encoding="utf-8"))["measured"]
    assert all(measured[key] for key in ("date", "cpu", "cores", "versions", "models"))


def test_a_missed_target_says_so():
    low = {"rate": 0.9, "hits": 9, "n": 10, "low": 0.555, "high": 0.9975}
    assert at_least(low, 0.95) == "≥ 95 % – **missed**"
    assert at_least(low, 0.9) == "≥ 90 %"
    assert at_most(low, 0.005) == "≤ 0.5 % – **missed**"
    assert rate(low) == "90.00 % [55.50 %, 99.75 %] (9 of 10)"


def test_a_rate_of_nothing_misses_no_target():
    nothing = {"rate": None, "hits": 0, "n": 0, "low": 0.0, "high": 1.0}
    assert at_least(nothing, 0.95) == "≥ 95 %"
    assert rate(nothing) == "– (0)"
