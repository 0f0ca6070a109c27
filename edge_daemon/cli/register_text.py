"""The text of a register: what was decided, and the evidence for each student."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from edge_daemon.app.registers.correction_notes import CorrectionNote, in_words
from edge_daemon.app.registers.stored_registers import (
    FLAG_MEANS,
    SURE,
    UNUSUAL,
    Evidence,
    awaits_confirmation,
    distance_to_rule,
    interval_with_identity,
    is_cancelled,
    needed_captures,
    share_of,
    slots_of,
    was_looked_for,
)
from edge_daemon.cli.table import table, terminal_columns
from edge_daemon.plain_text import plain
from edge_daemon.types import CaptureMap, Correction, Register, Verdict


@dataclass(frozen=True, slots=True)
class _Signs:
    """The characters that stand for one capture of a student: facing the class, turned away, or not seen."""

    facing: str
    turned: str
    unseen: str


def show_register(
    register: Register,
    evidence: Evidence,
    names: Mapping[str, str],
    zone: ZoneInfo,
    notes: Sequence[CorrectionNote] = (),
) -> Iterator[str]:
    """Yield the lines that show a register.

    Args:
        register: the register.
        evidence: data of single captures, as far as it is still stored.
        names: names by student id, as far as they may be shown.
        zone: time zone of the printed times.
        notes: notes about corrections; they are no part of the register.
    """
    yield from _heading(register, zone)
    yield ""
    heads = (
        "student",
        "name",
        "verdict",
        "seen",
        "facing",
        "share",
        "95 %",
        "to rule",
        "first",
        "last",
        "seat",
        "flags",
    )
    rows = [heads, *(_row(verdict, register, evidence, names, zone) for verdict in register.verdicts)]
    rows = rows if names else [(row[0], *row[2:]) for row in rows]
    yield table(rows[0], rows[1:])
    yield ""
    yield from _pictures(register, evidence, zone)
    yield from _doubts(register, names)
    for correction in register.corrections:
        at = correction.at.astimezone(zone)
        yield _printable(
            f"corrected {at:%Y-%m-%d %H:%M} by {correction.by}: {correction.student_id} is"
            f" {correction.verdict.replace('_', ' ')}, because: {in_words(correction.reason)}{_note(correction, notes)}"
        )


def _doubts(register: Register, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each reason to doubt who was seen: resemblance, an uncertain name, or poor photographs."""
    corrected = {correction.student_id for correction in register.corrections}
    for verdict in register.verdicts:
        student_id = verdict.tally.student_id
        if student_id in corrected:
            continue  # a person decided, and the probability is about the decision of the rule
        who = f"{student_id} {names[student_id]}" if student_id in names else student_id
        yield from (_printable(f"{who}: {doubt}") for doubt in _doubts_of(verdict))


def _doubts_of(verdict: Verdict) -> Iterator[str]:
    if verdict.resembles is not None:
        seat = verdict.resembles.seat
        where = "" if seat is None else f" in row {seat.row} seat {seat.seat}"
        probability = f"{verdict.resembles.probability:.0%}"
        if verdict.verdict == "present":
            yield f"the probability that it was this student{where} is {probability}"
        else:
            yield f"somebody without a name{where} may be this student ({probability})"
    elif verdict.verdict == "present" and verdict.probability is not None and verdict.probability < SURE:
        yield f"the probability that it was this student is {verdict.probability:.0%}"
    if "poor_photographs" in verdict.flags:
        yield "every enrolment photograph is out of focus; add a sharp one"


def _note(correction: Correction, notes: Sequence[CorrectionNote]) -> str:
    about = (correction.student_id, correction.at)
    return next((f" (note: {one.text})" for one in notes if (one.student_id, one.at) == about), "")


def _heading(register: Register, zone: ZoneInfo) -> Iterator[str]:
    lesson = register.lesson
    start, end = lesson.start.astimezone(zone), lesson.end.astimezone(zone)
    course = f" of {lesson.course}" if lesson.course else ""
    yield f"Register {lesson.lesson_id}, revision {register.revision}"
    at = f"{start:%H:%M}-{end:%H:%M}" if end > start else f"{start:%H:%M}, when it was called; no clock"
    yield _printable(f"{start:%A %Y-%m-%d} {at}{course}, {lesson.device}, {lesson.origin}")
    yield f"{register.captures_taken} of {register.captures_planned} captures, clock {register.clock}"
    yield from _rule(register)
    if note := note_in_words(register):
        yield _printable(f"note: {note}")
    for missed in register.missed:
        yield _printable(f"missed capture {missed.slot + 1}: {missed.reason}")
    if register.guests:
        yield _printable(f"guests, not of this course: {', '.join(register.guests)}")
    if register.unknown_faces:
        yield f"unknown faces: {register.unknown_faces} at most in one capture"
    if register.mask is not None:
        yield f"masks in the room: {register.mask.in_words()}"


def note_of(register: Register) -> str:
    """Return the note on a whole lesson: why it is unusual, and what the office confirmed."""
    flags = ", ".join(flag.replace("_", " ") for flag in register.register_flags)
    if is_cancelled(register):
        return "not held" + (f" ({flags})" if flags else "")
    if awaits_confirmation(register):
        return f"{flags}: was it held? register confirm {register.lesson.lesson_id[:8]} --held | --not-held"
    return flags + (", held" if flags and register.confirmed else "")


def note_in_words(register: Register) -> str:
    """Return the note on a whole lesson like `note_of`, with the meaning of each flag and what to do."""
    flags = register.register_flags
    if not flags or is_cancelled(register):
        return note_of(register)
    words = "; ".join(FLAG_MEANS[flag] for flag in flags)
    if not UNUSUAL.intersection(flags):
        words += "; who may sit there is not called absent: `register correct` if you know better"
    if awaits_confirmation(register):
        return f"{words}; was it held? register confirm {register.lesson.lesson_id[:8]} --held | --not-held"
    return words + ("; held" if register.confirmed else "")


def _rule(register: Register) -> Iterator[str]:
    rule = register.rule
    if rule is None:
        yield "rule: not written in this register"
        return
    needed = needed_captures(share_of(rule.share), register.captures_taken)
    yield (
        f"rule: present from {100 * rule.share:g} % of the captures on ({needed} of {register.captures_taken}), head"
        f" turned {rule.max_yaw_deg:g} degrees at most, {100 * rule.min_captures_share:g} % of the planned captures at"
        f" least; program {rule.program}"
    )


def _row(
    verdict: Verdict, register: Register, evidence: Evidence, names: Mapping[str, str], zone: ZoneInfo
) -> tuple[str, ...]:
    tally = verdict.tally
    distance = distance_to_rule(register, verdict)
    by_rule = verdict
    if any(one.student_id == tally.student_id for one in register.corrections):  # the captures stay what they were
        by_rule = replace(verdict, verdict="present" if distance is not None and distance >= 0 else "absent")
    low, high = interval_with_identity(by_rule, register.captures_taken)
    numbers = (str(tally.captures_seen), str(tally.captures_attentive), f"{verdict.share:.0%}", f"{low:.0%}-{high:.0%}")
    times = (_time(tally.first_seen, zone), _time(tally.last_seen, zone))
    if register.lesson.end <= register.lesson.start:  # a rehearsal: its pictures have no time
        times = ("", "")
    if verdict.verdict == "not_assessed" or not was_looked_for(register, verdict):
        numbers = ("-", "-", "-", "-")
    seat = evidence.seats.get(tally.student_id)
    return (
        *(tally.student_id, names.get(tally.student_id, ""), verdict.verdict.replace("_", " ")),
        *(*numbers, "" if distance is None else f"{distance:+d}", *times),
        *("" if seat is None else f"row {seat.row} seat {seat.seat}", " ".join(verdict.flags)),
    )


def _pictures(register: Register, evidence: Evidence, zone: ZoneInfo) -> Iterator[str]:
    """Yield a line for each student with the captures in which the student was seen.

    If no sightings are stored, no capture is shown as "not seen".
    """
    signs = _signs()
    kept = Counter(one.student_id for one in evidence.sightings)
    seen = {verdict.tally.student_id for verdict in register.verdicts if verdict.tally.captures_seen}
    of_register = {v.tally.student_id: v.captures for v in register.verdicts if v.captures is not None}
    if (
        not of_register
        and seen
        and not any(kept[student_id] for student_id in seen)
        and not seen <= evidence.removed.keys()
    ):
        days = evidence.expired_days
        why = "" if days is None else f": deleted {days} days after the lesson (storage.keep_sightings_days)"
        yield f"In which pictures each student was is no longer kept{why}"
        return
    yield f"Pictures in order:  {signs.facing} facing the class  {signs.turned} turned away  {signs.unseen} not seen"
    width = max((len(verdict.tally.student_id) for verdict in register.verdicts), default=0)
    for verdict in register.verdicts:
        student_id = verdict.tally.student_id
        if (captures := of_register.get(student_id)) is not None:
            drawn = _strip_of_register(captures, register, signs)
        elif student_id in seen and not kept[student_id]:
            drawn = _no_longer_kept(evidence.removed.get(student_id), zone)
        elif not was_looked_for(register, verdict):
            drawn = "not assessed" if verdict.verdict == "not_assessed" else "not looked for"
        else:
            drawn = _strip(student_id, evidence, signs)
        yield from _folded(f"{_printable(student_id):<{width}}", drawn)


def _folded(name: str, drawn: str) -> Iterator[str]:
    """Yield a student's signs, one for each capture; on a narrow terminal, each line has a multiple of ten signs."""
    room = terminal_columns() - len(name) - 2
    step = max(10, room // 10 * 10) if 0 < room < len(drawn) else len(drawn)
    for first in range(0, len(drawn), step):
        yield f"{name if first == 0 else '':<{len(name)}}  {drawn[first : first + step]}"


def _no_longer_kept(removed_at: datetime | None, zone: ZoneInfo) -> str:
    why = "" if removed_at is None else f": the student was removed on {removed_at.astimezone(zone):%Y-%m-%d}"
    return f"no longer kept{why}"


def _strip_of_register(captures: CaptureMap, register: Register, signs: _Signs) -> str:
    seen, facing = slots_of(captures.seen), slots_of(captures.facing)
    missed = {one.slot for one in register.missed}
    drawn = (
        signs.facing if slot in facing else signs.turned if slot in seen else signs.unseen
        for slot in range(register.captures_planned)
        if slot not in missed
    )
    return "".join(drawn)


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
    """Return a text without control characters, which could control a terminal."""
    return plain(text)
