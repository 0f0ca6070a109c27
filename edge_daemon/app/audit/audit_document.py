"""The audit as JSON, and the settings that it recommends."""

from __future__ import annotations

from dataclasses import dataclass

from edge_daemon.app.audit.room_audit import Audit
from edge_daemon.app.audit.seat_rows import RatedSeat, SeatRow
from edge_daemon.config import Config

_SAME_DEG = 5
"""Difference in degrees up to which the measured direction of the class's front counts as equal to the setting."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that the audit recommends: one line of config.toml."""

    section: str
    key: str
    value: float | bool
    why: str


def settings(audit: Audit, config: Config) -> tuple[Setting, ...]:
    """Return the settings that the room needs and that are not set yet."""
    found: list[Setting] = []
    if audit.turned_by_deg == 180 and audit.from_camera:
        found.append(Setting("camera", "upside_down", not config.camera.upside_down, "most faces are upside down"))
    if not audit.usable:
        return tuple(found)
    front, now = audit.front, config.attention.front_yaw_deg
    if front.yaw_deg is not None and abs(front.yaw_deg - now) >= _SAME_DEG:
        why = f"median of {front.heads} heads, {front.agree} of them within 20°; now {now:g}"
        found.append(Setting("attention", "front_yaw_deg", float(front.yaw_deg), why))
    if audit.lens_position is not None and config.camera.lens_position < 0:
        found.append(
            Setting("camera", "lens_position", round(audit.lens_position, 2), "focus of this look, in dioptres")
        )
    return tuple(found)


def to_json(audit: Audit, config: Config) -> dict[str, object]:
    """Return the document that `audit --json` prints; other programs read it (docs/AUDIT.md)."""
    optics, scene, front = audit.optics, audit.scene, audit.front
    return {
        "pictures": audit.pictures,
        "unreadable": list(audit.unreadable),
        "size_px": [optics.width_px, optics.height_px],
        "field_of_view_deg": optics.field_of_view_deg,
        "scene": {
            "light": round(scene.luma, 1),
            "burnt": round(scene.burnt, 4),
            "sharpness": round(scene.sharpness, 3),
        },
        "turned_by_deg": audit.turned_by_deg,
        "seats": audit.seats,
        "rows": [_row(row, audit.pictures) for row in reversed(audit.rows)],
        "front": {"heads": front.heads, "agree": front.agree, "median_yaw_deg": round(front.median_yaw_deg, 1)},
        "lens_position": audit.lens_position,
        "advice": [
            {"code": advice.code, "text": advice.text, "gain": round(advice.gain, 3)} for advice in audit.advice
        ],
        "settings": [
            {"section": s.section, "key": s.key, "value": s.value, "why": s.why} for s in settings(audit, config)
        ],
    }


def _row(row: SeatRow, pictures: int) -> dict[str, object]:
    return {
        "row": row.number,
        "distance_m": round(row.distance_m, 1),
        "hit_rate": round(row.hit, 3),
        "register_right": round(row.register, 3),
        "seats": [_seat(seat, pictures) for seat in row.seats],
    }


def _seat(rated: RatedSeat, pictures: int) -> dict[str, object]:
    seat, expected = rated.seat, rated.expected
    return {
        "box": [round(value, 1) for value in (seat.box.x, seat.box.y, seat.box.w, seat.box.h)],
        "seen": round(len(seat.looks) / pictures, 3),
        "width_px": round(seat.width_px, 1),
        "sharpness": round(seat.sharpness, 3),
        "light": round(seat.light.luma, 1),
        "behind": round(seat.light.behind, 1),
        "clipped": round(seat.light.clipped, 3),
        "yaw_deg": None if seat.yaw_deg is None else round(seat.yaw_deg, 1),
        "worth_px": round(expected.worth_px, 1),
        "found": round(expected.found, 3),
        "hit_rate": round(expected.hit, 3),
        "register_right": round(expected.register, 3),
    }
