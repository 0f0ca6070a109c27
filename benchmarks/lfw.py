"""Whether two photographs show the same person, with the program's own detection, alignment and embedding.

    python -m benchmarks.lfw --data DIR --json OUT

DIR has images/ and pairs.csv (fold, same, file1, file2), from Labeled Faces in the Wild (Huang et al., 2007). The
benchmark detects and aligns each picture once, like an enrolment photograph, and all embedders get the same crop.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import command, folder, machine, network
from benchmarks.rates import Rate
from benchmarks.verification import Pairs, accuracy, tar_at_far
from edge_daemon.device import journal
from edge_daemon.types import Picture, Vector
from edge_daemon.vision.mobilefacenet import MobileFaceNet
from edge_daemon.vision.models import ModelCard, ModelSet
from edge_daemon.vision.portrait import PortraitReader

_COLUMNS = ("fold", "same", "file1", "file2")
_FARS = (("1e-2", 1e-2), ("1e-3", 1e-3))


def main() -> int:
    """Run the command."""
    arguments = command.parser("benchmarks.lfw", "Verification accuracy of every embedder.", "pairs.csv, images/")
    return command.run(measure, arguments.parse_args())


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the results: one object for each precision of the embedder, and the data and machine."""
    models = command.models(arguments)
    table = folder.rows(arguments.data / "pairs.csv", _COLUMNS)
    if len({row["fold"] for row in table}) < 2:
        raise folder.DataError("has one fold; thresholds need another", str(arguments.data / "pairs.csv"))
    cards = embedders(models)
    names = sorted({row[side] for row in table for side in ("file1", "file2")})
    vectors = embedded(arguments.data / "images", names, models, list(cards.values()))
    found = sum(v is not None for v in vectors.values())
    return {
        "default": network.precision(models.embedder().path),
        **{key: scores(compared(table, vectors, k)) for k, key in enumerate(cards)},
        "pairs": len(table),
        "pictures": len(names),
        "faces_found": Rate(found, len(names)).json(),
        "measured": machine.described(models),
    }


def embedders(models: ModelSet) -> dict[str, ModelCard]:
    """Return the embedders by their precision, read from the files themselves; a dynamic-range one is `dynamic`."""
    cards = [card for card in models.cards if any(role.startswith("embedder") for role in card.roles)]
    return {network.precision(card.path): card for card in sorted(cards, key=lambda c: c.name)}


class _All:
    """All embedders as one: the vector of a face is the concatenation of their vectors."""

    def __init__(self, cards: Sequence[ModelCard]) -> None:
        self._embedders = [MobileFaceNet(card) for card in cards]

    def __call__(self, aligned: Picture, *, mirrored_too: bool = False) -> Vector:
        return np.concatenate([embed(aligned, mirrored_too=mirrored_too) for embed in self._embedders])


def embedded(
    images: Path, names: Sequence[str], models: ModelSet, cards: Sequence[ModelCard]
) -> dict[str, Vector | None]:
    """Return the vectors (embedders, 192) for the largest face in each picture; None if no face was found."""
    reader = PortraitReader(models, embedder=_All(cards))  # so that all get the same crop, made by the program
    vectors: dict[str, Vector | None] = {}
    for done, name in enumerate(names, 1):
        faces = reader.faces(folder.picture(images / name))
        vectors[name] = faces[0].embedding.reshape(len(cards), -1) if faces else None
        command.progress(done, len(names), "pictures")
    return vectors


def compared(table: Sequence[Mapping[str, str]], vectors: Mapping[str, Vector | None], k: int) -> Pairs:
    """Return the pairs with the similarities of embedder `k`."""
    folds = {name: number for number, name in enumerate(sorted({row["fold"] for row in table}))}
    similarity = []
    for row in table:
        a, b = vectors[row["file1"]], vectors[row["file2"]]
        missing = -math.inf if row["same"] == "1" else math.inf
        similarity.append(missing if a is None or b is None else float(a[k] @ b[k]))
    same = np.array([row["same"] == "1" for row in table])
    return Pairs(np.array(similarity), same, np.array([folds[row["fold"]] for row in table], np.intp))


def scores(pairs: Pairs) -> dict[str, object]:
    """Return the results for one embedder."""
    right = accuracy(pairs)
    found: dict[str, object] = {"accuracy": _share(right)}
    details: dict[str, object] = {"accuracy": right.json()}
    for name, far in _FARS:
        true, false = tar_at_far(pairs, far)
        found[f"tar_at_far_{name}"] = _share(true)
        details[f"tar_at_far_{name}"] = true.json()
        details[f"far_reached_{name}"] = false.json()
    return {**found, "n": right.n, "intervals": details}


def _share(rate: Rate) -> float | None:
    return round(rate.hits / rate.n, 5) if rate.n else None


if __name__ == "__main__":
    journal.silence_libraries()
    sys.exit(main())
