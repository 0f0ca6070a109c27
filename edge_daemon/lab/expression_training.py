"""Trains the expression networks. A training is seeded, can resume after each epoch, and ends if nothing improves.

The folder MODEL.training beside the model keeps the state of an interrupted training, and its curve.
"""

from __future__ import annotations

import csv
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX
from edge_daemon.lab.fer_pictures import LabelledPictures

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

CURVE = "curve.csv"
STATE = "state.json"
WEIGHTS = "weights.npz"
CURVE_HEADS = ("epoch", "seconds", "loss", *(f"accuracy_{head}" for head in HEADS), "balanced_cnn_bilstm")
_SHIFT_PX, _SCALE, _TURN_DEG = 3.5, 0.1, 12.0
_CUT_SHARE = 0.3
_AVERAGE = 0.998
_WARM_UP_EPOCHS = 1.0


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train a network; the same plan, seed and data give the same network on the same machine."""

    epochs: int = 60
    seed: int = 1
    batch_size: int = 128
    rate: float = 2e-3
    """Highest learning rate of AdamW; it rises for one epoch and falls to zero on a cosine."""
    weight_decay: float = 1e-3
    smoothing: float = 0.1
    width: int = 24
    patience: int = 12
    """The training ends after this many epochs in a row without improvement."""


@dataclass(slots=True)
class TrainingState:
    """The state of a training."""

    plan: TrainingPlan
    epoch: int = 0
    """Number of finished epochs."""
    seconds: float = 0.0
    best: float = -1.0
    best_epoch: int = 0
    ended: str = ""
    """Why the training has ended; empty while it goes on."""
    curve: list[list[float]] = field(default_factory=list)


class ExpressionTraining:
    """One training, from its first epoch or from an interruption on.

    Args:
        plan: how to train.
        folder: folder for its state; made if it is missing.
        train: pictures to learn from.
        choose: pictures that decide which epoch is the best.

    Raises:
        LabError: the folder has a training with another plan, or one that can't be read; Keras is not installed.
    """

    def __init__(self, plan: TrainingPlan, folder: Path, train: LabelledPictures, choose: LabelledPictures) -> None:
        self._keras, self._tf = import_keras()
        from edge_daemon.lab.expression_network import new_network

        self._folder, self._train, self._choose = folder, train, choose
        self.state = _opened(plan, folder)
        self._keras.utils.set_random_seed(plan.seed)
        self.network = new_network(plan.width)
        self._optimizer = self._keras.optimizers.AdamW(plan.rate, weight_decay=plan.weight_decay)
        self._optimizer.build(self.network.trainable_variables)
        self._mean: list[Any] = self.network.get_weights()
        self._best: list[Any] = self._mean
        self._steps_an_epoch = math.ceil(len(train.labels) / plan.batch_size)
        if self.state.epoch:
            self._load()
        self._step = self._tf.function(self._one_step)

    def run(self, minutes: float | None, progress: Callable[[int, int], None], say: Callable[[str], None]) -> bool:
        """Train until the plan's last epoch, until nothing improves, or until the time is over.

        Args:
            minutes: time after which no further epoch begins; None for no limit.
            progress: called with (batches done, batches in all).
            say: called with a line for each epoch.

        Returns:
            Whether the training is complete; if not, the same command resumes it.
        """
        begun_s, plan = time.monotonic(), self.state.plan
        total = plan.epochs * self._steps_an_epoch
        while not self.state.ended:
            if minutes is not None and time.monotonic() - begun_s > 60 * minutes:
                return False
            progress(self.state.epoch * self._steps_an_epoch, total)
            self._epoch(lambda step: progress(self.state.epoch * self._steps_an_epoch + step, total))
            say(self._line())
            self._save()
        self.network.set_weights(self._best)
        return True

    def _epoch(self, progress: Callable[[int], None]) -> None:
        state, plan, begun_s = self.state, self.state.plan, time.monotonic()
        random = np.random.default_rng((plan.seed, state.epoch))
        self._seed_dropout()
        order = random.permutation(len(self._train.labels))
        weights = class_weights(self._train.labels)
        losses = []
        for step in range(self._steps_an_epoch):
            chosen = order[step * plan.batch_size : (step + 1) * plan.batch_size]
            pictures = np.stack([varied(self._train.pictures[i], random) for i in chosen])
            labels = self._train.labels[chosen]
            self._optimizer.learning_rate.assign(self._rate(state.epoch * self._steps_an_epoch + step))
            loss = self._step(as_input(pictures), np.eye(len(CLASSES), dtype=np.float32)[labels], weights[labels])
            losses.append(float(loss))
            self._average(state.epoch * self._steps_an_epoch + step)
            progress(step + 1)
        accuracies, balanced = self._examine()
        state.epoch += 1
        state.seconds += time.monotonic() - begun_s
        state.curve.append(
            [state.epoch, round(state.seconds, 1), round(float(np.mean(losses)), 5), *accuracies, balanced]
        )
        self._judge(accuracies[HEADS.index("cnn_bilstm")] + balanced)

    def _seed_dropout(self) -> None:
        """Make this epoch's dropout depend only on the plan's seed and the epoch, even after an interruption."""
        weights = {id(weight) for weight in self.network.weights}
        states = [variable for variable in self.network.variables if id(variable) not in weights]
        for number, variable in enumerate(states):
            variable.assign([self.state.plan.seed, 1000 * self.state.epoch + number])

    def _judge(self, score: float) -> None:
        state, plan = self.state, self.state.plan
        if score > state.best:
            state.best, state.best_epoch = score, state.epoch
            self._best = [np.copy(one) for one in self._mean]
        if state.epoch >= plan.epochs:
            state.ended = "the plan's last epoch"
        elif state.epoch - state.best_epoch >= plan.patience:
            state.ended = f"no better for {plan.patience} epochs"

    def _one_step(self, pictures: Any, labels: Any, weights: Any) -> Any:
        plan = self.state.plan
        soft = labels * (1 - plan.smoothing) + plan.smoothing / len(CLASSES)
        with self._tf.GradientTape() as tape:
            logits = self.network(pictures, training=True)
            loss = sum(
                self._tf.reduce_mean(
                    self._tf.nn.softmax_cross_entropy_with_logits(soft, logits[:, k : k + len(CLASSES)]) * weights
                )
                for k in range(0, len(HEADS) * len(CLASSES), len(CLASSES))
            )
        variables = self.network.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    def _rate(self, step: int) -> float:
        plan = self.state.plan
        warm, total = _WARM_UP_EPOCHS * self._steps_an_epoch, plan.epochs * self._steps_an_epoch
        if step < warm:
            return plan.rate * (step + 1) / warm
        return plan.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(total - warm, 1)))

    def _average(self, step: int) -> None:
        """Update the running mean of the weights, which is more accurate than the latest weights."""
        keep = min(_AVERAGE, (1 + step) / (10 + step))
        for mean, weight in zip(self._mean, self.network.get_weights(), strict=True):
            mean *= keep
            mean += (1 - keep) * weight

    def _examine(self) -> tuple[list[float], float]:
        """Return the accuracy of each head with the averaged weights, and the mean recall of the last head."""
        current = self.network.get_weights()
        self.network.set_weights(self._mean)
        logits = self.network.predict(as_input(self._choose.pictures), batch_size=512, verbose=0)
        self.network.set_weights(current)
        labels = self._choose.labels
        picked = logits.reshape(len(labels), len(HEADS), len(CLASSES)).argmax(-1)
        accuracies = [round(float((picked[:, k] == labels).mean()), 5) for k in range(len(HEADS))]
        last = picked[:, HEADS.index("cnn_bilstm")]
        recalls = [(last[labels == k] == k).mean() for k in range(len(CLASSES)) if (labels == k).any()]
        return accuracies, round(float(np.mean(recalls)), 5)

    def _line(self) -> str:
        epoch, seconds, loss, *rates = self.state.curve[-1]
        words = ", ".join(f"{name} {rate:.3f}" for name, rate in zip(CURVE_HEADS[3:], rates, strict=True))
        return f"epoch {epoch:.0f} of {self.state.plan.epochs}: loss {loss:.3f}, {words}, {seconds / 60:.1f} minutes"

    def _save(self) -> None:
        arrays = {
            **{f"weight_{i}": one for i, one in enumerate(self.network.get_weights())},
            **{f"mean_{i}": one for i, one in enumerate(self._mean)},
            **{f"best_{i}": one for i, one in enumerate(self._best)},
            **{f"optimizer_{i}": np.asarray(one) for i, one in enumerate(self._optimizer.variables)},
        }
        partial = self._folder / f".{WEIGHTS}"
        with partial.open("wb") as file:
            np.savez(file, epoch=self.state.epoch, **arrays)
        partial.replace(self._folder / WEIGHTS)
        with (self._folder / CURVE).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([CURVE_HEADS, *self.state.curve])
        partial = self._folder / f".{STATE}"
        partial.write_text(json.dumps(asdict(self.state), indent=1) + "\n", encoding="utf-8")
        partial.replace(self._folder / STATE)

    def _load(self) -> None:
        try:
            with np.load(self._folder / WEIGHTS) as arrays:
                if int(arrays["epoch"]) != self.state.epoch:
                    raise ValueError("the weights are of another epoch")
                count = len(self._mean)
                self.network.set_weights([arrays[f"weight_{i}"] for i in range(count)])
                self._mean = [arrays[f"mean_{i}"].copy() for i in range(count)]
                self._best = [arrays[f"best_{i}"].copy() for i in range(count)]
                for i, variable in enumerate(self._optimizer.variables):
                    variable.assign(arrays[f"optimizer_{i}"])
        except (OSError, KeyError, ValueError) as error:
            raise LabError("is no state from which a training can resume", str(self._folder), _AFRESH) from error


_AFRESH = "remove the folder, then the training starts again"


def import_keras() -> tuple[Any, Any]:
    """Return the modules keras and tensorflow.

    Raises:
        LabError: the extra is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import keras
        import tensorflow
    except ImportError as error:
        raise LabError(
            "training needs Keras and TensorFlow", hint="in this program's folder: pip install '.[lab]'"
        ) from error
    return keras, tensorflow


def _opened(plan: TrainingPlan, folder: Path) -> TrainingState:
    path = folder / STATE
    try:
        folder.mkdir(exist_ok=True)
        if not path.exists():
            return TrainingState(plan)
        found = json.loads(path.read_text(encoding="utf-8"))
        state = TrainingState(**{**found, "plan": TrainingPlan(**found["plan"])})
    except OSError as error:
        raise LabError(f"can't be made or read: {error.strerror}", str(folder)) from error
    except (ValueError, TypeError, KeyError) as error:
        raise LabError("is no state from which a training can resume", str(path), _AFRESH) from error
    if state.plan != plan:
        was = ", ".join(f"{key} {value}" for key, value in asdict(state.plan).items() if value != getattr(plan, key))
        raise LabError(f"has a training with another plan ({was})", str(folder), f"give the same options, or {_AFRESH}")
    return state


def class_weights(labels: NDArray[np.int64]) -> Floats:
    """Return the weight of an error by class: the square root of its rarity, with a mean of 1 over all pictures."""
    counts = np.maximum(np.bincount(labels, minlength=len(CLASSES)), 1)
    weights = 1 / np.sqrt(counts)
    return np.asarray(weights / (weights * counts).sum() * counts.sum(), np.float32)


def as_input(pictures: Bytes) -> Floats:
    """Return grey pictures (n, 48, 48) as input of the networks: (n, 48, 48, 1), -1 to 1."""
    return ((pictures.astype(np.float32) - 127.5) / 127.5)[..., None]


def varied(picture: Bytes, random: np.random.Generator) -> Bytes:
    """Return a randomly changed picture: rotated, shifted, scaled, mirrored, with other light and a covered part."""
    angle, scale = np.radians(random.uniform(-_TURN_DEG, _TURN_DEG)), np.exp(random.uniform(-_SCALE, _SCALE))
    mirror = -1.0 if random.random() < 0.5 else 1.0
    turn = scale * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    middle = (SIDE_PX - 1) / 2
    shift = middle - turn @ [middle, middle] + random.uniform(-_SHIFT_PX, _SHIFT_PX, 2)
    moved = cv2.warpAffine(
        picture, np.hstack([turn, shift[:, None]]), (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE
    )
    lit = cv2.convertScaleAbs(moved, alpha=random.uniform(0.75, 1.25), beta=random.uniform(-20, 20))
    if random.random() < 0.3:
        side = int(random.uniform(0.1, _CUT_SHARE) * SIDE_PX)
        top, left = random.integers(0, SIDE_PX - side, 2)
        lit[top : top + side, left : left + side] = random.integers(0, 256)
    return np.asarray(lit, np.uint8)
