"""Measures at which light faces are no longer found, for the limits in `edge_daemon/camera/exposure_check.py`.

    python -m benchmarks.camera_light FOLDER_OR_PICTURE [--json OUT]

The command takes pictures of a room and changes their light by whole stops. It models a sensor: linear light, shot and
read noise, a gain of up to 16 against the dark, and clipping. Then it counts the faces that are still found.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from edge_daemon.camera.exposure_check import WHITE_FROM, contrast_of, fault_of, sampled
from edge_daemon.camera.files import PICTURE_SUFFIXES, read_picture
from edge_daemon.types import Picture
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector

STOPS = (-14, -13, -12, -11, -10, -9, -8, -7, -6, -4, -2, 0, 1, 2, 3, 4, 5)
MAX_GAIN = 16.0
FULL_WELL_ELECTRONS = 4300
"""Electrons that a pixel of 1.4 um can hold, as in the sensor IMX708; its read noise is about 3 electrons."""
READ_NOISE_ELECTRONS = 3.0


def exposed(picture: Picture, stops: float, random: np.random.Generator) -> Picture:
    """Return the picture as a sensor would take it with more or less light, at the longest exposure."""
    gain = float(np.clip(2.0**-stops, 1, MAX_GAIN))
    electrons = (picture.astype(np.float32) / 255) ** 2.2 * np.float32(2.0**stops * FULL_WELL_ELECTRONS)
    electrons = np.minimum(electrons, FULL_WELL_ELECTRONS / gain)
    noise = random.standard_normal(picture.shape, dtype=np.float32)
    electrons += noise * np.sqrt(electrons + np.float32(READ_NOISE_ELECTRONS**2))
    signal = np.clip(electrons * np.float32(gain / FULL_WELL_ELECTRONS), 0, 1)
    return (signal ** np.float32(1 / 2.2) * 255).round().astype(np.uint8)


def light_of(picture: Picture) -> dict[str, float | str]:
    """Return the figures that the assessment uses, and the assessment."""
    part = sampled(picture)
    return {
        "mean": round(float(part.mean()), 1),
        "brightest_99": float(np.percentile(part.max(axis=2), 99)),
        "contrast": round(contrast_of(part[..., 1]), 1),
        "white_share": round(float((part.min(axis=2) >= WHITE_FROM).mean()), 3),
        "fault": fault_of(picture),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--pictures", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    source: Path = arguments.source
    paths = [source] if source.is_file() else sorted(p for p in source.iterdir() if p.suffix in PICTURE_SUFFIXES)
    detect = Detector(ModelSet.load(default_models_dir()), threads=1, embed=False)
    random = np.random.default_rng(1)
    rows = []
    for path in paths[: arguments.pictures]:
        picture = read_picture(path)
        for stops in STOPS:
            darker = exposed(picture, stops, random)
            rows.append({"picture": path.name, "stops": stops, "faces": len(detect(darker)), **light_of(darker)})
            print(rows[-1], flush=True)
    black = exposed(np.zeros_like(picture), -9, random)
    rows.append({"picture": "covered lens", "stops": -9, "faces": len(detect(black)), **light_of(black)})
    print(rows[-1])
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"opencv": cv2.__version__, "rows": rows}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
