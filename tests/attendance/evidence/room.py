"""A synthetic lesson: people are directions in space, and faces are these with noise. The truth is therefore exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edge_daemon.traits import EyeClosure, Traits
from edge_daemon.types import Box, Candidate, Quality

SIZE = 192


@dataclass
class Room:
    """Collects the faces of a lesson, each with the true person."""

    students: int = 12
    noise: float = 0.85
    """Length of the noise beside a direction of length 1: two faces of one person then have a cosine of about 0.58."""
    seed: int = 0
    faces: list[Candidate] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.people: dict[str, np.ndarray] = {}
        for student in self.ids:
            self.identity(student)

    @property
    def ids(self) -> list[str]:
        return [f"S{i:02d}" for i in range(self.students)]

    def identity(self, name: str) -> np.ndarray:
        if name not in self.people:
            self.people[name] = _unit(self.random.normal(size=SIZE))
        return self.people[name]

    def resembles(self, name: str, other: str, similarity: float) -> None:
        """Add a person whose direction has this cosine to that of another one."""
        own = self.identity(other)
        unlike = _unit(self.random.normal(size=SIZE))
        unlike = _unit(unlike - (unlike @ own) * own)
        self.people[name] = similarity * own + np.sqrt(1 - similarity**2) * unlike

    def sits(
        self,
        name: str,
        slots: Sequence[int],
        seat: int,
        *,
        noise: float | None = None,
        shut: bool = False,
        width_px: float = 40.0,
    ) -> None:
        """Put a person into a seat for some captures."""
        for slot in slots:
            spread = self.noise if noise is None else noise
            vector = _unit(self.identity(name) + spread * _unit(self.random.normal(size=SIZE)))
            x, y = 200.0 * (seat % 8) + self.random.normal(0, 4), 150.0 * (seat // 8) + self.random.normal(0, 4)
            similarities = np.array([vector @ self.people[s] for s in self.ids], np.float32)
            self.faces.append(
                Candidate(
                    slot=slot,
                    box=Box(x, y, width_px, 1.25 * width_px),
                    score=0.99,
                    quality=Quality(width_px, 0.5, 1.0),
                    attentive=True,
                    similarities=similarities,
                    embedding=vector.astype(np.float32),
                    traits=Traits(eyes=EyeClosure(0.8, 0.8) if shut else EyeClosure(0.2, 0.1)),
                )
            )
            self.truth.append(name if name in self.ids else "")

    def ordered_truth(self) -> list[str]:
        """Return the names in the order of the sightings."""
        order = sorted(range(len(self.faces)), key=lambda i: self.faces[i].slot)
        return [self.truth[i] for i in order]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
