"""What `edge-daemon enrol` prints: reports, warnings and the data kept about a student."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from edge_daemon.app.enrolment.enrolled_students import StudentRecord, expected_naming
from edge_daemon.app.enrolment.import_students import ids
from edge_daemon.app.enrolment.remove_student import Removal
from edge_daemon.cli.table import table
from edge_daemon.errors import EdgeError
from edge_daemon.types import EnrolmentPeriod

if TYPE_CHECKING:
    from edge_daemon.app.enrolment.dry_run import PlannedEnrolment
    from edge_daemon.app.enrolment.import_students import EnrolReport, Remark, Roster

_MOST_WARNINGS = 100
"""Number of warnings of one kind that get a line each. Further ones share a line, so that they do not bury others."""
_BY_HAND = "the register has to be filled in by hand"
_LABEL = 15
_FAR_PX = (28, 41)
"""Face widths in pixels at which the number of photographs makes a difference."""
_SHOWN_STUDENTS, _SHOWN_COURSES = 5, 20


def removal_json(removal: Removal) -> str:
    """Return a removal as JSON."""
    before = removal.before.isoformat() if removal.before else None
    return _json(
        {
            "student_id": removal.student_id,
            "removed_before": before,
            "erased": removal.erased(),
            "stays": removal.stays(),
            "office": removal.for_the_office(),
        }
    )


def removal_lines(removal: Removal, zone: ZoneInfo) -> Iterator[str]:
    """Yield a removal as lines; a removal that found nothing to erase is a single line."""
    erased = [f"erased: {one}" for one in removal.erased()]
    if removal.before:
        yield _one_line(f"{removal.student_id} was removed already, on {removal.before.astimezone(zone):%Y-%m-%d}")
        yield from erased
        return
    yield _one_line(f"removed {removal.student_id}")
    yield from erased
    yield from (_one_line(f"stays: {one}") for one in removal.stays())
    yield from (_one_line(f"office: {one}") for one in removal.for_the_office())


def list_json(records: Sequence[StudentRecord]) -> str:
    """Return all students as JSON."""
    return _json([{**_record(r), "expected_naming": expected_naming(r.photographs)} for r in records])


def list_table(records: Sequence[StudentRecord]) -> str:
    """Return a table of all students, with the share of far faces that are named correctly."""
    rows = [
        (
            *(r.student.student_id, r.student.name, _yes(r.student.consent), f"{r.photographs}"),
            *(_percent(expected_naming(r.photographs)[width]) for width in _FAR_PX),
            _state(r),
        )
        for r in records
    ]
    far = (f"named at {width} px" for width in _FAR_PX)
    return table(("student", "name", "consent", "photographs", *far, ""), rows)


def kept_json(record: StudentRecord, look_alikes: Sequence[str]) -> str:
    """Return everything that is kept about one student as JSON."""
    return _json({**_record(record), "extra": dict(record.extra), "look_alikes": list(look_alikes)})


def kept_lines(record: StudentRecord, look_alikes: Sequence[str]) -> Iterator[str]:
    """Yield everything that is kept about one student, a line each; extra columns of the roster keep their names."""
    student = record.student
    kept = [
        ("student_id", student.student_id),
        ("name", student.name),
        ("email", student.email),
        ("guardian_email", student.guardian_email),
        ("consent", _yes(student.consent)),
        ("courses", "; ".join(student.courses)),
        *(("enrolled", _period(period)) for period in student.periods),
        ("photographs", f"{record.photographs}"),
        ("on_roster", _yes(record.on_roster)),
        *record.extra.items(),
        ("look_alikes", ", ".join(look_alikes)),
    ]
    for label, value in kept:
        yield _one_line(f"{label:<{_LABEL}} {value or '-'}")


def remarks(roster: Roster) -> Iterator[str]:
    """Yield a line for each remark on how a roster was understood, and for each of its rows that was left out."""
    yield from (f"note: {_one_line(str(remark))}" for remark in _capped(roster.remarks))
    yield from (f"left out: {_one_line(str(remark))}" for remark in _capped(roster.left_out))


def plan_text(roster: Roster, plan: PlannedEnrolment) -> str:
    """Return a description of how an import reads its roster and its folder of photographs."""
    counts = [
        ("read as", plan.form),
        ("students", f"{plan.students}, {plan.consenting} of them with consent"),
        ("e-mail", f"{plan.with_email} students, {plan.with_guardian} guardians"),
        ("courses", ", ".join(plan.courses[:_SHOWN_COURSES]) or "-"),
        ("rows left out", f"{len(roster.left_out)}"),
    ]
    students = [
        (s.student_id, s.name, s.email or "-", s.guardian_email or "-", _yes(s.consent))
        for s in (row.student for row in roster.rows[:_SHOWN_STUDENTS])
    ]
    parts = [table(("understood", ""), counts), table(("student", "name", "e-mail", "guardian", "consent"), students)]
    if plan.photographs:
        files = [
            _one_line(f"{student_id}: {', '.join(own) or 'no photograph'}") for student_id, own in plan.photographs
        ]
        parts.append("\n".join(files))
    return "\n\n".join(parts)


def findings(report: EnrolReport) -> Iterator[str]:
    """Yield the notes and warnings of an import, a line each; `report_table` has its counts."""
    yield from _matches(report)
    yield from _withdrawals(report)
    yield from (f"warning: {_one_line(warning)}" for warning in _warnings(report))


def _matches(report: EnrolReport) -> Iterator[str]:
    """Yield the photographs that were assigned to a student by the student's name in the file name."""
    by_name = [one for one in report.matched if one.by == "name"]
    for one in by_name[:_MOST_WARNINGS]:
        yield f"note: {_one_line(f'{one.path.name} counts as a photograph of {one.student_id} because of its name')}"
    if len(by_name) > _MOST_WARNINGS:
        yield f"note: and {len(by_name) - _MOST_WARNINGS} more by the name"


def _withdrawals(report: EnrolReport) -> Iterator[str]:
    """Yield a line for each student whose templates were destroyed because the consent was withdrawn."""
    for student_id in report.withdrawn[:_MOST_WARNINGS]:
        yield f"note: {_one_line(f'student {student_id}: consent withdrawn; templates and key destroyed')}"
    if len(report.withdrawn) > _MOST_WARNINGS:
        yield f"note: and {len(report.withdrawn) - _MOST_WARNINGS} more whose consent was withdrawn"


def _capped(remarks: Sequence[Remark]) -> Iterator[object]:
    yield from remarks[:_MOST_WARNINGS]
    if len(remarks) > _MOST_WARNINGS:
        yield f"and {len(remarks) - _MOST_WARNINGS} more of this kind"


def report_json(report: EnrolReport) -> str:
    """Return an import's report as JSON."""
    refused = [{"photograph": r.photograph, "student_id": r.student_id, "reason": r.reason} for r in report.refused]
    return _json(
        {
            "accepted": report.accepted,
            "refused": refused,
            "students_without_template": list(report.without_template),
        }
    )


def report_table(report: EnrolReport, heading: str = "enrolled") -> str:
    """Return an import's report as a table of counts."""
    rows = [
        ("students on the roster", f"{report.students}"),
        ("with templates", f"{report.students - len(report.without_template)}"),
        ("without consent", f"{len(report.without_consent)}"),
        ("photographs accepted", f"{report.accepted}"),
        ("photographs refused", f"{len(report.refused)}"),
        ("look-alike pairs", f"{len(report.look_alikes)}"),
    ]
    return table((heading, ""), rows)


def _warnings(report: EnrolReport) -> Iterator[str]:
    """Yield a text for each problem of photographs, students and folders, and for each removed student."""
    listed: set[str] = set()
    for refusal in report.refused:
        if refusal.photograph:
            yield f"{refusal.photograph}: {refusal.reason}"
        else:  # the whole folder
            listed.add(refusal.student_id)
            then = "earlier templates stay" if refusal.student_id in report.kept else _BY_HAND
            yield f"student {refusal.student_id}: {refusal.reason}; {then}"
    apart = {*report.without_consent, *report.removed_before, *listed, *dict(report.lost)}
    bare = [student_id for student_id in report.without_template if student_id not in apart]
    if len(bare) > _MOST_WARNINGS:  # the roster was imported without its photographs
        yield f"{len(bare)} students without usable photograph: {ids(bare)}; fill their register in by hand"
        bare = []
    for student_id in bare:
        yield f"student {student_id}: no usable photograph, so {_BY_HAND}"
    yield from _lost(report)
    if kept := [student_id for student_id in report.kept if student_id not in listed]:
        yield f"{ids(kept)}: no photograph in the folder; earlier templates stay; --drop-missing removes them"
    if report.out_of_focus:
        yield f"{ids(report.out_of_focus)}: the photographs are out of focus, and far faces are missed; add a sharp one"
    for student_id, number in report.unopened[:_MOST_WARNINGS]:
        were = "photograph was" if number == 1 else "photographs were"
        yield f"student {student_id}: no consent; {number} {were} not opened; delete {'it' if number == 1 else 'them'}"
    if len(report.unopened) > _MOST_WARNINGS:
        yield f"photographs of {len(report.unopened) - _MOST_WARNINGS} more students without consent; delete them"
    for student_id in report.removed_before:
        yield f"student {student_id}: was removed and stays without template; --readmit {student_id} enrols again"
    if report.left:
        yield f"{ids(report.left)}: no longer on this roster; `enrol remove` erases their sealed data"
    yield from _alike(report)
    if report.unclaimed:
        yield f"{ids(report.unclaimed)}: photographs of no student on this roster"
    for one in report.unmatched[:_MOST_WARNINGS]:
        yield f"{one.name}: belongs to no student ({one.reason})"
    if len(report.unmatched) > _MOST_WARNINGS:
        yield f"{len(report.unmatched) - _MOST_WARNINGS} more photographs belong to no student"


def _lost(report: EnrolReport) -> Iterator[str]:
    """Yield a line for each student who had templates before the import and now has no usable photograph."""
    for student_id, number in report.lost[:_MOST_WARNINGS]:
        had = f"had {number} template{'' if number == 1 else 's'}, and now has no usable photograph"
        yield f"student {student_id}: {had}; import again with one, or fill the register in by hand"
    if len(report.lost) > _MOST_WARNINGS:
        yield f"{len(report.lost) - _MOST_WARNINGS} more students had templates, and now have no usable photograph"


def _alike(report: EnrolReport) -> Iterator[str]:
    """Yield a line for each pair of similar students.

    A pair that may be one person is not listed as look-alikes, too.
    """
    twins = {(twin.a, twin.b) for twin in report.twins}
    for twin in report.twins:
        yield f"students {twin.a} and {twin.b}: {twin.reason}; check whose photographs these are"
    for pair in report.look_alikes:
        if (pair.a, pair.b) not in twins:
            alike = f"look alike ({pair.similarity:.2f}); their faces have to match more strictly"
            yield f"students {pair.a} and {pair.b}: {alike}"


def _record(record: StudentRecord) -> dict[str, object]:
    student = record.student
    dated = [
        {"course": one.course, "begin": one.begin and one.begin.isoformat(), "end": one.end and one.end.isoformat()}
        for one in student.periods
    ]
    return {
        **({"periods": dated} if dated else {}),
        "student_id": student.student_id,
        "name": student.name,
        "email": student.email,
        "guardian_email": student.guardian_email,
        "consent": student.consent,
        "courses": list(student.courses),
        "photographs": record.photographs,
        "on_roster": record.on_roster,
    }


def _period(period: EnrolmentPeriod) -> str:
    begin = f" from {period.begin}" if period.begin else ""
    return f"{period.course}{begin}{f' until before {period.end}' if period.end else ''}"


def _state(record: StudentRecord) -> str:
    if not record.on_roster:
        return "not on the roster"
    return "" if record.photographs else "no template"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share else "-"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)


def _one_line(text: str) -> str:
    return EdgeError(text).line()
