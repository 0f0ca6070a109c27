"""The interface of an analyser."""

from __future__ import annotations

from typing import Protocol, TypeVar

from edge_daemon.vision.analysers.aligned_face import AlignedFace, CropShape

Trait_co = TypeVar("Trait_co", covariant=True)


class Analyser(Protocol[Trait_co]):
    """Measures one trait on one face. Not safe for concurrent use.

    Its module has the name of the field of `Traits` that it fills, and defines `open_analyser(models) -> Analyser`.
    """

    @property
    def shape(self) -> CropShape:
        """Size and position of the crop that the analyser requires."""

    @property
    def least_width_px(self) -> float:
        """Least width of a face from ear to ear, px; the analyser does not measure narrower faces."""

    @property
    def is_seldom(self) -> bool:
        """Whether few captures need the analyser, so that its networks stay in memory only while they are used."""

    def __call__(self, face: AlignedFace) -> Trait_co:
        """Return the trait of one face, in calibrated numbers."""
