"""Collect training crops: `python -m models_tflite.build.verifier.crops`, in the program's own environment.

    python -m models_tflite.build.verifier.crops --wider DIR --masks DIR --faces LFW --mask-crops DIR --out FILE.npz
        [--cache DIR]

The folders have images/ and a table. --wider: boxes.csv (file, x, y, w, h, invalid, occlusion, pose). --masks:
boxes.csv (file, label, xmin, ymin, xmax, ymax). --faces: images.csv (file, identity). --mask-crops: labels.csv (file,
label). The pictures are stored only as crops in FILE and in the cache.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2

from edge_daemon.vision.models import ModelSet, default_models_dir
from models_tflite.build.verifier import labelled, portraits, samples
from models_tflite.build.verifier.candidates import Finder
from models_tflite.build.verifier.split import for_fitting, held_back, person_held_back


def main() -> int:
    """Write FILE."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--wider", "--masks", "--faces", "--mask-crops", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder for the detectors' candidates")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    models = ModelSet.load(default_models_dir())
    scenes = labelled.Scenes(models, Finder(models, arguments.cache))
    found, held = [], []
    for picture in labelled.wider(arguments.wider) + labelled.masks(arguments.masks):
        own = scenes.samples(picture)
        found += own
        name = picture.path.name
        held += [held_back(name) or for_fitting(name)] * len(own)
    sys.stdout.write(f"{len(found)} crops of labelled pictures\n")
    backgrounds = [s.crop for s, kept in zip(found, held, strict=True) if not s.face and not kept]
    reader = portraits.Portraits(models, backgrounds)
    for path, identity in portraits.people(arguments.faces):
        own = reader.samples(path, samples.UNKNOWN)
        found += own
        held += [person_held_back(identity)] * len(own)
    for path, visible in portraits.mask_crops(arguments.mask_crops):
        own = reader.samples(path, visible)
        found += own
        held += [held_back(path.name)] * len(own)
    samples.save(arguments.out, found, held)
    sys.stdout.write(f"{len(found)} crops, {sum(s.face for s in found)} of faces, {sum(held)} held back\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
