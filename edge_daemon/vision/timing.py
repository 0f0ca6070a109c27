"""Measures how long the embedders take on this machine; whether int8 is faster depends on the processor."""

from __future__ import annotations

import statistics
import time

import numpy as np

from edge_daemon.vision.mobilefacenet import MobileFaceNet
from edge_daemon.vision.models import ModelSet

ROUNDS = 15
SIDE_PX = 112


def time_embedders(models: ModelSet, rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median milliseconds for one face with one thread, by precision.

    The files take turns, so that a slowdown of the machine affects all of them.
    """
    roles = {role: card for card in models.cards for role in card.roles if role.startswith("embedder_")}
    networks = {role.removeprefix("embedder_"): MobileFaceNet(card) for role, card in sorted(roles.items())}
    face = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    times_ms: dict[str, list[float]] = {precision: [] for precision in networks}
    for network in networks.values():
        network(face)  # the first run prepares the weights
    for _ in range(rounds):
        for precision, network in networks.items():
            begun = time.perf_counter()
            network(face)
            times_ms[precision].append(1000 * (time.perf_counter() - begun))
    return {precision: statistics.median(values) for precision, values in times_ms.items()}
