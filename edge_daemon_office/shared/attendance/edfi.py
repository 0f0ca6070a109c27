"""Translates verdicts to code values of Ed-Fi's StudentSectionAttendanceEvent, for student information systems.

The values belong to AttendanceEventCategoryDescriptor in the Ed-Fi Data Standard 6.1 (namespace
`uri://ed-fi.org/AttendanceEventCategoryDescriptor`). The standard also has `Excused Absence`, which no camera can know.
The office changes an absence to this value when it has the excuse.
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
    """Return the value for a verdict; None if there is nothing to report yet.

    The verdict decides whether the student was there, the counts decide when. Present with the flag `late` is Tardy,
    also with `left_early`, because Ed-Fi allows one value for each event. Present with the flag `left_early` is Early
    departure. If a person set the verdict to present, the value is In Attendance, because a student whom the camera
    missed at first may have sat out of its view. The flags stay in the register as measurements.

    A flagged absence that nobody confirmed has no value yet, because a doubt is not an unexcused absence.
    """
    if verdict.verdict == "absent" and needs_confirmation(verdict):
        return None
    return attendance_event_of_form_2(verdict)


def attendance_event_of_form_2(verdict: Verdict) -> AttendanceEvent | None:
    """Return the value for a verdict in a document of form 2, in which a doubtful absence counts as an absence."""
    if verdict.verdict == "absent":
        return ABSENT
    if verdict.verdict != "present":
        return None
    if "corrected" in verdict.flags:
        return IN_ATTENDANCE
    if "late" in verdict.flags:
        return TARDY
    return LEFT if "left_early" in verdict.flags else IN_ATTENDANCE
