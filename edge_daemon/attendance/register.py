"""Makes corrections of a finalised lesson's register, as new revisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from edge_daemon.attendance.rule import ordered
from edge_daemon.errors import RegisterError
from edge_daemon.types import Correction, Register, Verdict, VerdictName

MAX_TEXT = 500
"""Largest number of characters of a name or reason in a correction."""


def correct(
    register: Register,
    student_id: str,
    verdict: VerdictName,
    *,
    by: str,
    reason: str,
    at: datetime,
    reason_code: str | None = None,
    title: str | None = None,
) -> Register:
    """Return the next revision of a register, with one student's verdict set by a person.

    Counts and share stay as the device measured them; the verdict is replaced and flagged `corrected`. The same verdict
    as before means that the person confirmed it. If the last correction of this student has the same verdict, person
    and reason, the register itself is returned, so a repeated command creates no revision.

    Raises:
        RegisterError: the student is not on the register, person or reason is missing, or the verdict is absent for a
            lesson that was not held.
    """
    where = f"register {register.lesson.lesson_id}"
    check_text(by, "who corrects", "--by NAME")
    check_text(reason, "the reason", "--reason TEXT")
    if student_id not in {v.tally.student_id for v in register.verdicts}:
        what = "was a guest in this lesson" if student_id in register.guests else "is not on this register"
        raise RegisterError(f"student {student_id} {what}", where, "see `edge-daemon register show`")
    if verdict == "absent" and register.confirmed is not None and not register.confirmed.held:
        hint = "if it was held after all, use `edge-daemon register confirm --held` first"
        raise RegisterError("the office said that the lesson was not held, so nobody is absent", where, hint)
    correction = Correction(student_id, verdict, by.strip(), reason.strip(), at, reason_code, title)
    last = next((old for old in reversed(register.corrections) if old.student_id == student_id), None)
    if last is not None and replace(last, at=at) == correction:
        return register
    return replace(
        register,
        revision=register.revision + 1,
        verdicts=tuple(_corrected(v, verdict) if v.tally.student_id == student_id else v for v in register.verdicts),
        corrections=(*register.corrections, correction),
    )


def _corrected(old: Verdict, verdict: VerdictName) -> Verdict:
    return replace(old, verdict=verdict, flags=ordered((*old.flags, "corrected")))


def check_text(text: str, what: str, option: str) -> None:
    """Raise RegisterError for a name or a reason that can't be in a register."""
    if not text.strip():
        raise RegisterError(f"{what} is missing", option, "say who corrects and why: it stays in the register")
    if len(text) > MAX_TEXT:
        raise RegisterError(f"{what} has {len(text)} characters", option, f"use {MAX_TEXT} at most")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RegisterError(f"{what} is not valid UTF-8", option, "check the terminal's character set") from error
