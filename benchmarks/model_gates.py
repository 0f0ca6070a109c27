"""Checks whether the int8 files are good enough to use, by the gates of models_tflite/README.md.

    python -m benchmarks.model_gates --data DIR --json OUT

With images/ and boxes.csv (file, x, y, w, h) in DIR, the command compares each int8 detector with its float16 file. It
uses every second picture; the others calibrate the files. With images/ and images.csv alone, it compares the int8
embedder with float32 on aligned faces, unchanged and reduced to 28 px, and measures its time. `benchmarks.lfw` measures
the embedder's accuracy on pairs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import command, folder, machine, network, speed_models
from benchmarks.gate_embedder import embedder_gates
from edge_daemon.device import journal
from edge_daemon.types import Picture
from edge_daemon.vision import nms, tiles
from edge_daemon.vision.blazeface import BlazeFace
from edge_daemon.vision.models import ModelCard, ModelSet

_THRESHOLD, _MATCH = 0.5, 0.5
_LEAST_MATCHED, _LEAST_IOU, _MOST_EXTRA = 0.99, 0.95, 0.1
_EACH = 3
_LOOKS = {"look": (0.10, 0.50, 16), "portrait": (0.15, 0.70, 40)}
"""Limits for the height of a face, for each role of the detector.

The first two numbers are the least and the greatest height as a share of the network's input. The third is the least
height in the picture, in pixels.
"""


def main() -> int:
    """Run the command."""
    parser = command.parser(
        "benchmarks.model_gates", "The gates of the int8 files.", "images/, boxes.csv or images.csv"
    )
    parser.add_argument("--faces", type=int, default=400, help="number of faces for the embedder (default 400)")
    return command.run(measure, parser.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the result of each gate: its figures, and `passed`."""
    models = command.models(arguments)
    if (arguments.data / "boxes.csv").exists():
        gates = {f"detector_{kind}": detector_gate(models, kind, arguments.data) for kind in ("sweep", *_LOOKS)}
    else:
        gates = embedder_gates(models, arguments.data, arguments.faces)
        gates["time"] = time_gate(models)
    return {**gates, "measured": machine.described(models)}


def time_gate(models: ModelSet) -> dict[str, object]:
    """Compare the time of the int8 embedder with that of float32, with one thread, in turns."""
    row = speed_models.timed(models, rounds=40)["mobilefacenet-int8"]
    return {**row, "at_most": 0.7, "passed": (row["ratio"] or 9.0) <= 0.7}


def detector_gate(models: ModelSet, kind: str, data: Path) -> dict[str, object]:
    """Compare the int8 detector for a role with the float16 file of the same network on the same pictures."""
    card = models.card(f"detector_{kind}")
    exact = next(c for c in models.cards if c.name == re.sub("int8$", "float16", card.name))
    if network.precision(card.path) != "int8" or exact is card:
        return {"passed": False, "why": f"{card.name} is not int8"}
    ours, theirs = BlazeFace(card), BlazeFace(exact)
    wanted, matched, extra, pictures, overlaps = 0, 0, 0, 0, []
    for picture in samples(kind, card, data):
        a, b = theirs(picture, _THRESHOLD).boxes, ours(picture, _THRESHOLD).boxes
        best = pairwise(a, b)
        wanted, pictures = wanted + len(a), pictures + 1
        near = best.max(1) if best.size else np.zeros(len(a))
        matched += int((near > _MATCH).sum())
        overlaps += list(near[near > _MATCH])
        extra += int((best.max(0) <= _MATCH).sum()) if best.size else len(b)
    shares = {"matched": matched / max(wanted, 1), "mean_iou": float(np.mean(overlaps)), "extra_each": extra / pictures}
    passed = shares["matched"] >= _LEAST_MATCHED and shares["mean_iou"] >= _LEAST_IOU
    return {
        **{key: round(value, 4) for key, value in shares.items()},
        "float_boxes": wanted,
        "pictures": pictures,
        "passed": passed and shares["extra_each"] <= _MOST_EXTRA,
    }


def pairwise(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union (len(a), len(b))."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)), np.float32)
    return np.stack([nms.overlaps(box, b)[0] for box in a])


def samples(kind: str, card: ModelCard, data: Path) -> Iterator[Picture]:
    """Yield pictures of the network's input size: whole tiles for the sweep, otherwise crops around labelled faces."""
    rng, side = np.random.default_rng(2), card.size_px[0]
    boxes: dict[str, list[list[float]]] = {}
    table = data / "boxes.csv"
    for row in folder.rows(table, ("file", "x", "y", "w", "h")):
        boxes.setdefault(row["file"], []).append([folder.number(row, k, table) for k in ("x", "y", "w", "h")])
    for name in sorted(boxes)[1::2]:
        picture = folder.picture(data / "images" / name)
        height, width = picture.shape[:2]
        if kind == "sweep":
            for tile in tiles.grid(width, height, side, 64):
                yield tiles.cut(picture, tile, side)
            continue
        low, high, least_px = _LOOKS[kind]
        faces = [box for box in boxes[name] if box[3] >= least_px]
        for i in rng.permutation(len(faces))[:_EACH]:
            x, y, w, h = faces[i]
            cut = max(h / rng.uniform(low, high), side / 2)
            left, top = (c - cut / 2 + rng.uniform(-0.3, 0.3) * cut for c in (x + w / 2, y + h / 2))
            yield tiles.cut(picture, tiles.Tile(left, top, cut), side)


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
