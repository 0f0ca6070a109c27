"""The tables that the recipe prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.mask_faces import CLASSES
from models_tflite.build.mask.calibration import Calibration, apply


@dataclass(frozen=True)
class Scored:
    """Faces with the logits of a network that did not learn from them."""

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    widths_px: NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> Scored:
        """Return the stored result of a step."""
        with np.load(path) as found:
            return cls(found["logits"], found["labels"], found["widths_px"])

    @classmethod
    def joined(cls, parts: Sequence[Scored]) -> Scored:
        """Return the faces of several results."""
        return cls(*(np.concatenate([getattr(p, key) for p in parts]) for key in ("logits", "labels", "widths_px")))

    def at_least(self, width_px: float) -> Scored:
        """Return the faces with a labelled box of at least this width."""
        wide = self.widths_px >= width_px
        return Scored(self.logits[wide], self.labels[wide], self.widths_px[wide])

    def calibrated(self, fitted: Calibration) -> Scored:
        """Return the same faces with calibrated logits."""
        return Scored(apply(self.logits, fitted), self.labels, self.widths_px)


def classes_table(rows: Mapping[str, Scored], head: str = "faces of 24 px and more") -> Iterator[str]:
    """Yield the lines of a table: recall of each class, balanced, accuracy, effective (none and wrong as one)."""
    yield f"| {head} | {' | '.join(CLASSES)} | balanced | accuracy | effective |"
    yield "|---" * (len(CLASSES) + 4) + "|"
    for name, scored in rows.items():
        found = scored.logits.argmax(1)
        hits = [(int((found[scored.labels == k] == k).sum()), int((scored.labels == k).sum())) for k in range(3)]
        recalls = [h / n if n else float("nan") for h, n in hits]
        cells = [f"{r:.3f} ({h} of {n})" for r, (h, n) in zip(recalls, hits, strict=True)]
        right = CLASSES.index("right")
        effective = float(((found == right) == (scored.labels == right)).mean())
        accuracy = float((found == scored.labels).mean())
        yield f"| {name} | {' | '.join(cells)} | {np.nanmean(recalls):.3f} | {accuracy:.3f} | {effective:.3f} |"
