"""The network, its training and its conversion to int8. It needs TensorFlow, which no device has."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks.mask_faces import CLASSES
from models_tflite.build.mask.calibration import Calibration
from models_tflite.build.mask.crops import SIDE_PX, varied

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a network is trained."""

    epochs: int = 32
    batches: int = 20
    """Batches in an epoch."""
    batch_size: int = 96
    rate: float = 3e-3
    """Highest learning rate of Adam. It rises for two epochs, then falls to zero on a cosine."""
    weight_decay: float = 1e-4
    smoothing: float = 0.05
    average: float = 0.99
    """Weight of the old value in the running mean of the weights after each batch. That mean is the trained network."""
    shares: tuple[float, ...] = (1 / 3, 1 / 3, 1 / 3)
    """Share of each class in a batch."""


def new_network(width: int = 16) -> keras.Model:
    """Return the network: strided and depthwise convolutions, then one weight for each position, then three logits."""
    inputs = keras.Input((SIDE_PX, SIDE_PX, 3), name="face")
    x = _conv(inputs, width, 3, 2)
    x = _conv(x, width * 3 // 2, 3, 2)
    for filters, stride in ((width * 5 // 2, 1), (width * 5 // 2, 2), (width * 3, 1), (width * 4, 2), (width * 4, 1)):
        x = _separable(x, filters, stride)
    x = keras.layers.DepthwiseConv2D(4, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.95)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(0.3)(x)
    return keras.Model(inputs, keras.layers.Dense(len(CLASSES), name="logits")(x))


def _conv(x: keras.KerasTensor, filters: int, kernel: int, stride: int) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))


def _separable(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    y = keras.layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x)
    y = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(y))
    y = keras.layers.Conv2D(filters, 1, use_bias=False)(y)
    y = keras.layers.BatchNormalization(momentum=0.95)(y)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y)


def as_input(crops: Bytes) -> Floats:
    """Return pixels in the form of the network's input: -1 to 1."""
    return (crops.astype(np.float32) - 127.5) / 127.5


def train(
    wide: Bytes,
    labels: NDArray[np.int64],
    settings: Settings,
    seed: int,
    tell: Callable[[int, float], None],
    begin: keras.Model | None = None,
) -> keras.Model:
    """Train a network on wide crops and return it; `tell` gets the epoch and its mean loss.

    It starts with the weights of `begin`, which is changed, or with random ones.
    """
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    network, mean = begin or new_network(), None
    total = settings.epochs * settings.batches
    optimizer = keras.optimizers.AdamW(settings.rate, weight_decay=settings.weight_decay)
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.smoothing)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(y, network(x, training=True))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, network.trainable_variables), network.trainable_variables, strict=True)
        )
        return loss

    done = 0
    for epoch in range(settings.epochs):
        losses = []
        for _ in range(settings.batches):
            optimizer.learning_rate.assign(_rate(settings, done, total))
            losses.append(float(step(*_batch(wide, labels, settings, random))))
            done += 1
            keep = min(settings.average, (1 + done) / (10 + done))
            weights = network.get_weights()
            mean = weights if mean is None else [keep * m + (1 - keep) * w for m, w in zip(mean, weights, strict=True)]
        tell(epoch, float(np.mean(losses)))
    network.set_weights(mean)
    return network


def _rate(settings: Settings, done: int, total: int) -> float:
    warm = 2 * settings.batches
    if done < warm:
        return settings.rate * (done + 1) / warm
    return settings.rate * 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1, total - warm)))


def _batch(
    wide: Bytes, labels: NDArray[np.int64], settings: Settings, random: np.random.Generator
) -> tuple[Floats, Floats]:
    chosen = random.choice(len(CLASSES), settings.batch_size, p=settings.shares)
    crops = np.empty((settings.batch_size, SIDE_PX, SIDE_PX, 3), np.uint8)
    members = [np.flatnonzero(labels == k) for k in range(len(CLASSES))]
    for i, k in enumerate(chosen):
        crops[i] = varied(wide[random.choice(members[k])], random)
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
