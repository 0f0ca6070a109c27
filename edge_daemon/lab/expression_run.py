"""The two commands of the laboratory: train an expression network, and run one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_faces import ExpressionFace, ExpressionReader, over_tracks, read_input
from edge_daemon.lab.expression_figures import examined, lines
from edge_daemon.lab.expression_model import ExpressionModel, Probabilities
from edge_daemon.lab.expression_output import (
    FACES_TABLE,
    TRACKS_TABLE,
    annotated,
    faces_table,
    png,
    tracks_table,
    write_file,
)
from edge_daemon.lab.expression_plots import (
    confusion_picture,
    curve_picture,
    distribution_picture,
    samples_picture,
)
from edge_daemon.lab.expression_training import ExpressionTraining, TrainingPlan, TrainingState
from edge_daemon.lab.fer_pictures import has_split, read_split
from edge_daemon.lab.installation_guard import refuse_installations

Progress = Callable[[int, int], None]

DISTRIBUTION, SAMPLES, CONFUSION, CURVE_PICTURE = "distribution.svg", "samples.png", "confusion.svg", "curve.svg"
"""Pictures about a training, in its folder. The samples show people: they stay on this computer."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """The result of one run."""

    pictures: int
    faces: tuple[ExpressionFace, ...]
    tracks: dict[int, Probabilities]
    """For a video: the mean probabilities of each track, by head."""


def train_expression(
    data: Path, output: Path, plan: TrainingPlan, minutes: float | None, progress: Progress, say: Callable[[str], None]
) -> TrainingState:
    """Train a network on FER2013, or resume an interrupted training, and write it as int8.

    Args:
        data: folder with the splits Training and PublicTest.
        output: the model; `OUTPUT.training/` keeps the state, the curve and pictures about data and result.
        plan: how to train.
        minutes: time after which to stop, so that the same command can resume; None for no limit.
        progress: called with (batches done, batches in all).
        say: called with lines of text.

    Raises:
        LabError: the data is wrong, a folder belongs to an installation or another training, or PyTorch is missing.
    """
    refuse_installations((data, output))
    if not output.parent.is_dir():
        raise LabError("there is no such folder", str(output.parent), "make it first")
    choose = read_split(data, "PublicTest")
    train = read_split(data, "Training").without(choose)
    if has_split(data, "PrivateTest"):
        train = train.without(read_split(data, "PrivateTest"))
    if train.doubles:
        say(f"left out of Training: {train.doubles} pictures that another split has, too")
    folder = output.with_name(f"{output.name}.training")
    training = ExpressionTraining(plan, folder, train, choose)
    write_file(folder / DISTRIBUTION, distribution_picture({"Training": train, "PublicTest": choose}).encode())
    write_file(folder / SAMPLES, png(samples_picture(train)))
    if training.run(minutes, progress, say):
        from edge_daemon.lab.expression_export import export_int8, write_model

        write_model(output, export_int8(training.best_weights(), train.pictures), training.state)
        found = examined(ExpressionModel(output), choose)
        write_file(folder / CONFUSION, confusion_picture(found).encode())
        write_file(folder / CURVE_PICTURE, curve_picture(training.state.curve).encode())
        for line in lines(found):
            say(line)
    return training.state


def run_expression(source: Path, model: Path, output: Path | None, frames: int, progress: Progress) -> Expressions:
    """Run a trained network on a picture, a folder or a video; files are written only to `output`.

    Args:
        source: the input.
        model: the model of `train_expression`.
        output: folder for annotated pictures and tables, made if it is missing; None to write nothing.
        frames: number of frames of a video, spread evenly.
        progress: called with (pictures done, pictures in all).

    Raises:
        LabError: the input is wrong, a folder belongs to an installation, or there is no model.
    """
    refuse_installations((source, model, *(() if output is None else (output,))))
    if output is not None and output.resolve() == source.resolve():
        raise LabError(
            "is the folder of the pictures", str(output), "name another: what is drawn would be read as a picture"
        )
    reader = ExpressionReader(ExpressionModel(model))
    if output is not None:
        try:
            output.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LabError(f"can't be made or used as a folder: {error.strerror}", str(output)) from error
    faces: list[ExpressionFace] = []
    pictures = 0
    for one in read_input(source, reader, frames, progress):
        pictures += 1
        faces += one.faces
        if output is not None:
            write_file(output / f"{one.name}-expression.png", png(annotated(one)))
    tracks = over_tracks(faces)
    if output is not None:
        write_file(output / FACES_TABLE, faces_table(faces))
        if tracks:
            write_file(output / TRACKS_TABLE, tracks_table(tracks))
    return Expressions(pictures, tuple(faces), tracks)
