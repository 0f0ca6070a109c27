"""Excuses: records them, and signs the lists for devices, which send no notices about excused students.

A list names the excused students of its room by id, with the days, but with neither code nor reason.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from edge_daemon_office.decisions.lists import put
from edge_daemon_office.decisions.models import Excuse, Publication
from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, School
from edge_daemon_office.ingest.tree import devices_folder
from edge_daemon_office.people.activity import note
from edge_daemon_office.people.models import Account
from edge_daemon_office.registers.models import DayTally, Lesson, Student
from edge_daemon_office.scope import use_school
from edge_daemon_office.shared.delivery.document_paths import device_folder
from edge_daemon_office.shared.device.signing import Signer, signed, text_signer
from edge_daemon_office.shared.timestamps import written

EXCUSES: Final = "excuses.json"
LONGEST: Final = timedelta(days=366)
"""Longest time from the first to the last day of an excuse."""
_BACK: Final = timedelta(days=35)
"""An excuse stays in the lists for this time after its last day.

A device may still have an unsent notice about such a day; after 28 days it sends none.
"""
_TAUGHT: Final = timedelta(days=120)
"""A course counts as taught in a room if the room had it within this time."""


def excuse(account: Account, school: School, student_id: str, first: date, last: date, code: str) -> Excuse:
    """Record an excuse.

    Raises:
        OfficeError: the days or the code are invalid.
    """
    if code not in school.excuse_codes:
        raise OfficeError("is not a code for an excuse", code[:40], "choose one of the list")
    if not first <= last <= first + LONGEST:
        raise OfficeError(
            "the last day is before the first, or more than a year after it", "excuse", "correct the days"
        )
    made = Excuse.objects.create(
        school=school.school,
        excuse_id=secrets.token_hex(8),
        student_id=student_id,
        first_day=first,
        last_day=last,
        code=code,
        by=account.name,
        account=account.username,
        at=datetime.now(timezone.utc),
    )
    note(account.school, account.username, "excuse", student_id=student_id, detail=f"{first} – {last}: {code}")
    return made


def withdraw(account: Account, student_id: str, excuse_id: str) -> bool:
    """Withdraw an excuse; return whether there was one."""
    row = Excuse.objects.filter(school=account.school, student_id=student_id, excuse_id=excuse_id).first()
    if row is None:
        return False
    row.delete()
    detail = f"{row.first_day} – {row.last_day}: {row.code}"
    note(account.school, account.username, "excuse withdrawn", student_id=student_id, detail=detail)
    return True


def publish_excuses(home: OfficeHome, school: School, today: date) -> list[str]:
    """Write the lists of devices whose excuses have changed; return the lists that failed, a line each.

    Raises:
        OfficeError: the tree or the office key can't be used.
    """
    use_school(school.school)
    rows = list(Excuse.objects.filter(school=school.school, last_day__gte=today - _BACK).order_by("first_day"))
    if not rows and not Publication.objects.filter(school=school.school, document=EXCUSES).exists():
        return []
    signer, devices = office_signer(home), devices_folder(school.tree)
    problems = []
    for device, students in _students_by_device(school.school, today).items():
        entries = [
            {"student_id": one.student_id, "first_day": str(one.first_day), "last_day": str(one.last_day)}
            for one in rows
            if students is None or one.student_id in students
        ]
        path = devices / device_folder(device).rpartition("/")[2] / EXCUSES
        try:
            problem = _write(path, school.school, device, entries, signer)
        except OSError as error:
            problem = f"can't be written: {error.strerror}"
        if problem:
            problems.append(f"{device}/{EXCUSES} {problem}")
    return problems


def _write(path: Path, school: str, device: str, entries: list[dict[str, str]], signer: Signer) -> str:
    """Write a list if it has changed; return why it can't be written, empty if it was.

    Raises:
        OSError: the folder can't be written.
    """
    try:
        text = path.read_text("utf-8")
        top: Any = json.loads(text) if text_signer(text, {signer.public_key}) else None
    except FileNotFoundError:
        if not entries:
            return ""
        top = {}
    except ValueError:
        top = None
    if not isinstance(top, dict):
        return "was written by somebody else: remove it first"
    if top.get("excuses") == entries:
        return ""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    fields = {"schema": 1, "kind": "excuses", "device": device, "at": written(now), "excuses": entries}
    text = signed(fields, signer)
    put(path, text)
    sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
    Publication.objects.update_or_create(
        school=school, device=device, document=EXCUSES, defaults={"sha256": sha256, "at": now}
    )
    return ""


def _students_by_device(school: str, today: date) -> dict[str, set[str] | None]:
    """Return the students taught in each room; None for all students of the school."""
    since = today - _TAUGHT
    courses: dict[str, set[str]] = {}
    rows = Lesson.objects.filter(school=school, day__gte=since, origin="timetable").values_list("device", "course")
    for device, course in rows.distinct():
        courses.setdefault(device, set()).add(course)
    roster = [
        (student_id, {one.strip() for one in each.split(";")})
        for student_id, each in Student.objects.filter(school=school).values_list("student_id", "courses")
    ]
    found: dict[str, set[str] | None] = {}
    for device, taught in courses.items():
        if "" in taught:
            found[device] = None
            continue
        seen = DayTally.objects.filter(school=school, course__in=taught, day__gte=since).values_list(
            "student_id", flat=True
        )
        found[device] = {*seen.distinct(), *(student_id for student_id, each in roster if each & taught)}
    return found
