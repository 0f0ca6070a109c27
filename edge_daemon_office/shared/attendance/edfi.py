"""Our verdicts in the words of Ed-Fi's StudentSectionAttendanceEvent, for student information systems.

The words are code values of AttendanceEventCategoryDescriptor, as the Ed-Fi Data Standard 6.1 spells them
(namespace `uri://ed-fi.org/AttendanceEventCategoryDescriptor`). It also has `Excused Absence`, which no camera can
know: the office turns an absence into it when it has the excuse.
"""

from __future__ import annotations

from typing import Final, Literal

from edge_daemon_office.shared.attendance.doubt import needs_confirmation
from edge_daemon_office.shared.types import Verdict

AttendanceEvent = Literal["In Attendance", "Unexcused Absence", "Tardy", "Early departure"]

IN_ATTENDANCE: Final = "In Attendance"
ABSENT: Final = "Unexcused Absence"
TARDY: Final = "Tardy"
LEFT: Final = "Early departure"


def attendance_event(verdict: Verdict) -> AttendanceEvent | None:
    """Return the word for a verdict, None where there is nothing to report yet.

    The verdict decides whether somebody was there, the counts decide when: present and flagged `late` is Tardy (also
    for somebody who left early as well: Ed-Fi has one word an event), present and flagged `left_early` is Early
    departure. Where a person said "present", the word is that person's, In Attendance: whom the camera did not see for
    the first minutes may have sat where it does not see. The flags stay in the register, as what was measured.

    An absence that is flagged and that nobody confirmed has no word yet: a doubt is no unexcused absence.
    """
    if verdict.verdict == "absent" and needs_confirmation(verdict):
        return None
    return attendance_event_of_form_2(verdict)


def attendance_event_of_form_2(verdict: Verdict) -> AttendanceEvent | None:
    """Return the word that documents of form 2 have: they call a doubted absence an absence, too."""
    if verdict.verdict == "absent":
        return ABSENT
    if verdict.verdict != "present":
        return None
    if "corrected" in verdict.flags:
        return IN_ATTENDANCE
    if "late" in verdict.flags:
        return TARDY
    return LEFT if "left_early" in verdict.flags else IN_ATTENDANCE
