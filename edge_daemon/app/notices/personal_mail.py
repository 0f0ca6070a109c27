"""The content of messages to one student or guardian: the student's own record, and nothing about anybody else."""

from __future__ import annotations

from collections.abc import Sequence

from edge_daemon.app.notices.office_mail import TONES
from edge_daemon.app.notices.wording import Words
from edge_daemon.attendance.doubt import needs_confirmation
from edge_daemon.attendance.sheets import Sheet, SheetEntry, entries_of
from edge_daemon.delivery.mail_blocks import FactRow, Facts, Figure, Figures, Rows
from edge_daemon.delivery.mail_templates import Values
from edge_daemon.types import Register


def notice_values(register: Register, student_id: str, name: str, words: Words) -> Values:
    """Return the content of a message about one student in one lesson.

    Args:
        register: the newest revision; the student is on it.
        student_id: the student's id.
        name: the student's name.
        words: the language.
    """
    entry = entries_of(register)[student_id]
    return {
        **words.lesson(register.lesson),
        "course": words.own_course(register.lesson),
        "name": name,
        "facts": _facts(register, entry, words),
    }


def record_values(
    registers: Sequence[Register], sheet: Sheet, student_id: str, name: str, words: Words, *, is_own: bool
) -> Values:
    """Return the content of a message with a student's record of a week or month.

    Args:
        registers: the student is on at least one of them.
        sheet: the sheet of the week or month.
        student_id: the student's id.
        name: the student's name.
        words: the language.
        is_own: True if the student reads it, False for a guardian.
    """
    found = [(r, entries_of(r)[student_id]) for r in registers if student_id in entries_of(r)]
    sure = [entry.verdict.verdict for _, entry in found if not needs_confirmation(entry.verdict)]
    figures = (
        Figure(words.say("present"), sure.count("present"), "good"),
        Figure(words.say("absent"), sure.count("absent"), "bad"),
        Figure(words.say("doubtful"), len(found) - len(sure), "doubt"),
        Figure(words.say("unassessed"), sure.count("not_assessed"), "quiet"),
    )
    rows = [_own_row(register, entry, words) for register, entry in found]
    return {
        "period": sheet.name,
        "first_day": words.short_day(sheet.first_day),
        "last_day": words.short_day(sheet.last_day),
        "room": sheet.device,
        "lessons": str(len(found)),
        "name": name,
        "figures": Figures(figures),
        "own": Rows(words.say("title_own" if is_own else "title_record"), tuple(rows)),
    }


def _own_row(register: Register, entry: SheetEntry, words: Words) -> FactRow:
    """Return the row of one lesson in a student's record.

    For a doubtful verdict, it says only that somebody will look at it.
    """
    verdict, when, course = entry.verdict, words.moment(register.lesson.start), words.own_course(register.lesson)
    if needs_confirmation(verdict):
        return FactRow(when, course, "", words.say("doubtful"), "doubt")
    attentive, taken = verdict.tally.captures_attentive, register.captures_taken
    seen = words.say("note_seen", attentive=attentive, taken=taken) if entry.looked_for else words.say("not_looked_for")
    notes = "; ".join(filter(None, (words.flags(verdict), seen, words.distance(register, verdict))))
    return FactRow(when, course, notes, words.say(f"mark_{verdict.verdict}"), TONES[verdict.verdict])


def _facts(register: Register, entry: SheetEntry, words: Words) -> Facts:
    tally, taken = entry.verdict.tally, register.captures_taken
    facts = [
        ("fact_seen", words.say("of_pictures", count=tally.captures_seen, taken=taken)),
        ("fact_facing", words.say("with_share", count=tally.captures_attentive, taken=taken, share=_percent(entry))),
    ]
    if not entry.looked_for:
        facts = [("fact_pictures", words.say("not_looked_for"))]
    elif register.rule is not None:  # the rule of the register; the settings may have changed since
        facts.append(("fact_needed", words.needed(register)))
    if distance := words.distance(register, entry.verdict):
        facts.append(("fact_distance", distance))
    if entry.correction is not None:
        facts.append(("fact_decided", words.say("person")))
    return Facts(tuple((words.say(label), value) for label, value in facts))


def _percent(entry: SheetEntry) -> str:
    return f"{entry.verdict.share:.0%}"
