"""Retention: deletes the office's data after the times in the settings. The tree's signed documents stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db import connection, transaction

from edge_daemon_office.decisions.excuses import publish_excuses
from edge_daemon_office.decisions.lists import CORRECTIONS, publish
from edge_daemon_office.decisions.models import Decision, Excuse, Publication
from edge_daemon_office.home import OfficeHome, School
from edge_daemon_office.ingest.store import delete_marks
from edge_daemon_office.interfaces.models import EdFiEvent
from edge_daemon_office.people.models import Activity, ToldAlert
from edge_daemon_office.registers.models import DayTally, Lesson, SignedChange
from edge_daemon_office.scope import use_school

_PART = 500


@dataclass(slots=True)
class Forgotten:
    """The result of a run: deleted rows by kind, and the lists for devices that could not be written again."""

    rows: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def apply_retention(home: OfficeHome, school: School, now: datetime) -> Forgotten:
    """Delete data that is older than the settings allow; a second call finds nothing.

    Raises:
        OfficeError: the tree or the office key can't be used.
    """
    use_school(school.school)
    done = Forgotten()
    today = now.astimezone(school.zone).date()
    if school.keep_registers_days:
        _registers(school.school, today - timedelta(days=school.keep_registers_days), done)
    if school.keep_decisions_days:
        _decisions(home, school, today, today - timedelta(days=school.keep_decisions_days), done)
    if any(done.rows.values()) and connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return done


def _registers(school: str, first_kept: date, done: Forgotten) -> None:
    """Forget lessons and marks. Revisions and sources stay: they name no student, and keep the ledger checkable."""
    old = {"school": school, "day__lt": first_kept}
    places = list(Lesson.objects.filter(**old).values_list("month", "lesson_id"))
    with transaction.atomic():
        _overwrite_deleted()
        delete_marks(school, places)
        for start in range(0, len(places), _PART):
            ids = [lesson_id for _, lesson_id in places[start : start + _PART]]
            SignedChange.objects.filter(school=school, lesson_id__in=ids).delete()
        done.rows["lessons"] = Lesson.objects.filter(**old).delete()[0]
        DayTally.objects.filter(**old).delete()
        done.rows["events sent to Ed-Fi"] = EdFiEvent.objects.filter(**old).delete()[0]


def _decisions(home: OfficeHome, school: School, today: date, first_kept: date, done: Forgotten) -> None:
    """Delete old decisions, excuses and activities, and write the lists for the devices again without them."""
    mine = {"school": school.school}
    begin = datetime.combine(first_kept, time(), school.zone)
    with transaction.atomic():
        _overwrite_deleted()
        # Those about a device that is gone are in effect by the office's list alone.
        old = Decision.objects.filter(**mine, at__lt=begin).exclude(device__in=school.gone_devices)
        devices = set(old.values_list("device", flat=True))
        done.rows |= {
            "decisions": old.delete()[0],
            "excuses": Excuse.objects.filter(**mine, last_day__lt=first_kept).delete()[0],
            "activities": Activity.objects.filter(**mine, at__lt=begin).delete()[0],
            "alerts": ToldAlert.objects.filter(account__school=school.school, at__lt=begin).delete()[0],
        }
        # Written anew without the old decisions, though none is new.
        Publication.objects.filter(**mine, device__in=devices, document=CORRECTIONS).update(last_number=-1)
    if devices:
        done.problems += publish(home, school)
    if done.rows["excuses"]:
        done.problems += publish_excuses(home, school, today)


def _overwrite_deleted() -> None:
    """Have SQLite overwrite deleted rows with zeros from now on, on this connection."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
