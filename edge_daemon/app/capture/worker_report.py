"""What a worker tells the service: one line of JSON a report, through a pipe that both inherit nothing else by."""

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
    """One step of a worker, which is also its sign of life."""

    kind: Kind
    """`ready`: models and camera answered; `closing`: the camera is free; `done`: all that was asked for is done;
    `no_camera`, `failed`: it ends without, and says why."""
    slot: int | None = None
    text: str = ""
    """Reason of a missed capture or of a failure, in words for a person."""
    next_utc: datetime | None = None
    """When the next picture is due."""
    camera_fault: str = ""
    storage_fault: str = ""
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Provisional: student id to frames (seen, attentive)."""
    counted: int | None = None
    """The captures that `counts` is about."""
    untried: bool = False
    """A slot that had passed before a picture could be tried; `text` says why."""


_converter = cattrs.Converter()
_converter.register_structure_hook(datetime, lambda text, _: parsed(text))


def encode(report: Report) -> bytes:
    """Return a report as one line; what has its default is left out."""
    fields = {
        name: value for name, value in asdict(report).items() if value not in (None, "", {}) and value is not False
    }
    return json.dumps(fields, default=written, ensure_ascii=True).encode("ascii") + b"\n"


def decode(line: bytes) -> Report:
    """Return the report of a line that `encode` made."""
    return _converter.structure(json.loads(line), Report)
