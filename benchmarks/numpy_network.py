"""Checks whether the network in NumPy learns handwritten digits, and its derivatives against finite differences.

    python -m benchmarks.numpy_network --data mnist_5k.csv.gz --json OUT [--curves PICTURE.svg] [--epochs N]

`plain` is 784-128-64-10 with ReLU and softmax. `best` has two convolutions with pooling, dropout and weight decay. It
sees each picture shifted by up to 2 pixels. Both are trained from three seeds. No choice depends on the test digits:
the number of epochs is fixed, and the weights after the last epoch count.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import command, digits, machine
from benchmarks.learning_curves import drawn
from benchmarks.rates import Rate
from edge_daemon.neural_network.activations import ReLU, Sigmoid, Softmax, Tanh
from edge_daemon.neural_network.convolution import Convolution, MaxPooling
from edge_daemon.neural_network.dense import Dense, Dropout, Flatten
from edge_daemon.neural_network.gradient_check import gradient_error
from edge_daemon.neural_network.layer import Array, Layer
from edge_daemon.neural_network.losses import CrossEntropy
from edge_daemon.neural_network.network import Network
from edge_daemon.neural_network.training import TrainingSettings, train

SEEDS = (1, 2, 3)
_SHIFT_PX = 2


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.numpy_network", "A network from scratch in NumPy, on digits.", "the digits")
    arguments.add_argument("--curves", type=Path, metavar="PICTURE.svg", help="file for the learning curves")
    arguments.add_argument("--epochs", type=int, default=20, help="number of epochs (default: 20)")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure, return the results for the JSON file, and draw the curves if a file is given."""
    trained, examined = digits.read(arguments.data)
    networks: dict[str, Callable[[np.random.Generator], Network]] = {"plain": plain, "best": best}
    curve: list[dict[str, object]] = []
    found: dict[str, object] = {"gradient_error": gradient_errors()}
    for name, make in networks.items():
        rates = [learned(name, make, seed, arguments.epochs, trained, examined, curve) for seed in SEEDS]
        found[name] = {
            "seeds": [rate.hits / rate.n for rate in rates],
            "mean": round(sum(rate.hits / rate.n for rate in rates) / len(rates), 5),
            "rates": [rate.json() for rate in rates],
            "parameters": sum(p.value.size for p in make(np.random.default_rng(0)).parameters),
        }
    if arguments.curves:
        arguments.curves.write_text(drawn(curve, list(networks)), encoding="utf-8")
    return {
        **found,
        "curve": curve,
        "epochs": arguments.epochs,
        "trained_on": len(trained.labels),
        "examined": len(examined.labels),
        "measured": machine.described(command.models(arguments)),
    }


def plain(random: np.random.Generator) -> Network:
    """Return the network with fully connected layers, 784-128-64-10."""
    return Network([Flatten(), Dense(784, 128, random), ReLU(), Dense(128, 64, random), ReLU(), Dense(64, 10, random)])


def best(random: np.random.Generator) -> Network:
    """Return the network with two convolutions and two fully connected layers."""
    return Network(
        [
            Convolution(1, 8, 5, random, padding=2),
            ReLU(),
            MaxPooling(2),
            Convolution(8, 16, 5, random, padding=2),
            ReLU(),
            MaxPooling(2),
            Flatten(),
            Dense(7 * 7 * 16, 64, random),
            ReLU(),
            Dropout(0.3, random),
            Dense(64, 10, random),
        ]
    )


def learned(
    name: str,
    make: Callable[[np.random.Generator], Network],
    seed: int,
    epochs: int,
    trained: digits.Digits,
    examined: digits.Digits,
    curve: list[dict[str, object]],
) -> Rate:
    """Train one network and add each epoch to the curve; return the share of right answers after the last epoch."""
    random = np.random.default_rng(seed)
    network = make(random)
    careful = name == "best"
    settings = TrainingSettings(epochs, rate=0.03, weight_decay=1e-3 if careful else 0.0)
    losses = train(
        network,
        trained.pictures,
        trained.one_hot(),
        CrossEntropy(),
        settings,
        random,
        augment=shifted if careful else None,
    )
    rate = Rate(0, len(examined.labels))
    for epoch, loss in enumerate(losses, 1):
        right = network.predict(examined.pictures).argmax(axis=1) == examined.labels
        rate = Rate(int(right.sum()), len(right))
        curve.append(
            {"network": name, "seed": seed, "epoch": epoch, "loss": round(loss, 5), "right": rate.hits / rate.n}
        )
        command.progress(epoch, epochs, f"{name}, seed {seed}: epoch")
    return rate


def shifted(pictures: Array, random: np.random.Generator) -> Array:
    """Return each picture shifted by up to 2 pixels in both directions; new pixels are black."""
    padded = np.pad(pictures, ((0, 0), (_SHIFT_PX, _SHIFT_PX), (_SHIFT_PX, _SHIFT_PX), (0, 0)))
    height, width = pictures.shape[1:3]
    places = random.integers(0, 2 * _SHIFT_PX + 1, (len(pictures), 2))
    return np.stack([p[y : y + height, x : x + width] for p, (y, x) in zip(padded, places, strict=True)])


class _SameEachTime(np.random.Generator):
    """Returns the same numbers at every call, so that dropout always chooses the same units."""

    def random(self, size: object = None) -> Array:  # type: ignore[override]
        """Return the first numbers of seed 0."""
        numbers: Array = np.random.default_rng(0).random(size)  # type: ignore[call-overload]
        return numbers


def gradient_errors() -> dict[str, float]:
    """Return the largest error of the derivatives of each layer and of the loss."""
    random = np.random.default_rng(0)
    pictures = random.normal(size=(2, 7, 6, 3))
    rows = random.normal(size=(4, 5))
    exact = np.float64
    layers: dict[str, tuple[Layer, Array]] = {
        "dense": (Dense(5, 3, random, exact), rows),
        "convolution": (Convolution(3, 2, 3, random, dtype=exact), pictures),
        "convolution, padding 2": (Convolution(3, 2, 3, random, padding=2, dtype=exact), pictures),
        "convolution, padding 1, stride 2": (Convolution(3, 2, 3, random, padding=1, stride=2, dtype=exact), pictures),
        "max pooling": (MaxPooling(2), pictures),
        "flatten": (Flatten(), pictures),
        "dropout": (Dropout(0.4, _SameEachTime(np.random.PCG64())), rows),
        "sigmoid": (Sigmoid(), rows),
        "tanh": (Tanh(), rows),
        "relu": (ReLU(), rows),
        "softmax": (Softmax(), rows),
    }
    return {name: gradient_error(layer, inputs, random) for name, (layer, inputs) in layers.items()}


if __name__ == "__main__":
    sys.exit(main())
