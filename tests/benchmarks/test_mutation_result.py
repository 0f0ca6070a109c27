"""The committed result of the mutation test: its figures add up, and nine of ten mutants are noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RESULT = json.loads((Path(__file__).parents[2] / "benchmarks" / "results" / "mutation.json").read_text("utf-8"))
MODULES = RESULT["modules"]


def test_the_figures_add_up():
    assert RESULT["mutants"] == sum(module["mutants"] for module in MODULES.values())
    assert RESULT["killed"] == sum(module["killed"] for module in MODULES.values())
    assert sum(RESULT["reasons"].values()) + RESULT["without_reason"] == RESULT["mutants"] - RESULT["killed"]
    assert RESULT["killed_share"] == round(RESULT["killed"] / RESULT["mutants"], 4)
    for module in MODULES.values():
        assert len(module["survivors"]) == module["mutants"] - module["killed"]


def test_nine_of_ten_mutants_are_noticed():
    assert RESULT["killed_share"] >= 0.9


@pytest.mark.parametrize("path", ["attendance/rule.py", "gallery/match.py", "lesson/plan.py", "store/outbox.py"])
def test_the_rules_are_among_what_was_tried(path):
    assert f"edge_daemon/{path}" in MODULES
