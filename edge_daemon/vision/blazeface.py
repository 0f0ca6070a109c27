"""BlazeFace: boxes and six keypoints of the faces in one square picture of the network's input size.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (2019). Anchors and decoding follow
MediaPipe's model cards for the short range (128 px) and full range (192 px) models; the full range model also accepts
other multiples of 32 here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_daemon.types import Picture
from edge_daemon.vision import nms
from edge_daemon.vision.align import to_rgb
from edge_daemon.vision.interpreter import pick
from edge_daemon.vision.models import ModelCard

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes of one picture, best first, in pixels of the picture."""

    boxes: Array
    """(n, 4): left, top, right, bottom. The boxes are square, from eyebrows to chin."""
    points: Array
    """(n, 6, 2): right eye, left eye (the person's own), nose tip, mouth, right and left ear tragion."""
    scores: Array
    """(n,): score of each detection, 0 to 1."""
    votes: Array
    """(n,): the number of anchors that fired for the detection."""

    def __len__(self) -> int:
        return len(self.scores)

    def placed(self, scale: float, left: float, top: float) -> Detections:
        """Return the detections of a tile in pixels of the whole picture: multiplied by `scale`, then shifted.

        `left` and `top` are the tile's corner in the picture, px.
        """
        shift = np.array([left, top], np.float32)
        points = self.points * np.float32(scale) + shift
        return Detections(self.boxes * np.float32(scale) + np.tile(shift, 2), points, self.scores, self.votes)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Detections:
        """Return a selection of the detections."""
        return Detections(self.boxes[index], self.points[index], self.scores[index], self.votes[index])


def nothing() -> Detections:
    """Return an empty set of detections."""
    empty = np.zeros(0, np.float32)
    return Detections(np.zeros((0, 4), np.float32), np.zeros((0, 6, 2), np.float32), empty, empty)


def join(parts: list[Detections]) -> Detections:
    """Concatenate the detections of several tiles, which are already in the same coordinates."""
    if not parts:
        return nothing()
    boxes, points = np.concatenate([p.boxes for p in parts]), np.concatenate([p.points for p in parts])
    return Detections(
        boxes, points, np.concatenate([p.scores for p in parts]), np.concatenate([p.votes for p in parts])
    )


def anchors(side_px: int, count: int) -> Array:
    """Return the centres of the anchors (count, 2) in input pixels.

    Full range: one anchor for each cell of stride 4. Short range: two for each cell of stride 8, then six for each cell
    of stride 16.

    Raises:
        ValueError: no BlazeFace of this input size has this number of anchors.
    """
    for layers in ([(4, 1)], [(8, 2), (16, 6)]):
        if sum((side_px // stride) ** 2 * repeats for stride, repeats in layers) == count:
            return np.concatenate([_cells(side_px, stride, repeats) for stride, repeats in layers])
    raise ValueError(f"no BlazeFace of {side_px} px has {count} anchors")


def _cells(side_px: int, stride: int, repeats: int) -> Array:
    line = (np.arange(side_px // stride, dtype=np.float32) + 0.5) * stride
    x, y = np.meshgrid(line, line)
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), repeats, axis=0).astype(np.float32)


def decode(regressors: Array, logits: Array, centres: Array, threshold: float) -> Detections:
    """Convert the network's output into boxes, including overlapping ones.

    Args:
        regressors: (n, 16): box centre, size and six points, in input pixels relative to the anchor.
        logits: (n,) the logits of the scores.
        centres: (n, 2) the centres of the anchors.
        threshold: lowest score, between 0 and 1.
    """
    strong = np.flatnonzero(logits > np.log(threshold / (1 - threshold)))
    if not len(strong):
        return nothing()
    pairs = regressors[strong].reshape(-1, 8, 2)
    centre, half = pairs[:, 0] + centres[strong], np.maximum(pairs[:, 1], 0) / 2
    scores = (1 / (1 + np.exp(-np.clip(logits[strong], -80, 80)))).astype(np.float32)
    points = pairs[:, 2:] + centres[strong][:, None]
    return Detections(np.concatenate([centre - half, centre + half], axis=1), points, scores, np.ones_like(scores))


def merged(raw: Detections) -> Detections:
    """Merge overlapping detections into one for each face.

    Its box and points are means, weighted by the scores; its score is the best one.
    """
    if len(raw) < 2:
        return raw
    groups = nms.groups(raw.boxes, raw.scores)
    numbers = np.concatenate([raw.boxes, raw.points.reshape(-1, 12)], axis=1)
    means, votes = [], []
    for group in groups:
        near = group if len(group) == 1 else group[nms.overlaps(raw.boxes[group[0]], raw.boxes[group])[0] > 0.5]
        near = near if len(near) else group[:1]  # a box without extent overlaps nothing
        weights = raw.scores[near]
        means.append(weights @ numbers[near] / weights.sum())
        votes.append(raw.votes[near].sum())
    mean = np.stack(means).astype(np.float32)
    scores = raw.scores[[group[0] for group in groups]]
    return Detections(mean[:, :4], mean[:, 4:].reshape(-1, 6, 2), scores, np.array(votes, np.float32))


class BlazeFace:
    """Runs one BlazeFace network. Not safe for concurrent use.

    Args:
        card: the file's entry in the manifest.
    """

    def __init__(self, card: ModelCard) -> None:
        self._card, self._model = card, card.open()
        self.side_px = card.size_px[0]
        count = next(shape[1] for shape in card.output_shapes if shape[-1] == 1)
        self._anchors = anchors(self.side_px, count)

    def __call__(self, tile: Picture, threshold: float) -> Detections:
        """Find faces in a BGR picture of exactly the input size, in its pixels; overlapping boxes are merged."""
        outputs = self._model(self._card.encode(to_rgb(tile))[None])
        regressors, logits = pick(outputs, 16)[0], pick(outputs, 1)[0, :, 0]
        return merged(decode(regressors, logits, self._anchors, threshold))
