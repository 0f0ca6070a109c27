"""Warns of a course or device that the school does not have yet. Nothing is refused, because it may come later."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import click

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.shared.delivery.document_paths import device_folder

_EVERY_COURSE = "*"


def warn_of_courses(school: str, courses: Iterable[str]) -> None:
    """Print a line for each course that no register and no student has; the tables of the office must be open."""
    from edge_daemon_office.registers.models import Lesson, Student
    from edge_daemon_office.scope import use_school

    use_school(school)
    known = set(Lesson.objects.filter(school=school).values_list("course", flat=True).distinct())
    for listed in Student.objects.filter(school=school).values_list("courses", flat=True):
        known.update(one.strip() for one in listed.split(";"))
    for course in dict.fromkeys(courses):
        if course != _EVERY_COURSE and course not in known:
            warning = f"--course {course}: no register and no student has this course yet"
            click.echo(f"{warning}; {_hint(course, known)}", err=True)


def warn_of_device(school: School, device: str, key: str) -> None:
    """Print a line if a device has no folder in the tree, or offers another key than the pinned one."""
    from edge_daemon_office.ingest.keys import offered
    from edge_daemon_office.ingest.tree import device_folders, devices_folder

    try:
        folders = set(device_folders(devices_folder(school.tree)))
        keys = {one: public_key for one, public_key, _, _ in offered(school.tree, school.keys)}
    except OfficeError:
        folders, keys = set(), {}  # the tree comes later; `ingest` and `check` name it
    if device_folder(device).rpartition("/")[2] not in folders:
        warning = f"DEVICE {device}: has no folder in {school.tree} yet"
        click.echo(f"{warning}; {_hint(device, keys.keys() | folders)}", err=True)
    elif device in keys and keys[device] != "".join(key.split()).lower():
        warning = f"DEVICE {device}: offers another key in its key.json"
        click.echo(f"{warning}; compare with `ledger verify` on the device", err=True)


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, [one for one in known if one.isprintable()], n=3, cutoff=0.5)
    return f"check its spelling: there is {', '.join(near)}" if near else "check its spelling"
