"""`edge-daemon mask`: how masks are worn, in pictures or before a camera. It recognises and keeps nobody."""

from __future__ import annotations

import json
from pathlib import Path

import click
from click.core import ParameterSource

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.progress import progress
from edge_daemon.cli.table import table

_EXIT_CODES = {"open": 0, "mask_needed": 3, "nobody": 4}
"""Exit codes for a door controller: only 0 opens the door. As for every command, 1 and 2 are errors."""
_FRAMES = 100
_WAIT_S = 30.0


@click.command(cls=CommandHelp)
@click.argument("source", required=False, type=click.Path(path_type=Path), metavar="[FOLDER_OR_VIDEO]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write an annotated PNG of each picture, and masks.csv. They show people: delete them after use.",
)
@click.option(
    "--captures",
    "frames",
    type=click.IntRange(1, 100_000),
    default=_FRAMES,
    show_default=True,
    metavar="N",
    help="For a video: look at this many frames, spread evenly.",
)
@click.option("--camera", "at_door", is_flag=True, help="Look through the camera of the settings, once a second.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(1, 3600),
    default=_WAIT_S,
    show_default=True,
    metavar="SECONDS",
    help="With --camera: give up after this time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def mask(
    home: Home,
    source: Path | None,
    output: Path | None,
    frames: int,
    at_door: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Print how each person wears a mask: none, right, or wrong.

    With --camera the exit code is for a door. 0: everybody in view wore a mask correctly in three pictures in a row. 3:
    somebody wore none or wore it wrong. 4: nobody could be assessed. 1 and 2 are errors.
    """
    if at_door:
        if source is not None or output is not None or as_json:
            raise click.UsageError("--camera takes no folder or video, no --output and no --json: it stores nothing")
        from edge_daemon.app.masks.door_watch import watch_door

        answer = watch_door(home, wait_s, click.echo)
        click.get_current_context().exit(_EXIT_CODES[answer])
    if click.get_current_context().get_parameter_source("wait_s") is not ParameterSource.DEFAULT:
        raise click.UsageError("--wait needs --camera")
    if source is None:
        raise click.UsageError("name a folder of pictures or a video, or look through the camera with --camera")
    from edge_daemon.app.masks.mask_files import find_masks

    with progress("pictures") as watch:
        report = find_masks(home.config, source, output, frames, watch)
    for line in report.unreadable:
        click.echo(f"warning: {line}; it is left out", err=True)
    if output is not None:
        click.echo(f"PRIVACY: {output} has pictures of people WITH THEIR FACES. Delete them after use.", err=True)
    if as_json:
        click.echo(json.dumps(report.json(), ensure_ascii=False, indent=2))
        return
    rows = [
        (one.name, *(str(sum(face.state == state for face in one.faces)) for state in _STATES))
        for one in report.pictures
    ]
    click.echo(table(("picture", *_STATES), rows))
    click.echo()
    click.echo(f"faces: {report.counts.in_words()}")


_STATES = ("none", "right", "wrong", "undecided")
