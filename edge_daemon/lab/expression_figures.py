"""How often a network gives the label of the data set: precision, recall and F1 of each class, and the confusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.lab.expression_classes import CLASSES, HEADS
from edge_daemon.lab.expression_model import ExpressionModel
from edge_daemon.lab.fer_pictures import LabelledPictures


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """The figures of one head. A share without pictures is 0."""

    confusion: NDArray[np.int64]
    """(classes, classes): rows are labels of the data set, columns are labels of the network."""

    @property
    def hits(self) -> int:
        """Number of pictures with the right label."""
        return int(self.confusion.diagonal().sum())

    @property
    def accuracy(self) -> float:
        """Share of pictures with the right label."""
        return self.hits / max(int(self.confusion.sum()), 1)

    @property
    def precision(self) -> dict[str, float]:
        """For each class: share of the pictures given this label that have it."""
        return self._shares(self.confusion.sum(0))

    @property
    def recall(self) -> dict[str, float]:
        """For each class: share of the pictures with this label that were given it."""
        return self._shares(self.confusion.sum(1))

    @property
    def f1(self) -> dict[str, float]:
        """For each class: harmonic mean of precision and recall."""
        return self._shares((self.confusion.sum(0) + self.confusion.sum(1)) / 2)

    @property
    def balanced(self) -> float:
        """Mean recall of the classes that have pictures."""
        present = [self.recall[label] for label, n in zip(CLASSES, self.confusion.sum(1), strict=True) if n]
        return float(np.mean(present)) if present else 0.0

    def _shares(self, of: NDArray[np.int64] | NDArray[np.float64]) -> dict[str, float]:
        shares = self.confusion.diagonal() / np.maximum(of, 1)
        return {label: round(float(share), 5) for label, share in zip(CLASSES, shares, strict=True)}


def figures(labels: NDArray[np.int64], picked: NDArray[np.int64]) -> HeadFigures:
    """Return the figures of labels that a network gave to pictures.

    Args:
        labels: (n,), the data set's labels.
        picked: (n,), the network's labels.
    """
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (labels, picked), 1)
    return HeadFigures(confusion)


def examined(model: ExpressionModel, pictures: LabelledPictures) -> dict[str, HeadFigures]:
    """Return the figures of each head of a model on labelled pictures."""
    picked = np.array([model(picture).argmax(axis=1) for picture in pictures.pictures])
    return {head: figures(pictures.labels, picked[:, k]) for k, head in enumerate(HEADS)}


def lines(by_head: Mapping[str, HeadFigures]) -> Iterator[str]:
    """Yield a table for a terminal: precision, recall and F1 of each class, by head."""
    for head, found in by_head.items():
        yield f"{head}: accuracy {found.accuracy:.3f}, balanced {found.balanced:.3f}"
        yield f"  {'':<10}precision  recall  F1"
        for label in CLASSES:
            yield (
                f"  {label:<10}{found.precision[label]:<11.2f}{found.recall[label]:<8.2f}{found.f1[label]:.2f}".rstrip()
            )
