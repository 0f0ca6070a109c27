"""The networks: a CNN, a BiLSTM over its features, and a BiLSTM over the picture's rows. Needs Keras.

For a BiLSTM one picture is a sequence: the rows of its feature map, from forehead to chin and back.
"""

from __future__ import annotations

from typing import Any

import keras

from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX

_ROWS_A_STEP = 4
"""Number of picture rows in one step of the BiLSTM without a CNN."""


def new_network(width: int = 24) -> Any:
    """Return a network whose output (3 × 7) contains the logits of the heads, in the order of `HEADS`.

    Args:
        width: filters of the first convolution; the next ones have two and four times as many.
    """
    layers = keras.layers
    inputs = keras.Input((SIDE_PX, SIDE_PX, 1), name="face")
    x = _convolution(inputs, width, 2)
    for filters in (2 * width, 4 * width):
        x = _convolution(x, filters, 2)
        x = layers.ReLU()(layers.Add()([x, _convolution(x, filters, 1, relu=False)]))
        x = layers.Dropout(0.1)(x)
    pooled = layers.Dropout(0.4)(layers.Flatten()(_convolution(x, width, 1, kernel=1)))
    cnn = layers.Dense(len(CLASSES), name="cnn")(pooled)
    rows = layers.Reshape((x.shape[1], x.shape[2] * 2 * width))(_convolution(x, 2 * width, 1, kernel=1))
    joined = layers.Dense(len(CLASSES), name="cnn_bilstm")(layers.Dropout(0.4)(_bilstm(rows, 2 * width)))
    stripes = layers.Reshape((SIDE_PX // _ROWS_A_STEP, SIDE_PX * _ROWS_A_STEP))(inputs)
    alone = layers.Dense(len(CLASSES), name="bilstm")(layers.Dropout(0.4)(_bilstm(stripes, 2 * width)))
    heads = {"cnn": cnn, "bilstm": alone, "cnn_bilstm": joined}
    outputs = layers.Concatenate(dtype="float32", name="logits")([heads[head] for head in HEADS])
    return keras.Model(inputs, outputs)


def _convolution(x: Any, filters: int, stride: int, *, kernel: int = 3, relu: bool = True) -> Any:
    x = keras.layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.97)(x)
    return keras.layers.ReLU()(x) if relu else x


def _bilstm(x: Any, units: int) -> Any:
    """Return the last states of both directions. The BiLSTM is unrolled, because TensorFlow Lite has no int8 loop."""
    return keras.layers.Bidirectional(keras.layers.LSTM(units, unroll=True))(x)
