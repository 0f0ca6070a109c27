"""Reports of a worker to the service: one line of JSON each, through a pipe that only these two processes share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

import cattrs

from edge_daemon.timestamps import parsed, written

Kind = Literal["ready", "waiting", "taken", "missed", "counts", "closing", "done", "no_camera", "failed"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report about one step of a worker; every report is also a sign of life."""

    kind: Kind
    """`ready`: models and camera answered; `closing`: the camera is free; `done`: the task is complete;
    `no_camera`, `failed`: the worker ends with an error, and `text` has the reason."""
    slot: int | None = None
    text: str = ""
    """Reason for a missed capture or a failure, in words for a person."""
    next_utc: datetime | None = None
    """When the next picture is due."""
    camera_fault: str = ""
    storage_fault: str = ""
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Provisional counts: (seen, attentive) frames by student id."""
    counted: int | None = None
    """Number of captures that `counts` includes."""
    untried: bool = False
    """True if the slot was over before the worker could try to take a picture; `text` has the reason."""


_converter = cattrs.Converter()
_converter.register_structure_hook(datetime, lambda text, _: parsed(text))


def encode(report: Report) -> bytes:
    """Return a report as one line; fields with their default value are left out."""
    fields = {
        name: value for name, value in asdict(report).items() if value not in (None, "", {}) and value is not False
    }
    return json.dumps(fields, default=written, ensure_ascii=True).encode("ascii") + b"\n"


def decode(line: bytes) -> Report:
    """Return the report in a line written by `encode`."""
    return _converter.structure(json.loads(line), Report)
