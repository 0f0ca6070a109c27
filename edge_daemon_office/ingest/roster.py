"""The office's roster: names and courses of students, by id."""

from __future__ import annotations

from django.db import transaction

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.ingest.keys import read_csv
from edge_daemon_office.registers.models import Student


def read_roster(school: School) -> int:
    """Read the roster if it has changed; return the number of students. Without a file nobody has a name.

    Raises:
        OfficeError: the file can't be read, or has an id twice.
    """
    wanted: dict[str, tuple[str, str]] = {}
    for line, row in read_csv(school.roster, ("student_id", "name", "courses")):
        student_id = row["student_id"]
        if not student_id:
            raise OfficeError("has no student_id", f"{school.roster}, line {line}", "give the id that registers have")
        if student_id in wanted:
            raise OfficeError("has the id of an earlier line", f"{school.roster}, line {line}", "keep one of them")
        wanted[student_id] = (row["name"], row.get("courses", ""))
    mine = Student.objects.filter(school=school.school)
    known = {
        student_id: (name, courses) for student_id, name, courses in mine.values_list("student_id", "name", "courses")
    }
    if wanted != known:
        with transaction.atomic():
            mine.delete()
            Student.objects.bulk_create(
                [
                    Student(school=school.school, student_id=student_id, name=name, courses=courses)
                    for student_id, (name, courses) in wanted.items()
                ],
                batch_size=500,
            )
    return len(wanted)
