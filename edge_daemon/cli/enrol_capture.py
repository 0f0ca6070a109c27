"""`edge-daemon enrol capture`: guided pictures of one student, or of a whole roster on a photo day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.errors import EdgeError, GalleryError

if TYPE_CHECKING:
    from edge_daemon.app.enrolment.capture_students import CaptureDay, StudentAtCamera

_TRIES = 8
"""Attempts for one picture; after these the command goes on to the next."""


@click.command(cls=CommandHelp)
@click.argument("student_id", metavar="[ID]", required=False)
@click.option("--roster", "whole", is_flag=True, help="Go through the roster, student by student.")
@click.option("--again", is_flag=True, help="With --roster: also students who already have templates from a camera.")
@click.option(
    "--camera", default="", metavar="DEVICE", help="/dev/video0, or a folder; without it the device's camera."
)
@pass_home
def capture(home: Home, student_id: str | None, whole: bool, again: bool, camera: str) -> None:
    """Take pictures of students now, and keep only their templates.

    The command asks for consent first. It checks each picture at once: size, light, focus, one face, and the direction
    asked for. No picture is kept. The student has to be on the roster, with consent.
    """
    if (student_id is None) == (not whole):
        raise click.UsageError("give a student's ID, or --roster")
    # Imported here because OpenCV and the models load slowly on a Pi.
    from edge_daemon.app.enrolment.capture_students import camera_settings, capture_day

    def one(day: CaptureDay, student: StudentAtCamera) -> bool:
        """Return whether templates were kept."""
        name = EdgeError(f"{student.student_id} {student.name}").line()
        if not _agrees(name):
            click.echo(f"{name}: nothing was taken; a no in the roster erases what was kept before")
            return False
        day.begin(student.student_id)
        glasses = click.confirm("Does the student wear glasses at times?", default=False)
        _guide(day, glasses=glasses)
        kept = day.keep()
        click.echo(f"{name}: {kept} templates kept, no picture" if kept else f"{name}: no picture was good enough")
        return kept > 0

    settings = camera_settings(home.config.camera, camera)
    with capture_day(home, settings) as day:
        if student_id is not None:
            student = next((s for s in day.students() if s.student_id == student_id), None)
            if student is None:
                hint = "import the roster first; see `edge-daemon enrol list`"
                raise GalleryError("not on the roster", f"student {student_id}", hint)
            if not student.consent:
                day.begin(student_id)  # raises the error that explains it
            if not one(day, student):
                raise click.exceptions.Exit(1)
            return
        _photo_day(day.students(), again=again, one=lambda student: one(day, student))


def _photo_day(students: Sequence[StudentAtCamera], *, again: bool, one: Callable[[StudentAtCamera], bool]) -> None:
    waiting = [s for s in students if s.consent and (again or not s.is_captured)]
    without = sum(not s.consent for s in students)
    click.echo(f"{len(waiting)} students to take, {without} without consent in the roster are left out")
    kept = 0
    for student in waiting:
        name = EdgeError(f"{student.student_id} {student.name}").line()
        answer = click.prompt(f"next: {name}; Enter when ready, s to skip, q to stop", default="", show_default=False)
        if answer.strip().lower() == "q":
            break
        if answer.strip().lower() == "s":
            continue
        try:
            kept += one(student)
        except EdgeError as error:
            click.echo(f"warning: {error.line()}", err=True)
    click.echo(f"{kept} of {len(waiting)} students have templates from this camera now")


def _agrees(name: str) -> bool:
    question = f"{name}: do you agree that this device recognises your face? You may say no, at no disadvantage"
    return click.confirm(question, default=False)


def _guide(day: CaptureDay, *, glasses: bool) -> None:
    from edge_daemon.app.enrolment.capture_students import wanted_pictures

    wanted = wanted_pictures(glasses=glasses)
    for number, picture in enumerate(wanted, 1):
        for _ in range(_TRIES):
            asked = f"picture {number} of {len(wanted)}: {picture.instruction}; Enter takes it, s skips it"
            if click.prompt(asked, default="", show_default=False).strip().lower() == "s":
                break
            reason = day.take(picture)
            if not reason:
                click.echo("  good")
                break
            click.echo(f"  again: {EdgeError(reason).line()}")
