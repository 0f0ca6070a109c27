"""Writes sightings as a CSV file, a public interface for other programs. Text is guarded as in exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from edge_daemon.attendance.export import guarded
from edge_daemon.errors import StoreError
from edge_daemon.types import Sighting
from edge_daemon.whole_file import replace_file


def write_sightings(path: Path, sightings: Iterable[Sighting], frame_names: Mapping[int, str]) -> None:
    """Write every counted face as CSV.

    Raises:
        StoreError: the file can't be written.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["frame", "student_id", "similarity", "x", "y", "w", "h", "attentive"])
    for s in sightings:
        box = [f"{v:.1f}" for v in (s.box.x, s.box.y, s.box.w, s.box.h)]
        who = guarded(frame_names[s.slot]), guarded(s.student_id)
        rows.writerow([*who, f"{s.similarity:.4f}", *box, int(s.attentive)])
    try:
        replace_file(path, text.getvalue().encode("utf-8", "backslashreplace"))  # the positions of students are private
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path), "choose another file") from error
