"""Finds the detectors' candidates in a picture with a low threshold: faces, and things that resemble them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_daemon.types import Picture
from edge_daemon.vision import nms, tiles
from edge_daemon.vision.blazeface import BlazeFace, Detections, join, nothing
from edge_daemon.vision.models import ModelSet

THRESHOLD = 0.1
_LEAST_TILE_PX = 90


class Finder:
    """The three detectors of the program. Not for two threads at a time.

    Args:
        models: verified model files.
        cache: folder to cache the candidates; None: no cache.
    """

    def __init__(self, models: ModelSet, cache: Path | None) -> None:
        self._sweep, self._look, self._short = (
            BlazeFace(models.card(role)) for role in ("detector_sweep", "detector_look", "detector_portrait")
        )
        self._cache = cache

    def __call__(self, picture: Picture, name: str) -> Detections:
        """Return the candidates of a picture, in the picture's pixels; of overlapping candidates, only the best.

        Args:
            picture: BGR, uint8.
            name: the name under which the candidates are cached.
        """
        path = None if self._cache is None else self._cache / f"{name}.npz"
        if path is not None and path.exists():
            with np.load(path) as known:
                found = Detections(known["boxes"], known["points"], known["scores"], known["votes"])
        else:
            found = self._find(picture)
            if path is not None:
                np.savez(path, boxes=found.boxes, points=found.points, scores=found.scores, votes=found.votes)
        found = found.take(found.scores >= THRESHOLD)
        groups = nms.groups(found.boxes, found.scores)
        return found.take(np.array([group[0] for group in groups], np.intp))

    def _find(self, picture: Picture) -> Detections:
        height, width = picture.shape[:2]
        long = float(max(height, width))
        plan = [(self._sweep, tile) for tile in tiles.pyramid(width, height, self._sweep.side_px)]
        plan += [(self._look, tile) for tile in tiles.grid(width, height, long, 0)]
        sides = [long / k for k in (1, 2, 4, 8) if long / k >= _LEAST_TILE_PX]
        plan += [(self._short, tile) for side in sides for tile in tiles.grid(width, height, side, side / 3)]
        return join([_detect(network, picture, tile) for network, tile in plan] or [nothing()])


def _detect(network: BlazeFace, picture: Picture, tile: tiles.Tile) -> Detections:
    part = tiles.cut(picture, tile, network.side_px)
    return network(part, THRESHOLD).placed(round(tile.side) / network.side_px, round(tile.left), round(tile.top))
