"""Advice in plain words, computed from the audit's findings: where to move the camera, and what else would help."""

from __future__ import annotations

from collections.abc import Iterator

from edge_daemon.app.audit import camera_placement, conditions
from edge_daemon.app.audit.findings import Advice, AuditFindings, faces

MOST = 5
"""Largest number of pieces of advice; people do not act on a long list."""

_BLACK_LUMA, _WHITE_SHARE = 25, 0.5


def advise(findings: AuditFindings) -> tuple[Advice, ...]:
    """Return the advice, the largest gain first: at least one piece, at most `MOST` pieces."""
    found = list(_hanging(findings))
    if found:
        return tuple(found)  # in a rotated picture no other finding is reliable
    if findings.rows:
        for part in (
            camera_placement.size,
            camera_placement.aim,
            conditions.light,
            conditions.focus,
            camera_placement.aside,
        ):
            found += part(findings)
    else:
        found = [_nobody(findings)]
    return tuple(sorted(found, key=lambda advice: -advice.gain)[:MOST]) or (_nothing(findings),)


def _hanging(findings: AuditFindings) -> Iterator[Advice]:
    if findings.turned_by_deg == 180:
        text = f"The camera is mounted upside down: turned, the picture shows {faces(findings.turned_faces)}."
        yield Advice("upside_down", f"{text} Turn the camera by 180°, or the setting camera.upside_down.")
    elif findings.turned_by_deg:
        way = "counter-clockwise" if findings.turned_by_deg == 90 else "clockwise"
        text = f"The camera is mounted on its side: turned, the picture shows {faces(findings.turned_faces)}."
        yield Advice("on_its_side", f"{text} Turn the camera by 90 degrees {way}, as seen from behind it.")


def _nobody(findings: AuditFindings) -> Advice:
    scene = findings.scene
    if scene.luma < _BLACK_LUMA:
        return Advice("black", f"The picture is almost black (mean {scene.luma:.0f} of 255): lens cap, shutter, light?")
    if scene.burnt > _WHITE_SHARE:
        return Advice("white", f"{scene.burnt:.0%} of the picture are burnt out: is a lamp or window right in front?")
    text = "No face was found: nobody is in the picture, or the faces are too small or too dark."
    return Advice("nobody", f"{text} Let people sit down, or put printed faces (A4) on the seats, and run it again.")


def _nothing(findings: AuditFindings) -> Advice:
    worst = min(row.hit for row in findings.rows)
    return Advice("good", f"Nothing needs to be moved: the weakest row has a hit rate of {worst:.0%}.")
