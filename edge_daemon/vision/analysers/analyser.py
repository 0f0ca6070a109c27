"""What an analyser is."""

from __future__ import annotations

from typing import Protocol, TypeVar

from edge_daemon.vision.analysers.aligned_face import AlignedFace, CropShape

Trait_co = TypeVar("Trait_co", covariant=True)


class Analyser(Protocol[Trait_co]):
    """Measures one trait on one face. Not for two threads at a time.

    Its module is called as the field of `Traits` that it fills, and has `open_analyser(models) -> Analyser`.
    """

    @property
    def shape(self) -> CropShape:
        """The crop that it wants."""

    @property
    def least_width_px(self) -> float:
        """Faces narrower than this, ear to ear, are not measured."""

    def __call__(self, face: AlignedFace) -> Trait_co:
        """Return the calibrated numbers of one face."""
