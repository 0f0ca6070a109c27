"""A file cache of read faces. Reading takes minutes, and its result depends on the networks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from benchmarks import match_faces
from benchmarks.match_faces import Photograph, Probe
from edge_daemon.vision.models import ModelSet

People = dict[str, list[Photograph]]


def read(data: Path, models: ModelSet, least: int, cache: Path | None) -> People:
    """Return the result of `match_faces.read`, from the cache if the same networks have read the data before.

    Args:
        data: folder in the form of lfw.
        models: networks that read the faces.
        least: number of photographs that a person must have.
        cache: folder, created if missing; None: no cache.
    """
    if cache is None:
        return match_faces.read(data, models, least)
    path = cache / f"faces-{key(data, models, least)}.npz"
    if path.exists():
        return _loaded(path)
    people = match_faces.read(data, models, least)
    cache.mkdir(parents=True, exist_ok=True)
    _save(path, people)
    return people


def key(data: Path, models: ModelSet, least: int) -> str:
    """Return a key that changes with the networks, the pictures and the code that reads them."""
    parts = [card.sha256 for card in models.cards] + [(data / "images.csv").read_text("utf-8"), f"{least}"]
    parts += [Path(module.__file__ or "").read_text("utf-8") for module in (match_faces, match_faces.covers)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _save(path: Path, people: People) -> None:
    photographs = [photo for own in people.values() for photo in own]
    probes = [probe for photo in photographs for probe in photo.probes]
    with path.open("wb") as file:
        np.savez(
            file,
            names=np.array(list(people)),
            per_person=np.array([len(own) for own in people.values()]),
            per_photograph=np.array([len(photo.templates) for photo in photographs]),
            templates=np.concatenate([photo.templates for photo in photographs]),
            widths=np.concatenate([photo.widths_px for photo in photographs]),
            conditions=np.array([probe.condition for probe in probes]),
            numbers=np.array([(p.width_px, p.sharpness, p.presence, p.yaw_deg) for p in probes]),
            vectors=np.stack([probe.vector for probe in probes]),
        )


def _loaded(path: Path) -> People:
    with np.load(path, allow_pickle=False) as kept:
        arrays = {key: kept[key] for key in kept.files}
    ends = np.cumsum(arrays["per_photograph"])[:-1]
    templates, widths = np.split(arrays["templates"], ends), np.split(arrays["widths"], ends)
    each = len(arrays["conditions"]) // len(templates)
    photographs = [
        Photograph(rows, px, _probes(arrays, slice(i * each, (i + 1) * each)))
        for i, (rows, px) in enumerate(zip(templates, widths, strict=True))
    ]
    ends = np.cumsum([0, *arrays["per_person"]])
    return {str(name): photographs[a:b] for name, a, b in zip(arrays["names"], ends[:-1], ends[1:], strict=True)}


def _probes(arrays: dict[str, np.ndarray], own: slice) -> tuple[Probe, ...]:
    rows = zip(arrays["conditions"][own], arrays["numbers"][own], arrays["vectors"][own], strict=True)
    return tuple(Probe(str(c), float(n[0]), v, float(n[1]), float(n[2]), float(n[3])) for c, n, v in rows)
