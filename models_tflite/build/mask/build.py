"""Train the mask network and print its tables: `python -m models_tflite.build.mask.build`.

    python -m models_tflite.build.mask.build --data MASK_VOC --bare WIDER --single FILE --work DIR [--step STEP]

MASK_VOC has images/ and boxes.csv in the form of Kaggle's "Face Mask Detection". WIDER has images/ and boxes.csv in
the form of `benchmarks.wider`, and adds bare faces. FILE has the crops of `single_faces.py`. A third of MASK_VOC's
pictures is held back, by the hash of the file name. The others form five folds. One network for each fold is trained
on the other four folds, and the network that is measured on all five. The shipped network learns from every picture,
in the same way. Half of the crops vary strongly, and some are bare faces with a painted mask or faces with a head in
front of them (`examples.py`). Every step is stored in --work, and an interrupted one continues. Without --step all
steps run, then the measured file is written to --work, the shipped one to --out. The same pictures, versions and
seeds give the same file on the same machine. It takes about 40 minutes of one core, and the backbone a minute or two.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.mask_faces import CLASSES, FOLDS, LARGE_PX
from models_tflite.build.mask import calibration, network, tables
from models_tflite.build.mask.crops import centre
from models_tflite.build.mask.examples import Examples, learned_faces, read_examples

MODELS = Path(__file__).resolve().parents[2]
FILE = "mask_int8.tflite"
SEED = 1
SETTINGS = network.Settings()
RATES = (3e-3, 1e-2, 3e-2)
"""Learning rates of the table: that of `SETTINGS`, a third of it, three times as much."""
RATE_EPOCHS = 40
"""Epochs of each row of the table of learning rates; the whole training has five times as many."""
RATE_FOLD = 1
"""The fold on which learning rates are compared."""
EQUAL_SHARES = (1 / 3, 1 / 3, 1 / 3)
"""Weights of the classes for the linear layer on the backbone."""


def main() -> int:
    """Run the missing steps, or one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bare", type=Path, required=True)
    parser.add_argument("--single", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=MODELS)
    parser.add_argument(
        "--step", help="fold0 to fold4, rate0.003, rate0.01, rate0.03, backbone, final or ship; default: all"
    )
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    cv2.setNumThreads(1)
    arguments.work.mkdir(exist_ok=True)
    examples = read_examples(arguments.data, arguments.bare, arguments.single, arguments.work)
    rates = [f"rate{rate:g}" for rate in RATES]
    steps = [*(f"fold{k}" for k in range(FOLDS)), *rates, "backbone", "final", "ship"]
    for step in [arguments.step] if arguments.step else steps:
        if step == "backbone":
            make_backbone(examples, arguments.work)
        else:
            make_step(step, examples, arguments.work)
    if not arguments.step:
        finish(examples, arguments.work, arguments.out)
    return 0


def make_step(step: str, examples: Examples, work: Path) -> None:
    """Train the network of a step unless it exists, and store the logits of faces that it did not learn from."""
    result = work / f"{step}.npz"
    if result.exists():
        return

    def tell(epoch: int, loss: float) -> None:
        if epoch % 10 == 9:
            sys.stdout.write(f"{step} epoch {epoch + 1}: {loss:.4f} nats\n")
            sys.stdout.flush()

    learned, asked = parts(step, examples)
    settings, seed = SETTINGS, SEED + (step == "ship")
    if step.startswith("rate"):
        settings = replace(SETTINGS, rate=float(step[4:]), epochs=RATE_EPOCHS)
    faces = learned_faces(examples, learned, SEED)
    trained = network.train(faces, settings, seed, tell, work / f"{step}.checkpoint.npz")
    trained.save_weights(work / f"{step}.weights.h5")
    logits = network.logits(trained, centre(examples.wide[asked]))
    np.savez(result, logits=logits, labels=examples.labels[asked], widths_px=examples.widths_px[asked])


def make_backbone(examples: Examples, work: Path) -> None:
    """Fit a linear layer on a pretrained backbone's features, for each fold and the held back faces; store the logits.

    Its weight decay is the one with the best balanced accuracy on fold `RATE_FOLD`.
    """
    result = work / "backbone.npz"
    if result.exists():
        return
    from models_tflite.build.mask import backbone

    weights = backbone.read_weights()
    plain = _cached(work / "backbone_plain.npy", lambda: backbone.features(weights, centre(examples.wide)))
    varied = _cached(work / "backbone_varied.npy", lambda: backbone.varied_features(weights, examples.wide, SEED))
    learned = [plain, varied]

    def logits(step: str, decay: float) -> NDArray[np.float32]:
        of, asked = parts(step, examples)
        return backbone.fitted_logits([one[of] for one in learned], examples.labels[of], plain[asked], decay)

    def balanced(decay: float) -> float:
        asked = parts(f"fold{RATE_FOLD}", examples)[1]
        large, labels = examples.widths_px[asked] >= LARGE_PX, examples.labels[asked]
        right = logits(f"fold{RATE_FOLD}", decay).argmax(1) == labels
        return float(np.mean([right[large & (labels == k)].mean() for k in range(len(CLASSES))]))

    decay = max(backbone.DECAYS, key=balanced)
    steps = [*(f"fold{k}" for k in range(FOLDS)), "final"]
    np.savez(result, decay=decay, **{step: logits(step, decay) for step in steps})


def _cached(path: Path, made: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the array of a file, which is made if it is missing."""
    if not path.exists():
        np.save(path, made())
    return np.load(path)


def parts(step: str, examples: Examples) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the faces that a step learns from, and those on which it is evaluated."""
    if step in ("final", "ship"):
        held_back = examples.where("held_back")
        return np.ones_like(held_back) if step == "ship" else ~held_back, held_back
    number = RATE_FOLD if step.startswith("rate") else int(step.removeprefix("fold"))
    return examples.where("other_folds", number), examples.where("fold", number)


def finish(examples: Examples, work: Path, out: Path) -> None:
    """Calibrate on the folds, write the int8 files, and print the tables."""
    folds = [tables.Scored.load(work / f"fold{k}.npz") for k in range(FOLDS)]
    dev = tables.Scored.joined(folds)
    large = dev.at_least(LARGE_PX)
    fitted = calibration.fit(large.logits, large.labels, SETTINGS.shares)
    measured = written(examples, work, "final", fitted, work / FILE)
    shipped = written(examples, work, "ship", fitted, out / FILE)
    held = examples.where("held_back")
    asked, labels, widths = centre(examples.wide[held]), examples.labels[held], examples.widths_px[held]
    float32 = tables.Scored.load(work / "final.npz").calibrated(fitted)
    int8 = tables.Scored(network.int8_logits(measured, asked), labels, widths)
    say(f"settings {json.dumps(asdict(SETTINGS))}, seed {SEED},")
    say("without the pictures that are held back: that one is measured; and with all: that one is shipped")
    say(f"calibration of the folds {json.dumps(asdict(fitted))}; {len(shipped)} bytes\n")
    rows = {f"fold {k}": one.calibrated(fitted) for k, one in enumerate(folds)}
    rows |= {"five folds": dev.calibrated(fitted), "held back, float": float32, "held back, int8": int8}
    for line in tables.classes_table({name: one.at_least(LARGE_PX) for name, one in rows.items()}):
        say(line)
    say("")
    for line in tables.classes_table(
        rate_rows(work, fitted), head=f"learning rate, {RATE_EPOCHS} epochs, fold {RATE_FOLD}"
    ):
        say(line)
    say("")
    for line in backbone_table(examples, work):
        say(line)


def written(examples: Examples, work: Path, step: str, fitted: calibration.Calibration, path: Path) -> bytes:
    """Write a step's network as an int8 file, and return its bytes."""
    trained = network.new_network()
    trained.load_weights(work / f"{step}.weights.h5")
    network.calibrate(trained, fitted)
    crops = centre(examples.wide[examples.where("dev")])
    content = network.int8(trained, crops[:: max(len(crops) // 300, 1)])
    path.write_bytes(content)
    return content


def rate_rows(work: Path, fitted: calibration.Calibration) -> dict[str, tables.Scored]:
    """Return the faces of one fold with their logits, for each learning rate."""
    found = {f"{rate:g}": tables.Scored.load(work / f"rate{rate:g}.npz") for rate in RATES}
    return {rate: one.calibrated(fitted).at_least(LARGE_PX) for rate, one in found.items()}


def backbone_table(examples: Examples, work: Path) -> Iterator[str]:
    """Yield the lines of the table of the pretrained backbone."""
    with np.load(work / "backbone.npz") as found:
        decay, logits = float(found["decay"]), {step: found[step] for step in found.files if step != "decay"}
    scored = {}
    for step, one in logits.items():
        asked = parts(step, examples)[1]
        scored[step] = tables.Scored(one, examples.labels[asked], examples.widths_px[asked])
    held_back = scored.pop("final")
    folds = tables.Scored.joined(list(scored.values()))
    large = folds.at_least(LARGE_PX)
    fitted = calibration.fit(large.logits, large.labels, EQUAL_SHARES)
    rows = {"five folds": folds, "held back": held_back}
    rows = {name: one.calibrated(fitted).at_least(LARGE_PX) for name, one in rows.items()}
    yield from tables.classes_table(rows, head=f"EfficientNet-Lite0, linear layer, weight decay {decay:g}")


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
