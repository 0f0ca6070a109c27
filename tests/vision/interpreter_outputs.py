"""Runs all networks, and the whole detector, on given pictures; for the Python of another environment.

python -m tests.vision.interpreter_outputs PICTURES.npz OUTPUTS.npz
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from edge_daemon.vision.interpreter import Model, runtime_name
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector


def outputs(portrait: np.ndarray, room: np.ndarray) -> dict[str, np.ndarray]:
    models = ModelSet.load(default_models_dir())
    found = {"runtime": np.array(runtime_name())}
    for card in models.cards:
        model = Model(card.path)
        if len(model.input_shape) == 4:
            rgb = cv2.resize(portrait[..., ::-1].copy(), card.size_px[::-1], interpolation=cv2.INTER_NEAREST)
            given = card.encode(rgb)
        else:  # points of a face instead of pixels
            given = portrait.ravel()[: np.prod(model.input_shape)].reshape(model.input_shape[1:]).astype(np.float32)
        for number, output in enumerate(model(given)):
            found[f"{card.name}/{number}"] = output
    for precision in ("float16", "int8"):  # named, for which one suits an interpreter is another matter
        faces = Detector(models.with_detectors(precision).with_embedder(precision), threads=1)(room)
        faces.sort(key=lambda face: face.box.x)
        found[f"boxes/{precision}"] = np.array([[f.box.x, f.box.y, f.box.w, f.box.h] for f in faces])
        found[f"vectors/{precision}"] = np.array([f.embedding for f in faces])
    return found


if __name__ == "__main__":
    with np.load(sys.argv[1]) as given:
        np.savez(sys.argv[2], **outputs(given["portrait"], given["room"]))
