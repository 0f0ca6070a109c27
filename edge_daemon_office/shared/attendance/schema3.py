"""Reads and writes the additions of schema 3 to the register document; docs/register.schema.json describes them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from edge_daemon_office.shared.attendance.fields import Json, ObjectReader
from edge_daemon_office.shared.timestamps import written
from edge_daemon_office.shared.traits import MaskCounts
from edge_daemon_office.shared.types import (
    AppliedRule,
    CaptureMap,
    Confirmation,
    Register,
    RegisterFlag,
    Resemblance,
    RoomSeat,
    Verdict,
)

_DECIMALS = 4
"""Decimals of a probability; Python and ECMAScript write every such number alike."""


def register_fields(register: Register) -> dict[str, Json]:
    """Return the keys that schema 3 adds to a register."""
    confirmed = register.confirmed
    return {
        "rule": None if register.rule is None else _rule(register.rule),
        "register_flags": list(register.register_flags),
        "confirmed": None
        if confirmed is None
        else {"held": confirmed.held, "by": confirmed.by, "at": written(confirmed.at)},
        "mask": None if register.mask is None else _mask(register.mask),
    }


def with_register_fields(register: Register, top: ObjectReader) -> Register:
    """Return a register with the keys that schema 3 adds, read from a document; raises RegisterError."""
    rule, confirmed, mask = (top.optional_object(key) for key in ("rule", "confirmed", "mask"))
    return replace(
        register,
        rule=None if rule is None else _rule_of(rule),
        register_flags=cast("tuple[RegisterFlag, ...]", top.texts("register_flags")),
        confirmed=None
        if confirmed is None
        else Confirmation(confirmed.boolean("held"), confirmed.text("by"), confirmed.time("at")),
        mask=None if mask is None else MaskCounts(*(mask.whole(key) for key in _MASK_KEYS)),
    )


def student_fields(verdict: Verdict) -> dict[str, Json]:
    """Return the keys that schema 3 adds to a student."""
    captures, resembles, checked_in_at = verdict.captures, verdict.resembles, verdict.checked_in_at
    return {
        "captures": None if captures is None else {"seen": captures.seen.hex(), "facing": captures.facing.hex()},
        "probability": None if verdict.probability is None else _number(verdict.probability),
        "resembles": None if resembles is None else _resemblance(resembles),
        "checked_in": None if checked_in_at is None else {"at": written(checked_in_at)},
    }


def with_student_fields(verdict: Verdict, one: ObjectReader) -> Verdict:
    """Return a verdict with the keys that schema 3 adds, read from a document; raises RegisterError."""
    captures, resembles, checked_in = (one.optional_object(key) for key in ("captures", "resembles", "checked_in"))
    return replace(
        verdict,
        captures=None if captures is None else CaptureMap(captures.hexadecimal("seen"), captures.hexadecimal("facing")),
        probability=one.optional_share("probability"),
        resembles=None if resembles is None else _resemblance_of(resembles),
        checked_in_at=None if checked_in is None else checked_in.time("at"),
    )


_MASK_KEYS = ("none", "right", "wrong", "undecided")


def _mask(mask: MaskCounts) -> dict[str, Json]:
    return {key: getattr(mask, key) for key in _MASK_KEYS}


def _rule(rule: AppliedRule) -> dict[str, Json]:
    return {
        "share": _number(rule.share),
        "max_yaw_deg": _number(rule.max_yaw_deg),
        "min_captures_share": _number(rule.min_captures_share),
        "unusual_share": _number(rule.unusual_share),
        "program": rule.program,
        "models": dict(rule.models),
    }


def _rule_of(one: ObjectReader) -> AppliedRule:
    return AppliedRule(
        share=one.share("share"),
        max_yaw_deg=one.number("max_yaw_deg"),
        min_captures_share=one.share("min_captures_share"),
        unusual_share=one.share("unusual_share"),
        program=one.text("program"),
        models=one.text_map("models"),
    )


def _resemblance(one: Resemblance) -> dict[str, Json]:
    seat: Json = None if one.seat is None else {"row": one.seat.row, "seat": one.seat.seat}
    return {"probability": _number(one.probability), "seat": seat}


def _resemblance_of(one: ObjectReader) -> Resemblance:
    seat = one.optional_object("seat")
    return Resemblance(
        one.share("probability"), None if seat is None else RoomSeat(seat.whole("row"), seat.whole("seat"))
    )


def _number(value: float) -> float | int:
    """Return a number in canonical form: 1, not 1.0."""
    rounded = round(value, _DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded
