"""The section about writes to the disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import table

Result = Mapping[str, Any]


def section(result: Result) -> str:
    """Return the section about writes to the disk."""
    head = (
        "## Writes to the disk (`benchmarks.storage`)\n\n100 captures of 30 students, 85 % of them seen in each, and "
        f"the end of the lesson; {result['disk']}. Log: pages written to the two write-ahead logs. Process: from "
        "/proc/self/io. Device: including the file system's journal. Times depend on the machine, which was not "
        "idle.\n"
    )
    heading = ("setting", "log, MB", "process, MB", "device, MB", "device, requests", "at the end, ms")
    settings = table(heading, [_row(name, row) for name, row in result["settings"].items()])
    sizes = table(
        (*("lesson", *heading[1:]), "room at the end, MB"), [_sized(n, r) for n, r in result["sizes"].items()]
    )
    return "\n".join([head, settings, sizes, _quarter(result["quarter"])])


def _row(name: str, row: Result) -> tuple[str, ...]:
    megabytes = (_megabytes(row[key]) for key in ("log_bytes", "process_bytes", "device_bytes"))
    return (name, *megabytes, str(row["device_requests"] or "–"), f"{row['finalise_ms']:.0f}")


def _sized(name: str, row: Result) -> tuple[str, ...]:
    return (*_row(name, row), _megabytes(row["finalise_room_bytes"]))


def _quarter(found: Result) -> str:
    seconds = found["check_s"]
    return (
        f"A register of 90 days (390 lessons, {found['sightings']:,} sightings) has {_megabytes(found['bytes'])} MB. "
        f"The check takes {seconds['start']:.2f} s at a start, {seconds['quick']:.2f} s after a sudden end, and "
        f"{seconds['full']:.1f} s in full. A verified backup takes {found['backup_s']:.1f} s and writes "
        f"{_megabytes(found['backup_process_bytes'])} MB. The data was in the memory's cache; a card reads slower.\n"
    )


def _megabytes(count: int | None) -> str:
    return "–" if count is None else f"{count / 1e6:.1f}"
