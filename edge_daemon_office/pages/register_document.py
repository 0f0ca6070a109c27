"""The document behind a lesson: read from the tree, and shown only if ingest has verified exactly this document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from django.utils.safestring import SafeString

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.ingest.tree import UnreadableError, devices_folder, read_text
from edge_daemon_office.pages.charts import strip
from edge_daemon_office.pages.wording import t
from edge_daemon_office.registers.models import Lesson, Mark
from edge_daemon_office.shared.attendance.document import from_json
from edge_daemon_office.shared.attendance.doubt import standing
from edge_daemon_office.shared.attendance.proof import digest
from edge_daemon_office.shared.errors import RegisterError
from edge_daemon_office.shared.types import Register, Verdict

FLAGS = {
    "borderline": "close to the limit: chance may have decided",
    "look_alike": "looks like another student",
    "static_face": "the face hardly moved: a picture of the student?",
    "clock": "the device's time was wrong",
    "few_captures": "too few pictures were taken",
    "late": "came late",
    "left_early": "left early",
    "corrected": "corrected by a person",
    "overlay": "changed by the office in place of a device that is gone",
    "resembles": "somebody resembles this student; it is not sure who it is",
    "face_hidden": "a face that can't be read was at this student's seat",
    "poor_photographs": "the enrolment photographs are poor",
}
"""Flags of a student, in words."""
REGISTER_FLAGS = {
    "room_empty": "hardly anybody was in the room",
    "unusual_class": "most of the people in the room are not of this course",
    "view_changed": "the camera shows another view than before",
    "too_dark": "the room was too dark",
    "too_blurred": "the pictures were too blurred",
    "glare": "light shone into the camera",
    "covered": "the lens was covered",
    "not_in_timetable": "the timetable no longer has this lesson",
}
"""Flags of a lesson, in words."""


@dataclass(frozen=True, slots=True)
class StudentLine:
    """A student on the page *Register*."""

    student_id: str
    name: str
    verdict: str
    standing: str
    share: float
    captures_facing: int
    strip: SafeString | str
    distance: str
    """Distance of the student to the rule, in words; empty if there is nothing to compare."""
    remarks: tuple[str, ...]


def read_register(school: School, lesson: Lesson) -> Register | None:
    """Return the register of a lesson, None if ingest has not verified the document that is now in the tree."""
    try:
        text = read_text(devices_folder(school.tree) / lesson.path)
        return from_json(text).register if digest(text) == lesson.sha256 else None
    except (OfficeError, UnreadableError, RegisterError):
        return None


def student_lines(register: Register, names: dict[str, str], changed: Mapping[str, Mark]) -> list[StudentLine]:
    """Return a line for each student of a register, by name.

    Args:
        register: as the device signed it.
        names: by id.
        changed: marks that the office changed in place of a device that is gone, by id.
    """
    missed = {one.slot for one in register.missed}
    needed = needed_captures(register)
    lines = [
        _overlaid(_line(register, verdict, names, missed, needed), changed.get(verdict.tally.student_id))
        for verdict in register.verdicts
    ]
    return sorted(lines, key=lambda line: line.name.casefold())


def _overlaid(line: StudentLine, mark: Mark | None) -> StudentLine:
    if mark is None:
        return line
    return replace(line, verdict=mark.verdict, standing=mark.standing, remarks=(*line.remarks, t(FLAGS["overlay"])))


def needed_captures(register: Register) -> int | None:
    """Return how many captures the rule requires, None if the register does not contain its rule."""
    if register.rule is None or not register.captures_taken:
        return None
    return ceil(Fraction(repr(register.rule.share)) * register.captures_taken)


def _line(
    register: Register, verdict: Verdict, names: dict[str, str], missed: set[int], needed: int | None
) -> StudentLine:
    tally = verdict.tally
    picture: SafeString | str = ""
    if verdict.captures is not None:
        seen, facing = slots_of(verdict.captures.seen), slots_of(verdict.captures.facing)
        words = t(
            "seen in %(seen)s of %(taken)s pictures, facing the class in %(facing)s",
            seen=tally.captures_seen,
            taken=register.captures_taken,
            facing=tally.captures_attentive,
        )
        picture = strip(min(register.captures_planned, 1000), seen, facing, missed, words)
    remarks = [t(FLAGS[flag]) for flag in verdict.flags if flag in FLAGS and flag != "corrected"]
    if verdict.resembles is not None:
        seat = verdict.resembles.seat
        where = t(" (row %(row)s, seat %(seat)s)", row=seat.row, seat=seat.seat) if seat else ""
        chance = f"{verdict.resembles.probability:.0%}"
        remarks.append(t("probability that it was this student: %(chance)s", chance=chance) + where)
    return StudentLine(
        student_id=tally.student_id,
        name=names.get(tally.student_id, tally.student_id),
        verdict=verdict.verdict,
        standing=standing(verdict),
        share=verdict.share,
        captures_facing=tally.captures_attentive,
        strip=picture,
        distance=_distance(verdict, needed),
        remarks=tuple(remarks),
    )


def _distance(verdict: Verdict, needed: int | None) -> str:
    if needed is None or verdict.captures is None:
        return ""
    over = verdict.tally.captures_attentive - needed
    words = "%(count)s short of the rule" if over < 0 else "%(count)s over the rule"
    return t(words, count=abs(over))


def slots_of(bits: bytes) -> frozenset[int]:
    """Return the slots whose bit is set; slot 0 is the highest bit of the first byte."""
    return frozenset(8 * at + bit for at, byte in enumerate(bits) for bit in range(8) if byte & 0x80 >> bit)


def flags_in_words(flags: Sequence[str]) -> list[str]:
    """Return the flags of a lesson in words."""
    return [t(REGISTER_FLAGS[flag]) for flag in flags if flag in REGISTER_FLAGS]
