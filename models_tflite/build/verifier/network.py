"""The network: depthwise separable convolutions, 48 px input, three outputs."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from models_tflite.build.verifier.augment import INPUT_PX

WIDTHS = (16, 32, 48, 112, 160)
VISIBLE, SHAPE = 4, 13
_FACE_WEIGHT, _SHAPE_WEIGHT, _VISIBLE_WEIGHT = 2.0, 4.0, 0.3
_SMOOTHING = 0.02
_PART_WEIGHTS = (1.0, 1.0, 1.5, 3.0)
"""Weights of the classes of visible parts in the loss; that of profiles is large, because they are few."""


def new() -> keras.Model:
    """Return the network with random weights.

    Outputs: face (n, 1) logit; visible (n, 4) logits: bare, lower half hidden, upper half hidden, profile; shape (n,
    13): centre and logarithmic side of BlazeFace's square, and five points, in the form of `batches`.
    """
    seen = keras.Input((INPUT_PX, INPUT_PX, 3), name="seen")
    x = _convolved(seen, WIDTHS[0], 3, 2)
    x = _separable(x, WIDTHS[1], 1)
    x = _separable(x, WIDTHS[2], 2)
    x = _separable(x, WIDTHS[2], 1)
    x = _separable(x, WIDTHS[3], 2)
    for _ in range(3):
        x = _separable(x, WIDTHS[3], 1)
    x = _separable(x, WIDTHS[4], 2)
    x = _normal(layers.DepthwiseConv2D(3, padding="valid", use_bias=False)(x), relu=False)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    face = layers.Dense(1, name="face")(x)
    visible = layers.Dense(VISIBLE, name="visible")(x)
    shape = layers.Dense(SHAPE, name="shape")(x)
    return keras.Model(seen, [face, visible, shape])


def _convolved(x: keras.KerasTensor, width: int, kernel: int, stride: int) -> keras.KerasTensor:
    return _normal(layers.Conv2D(width, kernel, stride, padding="same", use_bias=False)(x))


def _separable(x: keras.KerasTensor, width: int, stride: int) -> keras.KerasTensor:
    y = _normal(layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x))
    y = _normal(layers.Conv2D(width, 1, use_bias=False)(y), relu=False)
    if stride == 1 and x.shape[-1] == width:
        y = layers.Add()([x, y])
    return layers.ReLU(6.0)(y)


def _normal(x: keras.KerasTensor, *, relu: bool = True) -> keras.KerasTensor:
    x = layers.BatchNormalization(momentum=0.98)(x)
    return layers.ReLU(6.0)(x) if relu else x


def losses(outputs: list[tf.Tensor], targets: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return the losses: face, visible, shape."""
    face, visible, shape = outputs
    wanted = targets["face"] * (1 - _SMOOTHING) + (1 - targets["face"]) * _SMOOTHING
    by_face = tf.nn.sigmoid_cross_entropy_with_logits(wanted, face[:, 0]) * targets["weight"]
    known = tf.cast(targets["visible"] >= 0, tf.float32)
    known *= tf.gather(tf.constant(_PART_WEIGHTS), tf.maximum(targets["visible"], 0))
    by_visible = known * tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(targets["visible"], 0), visible)
    away = tf.abs(shape - targets["shape"])
    smooth = tf.where(away < 0.05, away**2 / 0.1, away - 0.025) * targets["known"]
    return {
        "face": _FACE_WEIGHT * tf.reduce_mean(by_face),
        "visible": _VISIBLE_WEIGHT * tf.reduce_sum(by_visible) / tf.maximum(tf.reduce_sum(known), 1.0),
        "shape": _SHAPE_WEIGHT * tf.reduce_sum(smooth) / tf.maximum(tf.reduce_sum(targets["known"]), 1.0),
    }


def examined(outputs: list[NDArray[np.float32]], targets: dict[str, NDArray[np.float32]]) -> str:
    """Return one line: recall at two rates of false faces, recall of each visible part, and mean error of the shape."""
    face, visible, shape = outputs
    true = targets["face"] > 0
    others = np.sort(face[~true, 0])[::-1]
    words = []
    for rate in (0.01, 0.003):
        limit = others[int(rate * len(others))]
        words.append(f"{(face[true, 0] > limit).mean():.4f} of faces at {rate} of others")
    known = targets["visible"] >= 0
    classes = [f"{(visible.argmax(1) == k)[targets['visible'] == k].mean():.3f}" for k in range(VISIBLE)]
    away = np.abs(shape - targets["shape"])[targets["known"] > 0].mean()
    return f"{', '.join(words)}; visible {'/'.join(classes)} of {known.sum()}; shape {away:.4f}"
