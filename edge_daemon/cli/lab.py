"""`edge-daemon lab`: experiments outside all lessons (docs/LAB.md); no other module imports `edge_daemon/lab`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.cli.progress import progress
from edge_daemon.cli.table import table
from edge_daemon.errors import LabError
from edge_daemon.home import Home

_FRAMES = 100


@click.group(cls=GroupHelp)
@click.pass_context
def lab(ctx: click.Context) -> None:
    """Run experiments that must never be part of a lesson."""
    home = ctx.find_object(Home)
    if home is not None and home.home_mode:
        raise LabError(
            "the laboratory does not work with an installation", "--home", "leave out --home and unset EDGE_DAEMON_HOME"
        )


@lab.group()
def train() -> None:
    """Train a network on a data set that you have."""


@train.command("expression")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FER_DIR",
    help="FER2013: Training.zip and PublicTest.zip, or the folders that they contain.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="MODEL",
    help="The model to write, a .tflite file. MODEL.training/ keeps the state and the curve.",
)
@click.option(
    "--epochs", type=click.IntRange(1, 1000), default=60, show_default=True, metavar="N", help="Largest number."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, metavar="N")
@click.option(
    "--width",
    type=click.IntRange(4, 48),
    default=16,
    show_default=True,
    metavar="N",
    help="Filters of the first layer.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 100_000),
    metavar="M",
    help="Stop after the epoch in which this time ends; the same command resumes the training.",
)
def train_expression_command(
    data: Path, output: Path, epochs: int, seed: int, width: int, minutes: float | None
) -> None:
    """Train CNN and BiLSTM on FER2013, or resume an interrupted training.

    Weights trained on FER2013 are for research only: its licence allows no use in a product.
    """
    from edge_daemon.lab.expression_run import train_expression
    from edge_daemon.lab.expression_training import TrainingPlan
    from edge_daemon.lab.law import NOTICE

    click.echo(NOTICE, err=True)
    with progress("batches") as watch:
        state = train_expression(
            data, output, TrainingPlan(epochs=epochs, seed=seed, width=width), minutes, watch, click.echo
        )
    if not state.ended:
        click.echo(f"stopped after epoch {state.epoch} of {epochs}; the same command resumes it")
        return
    click.echo(f"ended: {state.ended}; the best epoch was {state.best_epoch}; {state.seconds / 60:.1f} minutes")
    click.echo(f"wrote {output} and {output.name}.json; the curve is in {output.name}.training/curve.csv")


@lab.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="INPUT")
@click.option(
    "--model", required=True, type=click.Path(path_type=Path), metavar="MODEL", help="The model of `lab train`."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write annotated PNG pictures, expression.csv and, for a video, tracks.csv. Delete them after use.",
)
@click.option(
    "--frames",
    type=click.IntRange(1, 100_000),
    default=_FRAMES,
    show_default=True,
    metavar="N",
    help="For a video: look at this many frames, spread evenly.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def expression(source: Path, model: Path, output: Path | None, frames: int, as_json: bool) -> None:
    """Print which label of FER2013 a network gives to each face of a picture, a folder or a video."""
    from edge_daemon.lab.expression_faces import word
    from edge_daemon.lab.expression_output import to_json
    from edge_daemon.lab.expression_run import run_expression
    from edge_daemon.lab.law import NOTICE

    with progress("pictures") as watch:
        found = run_expression(source, model, output, frames, watch)
    if output is not None:
        click.echo(f"PRIVACY: {output} has pictures of people WITH THEIR FACES. Delete them after use.", err=True)
    if as_json:
        click.echo(json.dumps(to_json(found.pictures, found.faces, found.tracks), ensure_ascii=False, indent=2))
        return
    click.echo(NOTICE)
    click.echo()
    if found.tracks:
        heads = ("track", "label, mean over the track", "", "BiLSTM alone", "")
        rows = [(str(track), *_cell(word(mean)), *_cell(word(mean, "bilstm"))) for track, mean in found.tracks.items()]
    else:
        heads = ("picture", "label", "", "BiLSTM alone", "")
        rows = [
            (face.picture, *_cell(word(face.probabilities)), *_cell(word(face.probabilities, "bilstm")))
            for face in found.faces
        ]
    click.echo(table(heads, rows) if rows else "no face was found")


def _cell(found: tuple[str, float]) -> tuple[str, str]:
    label, probability = found
    return label, f"{probability:.2f}"
