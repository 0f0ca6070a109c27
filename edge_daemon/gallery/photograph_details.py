"""Stores when a photograph was read for enrolment, and its quality. The data is sealed; the student may ask for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from edge_daemon.gallery import data_keys
from edge_daemon.store.gallery import TemplateRow
from edge_daemon.timestamps import parsed, written

if TYPE_CHECKING:  # it imports NumPy
    from edge_daemon.gallery.agreement import Exemplar


@dataclass(frozen=True, slots=True)
class PhotographDetails:
    """Data about a photograph that is stored with its template. The time when it was taken is not read."""

    read_at: datetime
    """When the photograph was read; for `enrol capture`, when it was taken."""
    face_width_px: float
    sharpness: float | None
    """Sharpness from 0 (completely blurred) to 1; None if it is unknown."""
    yaw_deg: float | None
    """Sideways turn of the head; None if it is unknown."""
    detail: float | None = None
    """Value of `focus.detail`; None if the release that stored the template did not measure it."""


def sealed(key: bytes, student_id: str, photograph: str, exemplar: Exemplar, at: datetime) -> bytes:
    """Return the details of a photograph, sealed under the student's data key.

    Args:
        key: the data key.
        student_id: the student in the photograph.
        photograph: keyed digest of the photograph.
        exemplar: the accepted photograph.
        at: when the photograph was read.
    """
    fields = {
        "read_at": written(at.replace(microsecond=0)),
        "face_width_px": round(float(exemplar.widths_px[0]), 1),
        "sharpness": None if exemplar.sharpness is None else round(float(exemplar.sharpness), 3),
        "detail": None if exemplar.detail is None else round(float(exemplar.detail), 3),
        "yaw_deg": None if exemplar.yaw_deg is None else round(float(exemplar.yaw_deg), 1),
    }
    return data_keys.seal(key, json.dumps(fields).encode("ascii"), _bound(student_id, photograph))


def opened(key: bytes, row: TemplateRow) -> PhotographDetails | None:
    """Return the details that `sealed` stored; None if the release that made the template stored none.

    Raises:
        GalleryError: the details are sealed under another key.
    """
    if not row.details:
        return None
    fields = json.loads(data_keys.open_sealed(key, row.details, _bound(row.student_id, row.photograph)))
    return PhotographDetails(
        parsed(fields["read_at"]), fields["face_width_px"], fields["sharpness"], fields["yaw_deg"], fields.get("detail")
    )


def _bound(student_id: str, photograph: str) -> bytes:
    return data_keys.binding("photograph", student_id, photograph)
