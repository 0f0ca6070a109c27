"""`edge-daemon audit`: look at the room, estimate how well each seat is recognised, and advise on the camera."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.progress import progress
from edge_daemon.cli.table import table
from edge_daemon.errors import StoreError
from edge_daemon.whole_file import replace_file

if TYPE_CHECKING:
    from edge_daemon.app.audit import Audit, Setting

_HEADS = ("row", "seats", "away", "face", "least", "sharp", "light", "found", "hit rate", "register")


@click.command(cls=CommandHelp)
@click.option(
    "--frames",
    type=click.Path(path_type=Path),
    metavar="DIR_OR_VIDEO",
    help="Look at these pictures instead of the camera of the settings.",
)
@click.option("--pictures", type=click.IntRange(1, 50), default=5, show_default=True, help="How many to look at.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.png",
    help="Also write a picture of the room with all seats. Without this nothing is written.",
)
@click.option("--show-faces", is_flag=True, help="Leave faces in OUT.png as they are; without this they are pixelated.")
@click.option(
    "--field-of-view",
    "field_of_view_deg",
    type=click.FloatRange(10, 170),
    help="Horizontal angle of the lens in degrees, for distances. Without it the setting, or 66 (Camera Module 3).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def audit(
    home: Home,
    frames: Path | None,
    pictures: int,
    output: Path | None,
    show_faces: bool,
    field_of_view_deg: float | None,
    as_json: bool,
) -> None:
    """Look at the room once: pixels per face, light, expected recognition, and where to put the camera.

    The audit recognises nobody and needs neither gallery nor key. Exit code 1 means that no face was found, or that the
    camera is mounted upside down or on its side.
    """
    _check(output, show_faces)
    from edge_daemon.app.audit import audit as look  # imported here: OpenCV loads slowly on a Pi
    from edge_daemon.app.audit import draw, png, settings, to_json

    with progress("pictures") as watch:
        done = look(home.config, frames, count=pictures, field_of_view_deg=field_of_view_deg, progress=watch)
    for line in done.unreadable:
        click.echo(f"warning: {line}; left out", err=True)
    if output is not None:
        _write(output, png(draw(done, show_faces=show_faces)))
        click.echo(_warning(output, show_faces), err=True)
    if as_json:
        click.echo(json.dumps(to_json(done, home.config), ensure_ascii=False, indent=2))
    else:
        for line in _lines(done, settings(done, home.config), home):
            click.echo(line)
    click.get_current_context().exit(0 if done.usable else 1)


def _check(output: Path | None, show_faces: bool) -> None:
    """Raise an error for options that can't work, before the audit takes pictures of the room for a minute."""
    if show_faces and output is None:
        raise click.UsageError("--show-faces is about the picture of --output")
    if output is not None and output.suffix.lower() != ".png":
        raise click.BadParameter("name a file that ends in .png", param_hint="--output")
    if output is not None and not output.parent.is_dir():
        raise StoreError("there is no such folder", str(output.parent), "make it first")


def _lines(done: Audit, found: tuple[Setting, ...], home: Home) -> Iterator[str]:
    seats = "1 seat" if done.seats == 1 else f"{done.seats} seats"
    pictures = "1 picture" if done.pictures == 1 else f"{done.pictures} pictures"
    yield f"{seats} with a face in {pictures} of {done.optics.width_px} × {done.optics.height_px} px"
    if done.usable:
        yield ""
        yield table(_HEADS, _rows(done))
        yield ""
        yield "face: mean and least width of the row, in px; light: 0 to 255; distances are estimates."
        yield "hit rate: one capture finds and rightly names the face; register: the verdict of a lesson is right."
        yield "Anyone who is in the room but not in the table was found in none of the pictures."
    yield ""
    for number, advice in enumerate(done.advice, 1):
        yield f"{number}. {advice.text}"
    if found:
        yield ""
        yield f"settings for {home.config_path}:"
        for setting in found:
            value = str(setting.value).lower() if isinstance(setting.value, bool) else f"{setting.value:g}"
            yield f"  [{setting.section}]"
            yield f"  {setting.key} = {value}  # {setting.why}"


def _rows(done: Audit) -> Iterator[tuple[str, ...]]:
    for row in reversed(done.rows):
        yield (
            f"{row.number}",
            f"{len(row.seats)}",
            f"{row.distance_m:.1f} m",
            f"{row.width_px:.0f}",
            f"{row.narrowest_px:.0f}",
            f"{row.sharpness:.2f}",
            f"{row.luma:.0f}",
            *(f"{row.mean(rate):.0%}" for rate in _RATES),
        )


_RATES: tuple[Callable[..., float], ...] = (
    lambda seat: seat.expected.found,
    lambda seat: seat.expected.hit,
    lambda seat: seat.expected.register,
)


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read.

    Raises:
        StoreError: the file can't be written.
    """
    try:
        replace_file(path, data, unique=True)
    except OSError as error:
        raise StoreError(f"can't be written: {error.strerror}", str(path)) from error


def _warning(output: Path, show_faces: bool) -> str:
    if show_faces:
        shown = "WITH THEIR FACES"
    else:
        shown = "; the faces that were found are blanked, but people can be recognised by other features"
    shown = f" {shown}" if show_faces else shown
    return f"PRIVACY: {output} is a picture of the people in the room{shown}. Delete it once the camera is in place."
