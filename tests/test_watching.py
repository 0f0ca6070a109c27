"""docs/WATCHING.md names every event, field and metric; docs/prometheus-rules.yml asks for metrics that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_daemon.device.events import EVENTS, FIELDS
from edge_daemon.device.metrics import FILE, write_metrics
from tests.device.prometheus import parsed
from tests.device.test_metrics import BOX, OUTBOX
from tests.device.test_status import AT, a_status

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "WATCHING.md").read_text(encoding="utf-8")
RULES = (DOCS / "prometheus-rules.yml").read_text(encoding="utf-8")


@pytest.fixture
def metrics(tmp_path):
    write_metrics(tmp_path, a_status(last_lesson_end=AT), BOX, OUTBOX)
    return parsed((tmp_path / FILE).read_text())


def rows(cells: int) -> list[list[str]]:
    found = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
    return [row for row in found if len(row) == cells]


def test_every_event_stands_there_with_its_id():
    assert {row[0]: row[1] for row in rows(3) if re.fullmatch("[0-9a-f]{32}", row[1])} == dict(EVENTS)


def test_every_field_stands_there():
    named = {row[0]: row[1] for row in rows(2) if re.fullmatch("[A-Z_]+", row[0])}
    assert named == {name.upper(): doc for name, doc in FIELDS.items()}


def test_every_metric_stands_there_with_its_label(metrics):
    documented = {}
    for row in rows(2):
        if found := re.fullmatch(r"(edge_daemon_\w+)`?(?: \((\w+)\))?", row[0]):
            documented[found[1]] = {found[2]} - {None}
    assert documented == {
        name: {key for labels in samples for key, _ in labels} for name, (_, samples) in metrics.items()
    }


def test_the_rules_ask_for_what_is_written(metrics):
    expressions = re.findall(r"^ +expr: (.*)$", RULES, re.M)
    assert len(expressions) == RULES.count("- alert: ") == RULES.count("summary: ") > 10
    for expression in expressions:
        asked = re.findall(r'(edge_daemon_\w+)(?:\{(\w+)="(\w+)"\})?', expression)
        assert asked
        for name, label, value in asked:
            assert name in metrics
            assert not label or frozenset({(label, value)}) in metrics[name][1]
        assert expression.count("(") == expression.count(")")


def test_the_message_id_of_the_examples_is_that_of_a_missed_capture():
    assert set(re.findall(r"MESSAGE_ID=([0-9a-f]{32})", TEXT)) == {EVENTS["capture missed"]}
