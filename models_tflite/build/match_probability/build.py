"""Train the network that gives the probability of a match: `python -m models_tflite.build.match_probability.build`.

    python -m models_tflite.build.match_probability.build --data LFW [--cache DIR]

LFW has images/ and images.csv (file, identity), as cut from Labeled Faces in the Wild. A third of the people is held
back by name, and evaluated by `benchmarks.match_confidence`. The same pictures, networks and seeds give the same file
on the same machine. It takes about 15 minutes of one core to read the faces, then 6 minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks import match_cache
from benchmarks.match_faces import names_held_back
from benchmarks.match_trials import trials
from edge_daemon.attendance.evidence.match_probability import new_network
from edge_daemon.neural_network.losses import BinaryCrossEntropy
from edge_daemon.neural_network.training import TrainingSettings, train
from edge_daemon.vision.models import ModelSet, default_models_dir

MODELS = Path(__file__).resolve().parents[2]
LEAST = 4
"""Least number of photographs of a person: up to three are for enrolment, the others for captures."""
CLASSES = 500
RANKS = 2
"""Number of students used for each face, the most similar ones; no other student is ever a candidate."""
SEED = 1
SETTINGS = TrainingSettings(epochs=60, batch_size=256, rate=0.1, weight_decay=3e-4)
NOISE = 0.1
"""Standard deviation of the noise on each feature.

This noise and the weight decay of `SETTINGS` gave the best calibration of tracks among 15 pairs of values. The networks
were trained on 100 people and evaluated on 51 others, none of them held back. There, 60 epochs gave a smaller loss than
20 (0.1829 and 0.1841 nats).
"""


def main() -> int:
    """Write match_probability.npz."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder to cache the faces that were read")
    parser.add_argument("--out", type=Path, default=MODELS)
    arguments = parser.parse_args()
    people = match_cache.read(arguments.data, ModelSet.load(default_models_dir()), LEAST, arguments.cache)
    held_back = names_held_back(sorted(people))
    inputs, targets = examples({name: own for name, own in people.items() if name not in held_back})
    count = len(people) - len(held_back)
    sys.stdout.write(f"{count} people, {len(inputs):,} examples, {targets.mean():.3f} of them right\n")
    random = np.random.default_rng(SEED)
    network = new_network(random)
    losses = train(network, inputs, targets, BinaryCrossEntropy(), SETTINGS, random, augment=with_noise)
    for epoch, loss in enumerate(losses, 1):
        sys.stdout.write(f"epoch {epoch}: {loss:.4f} nats\n")
    network.save(arguments.out / "match_probability.npz")
    return 0


def with_noise(inputs: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return features with random noise."""
    return (inputs + random.normal(0, NOISE, inputs.shape)).astype(np.float32)


def examples(people: match_cache.People) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, features) and whether the student is the right one (n, 1)."""
    inputs, targets = [], []
    for trial in trials(people, CLASSES, np.random.default_rng(SEED)):
        for student in np.argsort(-trial.evidence.scores)[:RANKS]:
            inputs.append(trial.features[student])
            targets.append([student == trial.student])
    return np.array(inputs, np.float32), np.array(targets, np.float32)


if __name__ == "__main__":
    sys.exit(main())
