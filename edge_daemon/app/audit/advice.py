"""Where to move the camera, and what else would help: computed from what was seen, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge_daemon.app.audit import fit
from edge_daemon.app.audit.expect import GOOD_PX, LEAST_PX, expected
from edge_daemon.app.audit.front import Front
from edge_daemon.app.audit.optics import Optics
from edge_daemon.app.audit.rows import JudgedSeat, Row
from edge_daemon.app.audit.scene import Scene

MOST = 5
"""Lines of advice: whoever reads more does nothing."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do."""

    code: str
    """For programs; does not change."""
    text: str
    """One or two sentences for people."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What advice is drawn from."""

    optics: Optics
    rows: tuple[Row, ...]
    """The furthest first."""
    scene: Scene
    front: Front
    pictures: int
    turned_by_deg: int
    """The camera hangs turned by so much: more faces are found when the picture is turned back. 0: upright."""
    turned_faces: int
    """Faces in the picture that was turned back."""


def advise(findings: Findings) -> tuple[Advice, ...]:
    """Return what to do, the most important first, at most `MOST`; at least one line."""
    found = [*_hanging(findings)]
    if findings.rows:
        found += [*_size(findings), *_aim(findings), *_light(findings), *_focus(findings), *_aside(findings)]
    elif not found:
        found = [*_nobody(findings)]
    return tuple(found[:MOST]) or (_nothing(findings),)


def _hanging(findings: Findings) -> Iterator[Advice]:
    if not findings.turned_by_deg:
        return
    how = {180: "upside down", 90: "on its side", 270: "on its side"}[findings.turned_by_deg]
    text = f"The camera hangs {how}: turned back, the picture shows {_faces(findings.turned_faces)}. Turn the camera."
    yield Advice("turned", text)


def _nobody(findings: Findings) -> Iterator[Advice]:
    scene = findings.scene
    if scene.luma < 25:
        yield Advice("black", f"The picture is almost black (mean {scene.luma:.0f} of 255): lens cap, shutter, light?")
    elif scene.burnt > 0.5:
        yield Advice("white", f"{scene.burnt:.0%} of the picture is burnt out: is a lamp or window right in front?")
    else:
        text = "Nobody is in the picture, or nobody is large and bright enough to be found."
        yield Advice("nobody", f"{text} Let people sit down, or put printed faces (A4) on the seats, and run it again.")


def _size(findings: Findings) -> Iterator[Advice]:
    """Too small: what a step closer, or another lens, would give the far row."""
    optics, far = findings.optics, findings.rows[0]
    short = [s for row in findings.rows for s in row.seats if s.seat.width_px < LEAST_PX]
    near = [s for row in findings.rows for s in row.seats if LEAST_PX <= s.seat.width_px < GOOD_PX]
    if short:
        yield Advice("too_small", f"{_too_small(findings, short, near)} {_remedy(findings, LEAST_PX)}")
    elif near:
        closer = optics.closer_px(far.width_px, 1.0)
        text = (
            f"{_faces(len(near))} in {_rows(findings, near)} are below {GOOD_PX:.0f} px, at which a register is sure. "
        )
        step = f"1 m closer the furthest row would have {closer:.0f} px instead of {far.width_px:.0f}"
        yield Advice("small", f"{text}{step}. {_remedy(findings, GOOD_PX)}")


def _too_small(findings: Findings, short: Sequence[JudgedSeat], near: Sequence[JudgedSeat]) -> str:
    also = f"; {len(near)} more are below {GOOD_PX:.0f} px" if near else ""
    worst = min(s.seat.width_px for s in short)
    rate = expected(worst).hit
    where = _rows(findings, short)
    text = f"{_faces(len(short))} in {where} are below {LEAST_PX:.0f} px, the least for a register"
    return f"{text} (the narrowest has {worst:.0f} px: it would count in {rate:.0%} of the captures){also}."


def _remedy(findings: Findings, wanted_px: float) -> str:
    """Say which of moving and a longer lens brings the far row to a width, or as near to it as the others allow."""
    optics, far = findings.optics, findings.rows[0]
    seats = [s.seat for row in findings.rows for s in row.seats]
    metres, most_m = optics.metres_closer(far.width_px, wanted_px), fit.most_metres(seats, optics)
    factor, most = wanted_px / far.width_px, fit.longest_lens(fit.span(seats, optics))
    ways = []
    if min(metres, most_m) >= 0.2:
        by = min(metres, most_m)
        ways.append(f"{by:.1f} m closer it would have {optics.closer_px(far.width_px, by):.0f} px")
    if min(factor, most) >= 1.1:
        by = min(factor, most)
        ways.append(f"with a lens of {by:.1f} times the focal length {far.width_px * by:.0f} px")
    if not ways:
        return "There is no room to come closer: seats at the edge would leave the picture; a second camera is needed."
    enough = metres <= most_m or factor <= most
    limit = "" if enough else f"; more would cut off seats at the edge, so {wanted_px:.0f} px need a second camera"
    return f"{_sentence(', '.join(ways))}, everybody still in the picture{limit}."


def _aim(findings: Findings) -> Iterator[Advice]:
    """Turn the camera where the heads are near one edge and far from the other."""
    optics = findings.optics
    heads = fit.span([s.seat for row in findings.rows for s in row.seats], optics)
    x, y = heads.middle
    pan, tilt = optics.angle_deg((x - 0.5) * optics.width_px), optics.angle_deg((y - 0.5) * optics.height_px)
    left, right, top, bottom = heads.left, 1 - heads.right, heads.top, 1 - heads.bottom
    if abs(left - right) > 0.2 and min(left, right) < 0.08:
        empty, side = (left, "left") if left > right else (right, "right")
        to = "right" if pan > 0 else "left"
        text = f"The {side} {empty:.0%} of the picture are empty, and heads are at the other edge."
        yield Advice("pan", f"{text} Turn the camera {abs(pan):.0f}° to the {to}.")
    if abs(top - bottom) > 0.2 and min(top, bottom) < 0.08:
        if top > bottom:
            text = f"{top:.0%} of the picture are above all heads, and the nearest are at the lower edge."
        else:
            text = f"{bottom:.0%} of the picture are below all heads, and the furthest are at the upper edge."
        yield Advice("tilt", f"{text} Tilt the camera {abs(tilt):.0f}° {'down' if tilt > 0 else 'up'}.")


DARK, AGAINST, BURNT = 45.0, 2.0, 0.3


def _light(findings: Findings) -> Iterator[Advice]:
    seats = [s for row in findings.rows for s in row.seats]
    against = [s for s in seats if s.seat.light.behind > max(AGAINST * s.seat.light.luma, 120)]
    dark = [s for s in seats if s.seat.light.luma < DARK and s not in against]
    burnt = [s for s in seats if s.seat.light.clipped > BURNT]
    if len(against) >= 2:
        face, behind = (float(np.mean([getattr(s.seat.light, k) for s in against])) for k in ("luma", "behind"))
        text = f"{_faces(len(against))} in {_rows(findings, against)} are against the light (face {face:.0f}, behind it"
        yield Advice("against_light", f"{text} {behind:.0f} of 255). Turn the camera from the window, or close blinds.")
    if len(dark) >= 2:
        face = float(np.mean([s.seat.light.luma for s in dark]))
        text = f"{_faces(len(dark))} in {_rows(findings, dark)} are dark ({face:.0f} of 255)."
        yield Advice("dark", f"{text} Switch on more light, or let the camera expose longer.")
    if len(burnt) >= 2:
        text = f"{_faces(len(burnt))} in {_rows(findings, burnt)} are burnt out."
        yield Advice("burnt", f"{text} Close blinds or expose less.")


SOFT, SOFT_SCENE = 0.25, 0.25


def _focus(findings: Findings) -> Iterator[Advice]:
    seats = [s for row in findings.rows for s in row.seats]
    soft = [s for s in seats if s.seat.sharpness < SOFT]
    if len(soft) < max(2, 0.25 * len(seats)):
        return
    text = f"{_faces(len(soft))} in {_rows(findings, soft)} are blurred though large enough"
    if findings.scene.sharpness < SOFT_SCENE:
        yield Advice("focus", f"{text}, and so is the room: clean the lens, set the focus, fix the camera firmly.")
    else:
        yield Advice("motion", f"{text}, while the room is sharp: people move. More light lets the camera expose less.")


def _aside(findings: Findings) -> Iterator[Advice]:
    front = findings.front
    if front.yaw_deg is not None and abs(front.yaw_deg) > 35:
        side = "right" if front.yaw_deg > 0 else "left"
        text = f"Most heads are turned {abs(front.yaw_deg)}° to the {side} of the picture, away from the camera."
        yield Advice("aside", f"{text} Hang it further to the {side}, nearer to what they look at.")


def _nothing(findings: Findings) -> Advice:
    worst = min(row.hit for row in findings.rows)
    text = f"Nothing needs to be moved: in the weakest row a face counts in {worst:.0%} of the captures."
    return Advice("good", text)


def _rows(findings: Findings, seats: Sequence[JudgedSeat]) -> str:
    numbers = sorted({row.number for row in findings.rows if any(s in row.seats for s in seats)})
    if len(numbers) == len(findings.rows) and len(numbers) > 1:
        return "all rows"
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    runs = numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 2
    return f"rows {numbers[0]} to {numbers[-1]}" if runs else f"rows {', '.join(map(str, numbers))}"


def _faces(count: int) -> str:
    return "1 face" if count == 1 else f"{count} faces"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
