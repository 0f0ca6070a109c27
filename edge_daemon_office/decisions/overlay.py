"""Decisions about lessons of a device that is gone and can sign no revision: the office signs in its place.

The decisions lie in the tree as `overlay.json`, signed by the office key, beside the registers of the device. They
change the marks in the tables, and every mark says so. The registers themselves stay as the device signed them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django.db import transaction

from edge_daemon_office.decisions.lists import decision_entries, put
from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.home import OfficeHome, School
from edge_daemon_office.ingest.store import STANDINGS, tally_days
from edge_daemon_office.ingest.tree import UnreadableError, devices_folder, read_text
from edge_daemon_office.registers.models import Lesson, Mark
from edge_daemon_office.scope import use_school
from edge_daemon_office.shared.attendance.fields import json_object
from edge_daemon_office.shared.delivery.document_paths import device_folder
from edge_daemon_office.shared.device.signing import signed, text_signer
from edge_daemon_office.shared.errors import RegisterError

OVERLAY: Final = "overlay.json"
FLAG: Final = "overlay"
"""Word among the flags of a mark that the office changed in place of the device."""
_STANDING: Final = {"inconclusive": "to_confirm"}


def sign_overlays(home: OfficeHome, school: School) -> list[str]:
    """Write the decisions about registers of devices that are gone; return a line for each device that failed.

    A device that is gone (`school.gone_devices`) can't sign corrections any more. Its overlay is a file in the tree
    with the decisions, signed by the office.

    Raises:
        OfficeError: the tree or the office key can't be used.
    """
    use_school(school.school)
    problems: list[str] = []
    for device in school.gone_devices:
        entries = decision_entries(school.school, device)
        path = devices_folder(school.tree) / device_folder(device).rpartition("/")[2] / OVERLAY
        if not entries and not path.exists():
            continue
        fields = {"schema": 1, "kind": "overlay", "device": device, "corrections": entries}
        text = signed(fields, office_signer(home))
        try:
            if not path.exists() or read_text(path) != text:
                put(path, text)
        except (OSError, UnreadableError) as error:
            problems.append(f"{device}/{OVERLAY} can't be written: {error}")
    return problems


def apply_overlays(home: OfficeHome, school: School) -> int:
    """Apply the overlays of devices that are gone to the marks in the tables; return the number of lessons.

    Raises:
        OfficeError: the tree or the office key can't be used.
    """
    use_school(school.school)
    count = 0
    for device in school.gone_devices:
        path = devices_folder(school.tree) / device_folder(device).rpartition("/")[2] / OVERLAY
        by_lesson: dict[str, list[dict[str, Any]]] = {}
        for entry in _entries(path, device, office_signer(home).public_key):
            by_lesson.setdefault(str(entry.get("lesson_id")), []).append(entry)
        ids = list(by_lesson)
        for start in range(0, len(ids), 500):
            part = Lesson.objects.filter(school=school.school, device=device, lesson_id__in=ids[start : start + 500])
            for lesson in part:
                _apply(lesson, by_lesson[lesson.lesson_id])
                count += 1
    return count


def _entries(path: Any, device: str, key: str) -> list[dict[str, Any]]:
    """Return the decisions of an overlay that this office signed for this device; empty if there is none."""
    try:
        text = read_text(path)
        fields = json_object(text) if text_signer(text, {key}) == key else {}
    except (UnreadableError, RegisterError):
        return []
    if fields.get("kind") != "overlay" or fields.get("device") != device:
        return []
    return [one for one in fields.get("corrections", []) if isinstance(one, dict)]


def _apply(lesson: Lesson, entries: list[dict[str, Any]]) -> None:
    """Change the marks of a lesson; a second call changes nothing."""
    verdicts = {one["student_id"]: one["verdict"] for one in entries if "student_id" in one}
    confirmations = [one["confirm"] for one in entries if "confirm" in one]
    with transaction.atomic():
        marks = list(Mark.objects.filter(school=lesson.school, month=lesson.month, lesson_id=lesson.lesson_id))
        if confirmations:
            lesson.held, lesson.awaits = confirmations[-1] == "held", False
            lesson.is_counted = lesson.origin == "timetable" and lesson.held
        for mark in marks:
            mark.is_counted = lesson.is_counted
            if mark.student_id in verdicts:
                mark.verdict = verdicts[mark.student_id]
                mark.standing = _STANDING.get(mark.verdict, mark.verdict)
                mark.flags = " ".join([*(one for one in mark.flags.split() if one not in _OURS), *_OURS])
        Mark.objects.bulk_update(marks, ["verdict", "standing", "flags", "is_counted"], batch_size=200)
        counts = Counter(mark.standing for mark in marks)
        for name in STANDINGS:
            setattr(lesson, name, counts[name])
        lesson.save()
        tally_days(lesson.school, {(lesson.day, lesson.course)})


_OURS: Final = ("corrected", FLAG)
