"""Advice about where to move or turn the camera."""

from __future__ import annotations

from collections.abc import Iterator

from edge_daemon.app.audit import picture_span
from edge_daemon.app.audit.expected_accuracy import GOOD_PX, LEAST_PX, expected_of
from edge_daemon.app.audit.findings import Advice, AuditFindings

_STEP_M, _LEAST_M = 1.0, 0.1
_LEAST_LENS = 1.02
_UNEVEN = 0.2
"""Least difference between the free spaces at two opposite edges for advice to turn the camera, as a share."""
_AT_EDGE = 0.08
"""Advice to turn the camera also requires that the smaller free space is below this share of the picture."""
_AIM_GAIN = 0.03
"""Assumed rise of the mean hit rate, 0 to 1, if the camera is turned or moved.

It was not measured, so such advice ranks after larger measured gains.
"""
_ASIDE_DEG = 35
"""Yaw of a head in degrees from which only about half of its face is visible."""


def size(findings: AuditFindings) -> Iterator[Advice]:
    """Yield advice about faces that are too small, with the gain of a closer camera or of another lens."""
    short = [s for s in findings.seats if s.seat.width_px < LEAST_PX]
    near = [s for s in findings.seats if LEAST_PX <= s.seat.width_px < GOOD_PX]
    if short:
        smallest = min(s.seat.width_px for s in short)
        text = f"{findings.who(short)} below {LEAST_PX:.0f} px, the least for a register"
        also = f"; {len(near)} more are below {GOOD_PX:.0f} px" if near else ""
        text = f"{text} (the smallest has {smallest:.0f} px, a hit rate of {expected_of(smallest).hit:.0%}){also}."
        yield Advice("too_small", f"{text} {_remedy(findings, smallest, LEAST_PX)}", _gain(findings, LEAST_PX))
    elif near:
        rate = f"{expected_of(GOOD_PX).hit:.0%}"
        text = f"{findings.who(near)} below {GOOD_PX:.0f} px, the width for a hit rate of {rate}."
        smallest = min(s.seat.width_px for s in near)
        yield Advice("small", f"{text} {_improvement(findings, smallest)}", _gain(findings, GOOD_PX))


def _gain(findings: AuditFindings, wanted_px: float) -> float:
    return findings.gain(lambda s: s.expected.worth_px * max(1.0, wanted_px / s.seat.width_px))


def _remedy(findings: AuditFindings, smallest_px: float, wanted_px: float) -> str:
    """Return in words how the smallest face could reach `wanted_px`, or come near it while all seats stay visible."""
    optics, seats = findings.optics, [s.seat for s in findings.seats]
    needed_m, most_m = optics.metres_closer(smallest_px, wanted_px), picture_span.most_metres(seats, optics)
    needed_lens, most_lens = wanted_px / smallest_px, picture_span.longest_lens(picture_span.span(seats, optics))
    by_m, by_lens = min(needed_m, most_m), min(needed_lens, most_lens)
    ways = []
    if by_m >= _LEAST_M:
        ways.append(f"{_cm(by_m)} closer it would have {optics.closer_px(smallest_px, by_m):.0f} px")
    if by_lens >= _LEAST_LENS:
        ways.append(f"with a lens of {by_lens:.2f} times the focal length {smallest_px * by_lens:.0f} px")
    if needed_m <= most_m or needed_lens <= most_lens:
        way = _sentence(", ".join(ways) or f"{_cm(needed_m)} closer is enough")
        return f"{way}, with everybody still in the picture."
    limit = "seats at the edge leave the picture: a second camera is needed."
    return f"{_sentence(', '.join(ways))}; still nearer, {limit}" if ways else f"Nearer, {limit}"


def _improvement(findings: AuditFindings, smallest_px: float) -> str:
    """Return in words how much wider a closer camera or a longer lens would make the smallest face."""
    optics, seats = findings.optics, [s.seat for s in findings.seats]
    by_m = min(_STEP_M, optics.metres_closer(smallest_px, GOOD_PX), picture_span.most_metres(seats, optics))
    by_lens = min(GOOD_PX / smallest_px, picture_span.longest_lens(picture_span.span(seats, optics)))
    ways = []
    if by_m >= _LEAST_M:
        closer = optics.closer_px(smallest_px, by_m)
        ways.append(f"{_cm(by_m)} closer it would have {_px_and_rate(closer)}")
    if by_lens >= _LEAST_LENS:
        ways.append(f"with a lens of {by_lens:.2f} times the focal length {_px_and_rate(smallest_px * by_lens)}")
    text = f"The smallest has {_px_and_rate(smallest_px)}"
    if not ways:
        return f"{text}; nearer, or with a longer lens, seats at the edge would leave the picture."
    return f"{text}: {', '.join(ways)}, with everybody still in the picture."


def _cm(metres: float) -> str:
    """Return a distance in centimetres, as text."""
    return f"{max(1, round(100 * metres))} cm"


def _px_and_rate(px: float) -> str:
    return f"{px:.0f} px (hit rate {expected_of(px).hit:.0%})"


def aim(findings: AuditFindings) -> Iterator[Advice]:
    """Yield advice to turn the camera if heads are near one edge and far from the other."""
    optics = findings.optics
    heads = picture_span.span([s.seat for s in findings.seats], optics)
    x, y = heads.middle
    pan, tilt = optics.angle_deg((x - 0.5) * optics.width_px), optics.angle_deg((y - 0.5) * optics.height_px)
    if _uneven(heads.left, 1 - heads.right):
        empty, side = max((heads.left, "left"), (1 - heads.right, "right"))
        text = f"{empty:.0%} of the picture are empty on the {side}, and heads are at the other edge."
        yield Advice(
            "pan", f"{text} Turn the camera {abs(pan):.0f}° to the {'right' if pan > 0 else 'left'}.", _AIM_GAIN
        )
    if _uneven(heads.top, 1 - heads.bottom):
        above = heads.top > 1 - heads.bottom
        free, where = (heads.top, "above") if above else (1 - heads.bottom, "below")
        others = "the nearest are at the lower edge" if above else "the furthest are at the upper edge"
        text = f"{free:.0%} of the picture are {where} all heads, and {others}."
        yield Advice("tilt", f"{text} Tilt the camera {abs(tilt):.0f}° {'down' if tilt > 0 else 'up'}.", _AIM_GAIN)


def aside(findings: AuditFindings) -> Iterator[Advice]:
    """Yield advice to move the camera towards the direction in which most heads are turned."""
    yaw_deg = findings.front.yaw_deg
    if yaw_deg is not None and abs(yaw_deg) > _ASIDE_DEG:
        side = "right" if yaw_deg > 0 else "left"
        text = f"Most heads are turned {abs(yaw_deg)}° to the {side} of the picture, away from the camera."
        least_deg = abs(yaw_deg) - _ASIDE_DEG
        way = f"Mount it further to the {side}, {least_deg}° or more around the class, nearer to what they look at."
        yield Advice("aside", f"{text} {way}", _AIM_GAIN)


def _uneven(one: float, other: float) -> bool:
    return abs(one - other) > _UNEVEN and min(one, other) < _AT_EDGE


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
