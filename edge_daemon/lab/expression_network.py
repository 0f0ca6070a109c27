"""The networks: a CNN, a BiLSTM over its features, and a BiLSTM over the picture's rows. Needs PyTorch.

For a BiLSTM one picture is a sequence: the rows of its feature map, from forehead to chin and back.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from edge_daemon.lab.expression_classes import CLASSES, HEADS, SIDE_PX

ROWS_A_STEP = 4
"""Number of picture rows in one step of the BiLSTM without a CNN."""


class NormalisedConvolution(nn.Module):
    """A convolution with batch normalisation and, if asked for, ReLU."""

    def __init__(self, inputs: int, filters: int, stride: int = 1, kernel: int = 3, *, relu: bool = True) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(filters)
        self.relu = relu

    def forward(self, x: Any) -> Any:
        """Return the features (n, filters, h, w)."""
        x = self.norm(self.convolution(x))
        return torch.relu_(x) if self.relu else x


class Residual(nn.Module):
    """A convolution whose input is added to its output, before ReLU."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.convolution = NormalisedConvolution(filters, filters, relu=False)

    def forward(self, x: Any) -> Any:
        """Return the features, in the shape of the input."""
        return torch.relu_(x + self.convolution(x))


class Bilstm(nn.Module):
    """A BiLSTM over (n, steps, features) and a linear layer on the last states of both directions."""

    def __init__(self, features: int, units: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, units, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * units, len(CLASSES))

    def forward(self, x: Any) -> Any:
        """Return the logits (n, classes)."""
        _, (last, _) = self.lstm(x)
        return self.linear(self.dropout(torch.cat([last[0], last[1]], 1)))


class ExpressionNetwork(nn.Module):
    """The three heads in one network.

    Args:
        width: number of filters of the first convolution. It doubles at each of the three convolutions that halve the
            side.
        dropout: share of the features that a training leaves out before each head.
    """

    def __init__(self, width: int, dropout: float = 0.3) -> None:
        super().__init__()
        trunk: list[Any] = [NormalisedConvolution(1, width), NormalisedConvolution(width, 2 * width, 2)]
        for filters in (4 * width, 8 * width):
            trunk += [NormalisedConvolution(filters // 2, filters, 2), Residual(filters)]
        self.trunk = nn.Sequential(*trunk)
        side = SIDE_PX // 8
        self.cnn_features = NormalisedConvolution(8 * width, 2 * width, kernel=1)
        self.cnn = nn.Linear(2 * width * side**2, len(CLASSES))
        self.row_features = NormalisedConvolution(8 * width, 2 * width, kernel=1)
        self.cnn_bilstm = Bilstm(2 * width * side, 4 * width, dropout)
        self.bilstm = Bilstm(ROWS_A_STEP * SIDE_PX, 4 * width, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pictures: Any) -> Any:
        """Return the logits (n, heads, classes) of pictures (n, 1, 48, 48), in the order of `HEADS`."""
        x = self.trunk(pictures)
        flat = self.cnn_features(x).permute(0, 2, 3, 1).flatten(1)
        rows = self.row_features(x).permute(0, 2, 3, 1).flatten(2)
        stripes = pictures.reshape(len(pictures), SIDE_PX // ROWS_A_STEP, ROWS_A_STEP * SIDE_PX)
        logits = {
            "cnn": self.cnn(self.dropout(flat)),
            "bilstm": self.bilstm(stripes),
            "cnn_bilstm": self.cnn_bilstm(rows),
        }
        return torch.stack([logits[head].float() for head in HEADS], 1)
