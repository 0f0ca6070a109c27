"""The service's figures for Prometheus: a text file that node_exporter's textfile collector reads.

The file has the exposition format 0.0.4. Everybody may read it, so it has no name, id or course.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from edge_daemon import __version__
from edge_daemon.device.host import Host
from edge_daemon.device.status import ServiceStatus, State, write_atomically
from edge_daemon.types import ClockState

FILE = "metrics/edge-daemon.prom"

_WORD = re.compile(r"[a-z][a-z_]{0,30}")
_PREFIX = "edge_daemon_"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its samples by label value."""

    name: str
    """Name without the program's prefix. It ends with the unit, or with `_total` for a counter."""
    help: str
    samples: Mapping[str, float]
    """Figure by the value of the label; `{"": figure}` for a metric without a label."""
    label: str = ""

    @property
    def kind(self) -> Literal["counter", "gauge"]:
        """Type of the metric, for the line `# TYPE`."""
        return "counter" if self.name.endswith("_total") else "gauge"


@dataclass(frozen=True, slots=True)
class Outbox:
    """Figures about the outbox, by receiver."""

    waiting: Mapping[str, int]
    parked: Mapping[str, int]
    oldest: Mapping[str, datetime]
    """Creation time of the oldest waiting item, by receiver."""
    refuses: Mapping[str, bool]
    """By receiver: whether it accepts nothing until a person fixes the cause."""
    last_sync: datetime | None


def write_metrics(folder: Path, status: ServiceStatus, host: Host | None = None, outbox: Outbox | None = None) -> None:
    """Write the metrics to a file that everybody may read, atomically: a reader gets the old or the new metrics.

    Args:
        folder: the runtime folder.
        status: status of the service.
        host: the computer's figures; None leaves them out.
        outbox: figures of delivery; None leaves them out.

    Raises:
        OSError: the folder can't be created or written.
    """
    write_atomically(
        folder / FILE, rendered([*_service(status), *_lesson(status), *_computer(host), *_delivery(outbox)]), 0o644
    )


def rendered(metrics: list[Metric]) -> str:
    """Return the metrics in the text format, each with its help and type; metrics without samples are left out."""
    lines = []
    for metric in metrics:
        if metric.samples:
            name = _PREFIX + metric.name
            lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
            lines += [f"{name}{_label(metric.label, key)} {value!r}" for key, value in metric.samples.items()]
    return "\n".join(lines) + "\n"


def _label(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{{name}="{escaped}"}}' if name else ""


def _service(status: ServiceStatus) -> Iterator[Metric]:
    yield Metric("info", "Version of the program", {__version__: 1}, "version")
    yield Metric("start_time_seconds", "When the service started, seconds since 1970", _one(status.started_utc))
    yield Metric(
        "status_timestamp_seconds",
        "When the service last wrote its status, seconds since 1970",
        _one(status.updated_utc),
    )
    yield Metric("state", "1 for the state of the service", _states(status.state, get_args(State)), "state")
    yield Metric("clock", "1 for how the clock is set", _states(status.clock, get_args(ClockState)), "state")
    yield Metric("camera_fault", "1 while the camera gives no good picture", _one(bool(status.camera_fault)))
    yield Metric("timetable_fault", "1 while the timetable can't be read", _one(bool(status.timetable_error)))
    yield Metric("storage_fault", "1 while captures can't be stored", _one(bool(status.storage_fault)))
    yield Metric("worker_restarts_total", "Restarts of a lesson's process", _one(status.worker_restarts))
    yield Metric("captures_total", "Captures taken since the service started", _one(status.captures_total))
    yield Metric(
        "captures_missed_total", "Captures missed since the service started", _reasons(status.missed_total), "reason"
    )
    yield Metric("lessons_total", "Lessons finalised since the service started", _one(status.lessons_total))


def _lesson(status: ServiceStatus) -> Iterator[Metric]:
    lesson = status.lesson
    yield Metric(
        "next_lesson_timestamp_seconds", "Start of the next lesson, seconds since 1970", _one(status.next_lesson_start)
    )
    yield Metric(
        "lesson_captures_planned", "Captures of the running lesson", _one(lesson.captures_planned if lesson else None)
    )
    yield Metric("lesson_captures_taken", "Of these taken so far", _one(lesson.captures_taken if lesson else None))
    yield Metric("lesson_captures_missed", "Of these missed so far", _one(lesson.captures_missed if lesson else None))
    ended = status.last_lesson_end
    yield Metric("last_lesson_end_timestamp_seconds", "End of the last lesson, seconds since 1970", _one(ended))
    yield Metric(
        "last_lesson_captures_planned",
        "Captures of the last lesson",
        _one(status.last_lesson_planned if ended else None),
    )
    yield Metric("last_lesson_captures_taken", "Of these taken", _one(status.last_lesson_taken if ended else None))


def _computer(host: Host | None) -> Iterator[Metric]:
    if host is None:
        return
    yield Metric("disk_size_bytes", "Size of the disk with the databases", _one(host.disk_size_bytes))
    yield Metric("disk_free_bytes", "Free on the disk with the databases", _one(host.disk_free_bytes))
    if host.memory is not None:
        yield Metric("memory_size_bytes", "Memory of the computer", _one(host.memory.size))
        yield Metric("memory_available_bytes", "Memory that programs can still have", _one(host.memory.available))
    yield Metric("temperature_celsius", "Of the hottest sensor", _one(host.temperature_c))
    bits = host.throttled
    power = {} if bits is None else {"now": bits & 0x1, "since_start": bits >> 16 & 0x1}
    yield Metric("under_voltage", "1 where the power supply is too weak", power, "when")
    heat = {} if bits is None else {"now": int(bits & 0xE > 0), "since_start": int(bits >> 16 & 0xE > 0)}
    yield Metric("throttled", "1 where the processor is slowed down by heat or bad power", heat, "when")
    yield Metric("backup_timestamp_seconds", "When the last backup was made", _one(host.last_backup))


def _delivery(outbox: Outbox | None) -> Iterator[Metric]:
    if outbox is None:
        return
    yield Metric("outbox_waiting_items", "Items that wait for their receiver", outbox.waiting, "destination")
    yield Metric("outbox_parked_items", "Items that were refused and need a person", outbox.parked, "destination")
    oldest = {name: at.timestamp() for name, at in outbox.oldest.items()}
    yield Metric(
        "outbox_oldest_timestamp_seconds",
        "When the oldest waiting item was made, seconds since 1970",
        oldest,
        "destination",
    )
    refuses = {name: float(refused) for name, refused in outbox.refuses.items()}
    yield Metric(
        "destination_refuses", "1 while a receiver accepts nothing until a person fixes it", refuses, "destination"
    )
    yield Metric("last_sync_timestamp_seconds", "When the last sync began, seconds since 1970", _one(outbox.last_sync))


def _one(value: datetime | float | None) -> dict[str, float]:
    if value is None:
        return {}
    if isinstance(value, datetime):
        return {"": value.timestamp()}
    return {"": int(value) if isinstance(value, bool) else value}


def _states(now: str, all_of_them: tuple[str, ...]) -> dict[str, float]:
    return {state: int(state == now) for state in all_of_them}


def _reasons(missed: Mapping[str, int]) -> dict[str, float]:
    """Return the number of missed captures by reason word. Any other reason counts as `other`: it may be personal."""
    counts: dict[str, float] = {}
    for reason, count in missed.items():
        word = reason if _WORD.fullmatch(reason) else "other"
        counts[word] = counts.get(word, 0) + count
    return counts
