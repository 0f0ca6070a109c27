"""Names of students by id, from the office's roster."""

from __future__ import annotations

from collections.abc import Iterable

from edge_daemon_office.registers.models import Student


def names_of(school: str, student_ids: Iterable[str]) -> dict[str, str]:
    """Return a name for every id, or the id itself if the roster has none."""
    ids = list(dict.fromkeys(student_ids))
    found: dict[str, str] = {one: one for one in ids}
    for start in range(0, len(ids), 500):
        rows = Student.objects.filter(school=school, student_id__in=ids[start : start + 500])
        found.update({student_id: name or student_id for student_id, name in rows.values_list("student_id", "name")})
    return found
