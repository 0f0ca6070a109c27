"""Encodes the captures of a lesson in which a student was seen as bits that are stored in the register."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from edge_daemon.types import CaptureMap, Sighting, Verdict


def with_capture_maps(
    verdicts: Sequence[Verdict], sightings: Iterable[Sighting], captures_planned: int
) -> tuple[Verdict, ...]:
    """Return verdicts with the captures in which each student was seen; None for a student who is not assessed.

    Args:
        verdicts: one verdict for each student.
        sightings: sightings of the lesson; those of other people are left out.
        captures_planned: number of slots in the plan.
    """
    seen: dict[str, set[int]] = {}
    facing: dict[str, set[int]] = {}
    for one in sightings:
        seen.setdefault(one.student_id, set()).add(one.slot)
        if one.attentive:
            facing.setdefault(one.student_id, set()).add(one.slot)

    def map_of(student_id: str) -> CaptureMap:
        return CaptureMap(
            bits_of(seen.get(student_id, ()), captures_planned), bits_of(facing.get(student_id, ()), captures_planned)
        )

    return tuple(
        v if v.verdict == "not_assessed" else replace(v, captures=map_of(v.tally.student_id)) for v in verdicts
    )


def bits_of(slots: Collection[int], captures_planned: int) -> bytes:
    """Return a bit for each slot of the plan; slot 0 is the highest bit of the first byte."""
    bits = bytearray((captures_planned + 7) // 8)
    for slot in slots:
        bits[slot // 8] |= 0x80 >> slot % 8
    return bytes(bits)


def slots_of(bits: bytes) -> frozenset[int]:
    """Return the slots whose bit is set."""
    return frozenset(8 * at + bit for at, byte in enumerate(bits) for bit in range(8) if byte & 0x80 >> bit)
