"""The file about one student as an HTML page for a parent; it has no scripts or pictures and loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from edge_daemon.timestamps import parsed

_STYLE: Final = (
    "body{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin-bottom:2rem}"
    "th,td{border:1px solid #999;padding:.3rem .5rem;text-align:left;vertical-align:top}"
)
_VERDICTS: Final = {
    "present": "present",
    "absent": "absent",
    "inconclusive": "to confirm",
    "not_assessed": "not looked for; the teacher decides",
}
_KINDS: Final = {
    "register": "the register of the lesson",
    "office": "the lesson's mail to the office",
    "student": "a message to the student",
    "guardian": "a message to a parent",
    "week": "the sheet of a week",
    "month": "the sheet of a month",
}
_STATES: Final = {
    "waiting": "not sent yet",
    "held": "not sent yet",
    "parked": "was refused",
    "delivered": "sent",
    "void": "will not be sent",
}


def page_of(fields: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Return the page as HTML.

    Args:
        fields: the result of `student_file.student_fields`.
        zone: time zone of the times on the page.
    """
    who = fields["enrolment"]["name"] if fields["enrolment"] else ""
    written = fields["written_at"]
    title = f"What this device keeps about {who or fields['student_id']}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>Student id {escape(fields['student_id'])}.</p>",
        f"<p>Device {escape(fields['device'])}, {_moment(written, zone)}.</p>",
        "<p>This page says what is kept about this person, and nothing about any other person.</p>",
        *_enrolment(fields["enrolment"], zone),
        *_registers(fields["registers"], zone),
        *_messages(fields["messages"], zone),
        *_rest(fields),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>{escape(title)}</title>"
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _enrolment(enrolment: Mapping[str, Any] | None, zone: ZoneInfo) -> Iterable[str]:
    yield "<h2>Enrolment</h2>"
    if enrolment is None:
        yield "<p>Nothing: the student is not enrolled here, or was removed.</p>"
        return
    photographs = enrolment["photographs"]
    rows = [
        ("Name", enrolment["name"]),
        ("Mail address", enrolment["email"]),
        ("Mail address of a parent", enrolment["guardian_email"]),
        ("Consent to being recognised", "yes" if enrolment["consent"] else "no"),
        ("Courses", ", ".join(enrolment["courses"])),
        ("On the class list now", "yes" if enrolment["on_roster"] else "no"),
        *enrolment["further_columns"].items(),
        ("Photographs that were read", f"{len(photographs)}"),
        ("Spoken phrase for the check-in", _phrase(enrolment["spoken_phrase"], zone)),
        ("Other students who look very similar", f"{enrolment['students_who_look_alike']}"),
    ]
    yield _table((), rows)
    if photographs:
        heads = ("Photograph read", "Face, pixels wide", "Sharpness, 0 to 1", "Head turned, degrees")
        yield _table(heads, [_photograph(one, zone) for one in photographs])
    yield (
        "<p>No photograph is kept, and no record of when it was taken. For each photograph the device keeps rows of "
        f"numbers that describe the face ({sum(one['vectors'] for one in enrolment['photographs'])} rows in all), "
        "sealed.</p>"
    )


def _phrase(phrase: Mapping[str, Any] | None, zone: ZoneInfo) -> str:
    """Return the stored data about a student's spoken phrase, in words."""
    if phrase is None:
        return "none"
    return f"how the mouth moved, and a row of numbers about the face, sealed; {_moment(phrase['enrolled_at'], zone)}"


def _photograph(one: Mapping[str, Any], zone: ZoneInfo) -> Sequence[str]:
    if one["read_at"] is None:
        return "not kept", f"{one['face_width_px']}", "not kept", "not kept"
    measured = [f"{one[key]:g}" if one[key] is not None else "not measured" for key in ("sharpness", "head_turn_deg")]
    return _moment(one["read_at"], zone), f"{one['face_width_px']}", *measured


def _registers(found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Iterable[str]:
    yield f"<h2>Lessons ({len(found)})</h2>"
    if not found:
        yield "<p>None.</p>"
        return
    rows = []
    for one in found:
        verdict = "a guest, not of this course" if one["guest"] else _VERDICTS.get(one.get("verdict", ""), "")
        seen = f"{one['captures_seen']} of {one['captures_taken']}" if "captures_seen" in one else ""
        seen = "not looked for" if not one.get("looked_for", True) else seen
        kept = f"{len(one['sightings'])}" if one["sightings"] else "none any more"
        rows.append((_moment(one["start"], zone), one["course"], verdict, seen, kept, _said(one, zone)))
    heads = ("Lesson", "Course", "Register says", "Seen in pictures", "Single sightings kept", "Corrections")
    yield _table(heads, rows)
    yield (
        "<p>A sighting says where in a picture the face was, how similar it was, and whether it faced the front. "
        "The pictures themselves are not kept.</p>"
    )


def _said(register: Mapping[str, Any], zone: ZoneInfo) -> str:
    lines = [
        f"{_moment(one['at'], zone)}, {one['by']}: {_VERDICTS.get(one['verdict'], one['verdict'])}, {one['reason']}"
        + (f" ({one['note']})" if one["note"] else "")
        for one in register["corrections"]
    ]
    return "; ".join(lines)


def _messages(found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Iterable[str]:
    yield f"<h2>Messages about the student ({len(found)})</h2>"
    rows = [
        (_moment(one["written_at"], zone), _KINDS.get(one["kind"], one["kind"]), _STATES.get(one["state"], ""))
        for one in found
    ]
    yield _table(("Written", "What", ""), rows) if rows else "<p>None.</p>"


def _rest(fields: Mapping[str, Any]) -> Iterable[str]:
    to, days = fields["delivered_to"], fields["deleted_after_days"]
    went = sorted(
        {
            f"{_KINDS.get(item['kind'], item['kind'])} ({to.get(item['by']) or item['by']})"
            for one in fields["registers"]
            for item in one["delivered"]
            if item["state"] == "delivered"
        }
    )
    yield "<h2>Where it went, and how long it stays</h2><ul>"
    yield f"<li>Registers were sent as: {escape('; '.join(went) or 'nowhere')}.</li>"
    if fields["check_ins"]:
        yield f"<li>Check-ins at the door that are kept: {len(fields['check_ins'])}, deleted as single sightings.</li>"
    still = sum(bool(one["still_faces_px"]) for one in fields["registers"])
    if still:
        yield (
            f"<li>Lessons in which the face, or a picture of it, kept its place: {still}. The device keeps the places, "
            "to find posters. They are deleted as single sightings.</li>"
        )
    yield f"<li>Single sightings are deleted after {days['sightings']} days.</li>"
    yield f"<li>{_registers_stay(days['registers'], fields['lessons_removed_here'])}</li>"
    yield f"<li>The enrolment is erased {days['enrolment_after_leaving']} days after leaving the class list.</li>"
    yield "<li>The office keeps its own copies of registers and photographs: ask there as well.</li></ul>"


def _registers_stay(days: int | None, removed: int) -> str:
    stay = "Registers stay on this device." if days is None else f"Registers are deleted here after {days} days."
    if not removed:
        return stay
    return f"{stay} Those of {removed} earlier lessons were deleted here for everybody; the office has its copies."


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = f"<thead><tr>{''.join(f'<th>{escape(word)}</th>' for word in heads)}</tr></thead>" if heads else ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _moment(text: str, zone: ZoneInfo) -> str:
    return f"{parsed(text).astimezone(zone):%Y-%m-%d %H:%M}"
