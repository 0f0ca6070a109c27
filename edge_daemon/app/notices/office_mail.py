"""The content of messages to the office: about one lesson, a week, or a month."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from edge_daemon.app.notices.wording import Words
from edge_daemon.attendance.doubt import awaits_confirmation, is_cancelled, needs_confirmation
from edge_daemon.attendance.edfi import LEFT, TARDY, attendance_event
from edge_daemon.attendance.reason_codes import in_words
from edge_daemon.attendance.sheets import By, Sheet, SheetEntry, arrange, entries_of
from edge_daemon.attendance.week import SchoolWeek
from edge_daemon.config import MailConfig
from edge_daemon.delivery.mail_blocks import FactRow, Facts, Figure, Figures, Rows, Tone
from edge_daemon.delivery.mail_templates import Values
from edge_daemon.delivery.message import Attachment
from edge_daemon.types import Register, VerdictName

Names = Mapping[str, str]
"""Names of students by id, in the roster's order; a student who is not in it is shown by the bare id."""

TONES: Mapping[VerdictName, Tone] = {
    "present": "good",
    "absent": "bad",
    "inconclusive": "doubt",
    "not_assessed": "quiet",
}
_NOT_IN_NAMES = re.compile(r"[^\w .-]+")


def lesson_values(
    register: Register, names: Names, words: Words, mail: MailConfig, *, to_teacher: bool = False
) -> Values:
    """Return the content of a message about one lesson, to the office or to the teacher."""
    entries = [] if is_cancelled(register) else in_order(register, names)
    unconfirmed = [e for e in entries if needs_confirmation(e.verdict)]
    sure = [e for e in entries if not needs_confirmation(e.verdict)]
    absent = [e for e in sure if e.verdict.verdict == "absent"]
    unassessed = [e for e in sure if e.verdict.verdict == "not_assessed"]
    present = [e for e in sure if e.verdict.verdict == "present"]
    remarks = [e for e in present if attendance_event(e.verdict) in (TARDY, LEFT)]

    def rows(title: str, listed: Iterable[SheetEntry], *, marked: bool) -> Rows:
        return Rows(words.say(title), tuple(_row(e, register, names, words, marked=marked) for e in listed))

    figures = (
        Figure(words.say("present"), len(present), "good"),
        Figure(words.say("absent"), len(absent), "bad"),
        Figure(words.say("doubtful"), len(unconfirmed), "doubt"),
        Figure(words.say("unassessed"), len(unassessed), "quiet"),
    )
    notifies = mail.students or mail.guardians
    return {
        **words.lesson(register.lesson),
        "counts": _counts(register, words, len(absent), len(unconfirmed), len(unassessed)),
        "figures": Figures(figures),
        "corrections": _corrections(register, names, words),
        "absent": rows("title_absent", absent, marked=False),
        "doubtful": rows("title_doubtful", unconfirmed, marked=True),
        "unassessed": rows("title_unassessed", unassessed, marked=False),
        "ticks": Rows(
            words.say("title_ticks"),
            tuple(FactRow(*_named(e.verdict.tally.student_id, names), words.say("ticks")) for e in unassessed),
        ),
        "remarks": rows("title_remarks", remarks, marked=False),
        "facts": _facts(register, names, words, to_teacher=to_teacher),
        "told": words.say("told_after", hours=words.say("hours", count=f"{mail.hold_h:g}")) if notifies else "",
    }


def period_values(registers: Sequence[Register], sheet: Sheet, names: Names, words: Words) -> Values:
    """Return the content of a message about a week or month, to the office."""
    absent, unconfirmed, held = Counter[str](), Counter[str](), Counter[str]()
    for register in registers:
        for verdict in () if is_cancelled(register) else register.verdicts:
            student_id = verdict.tally.student_id
            held[student_id] += 1
            unconfirmed[student_id] += needs_confirmation(verdict)
            absent[student_id] += verdict.verdict == "absent" and not needs_confirmation(verdict)
    figures = (
        Figure(words.say("lesson_count"), len(registers), "good"),
        Figure(words.say("absence_count"), absent.total(), "bad"),
        Figure(words.say("doubtful"), unconfirmed.total(), "doubt"),
    )

    def rows(title: str, counts: Counter[str], tone: Tone) -> Rows:
        place = {student_id: number for number, student_id in enumerate(names)}
        ranked = sorted(counts.items(), key=lambda one: (-one[1], place.get(one[0], len(place)), one[0]))
        listed = [
            FactRow(
                *_named(student_id, names),
                "",
                words.say("note_absences", absent=count, lessons=held[student_id]),
                tone,
            )
            for student_id, count in ranked
            if count
        ]
        return Rows(words.say(title), tuple(listed))

    return {
        "period": sheet.name,
        "first_day": words.short_day(sheet.first_day),
        "last_day": words.short_day(sheet.last_day),
        "room": sheet.device,
        "lessons": str(len(registers)),
        "figures": Figures(figures),
        "absences": rows("title_absences", absent, "bad"),
        "doubtful": rows("title_still_doubtful", unconfirmed, "doubt"),
    }


def lesson_sheet(register: Register, names: Names, words: Words) -> Sheet:
    """Return the sheet of one lesson."""
    (sheet,) = arrange([register], names, words.zone, "week")
    start = register.lesson.start.astimezone(words.zone)
    return replace(sheet, name=f"{start:%Y-%m-%d %H.%M}", first_day=start, last_day=start)


def period_sheet(registers: Sequence[Register], names: Names, words: Words, by: By, week: SchoolWeek) -> Sheet:
    """Return the sheet of a week or month, from all registers of that time."""
    (sheet,) = arrange(registers, names, words.zone, by, week)
    return sheet


def attached(sheet: Sheet, label: str, *, tick_list: bool = False) -> Attachment:
    """Return a sheet as a file; for a teacher it has an extra page to fill in by hand."""
    from edge_daemon.attendance.spreadsheet import workbook_bytes  # takes 130 ms, and not every message needs it

    name = " ".join(_NOT_IN_NAMES.sub(" ", f"{sheet.name} {label}").split())
    return Attachment(f"{name[:80].strip()}.xlsx", workbook_bytes([sheet], tick_list=tick_list))


def in_order(register: Register, names: Names) -> list[SheetEntry]:
    """Return the entries of a register in the roster's order."""
    place = {student_id: number for number, student_id in enumerate(names)}
    entries = entries_of(register)
    return [entries[one] for one in sorted(entries, key=lambda one: (place.get(one, len(place)), one))]


def _counts(register: Register, words: Words, absent: int, unconfirmed: int, unassessed: int) -> str:
    """Return the figures of a subject line; what the office has to act on comes first."""
    found = [words.say("count_rehearsal")] if register.lesson.origin == "rehearsal" else []
    found += [words.say("count_corrected")] if register.revision > 1 else []
    if is_cancelled(register):
        return ", ".join([*found, words.say("count_not_held")])
    found += [words.say("count_unusual")] if awaits_confirmation(register) else []
    if not register.verdicts:
        return ", ".join([*found, words.say("nobody")])
    if not absent + unconfirmed:
        found.append(words.say("all_present" if not unassessed else "count_absent", count=0))
    for key, count in (("count_absent", absent), ("count_doubtful", unconfirmed), ("count_unassessed", unassessed)):
        found += [words.say(key, count=count)] if count else []
    return ", ".join(found)


def _named(student_id: str, names: Names) -> tuple[str, str]:
    """Return a student's name and id; without a name the id and an empty text."""
    name = names.get(student_id, "")
    return (name, student_id) if name else (student_id, "")


def _row(entry: SheetEntry, register: Register, names: Names, words: Words, *, marked: bool) -> FactRow:
    verdict = entry.verdict
    notes = [words.flags(verdict)] if verdict.flags else []
    if entry.looked_for:
        attentive = verdict.tally.captures_attentive
        notes.append(words.say("note_seen", attentive=attentive, taken=register.captures_taken))
        notes += [distance] if (distance := words.distance(register, verdict)) else []
    else:
        notes.append(words.say("reason_no_consent"))
    mark = words.say(f"mark_{verdict.verdict}") if marked else ""
    tone = "doubt" if needs_confirmation(verdict) else TONES[verdict.verdict]
    return FactRow(*_named(verdict.tally.student_id, names), "; ".join(notes), mark, tone)


def _corrections(register: Register, names: Names, words: Words) -> Rows:
    rows = [
        FactRow(
            *_named(one.student_id, names),
            words.say("note_correction", by=one.by, at=words.moment(one.at), reason=in_words(one.reason)),
            words.say(f"mark_{one.verdict}"),
            TONES[one.verdict],
        )
        for one in reversed(register.corrections)
    ]
    return Rows(words.say("title_corrections"), tuple(rows))


def _facts(register: Register, names: Names, words: Words, *, to_teacher: bool) -> Facts:
    taken, planned = register.captures_taken, register.captures_planned
    facts = []
    if register.register_flags:
        facts.append(("fact_unusual", words.register_flags(register)))
    if awaits_confirmation(register):
        ask = words.say("ask_office") if to_teacher else words.say("ask_held", lesson_id=register.lesson.lesson_id[:8])
        facts.append(("fact_confirm", ask))
    if (confirmed := register.confirmed) is not None:
        key = "said_held" if confirmed.held else "said_not_held"
        facts.append(("fact_confirmed", words.say(key, by=confirmed.by, at=words.moment(confirmed.at))))
    facts.append(("fact_pictures", words.say("of_planned", taken=taken, planned=planned)))
    if register.rule is not None:
        facts += [("fact_needed", words.needed(register)), ("fact_rule", words.rule(register.rule))]
    reasons = Counter(missed.reason for missed in register.missed)
    if reasons:
        facts.append(("fact_missed", ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(3))))
    if register.unknown_faces:
        facts.append(("fact_strangers", words.say("strangers", count=register.unknown_faces)))
    if (mask := register.mask) is not None:
        counts = {"none": mask.none, "right": mask.right, "wrong": mask.wrong, "undecided": mask.undecided}
        facts.append(("fact_masks", words.say("masks", **counts)))
    if register.guests:
        facts.append(("fact_guests", ", ".join(names.get(one) or one for one in register.guests)))
    if register.clock != "synchronised":
        clock = "none" if register.lesson.origin == "rehearsal" else register.clock
        facts.append(("fact_clock", words.say(f"clock_{clock}")))
    revision = words.say("revision", lesson_id=register.lesson.lesson_id[:8], revision=register.revision)
    facts.append(("fact_register", revision))
    return Facts(tuple((words.say(label), value) for label, value in facts))
