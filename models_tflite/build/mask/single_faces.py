"""Wide crops of pictures with one face, with or without a mask, in the program's own environment.

    python -m models_tflite.build.mask.single_faces --data MASK_CROPS --out FILE.npz

MASK_CROPS has images/ and labels.csv (file, label: with_mask or without_mask). Faces may fill their picture, so the
picture gets a rim before the program looks for the face. Pictures with no found face, or with several, are left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import folder
from benchmarks.mask_faces import CLASSES, LABELS
from edge_daemon.device import journal
from edge_daemon.types import Picture
from edge_daemon.vision.analysers.aligned_face import CropShape, aligned_face
from edge_daemon.vision.models import ModelSet, default_models_dir
from edge_daemon.vision.pipeline import Detector
from models_tflite.build.mask.crops import ROOM, WIDE

_RIM = 0.6
"""Rim on each side, as a share of the picture's longer side."""
_OWN_WIDE = CropShape(WIDE.side_px, 1.3 * ROOM, 0.15)
"""The wide crop around a box of the program, as the shipped network learned from it.

It is a little smaller and lower than the crop that the program reads today (`analysers/mask.py`).
"""


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detect = Detector(ModelSet.load(default_models_dir()), threads=1, embed=False)
    crops, labels = [], []
    for row in folder.rows(arguments.data / "labels.csv", ("file", "label")):
        crop = wide_crop(detect, folder.picture(arguments.data / "images" / row["file"]))
        if crop is not None:
            crops.append(crop)
            labels.append(CLASSES.index(LABELS[row["label"]]))
    np.savez_compressed(arguments.out, wide=np.stack(crops), labels=np.array(labels, np.int64))
    sys.stdout.write(f"{len(crops)} faces: {np.bincount(labels, minlength=len(CLASSES)).tolist()}\n")
    return 0


def wide_crop(detect: Detector, picture: Picture) -> NDArray[np.uint8] | None:
    """Return the wide crop of the only face of a picture in RGB; None if there is none, or several."""
    rim = round(_RIM * max(picture.shape[:2]))
    with_rim = np.asarray(cv2.copyMakeBorder(picture, rim, rim, rim, rim, cv2.BORDER_REPLICATE), np.uint8)
    found = detect(with_rim)
    if len(found) != 1:
        return None
    return aligned_face(with_rim, found[0].box, None, _OWN_WIDE).crop[..., ::-1]


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
