"""A register for a terminal: what was decided, and the evidence for each student."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from edge_daemon.app.registers.stored_registers import Evidence, interval
from edge_daemon.cli.table import table
from edge_daemon.plain_text import plain
from edge_daemon.types import Register, Verdict


@dataclass(frozen=True, slots=True)
class _Signs:
    """How a capture is drawn."""

    facing: str
    turned: str
    unseen: str


def show_register(register: Register, evidence: Evidence, names: Mapping[str, str], zone: ZoneInfo) -> Iterator[str]:
    """Yield the lines that show a register.

    Args:
        register: what was decided.
        evidence: of single captures, as far as it is still there.
        names: by student id, as far as they may be shown.
        zone: for times.
    """
    yield from _heading(register, zone)
    yield ""
    heads = ("student", "name", "verdict", "seen", "facing", "share", "95 %", "first", "last", "flags")
    rows = [heads, *(_row(verdict, register, names, zone) for verdict in register.verdicts)]
    rows = rows if names else [(row[0], *row[2:]) for row in rows]
    yield table(rows[0], rows[1:])
    yield ""
    yield from _pictures(register, evidence, zone)
    for correction in register.corrections:
        at = correction.at.astimezone(zone)
        yield _printable(
            f"corrected {at:%Y-%m-%d %H:%M} by {correction.by}: {correction.student_id} is"
            f" {correction.verdict.replace('_', ' ')}, because: {correction.reason}"
        )


def _heading(register: Register, zone: ZoneInfo) -> Iterator[str]:
    lesson = register.lesson
    start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
    course = f" of {lesson.course}" if lesson.course else ""
    yield f"Register {lesson.lesson_id}, revision {register.revision}"
    yield _printable(f"{start:%A %Y-%m-%d %H:%M}-{end:%H:%M}{course}, {lesson.device}, {lesson.origin}")
    yield f"{register.captures_taken} of {register.captures_planned} captures, clock {register.clock}"
    for missed in register.missed:
        yield _printable(f"missed capture {missed.slot + 1}: {missed.reason}")
    if register.guests:
        yield _printable(f"guests, not of this course: {', '.join(register.guests)}")
    if register.unknown_faces:
        yield f"unknown faces: {register.unknown_faces} at most in one capture"


def _row(verdict: Verdict, register: Register, names: Mapping[str, str], zone: ZoneInfo) -> tuple[str, ...]:
    tally = verdict.tally
    low, high = interval(tally.captures_attentive, register.captures_taken)
    numbers = (str(tally.captures_seen), str(tally.captures_attentive), f"{verdict.share:.0%}", f"{low:.0%}-{high:.0%}")
    times = (_time(tally.first_seen, zone), _time(tally.last_seen, zone))
    if verdict.verdict == "not_assessed":
        numbers = ("-", "-", "-", "-")
    return (
        *(tally.student_id, names.get(tally.student_id, ""), verdict.verdict.replace("_", " ")),
        *(*numbers, *times, " ".join(verdict.flags)),
    )


def _pictures(register: Register, evidence: Evidence, zone: ZoneInfo) -> Iterator[str]:
    """Yield in which captures each student was; never "not seen" where nobody can tell any more."""
    signs = _signs()
    kept = Counter(one.student_id for one in evidence.sightings)
    seen = {verdict.tally.student_id for verdict in register.verdicts if verdict.tally.captures_seen}
    if seen and not any(kept[student_id] for student_id in seen) and not seen <= evidence.removed.keys():
        days = evidence.expired_days
        why = "" if days is None else f": deleted {days} days after the lesson (storage.keep_sightings_days)"
        yield f"In which pictures each student was is no longer kept{why}"
        return
    yield f"Pictures in order:  {signs.facing} facing the class  {signs.turned} turned away  {signs.unseen} not seen"
    width = max((len(verdict.tally.student_id) for verdict in register.verdicts), default=0)
    for verdict in register.verdicts:
        student_id = verdict.tally.student_id
        if student_id in seen and not kept[student_id]:
            drawn = _no_longer_kept(evidence.removed.get(student_id), zone)
        elif verdict.verdict == "not_assessed" and student_id not in seen:
            drawn = "not assessed"
        else:
            drawn = _strip(student_id, evidence, signs)
        yield f"{_printable(student_id):<{width}}  {drawn}"


def _no_longer_kept(removed_at: datetime | None, zone: ZoneInfo) -> str:
    why = "" if removed_at is None else f": the student was removed on {removed_at.astimezone(zone):%Y-%m-%d}"
    return f"no longer kept{why}"


def _strip(student_id: str, evidence: Evidence, signs: _Signs) -> str:
    seen = {one.slot: one.attentive for one in evidence.sightings if one.student_id == student_id}
    drawn = {True: signs.facing, False: signs.turned, None: signs.unseen}
    return "".join(drawn[seen.get(slot)] for slot in evidence.slots)


def _signs() -> _Signs:
    if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8":
        return _Signs("▮", "▯", "·")
    return _Signs("#", "o", ".")


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%H:%M:%S}"


def _printable(text: str) -> str:
    """Return text without what could steer a terminal."""
    return plain(text)
