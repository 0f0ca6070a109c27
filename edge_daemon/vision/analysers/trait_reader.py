"""The enabled analysers and their measurements on one face."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from edge_daemon.traits import Traits
from edge_daemon.types import Box, Picture
from edge_daemon.vision.analysers.aligned_face import Array, CropShape, aligned_face
from edge_daemon.vision.analysers.analyser import Analyser
from edge_daemon.vision.models import ModelSet
from edge_daemon.vision.one_loaded import OneLoaded


@dataclass(frozen=True, slots=True)
class _Enabled:
    """An enabled analyser; `get` returns the analyser, and loads it if it is not in memory."""

    shape: CropShape
    least_width_px: float
    get: Callable[[], Analyser[Any]]


class TraitReader:
    """Runs every enabled analyser. Not safe for concurrent use.

    Args:
        models: verified model files.
        names: fields of `Traits`; only the modules with these names in this folder are loaded.
        one_loaded: loads the analysers that few captures need. Only the network used last is in memory.

    Raises:
        ModelError: a network is missing or can't be loaded; this also applies to one that is loaded later.
    """

    def __init__(self, models: ModelSet, names: Sequence[str], one_loaded: OneLoaded[Any] | None = None) -> None:
        self._models, self._one_loaded = models, one_loaded or OneLoaded()
        self._enabled = {name: self._opened(name) for name in names}

    def __call__(self, picture: Picture, box: Box, points: Array, without: Collection[str] = ()) -> Traits:
        """Measure one face.

        Args:
            picture: BGR.
            box: the face, ear to ear and forehead to chin, in pixels of the picture.
            points: (n, 2), right eye and left eye first.
            without: analysers left out for this face.
        """
        found = {
            name: one.get()(aligned_face(picture, box, points, one.shape))
            for name, one in self._enabled.items()
            if box.w >= one.least_width_px and name not in without
        }
        return Traits(**found)

    def _opened(self, name: str) -> _Enabled:
        """Load an analyser. One that few captures need is loaded too, to find a damaged file before the lesson."""
        module = import_module(f"edge_daemon.vision.analysers.{name}")
        analyser: Analyser[Any] = module.open_analyser(self._models)
        if not analyser.is_seldom:
            return _Enabled(analyser.shape, analyser.least_width_px, lambda: analyser)

        def get() -> Analyser[Any]:
            loaded: Analyser[Any] = self._one_loaded.get(name, lambda: module.open_analyser(self._models))
            return loaded

        return _Enabled(analyser.shape, analyser.least_width_px, get)
