"""Erases a student's data in the office, and lists the data that stays elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

from django.db import connection, transaction

from edge_daemon_office.alerts.sent_alerts import erase_keys
from edge_daemon_office.counting import counted
from edge_daemon_office.decisions.excuses import publish_excuses
from edge_daemon_office.decisions.lists import CORRECTIONS, publish
from edge_daemon_office.decisions.models import Decision, Excuse, Publication
from edge_daemon_office.decisions.overlay import sign_overlays
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, School
from edge_daemon_office.ingest.roster import read_roster
from edge_daemon_office.interfaces.models import EdFiEvent
from edge_daemon_office.people.activity import note
from edge_daemon_office.people.models import Activity
from edge_daemon_office.registers.models import Mark, Student
from edge_daemon_office.scope import use_school


@dataclass(slots=True)
class OfficeErasure:
    """The erased rows, and the data that the office can't erase."""

    erased: dict[str, int]
    stays: list[str] = field(default_factory=list)


def erase_student(home: OfficeHome, school: School, student_id: str) -> OfficeErasure:
    """Erase a student's excuses, decisions, activities and alerts, and write the devices' lists without them.

    Safe to repeat.

    Raises:
        OfficeError: the office has no data about the student. Or tree, roster or office key can't be used; what was
            erased then stays erased.
    """
    use_school(school.school)
    mine = {"school": school.school, "student_id": student_id}
    with transaction.atomic():
        devices = set(Decision.objects.filter(**mine).values_list("device", flat=True))
        erased = {
            "excuses": Excuse.objects.filter(**mine).delete()[0],
            "decisions": Decision.objects.filter(**mine).delete()[0],
            "activities": Activity.objects.filter(**mine).delete()[0],
            "alerts": erase_keys(school.school, student_id),
        }
        # Written anew without the student, though no decision is new.
        Publication.objects.filter(school=school.school, device__in=devices, document=CORRECTIONS).update(
            last_number=-1
        )
        is_known = any(erased.values()) or any(
            kind.objects.filter(**mine).exists() for kind in (Student, Mark, EdFiEvent)
        )
        if is_known:
            note(school.school, "", "student erased", detail=counted(sum(erased.values()), "row"))
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")  # freed pages hold what was deleted
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    done = OfficeErasure(erased)
    today = datetime.now(timezone.utc).astimezone(school.zone).date()
    problems = publish(home, school) + publish_excuses(home, school, today) + sign_overlays(home, school)
    read_roster(school)
    if Student.objects.filter(**mine).exists():
        done.stays.append(f"the name, in {school.roster}: remove the line, then run `ingest`")
    if count := Mark.objects.filter(**mine).count():
        done.stays.append(f"{counted(count, 'mark')} by bare id, as the signed registers in {school.tree} have them")
    if count := EdFiEvent.objects.filter(**mine).count():
        done.stays.append(
            f"{counted(count, 'event')} in the Ed-Fi system: erase the student there; `edfi send` sends them anew"
        )
    if not is_known and not done.stays:
        raise OfficeError(
            "there is no such student", student_id, "; ".join(problems) or "the page Students has the ids"
        )
    done.stays = problems + done.stays
    done.stays.append("backups that were written before: delete them")
    done.stays.append("the devices: `removals.json` (docs/PULL.md) erases the student there")
    return done
