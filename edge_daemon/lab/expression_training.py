"""Trains the expression networks. A training is seeded, can resume after each epoch, and ends if nothing improves.

The folder MODEL.training beside the model keeps the state of an interrupted training, and its curve.
"""

from __future__ import annotations

import csv
import math
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_daemon.errors import LabError
from edge_daemon.lab.expression_augmentation import Bytes, Floats, as_input, varied
from edge_daemon.lab.expression_classes import CLASSES, HEADS
from edge_daemon.lab.expression_frameworks import fast_bfloat16, import_torch
from edge_daemon.lab.fer_pictures import LabelledPictures

CURVE = "curve.csv"
STATE = "state.pt"
CURVE_HEADS = ("epoch", "seconds", "loss", *(f"accuracy_{head}" for head in HEADS), "balanced_cnn_bilstm")
_EARLIER_STATE = "state.json"
"""File of a training by an earlier version, which had a different network."""
_AVERAGE = 0.998
_WARM_UP_EPOCHS = 1.0
_EXAMINED_AT_ONCE = 256
_AFRESH = "remove the folder, then the training starts again"


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train a network; the same plan, seed and data give the same network on the same machine."""

    epochs: int = 60
    seed: int = 1
    batch_size: int = 64
    rate: float = 3e-3
    """Highest learning rate of AdamW; it rises for one epoch and falls to zero on a cosine."""
    weight_decay: float = 0.05
    smoothing: float = 0.05
    width: int = 16
    patience: int = 12
    """The training ends after this many epochs in a row without improvement."""


@dataclass(slots=True)
class TrainingState:
    """The state of a training."""

    plan: TrainingPlan
    epoch: int = 0
    """Number of finished epochs."""
    seconds: float = 0.0
    processor_seconds: float = 0.0
    best: float = -1.0
    best_epoch: int = 0
    ended: str = ""
    """Why the training has ended; empty while it goes on."""
    epochs_changed: list[list[int]] = field(default_factory=list)
    """Each change of the plan's epochs: [finished epochs, epochs before, epochs after]."""
    curve: list[list[float]] = field(default_factory=list)


class ExpressionTraining:
    """One training, from its first epoch or from an interruption on.

    Args:
        plan: how to train.
        folder: folder for its state; made if it is missing.
        train: pictures to learn from.
        choose: pictures that decide which epoch is the best.

    Raises:
        LabError: the folder has a training with another plan, or one that can't be read; PyTorch is not installed.

    The number of epochs may change while a training goes on: the learning rate then follows the new plan's cosine.
    """

    def __init__(self, plan: TrainingPlan, folder: Path, train: LabelledPictures, choose: LabelledPictures) -> None:
        self._torch = torch = import_torch()
        from edge_daemon.lab.expression_network import ExpressionNetwork

        self._folder, self._train, self._choose = folder, train, choose
        found = _opened(plan, folder, torch)
        self.state = TrainingState(plan) if found is None else found[0]
        torch.manual_seed(plan.seed)
        self._network = ExpressionNetwork(plan.width).to(memory_format=torch.channels_last)
        self._averaged = ExpressionNetwork(plan.width).to(memory_format=torch.channels_last)
        self._averaged.load_state_dict(self._network.state_dict())
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), plan.rate, weight_decay=plan.weight_decay, foreach=True
        )
        self._best = _copied(self._averaged)
        self._steps_an_epoch = math.ceil(len(train.labels) / plan.batch_size)
        self._bfloat16 = fast_bfloat16(torch)
        self._weights = class_weights(train.labels)
        if found is not None:
            self._load(found[1])

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
        return True

    def best_weights(self) -> dict[str, Floats]:
        """Return the averaged weights of the best epoch by name, as `ExpressionNetwork.state_dict` names them."""
        return {name: one.float().contiguous().numpy() for name, one in self._best.items()}

    def _epoch(self, progress: Callable[[int], None]) -> None:
        state, plan, begun_s, begun_cpu_s = self.state, self.state.plan, time.monotonic(), time.process_time()
        random = np.random.default_rng((plan.seed, state.epoch))
        self._torch.manual_seed(1000 * plan.seed + state.epoch)  # dropout is the same after an interruption
        order = random.permutation(len(self._train.labels))
        self._network.train()
        loss = 0.0
        for step in range(self._steps_an_epoch):
            chosen = order[step * plan.batch_size : (step + 1) * plan.batch_size]
            pictures = np.stack([varied(self._train.pictures[i], random) for i in chosen])
            done = state.epoch * self._steps_an_epoch + step
            for group in self._optimizer.param_groups:
                group["lr"] = self._rate(done)
            loss += self._step(pictures, self._train.labels[chosen])
            self._average(done)
            progress(step + 1)
        accuracies, balanced = self._examine()
        state.epoch += 1
        state.seconds += time.monotonic() - begun_s
        state.processor_seconds += time.process_time() - begun_cpu_s
        mean_loss = round(loss / self._steps_an_epoch, 5)
        state.curve.append([state.epoch, round(state.seconds, 1), mean_loss, *accuracies, balanced])
        self._judge(accuracies[HEADS.index("cnn_bilstm")] + balanced)

    def _judge(self, score: float) -> None:
        state, plan = self.state, self.state.plan
        if score > state.best:
            state.best, state.best_epoch = score, state.epoch
            self._best = _copied(self._averaged)
        if state.epoch >= plan.epochs:
            state.ended = "the plan's last epoch"
        elif state.epoch - state.best_epoch >= plan.patience:
            state.ended = f"no better for {plan.patience} epochs"

    def _step(self, pictures: Bytes, labels: NDArray[np.int64]) -> float:
        """Learn from one batch; return its loss, added over the heads."""
        torch = self._torch
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            logits = self._network(self._tensor(pictures))
        right, weights = torch.from_numpy(labels), torch.from_numpy(self._weights[labels])
        errors = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1),
            right.repeat_interleave(len(HEADS)),
            reduction="none",
            label_smoothing=self.state.plan.smoothing,
        )
        loss = (errors * weights.repeat_interleave(len(HEADS))).mean() * len(HEADS)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())

    def _tensor(self, pictures: Bytes) -> Any:
        return self._torch.from_numpy(as_input(pictures)).permute(0, 3, 1, 2)

    def _rate(self, step: int) -> float:
        plan = self.state.plan
        warm, total = _WARM_UP_EPOCHS * self._steps_an_epoch, plan.epochs * self._steps_an_epoch
        if step < warm:
            return plan.rate * (step + 1) / warm
        return plan.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(total - warm, 1)))

    def _average(self, step: int) -> None:
        """Update the running mean of the weights, which is more accurate than the latest weights."""
        keep = min(_AVERAGE, (1 + step) / (10 + step))
        latest = self._network.state_dict()
        for name, mean in self._averaged.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(latest[name], 1 - keep)

    def _examine(self) -> tuple[list[float], float]:
        """Return the accuracy of each head with the averaged weights, and the mean recall of the last head."""
        torch, labels = self._torch, self._choose.labels
        self._averaged.eval()
        found = []
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            for first in range(0, len(labels), _EXAMINED_AT_ONCE):
                pictures = self._tensor(self._choose.pictures[first : first + _EXAMINED_AT_ONCE])
                found.append((self._averaged(pictures) + self._averaged(pictures.flip(3))).float().numpy())
        picked = np.concatenate(found).argmax(-1)
        accuracies = [round(float((picked[:, k] == labels).mean()), 5) for k in range(len(HEADS))]
        last = picked[:, HEADS.index("cnn_bilstm")]
        recalls = [(last[labels == k] == k).mean() for k in range(len(CLASSES)) if (labels == k).any()]
        return accuracies, round(float(np.mean(recalls)), 5)

    def _line(self) -> str:
        epoch, seconds, loss, *rates = self.state.curve[-1]
        words = ", ".join(f"{name} {rate:.3f}" for name, rate in zip(CURVE_HEADS[3:], rates, strict=True))
        return f"epoch {epoch:.0f} of {self.state.plan.epochs}: loss {loss:.3f}, {words}, {seconds / 60:.1f} minutes"

    def _save(self) -> None:
        with (self._folder / CURVE).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([CURVE_HEADS, *self.state.curve])
        partial = self._folder / f".{STATE}"
        content = {
            "state": asdict(self.state),
            "network": self._network.state_dict(),
            "averaged": self._averaged.state_dict(),
            "best": self._best,
            "optimizer": self._optimizer.state_dict(),
        }
        self._torch.save(content, partial)
        partial.replace(self._folder / STATE)

    def _load(self, content: dict[str, Any]) -> None:
        try:
            self._averaged.load_state_dict(content["best"])
            self._best = _copied(self._averaged)
            self._averaged.load_state_dict(content["averaged"])
            self._network.load_state_dict(content["network"])
            self._optimizer.load_state_dict(content["optimizer"])
        except (AttributeError, IndexError, KeyError, ValueError, RuntimeError, TypeError) as error:
            raise LabError(_NO_STATE, str(self._folder), _AFRESH) from error


_NO_STATE = "is not a state from which a training can resume"
_DAMAGED = (
    *(AttributeError, IndexError, KeyError, TypeError, ValueError, RuntimeError),
    *(EOFError, UnpicklingError, zipfile.BadZipFile, zlib.error),
)
"""Errors that ZIP, PyTorch and our own code raise for a file that is damaged or of another program."""


def _opened(plan: TrainingPlan, folder: Path, torch: Any) -> tuple[TrainingState, dict[str, Any]] | None:
    """Return the state and the weights of the training in a folder; None if there is none yet.

    The folder is made if it is missing.
    """
    path = folder / STATE
    try:
        folder.mkdir(exist_ok=True)
        if (folder / _EARLIER_STATE).exists():
            raise LabError("has a training by an earlier version", str(folder), _AFRESH)
        if not path.exists():
            return None
        with zipfile.ZipFile(path) as parts:
            if parts.testzip() is not None:  # PyTorch would read damaged weights
                raise LabError(_NO_STATE, str(path), _AFRESH)
        content = torch.load(path, weights_only=True)
        state = TrainingState(**{**content["state"], "plan": TrainingPlan(**content["state"]["plan"])})
        _check_kinds(state, plan)
    except OSError as error:
        raise LabError(f"can't be made or read: {error.strerror}", str(folder)) from error
    except _DAMAGED as error:
        raise LabError(_NO_STATE, str(path), _AFRESH) from error
    return _with_plan(state, plan, folder), content


def _check_kinds(state: TrainingState, plan: TrainingPlan) -> None:
    """Raise TypeError if a field of a state has the wrong type; a float field may also hold an int."""
    for one in fields(TrainingState):
        kind, value = type(getattr(TrainingState(plan), one.name)), getattr(state, one.name)
        if not isinstance(value, (int, float) if kind is float else kind):
            raise TypeError(one.name)


def _with_plan(state: TrainingState, plan: TrainingPlan, folder: Path) -> TrainingState:
    """Return a state that goes on with a plan; only the number of epochs may differ, and only before the end."""
    was = state.plan
    if (was if state.ended else replace(was, epochs=plan.epochs)) != plan:
        differs = ", ".join(f"{key} {value}" for key, value in asdict(was).items() if value != getattr(plan, key))
        raise LabError(
            f"has a training with another plan ({differs})", str(folder), f"give the same options, or {_AFRESH}"
        )
    if not state.ended and plan.epochs <= state.epoch:
        raise LabError(f"has {state.epoch} finished epochs", str(folder), "give more --epochs")
    if plan.epochs != was.epochs:
        state.epochs_changed.append([state.epoch, was.epochs, plan.epochs])
        state.plan = plan
    return state


def _copied(network: Any) -> dict[str, Any]:
    return {name: one.detach().clone() for name, one in network.state_dict().items()}


def class_weights(labels: NDArray[np.int64]) -> Floats:
    """Return the weight of an error by class: the square root of its rarity, with a mean of 1 over all pictures."""
    counts = np.maximum(np.bincount(labels, minlength=len(CLASSES)), 1)
    weights = 1 / np.sqrt(counts)
    return np.asarray(weights / (weights * counts).sum() * counts.sum(), np.float32)
