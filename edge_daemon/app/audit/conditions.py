"""Advice about light and focus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edge_daemon.app.audit.expected_accuracy import WORTH
from edge_daemon.app.audit.findings import Advice, AuditFindings, width_loss
from edge_daemon.app.audit.seat_rows import RatedSeat

_SOME = 2
"""Minimum number of affected seats for advice."""
_TELLING = 0.8
"""A fault of light or focus affects a face if less than this share of the face's width stays effective.

`AccuracyFactors` computes the effective width.
"""
_AGAINST = 1.8
"""A face counts as against the light if its background is lighter by this factor."""
_SOFT_SHARE = 0.4
"""Advice about focus is given if at least this share of the seats is blurred."""
_SOFT_SCENE = 0.18
"""Sharpness below which the room is out of focus. Captures of composed lessons have .26 to .71, or .14 to .18 if
blurred by 2 px."""


def light(findings: AuditFindings) -> Iterator[Advice]:
    """Yield advice about faces that are against the light, in the dark, or burnt out."""
    dark = [s for s in findings.seats if WORTH.in_light(s.seat.light.luma) < _TELLING]
    against = [s for s in dark if s.seat.light.behind > _AGAINST * s.seat.light.luma]
    if len(against) >= _SOME:
        dark = [s for s in dark if s not in against]
        measured = f"face {_mean(against, 'luma'):.0f}, behind it {_mean(against, 'behind'):.0f} of 255"
        text = f"{findings.who(against)} against the light ({measured}) and {width_loss(against)}."
        hint = "Turn the camera away from the window, or close the blinds."
        yield Advice("against_light", f"{text} {hint}", _gain(findings, against, _lit))
    if len(dark) >= _SOME:
        text = f"{findings.who(dark)} dark ({_mean(dark, 'luma'):.0f} of 255) and {width_loss(dark)}."
        yield Advice("dark", f"{text} Switch on more light.", _gain(findings, dark, _lit))
    burnt = [s for s in findings.seats if WORTH.unburnt(s.seat.light.clipped) < _TELLING]
    if len(burnt) >= _SOME:
        text = f"{findings.who(burnt)} burnt out ({_mean(burnt, 'clipped'):.0%} of the face) and {width_loss(burnt)}."
        hint = "Close the blinds, or switch off the lamp that shines on them."
        yield Advice("burnt", f"{text} {hint}", _gain(findings, burnt, lambda s: WORTH.unburnt(s.seat.light.clipped)))


def focus(findings: AuditFindings) -> Iterator[Advice]:
    """Yield advice about faces that are blurred, by the lens or by their own movement."""
    soft = [s for s in findings.seats if WORTH.in_focus(s.seat.width_px, s.seat.sharpness) < _TELLING]
    if len(soft) < max(_SOME, _SOFT_SHARE * len(findings.seats)):
        return
    text, rise = f"{findings.who(soft)} blurred and {width_loss(soft)}", _gain(findings, soft, _focused)
    if findings.scene.sharpness < _SOFT_SCENE:
        hint = "clean the lens, set its focus, fix the camera firmly"
        yield Advice("focus", f"{text}, and the room is blurred too: {hint}.", rise)
    else:
        hint = "people move. More light makes exposures shorter."
        yield Advice("motion", f"{text}, while the room is sharp: {hint}", rise)


def _lit(seat: RatedSeat) -> float:
    return WORTH.in_light(seat.seat.light.luma)


def _focused(seat: RatedSeat) -> float:
    return WORTH.in_focus(seat.seat.width_px, seat.seat.sharpness)


def _gain(findings: AuditFindings, seats: Sequence[RatedSeat], share: Callable[[RatedSeat], float]) -> float:
    """Return how much the mean hit rate would rise, 0 to 1, if one fault of light or focus were gone at these seats.

    Args:
        findings: the findings of the audit.
        seats: the seats that would improve.
        share: returns, for a seat, the share of its face's width that is effective under this fault.
    """
    return findings.gain(lambda s: s.expected.worth_px / (share(s) if s in seats else 1.0))


def _mean(seats: Sequence[RatedSeat], part: str) -> float:
    return float(np.mean([getattr(s.seat.light, part) for s in seats]))
