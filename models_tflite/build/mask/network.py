"""The network, its training and its conversion to int8. It needs TensorFlow, which no device has."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks.mask_faces import CLASSES
from models_tflite.build.mask.calibration import Calibration
from models_tflite.build.mask.crops import SIDE_PX, varied
from models_tflite.build.mask.hard_crops import PAINTED_SHARES, varied_hard

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_EPOCHS_A_CHECKPOINT = 5


@dataclass(frozen=True, slots=True)
class Settings:
    """How a network is trained."""

    epochs: int = 200
    batches: int = 20
    """Batches in an epoch."""
    batch_size: int = 96
    rate: float = 1e-2
    """Highest learning rate of Adam. It rises for two epochs, then falls to zero on a cosine."""
    weight_decay: float = 1e-2
    smoothing: float = 0.05
    average: float = 0.99
    """Weight of the old value in the running mean of the weights after each batch. That mean is the trained network."""
    shares: tuple[float, ...] = (0.33, 0.42, 0.25)
    """Share of each class in a batch."""
    hard: float = 0.5
    """Share of the crops that vary as in `hard_crops`."""


@dataclass(frozen=True)
class Learned:
    """Faces to learn from."""

    wide: Bytes
    """Wide crops."""
    labels: NDArray[np.int64]
    painted: NDArray[np.bool_]
    """Whether the mask on each face is painted."""

    def members(self, label: int, *, painted: bool) -> NDArray[np.int64]:
        """Return the indices of the faces of a class."""
        return np.flatnonzero((self.labels == label) & (self.painted == painted))


def new_network(widths: Sequence[int] = (16, 24, 24, 40, 40, 32)) -> keras.Model:
    """Return the network: six convolutions of these widths, each second one strided, then three logits."""
    inputs = x = keras.Input((SIDE_PX, SIDE_PX, 3), name="face")
    for filters, stride in zip(widths, (2, 2, 1, 2, 1, 2), strict=True):
        x = _conv(x, filters, stride)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(0.3)(x)
    return keras.Model(inputs, keras.layers.Dense(len(CLASSES), name="logits")(x))


def _conv(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    y = keras.layers.Conv2D(filters, 3, stride, "same", use_bias=False)(x)
    y = keras.layers.BatchNormalization(momentum=0.95)(y)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y)


def as_input(crops: Bytes) -> Floats:
    """Return pixels in the form of the network's input: -1 to 1."""
    return (crops.astype(np.float32) - 127.5) / 127.5


def train(
    learned: Learned,
    settings: Settings,
    seed: int,
    tell: Callable[[int, float], None],
    checkpoint: Path,
) -> keras.Model:
    """Train a network and return it; `tell` gets the epoch and its mean loss.

    After each fifth epoch the state is stored in `checkpoint`. If that file exists, the training continues from there.
    """
    keras.utils.set_random_seed(seed)
    network = new_network()
    optimizer = keras.optimizers.AdamW(settings.rate, weight_decay=settings.weight_decay)
    optimizer.build(network.trainable_variables)
    progress = _Progress(network, optimizer, np.random.default_rng(seed))
    if checkpoint.exists():
        progress.load(checkpoint)
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.smoothing)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(y, network(x, training=True))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, network.trainable_variables), network.trainable_variables, strict=True)
        )
        return loss

    total = settings.epochs * settings.batches
    while progress.done < total:
        losses = []
        for _ in range(settings.batches):
            optimizer.learning_rate.assign(_rate(settings, progress.done, total))
            losses.append(float(step(*_batch(learned, settings, progress.random))))
            progress.average(settings.average)
        epoch = progress.done // settings.batches - 1
        tell(epoch, float(np.mean(losses)))
        if epoch % _EPOCHS_A_CHECKPOINT == 0:
            progress.save(checkpoint)
    network.set_weights(progress.mean)
    checkpoint.unlink(missing_ok=True)
    return network


class _Progress:
    """The state from which an interrupted training continues."""

    def __init__(self, network: keras.Model, optimizer: keras.Optimizer, random: np.random.Generator) -> None:
        self.done, self.random = 0, random
        self.mean: list[Floats] = []
        self._network, self._variables = network, [*network.variables, *optimizer.variables]

    def average(self, share: float) -> None:
        """Count a batch, and update the running mean of the weights."""
        self.done += 1
        keep = min(share, (1 + self.done) / (10 + self.done))
        weights = self._network.get_weights()
        pairs = zip(self.mean, weights, strict=True)
        self.mean = [keep * m + (1 - keep) * w for m, w in pairs] if self.mean else weights

    def save(self, path: Path) -> None:
        """Write the file, as a whole or not at all."""
        arrays = {f"variable{i}": variable.numpy() for i, variable in enumerate(self._variables)}
        arrays |= {f"mean{i}": mean for i, mean in enumerate(self.mean)}
        partial = path.with_name(f".{path.name}")
        with partial.open("wb") as file:
            np.savez(file, done=self.done, random=json.dumps(self.random.bit_generator.state), **arrays)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Take the state of a file."""
        with np.load(path) as found:
            self.done, self.random.bit_generator.state = int(found["done"]), json.loads(str(found["random"]))
            for i, variable in enumerate(self._variables):
                variable.assign(found[f"variable{i}"])
            self.mean = [found[f"mean{i}"] for i in range(sum(name.startswith("mean") for name in found.files))]


def _rate(settings: Settings, done: int, total: int) -> float:
    warm = 2 * settings.batches
    if done < warm:
        return settings.rate * (done + 1) / warm
    return settings.rate * 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1, total - warm)))


def _batch(learned: Learned, settings: Settings, random: np.random.Generator) -> tuple[Floats, Floats]:
    chosen = random.choice(len(CLASSES), settings.batch_size, p=settings.shares)
    crops = np.empty((settings.batch_size, SIDE_PX, SIDE_PX, 3), np.uint8)
    own = [learned.members(k, painted=False) for k in range(len(CLASSES))]
    painted = [learned.members(k, painted=True) for k in range(len(CLASSES))]
    for i, k in enumerate(chosen):
        members = painted[k] if random.random() < PAINTED_SHARES[k] else own[k]
        vary = varied_hard if random.random() < settings.hard else varied
        crops[i] = vary(learned.wide[random.choice(members)], random)
    return as_input(crops), np.eye(len(CLASSES), dtype=np.float32)[chosen]


def calibrate(network: keras.Model, fitted: Calibration) -> None:
    """Merge a calibration into the weights of the last layer."""
    layer = network.get_layer("logits")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel / fitted.temperature, bias / fitted.temperature + np.array(fitted.steps, np.float32)])


def logits(network: keras.Model, crops: Bytes) -> Floats:
    """Return the logits (n, classes) of the float network: the mean for each crop and its mirror image."""
    both = [network.predict(as_input(one), batch_size=512, verbose=0) for one in (crops, crops[:, :, ::-1])]
    return np.asarray((both[0] + both[1]) / 2, np.float32)


def int8(network: keras.Model, crops: Bytes) -> bytes:
    """Return the network as a .tflite file in int8, calibrated on crops."""
    call = tf.function(network).get_concrete_function(tf.TensorSpec((1, SIDE_PX, SIDE_PX, 3), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(call)])
    rim = np.stack([np.zeros_like(crops[0]), np.full_like(crops[0], 255)])
    samples = as_input(np.concatenate([crops, rim]))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.float32
    return bytes(converter.convert())


def int8_logits(content: bytes, crops: Bytes) -> Floats:
    """Return the logits (n, classes) of a .tflite file: the mean for each crop and its mirror image."""
    interpreter = tf.lite.Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for crop in np.stack([crops, crops[:, :, ::-1]], 1).reshape(-1, *crops.shape[1:]):
        interpreter.set_tensor(inputs["index"], (crop ^ np.uint8(0x80)).view(np.int8)[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(outputs["index"])[0])
    return np.array(found, np.float32).reshape(len(crops), 2, -1).mean(1)
