"""Writes sightings as a CSV file for other programs; its format is a public interface."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from edge_daemon.errors import StoreError
from edge_daemon.types import Sighting


def write_sightings(path: Path, sightings: Iterable[Sighting], frame_names: Mapping[int, str]) -> None:
    """Write every counted face as CSV.

    Raises:
        StoreError: the file can't be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch(mode=0o600)  # the positions of students are private
        with part.open("w", newline="", encoding="utf-8") as handle:
            rows = csv.writer(handle)
            rows.writerow(["frame", "student_id", "similarity", "x", "y", "w", "h", "attentive"])
            for s in sightings:
                box = [f"{v:.1f}" for v in (s.box.x, s.box.y, s.box.w, s.box.h)]
                rows.writerow([frame_names[s.slot], s.student_id, f"{s.similarity:.4f}", *box, int(s.attentive)])
        part.replace(path)
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path), "choose another file") from error
