"""The enabled analysers and their measurements on one face."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any

from edge_daemon.traits import Traits
from edge_daemon.types import Box, Picture
from edge_daemon.vision.analysers.aligned_face import Array, aligned_face
from edge_daemon.vision.analysers.analyser import Analyser
from edge_daemon.vision.models import ModelSet


class TraitReader:
    """Runs every enabled analyser. Not safe for concurrent use.

    Args:
        models: verified model files.
        names: fields of `Traits`; only the modules with these names in this folder are loaded.
    """

    def __init__(self, models: ModelSet, names: Sequence[str]) -> None:
        self._analysers: dict[str, Analyser[Any]] = {
            name: import_module(f"edge_daemon.vision.analysers.{name}").open_analyser(models) for name in names
        }

    def __call__(self, picture: Picture, box: Box, points: Array, without: Collection[str] = ()) -> Traits:
        """Measure one face.

        Args:
            picture: BGR.
            box: the face, ear to ear and forehead to chin, in pixels of the picture.
            points: (n, 2), right eye and left eye first.
            without: analysers left out for this face.
        """
        found = {
            name: analyser(aligned_face(picture, box, points, analyser.shape))
            for name, analyser in self._analysers.items()
            if box.w >= analyser.least_width_px and name not in without
        }
        return Traits(**found)
