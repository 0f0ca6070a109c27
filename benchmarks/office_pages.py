"""Measure the CPU time of each page of an office with the office role; prints JSON. A part of benchmarks/office.py."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.office import median_ms
from edge_daemon_office.django_setup import set_up
from edge_daemon_office.home import read_home

ROUNDS = 6


def main() -> None:
    """Request each page and print its CPU time."""
    home = read_home(Path(sys.argv[1]))
    set_up(home)
    from django.conf import settings
    from django.test import Client

    from edge_daemon_office.people.models import Account
    from edge_daemon_office.registers.models import Lesson, Mark
    from edge_daemon_office.scope import use_school

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.OFFICE = home
    settings.SECURE_SSL_REDIRECT = False
    object.__setattr__(home, "totp", "optional")
    school = next(iter(home.schools))
    use_school(school)
    account, _ = Account.objects.get_or_create(username="benchmark", defaults={"school": school, "role": "office"})
    client = Client(HTTP_X_FORWARDED_PROTO="https")
    client.force_login(account, backend="edge_daemon_office.people.sign_in.AccountBackend")
    lesson = Lesson.objects.filter(school=school).order_by("-start")[0]
    student_id = Mark.objects.filter(school=school, lesson_id=lesson.lesson_id).values_list("student_id", flat=True)[0]
    period = f"to={lesson.day}"
    pages = {
        "today": f"/{school}/today/?day={lesson.day}",
        "register": f"/{school}/lessons/{lesson.lesson_id}/",
        "tick_list": f"/{school}/lessons/{lesson.lesson_id}/tick-list/",
        "students": f"/{school}/students/",
        "student": f"/{school}/students/{student_id}/?{period}",
        "below": f"/{school}/below/?{period}",
        "rooms": f"/{school}/rooms/",
        "audit": f"/{school}/audit/",
    }
    found = {}
    for name, address in pages.items():
        took = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            response = client.get(address, secure=True)
            took.append(time.process_time() - begun)
            assert response.status_code == 200, (name, response.status_code)
        found[name] = median_ms(took)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
