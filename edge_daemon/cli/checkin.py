"""`edge-daemon checkin`: enrols and verifies a phrase that a student says at the door."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.errors import CameraError, EdgeError

if TYPE_CHECKING:
    from edge_daemon.app.checkin.session import CheckinAnswer, CheckinSession

_TRIES = 3
"""Attempts for one repetition; after these the command goes on to the next."""


@click.group(cls=GroupHelp)
def checkin() -> None:
    """Check in at the door by saying a personal phrase before a camera."""


@checkin.command()
@click.argument("student_id", metavar="ID")
@click.option(
    "--repetitions",
    type=click.IntRange(5, 10),
    default=9,
    show_default=True,
    help="How often the student says the phrase.",
)
@pass_home
def enrol(home: Home, student_id: str, repetitions: int) -> None:
    """Enrol the phrase of one student at the camera, repetition by repetition.

    The command asks for consent first. The roster needs a yes in `consent` and `checkin_consent`. No picture is kept.
    """
    from edge_daemon.app.checkin.session import CLIP_S, checkin_session, with_camera

    with checkin_session(home) as session:
        session.begin(student_id)
        question = f"{EdgeError(student_id).line()}: do you want to check in by your face and a phrase? You may say no"
        if not click.confirm(question, default=False):
            click.echo("nothing was taken; the teacher ticks students who say no")
            raise click.exceptions.Exit(1)
        with with_camera(home) as camera:
            for number in range(1, repetitions + 1):
                for _ in range(_TRIES):
                    _countdown(f"repetition {number} of {repetitions}")
                    try:
                        reason = session.add(camera.clip(CLIP_S))
                    except CameraError as error:
                        reason = error.line()
                    click.echo(f"  again: {reason}" if reason else "  good")
                    if not reason:
                        break
        _keep(session, student_id)


@checkin.command()
@click.argument("student_id", metavar="ID")
@pass_home
def verify(home: Home, student_id: str) -> None:
    """Verify one student at the camera; exit code 1 means no."""
    from edge_daemon.app.checkin.session import checkin_session, with_camera

    with checkin_session(home) as session, with_camera(home) as camera:
        answer = _one(session, camera.clip, student_id)
    if not answer.accepted:
        raise click.exceptions.Exit(1)


@checkin.command()
@pass_home
def run(home: Home) -> None:
    """Verify students one after another until `q` is entered; the answer is in large letters."""
    from edge_daemon.app.checkin.session import checkin_session, with_camera

    with checkin_session(home) as session, with_camera(home) as camera:
        while True:
            student_id = click.prompt("student id, q to stop", default="", show_default=False).strip()
            if student_id.lower() == "q":
                return
            if student_id:
                try:
                    _one(session, camera.clip, student_id)
                except EdgeError as error:
                    click.echo(f"warning: {error.line()}", err=True)


@checkin.command(name="from")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("student_id", metavar="ID")
@click.option("--enrol", "enrols", is_flag=True, help="Enrol: each video or folder in SOURCE is one repetition.")
@pass_home
def from_files(home: Home, source: Path, student_id: str, enrols: bool) -> None:
    """Verify a student from a video or a folder of pictures, for tests; exit code 1 means no."""
    from edge_daemon.app.checkin.session import checkin_session, frames_of, repetitions_in

    with checkin_session(home) as session:
        if not enrols:
            answer = session.verify(student_id, frames_of(source))
            _large("yes" if answer.accepted else "no")
            if not answer.accepted:
                raise click.exceptions.Exit(1)
            return
        session.begin(student_id)
        for number, clip in enumerate(repetitions_in(source), 1):
            reason = session.add(frames_of(clip))
            click.echo(f"repetition {number}: {reason or 'good'}")
        _keep(session, student_id)


@checkin.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--hours", type=click.IntRange(1, 24 * 90), default=24, show_default=True, help="Hours to look back.")
@pass_home
def note(home: Home, output: Path, hours: int) -> None:
    """Write the check-ins of this computer as a signed note, for the device of the room."""
    from edge_daemon.app.registers.check_in_note import write_note

    now = datetime.now(timezone.utc)
    count = write_note(home, output, now - timedelta(hours=hours), now)
    click.echo(f"{count} check-ins written to {output}")


@checkin.command()
@click.argument("notes", nargs=-1, required=True, type=click.Path(path_type=Path))
@pass_home
def accept(home: Home, notes: tuple[Path, ...]) -> None:
    """Import the check-ins of signed notes; existing registers get a new revision."""
    from edge_daemon.app.registers.check_in_note import take_note

    for path in notes:
        done = take_note(home, path, datetime.now(timezone.utc).replace(microsecond=0))
        click.echo(f"{path}: {done.check_ins} check-ins, {done.revisions} registers revised")
        if done.problem:
            click.echo(f"warning: {done.problem}", err=True)


def _one(session: CheckinSession, clip: object, student_id: str) -> CheckinAnswer:
    from edge_daemon.app.checkin.session import CLIP_S

    assert callable(clip)
    _countdown("look into the camera")
    answer = session.verify(student_id, clip(CLIP_S))
    _large("yes" if answer.accepted else "no")
    return answer


def _keep(session: CheckinSession, student_id: str) -> None:
    kept = session.keep()
    click.echo(f"{EdgeError(student_id).line()}: {kept} repetitions kept as numbers, no picture")


def _countdown(text: str) -> None:
    for seconds in (3, 2, 1):
        click.echo(f"{text}: {seconds}")
        if sys.stdin.isatty():
            time.sleep(1)
    click.echo("now: say your phrase")


def _large(text: str) -> None:
    """Print a word in letters of double height (DEC's DECDHL) if stdout is a terminal."""
    if sys.stdout.isatty():
        click.echo(f"\x1b#3{text.upper()}\n\x1b#4{text.upper()}\x1b#5")
    else:
        click.echo(text)
