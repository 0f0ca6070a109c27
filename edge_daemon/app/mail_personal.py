"""What one student, or a guardian of theirs, is told: their own record, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Sequence

from edge_daemon.app.mail_office import TONES
from edge_daemon.app.mail_words import Words
from edge_daemon.attendance.sheets import Entry, Sheet, entries_of
from edge_daemon.delivery.mail_blocks import Facts, Figure, Figures, Row, Rows
from edge_daemon.delivery.mail_templates import Values
from edge_daemon.types import Register


def notice_values(register: Register, student_id: str, name: str, words: Words, share: float) -> Values:
    """Return what a message about one student in one lesson says.

    Args:
        register: the newest revision; the student is on it.
        student_id: whom it is about.
        name: theirs.
        words: the language.
        share: from which on a student is present (rule.share).
    """
    entry = entries_of(register)[student_id]
    return {**words.lesson(register.lesson), "name": name, "facts": _facts(register, entry, words, share)}


def week_values(registers: Sequence[Register], sheet: Sheet, student_id: str, name: str, words: Words) -> Values:
    """Return what a student's own record of a week says; they are on at least one of the registers."""
    found = [(r, entries_of(r)[student_id]) for r in registers if student_id in entries_of(r)]
    verdicts = [entry.verdict.verdict for _, entry in found]
    figures = (
        Figure(words.say("present"), verdicts.count("present"), "good"),
        Figure(words.say("absent"), verdicts.count("absent"), "bad"),
        Figure(words.say("unassessed"), len(verdicts) - verdicts.count("present") - verdicts.count("absent"), "quiet"),
    )
    rows = []
    for register, entry in found:
        verdict = entry.verdict
        seen = words.say("note_seen", attentive=verdict.tally.frames_attentive, taken=register.captures_taken)
        rows.append(
            Row(
                words.moment(register.lesson.start),
                words.course(register.lesson),
                "; ".join(filter(None, (words.flags(verdict), seen))),
                words.say(f"mark_{verdict.verdict}"),
                TONES[verdict.verdict],
            )
        )
    return {
        "period": sheet.name,
        "first_day": words.short_day(sheet.first_day),
        "last_day": words.short_day(sheet.last_day),
        "room": sheet.device,
        "lessons": str(len(found)),
        "name": name,
        "figures": Figures(figures),
        "own": Rows(words.say("title_own"), tuple(rows)),
    }


def _facts(register: Register, entry: Entry, words: Words, share: float) -> Facts:
    tally, taken = entry.verdict.tally, register.captures_taken
    facts = [
        ("fact_seen", words.say("of_pictures", count=tally.frames_seen, taken=taken)),
        ("fact_facing", words.say("with_share", count=tally.frames_attentive, taken=taken, share=_percent(entry))),
        ("fact_needed", words.say("needed_share", share=f"{share:.0%}")),
    ]
    if entry.correction is not None:
        facts.append(("fact_decided", words.say("person")))
    return Facts(tuple((words.say(label), value) for label, value in facts))


def _percent(entry: Entry) -> str:
    return f"{entry.verdict.share:.0%}"
