"""The metrics file: a strict reader takes it, names follow the rules, and nobody is in it."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone

import pytest

from edge_daemon.device.host import Host, Memory
from edge_daemon.device.metrics import FILE, Metric, Outbox, rendered, write_metrics
from tests.device.prometheus import parsed
from tests.device.test_status import AT, a_status

BOX = Host(
    32 * 10**9, 10**9, Memory(4 * 10**9, 2 * 10**9, 0, 0), 61.5, 0x50001, datetime(2026, 8, 31, tzinfo=timezone.utc)
)

OUTBOX = Outbox(
    {"upstream": 3, "mail": 0}, {"upstream": 0, "mail": 1}, {"upstream": AT}, {"upstream": False, "mail": True}, AT
)


def value(metrics, name: str, **labels: str) -> float:
    return metrics[f"edge_daemon_{name}"][1][frozenset(labels.items())]


@pytest.fixture
def metrics(tmp_path):
    write_metrics(tmp_path, a_status(last_lesson_end=AT, last_lesson_planned=100, last_lesson_taken=98), BOX)
    return parsed((tmp_path / FILE).read_text())


def test_metrics_of_delivery_are_by_receiver(tmp_path):
    write_metrics(tmp_path, a_status(), BOX, OUTBOX)
    metrics = parsed((tmp_path / FILE).read_text())
    assert value(metrics, "outbox_waiting_items", destination="upstream") == 3
    assert value(metrics, "outbox_parked_items", destination="mail") == 1
    assert value(metrics, "destination_refuses", destination="mail") == 1
    assert value(metrics, "outbox_oldest_timestamp_seconds", destination="upstream") == AT.timestamp()
    assert value(metrics, "last_sync_timestamp_seconds") == AT.timestamp()


def test_a_strict_reader_finds_the_figures(metrics):
    assert value(metrics, "lesson_captures_taken") == 40
    assert value(metrics, "last_lesson_captures_taken") == 98
    assert value(metrics, "captures_missed_total", reason="camera") == 2
    assert value(metrics, "state", state="lesson") == 1
    assert value(metrics, "state", state="waiting") == 0
    assert value(metrics, "clock", state="rtc") == 1
    assert value(metrics, "next_lesson_timestamp_seconds") == AT.timestamp() + 7200
    assert value(metrics, "temperature_celsius") == 61.5
    assert value(metrics, "under_voltage", when="now") == 1
    assert value(metrics, "throttled", when="now") == 0
    assert value(metrics, "throttled", when="since_start") == 1


def test_names_of_metrics_mark_counters_use_base_units_and_have_our_prefix(metrics):
    for name, (kind, _) in metrics.items():
        assert name.startswith("edge_daemon_")
        assert (kind == "counter") == name.endswith("_total")
        assert not re.search(r"_(ms|minutes|mb|kb|percent)(_|$)", name), "base units only"


def test_metrics_name_no_student_and_no_course(tmp_path):
    write_metrics(tmp_path, a_status(camera_fault="the camera of Maria is broken"), BOX)
    text = (tmp_path / FILE).read_text()
    for personal in ("s-1", "s-2", "Matem", "Physik", "Maria", "5c0f"):
        assert personal not in text


def test_every_user_may_read_the_metrics_whatever_the_umask(tmp_path):
    umask = os.umask(0o077)
    try:
        write_metrics(tmp_path, a_status())
    finally:
        os.umask(umask)
    file = tmp_path / FILE
    assert file.stat().st_mode & 0o777 == 0o644
    assert file.parent.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_unknown_values_are_left_out_of_the_metrics(tmp_path):
    write_metrics(tmp_path, a_status(lesson=None, next_lesson_start=None), Host(1, 1, None, None, None, None))
    metrics = parsed((tmp_path / FILE).read_text())
    for name in ("lesson_captures_taken", "next_lesson_timestamp_seconds", "temperature_celsius", "under_voltage"):
        assert f"edge_daemon_{name}" not in metrics


def test_reasons_that_are_no_words_are_counted_together(tmp_path):
    write_metrics(tmp_path, a_status(missed_total={"camera": 1, 'Öl "x"\n': 2, "/home/a": 3}))
    metrics = parsed((tmp_path / FILE).read_text())
    assert value(metrics, "captures_missed_total", reason="other") == 5


def test_any_label_value_survives():
    text = rendered([Metric("x", "x", {'a"b\\c\nd': 1}, "label")])
    assert parsed(text)["edge_daemon_x"][1] == {frozenset({("label", 'a"b\\c\nd')}): 1}


@pytest.mark.parametrize(
    "text",
    [
        "x 1\n",
        "# HELP x h\n# TYPE x gauge\nx 1",
        "# HELP x h\n# TYPE x gauge\ny 1\n",
        "# HELP x h\n# TYPE x gauge\nx 1\nx 2\n",
        "# HELP x h\n# TYPE x gauge\nx one\n",
        '# HELP x h\n# TYPE x gauge\nx{a="b} 1\n',
        "# TYPE x gauge\nx 1\n",
    ],
)
def test_the_reader_of_this_test_is_strict(text):
    with pytest.raises(ValueError):
        parsed(text)
