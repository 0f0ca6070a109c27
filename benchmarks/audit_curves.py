"""Computes the audit's table of expected accuracy, and the effect of blur and light, from measured faces."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.audit_captures import AS_IS, SHRUNK, SOME, Capture
from benchmarks.audit_seats import Outcome
from benchmarks.rates import Rate
from edge_daemon.app.audit.expected_accuracy import AccuracyFactors, by_width

Array = NDArray[np.float64]

WIDTHS_PX = (14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 32.0, 36.0, 42.0, 50.0, 60.0, 80.0)
CLEAR = {AS_IS.name, *(variant.name for variant in SHRUNK)}
"""Variants in focus and in good light."""
PRESENT = 0.4
"""Share of the captures that the rule requires."""
MOSTLY = 0.6
"""A student who is there in at least this share of the captures counts as mostly there."""
_GRID = {
    "soft": (0.75, 0.8, 0.85, 0.9, 0.95),
    "blind": (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    "dark_luma": (50.0, 60.0, 70.0, 80.0, 90.0, 100.0),
    "dark_power": (0.0, 0.3, 0.45, 0.6, 0.75, 0.9),
    "burnt_loss": (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0),
}


def table(captures: Iterable[Capture]) -> list[dict[str, object]]:
    """Return the rates by width of the face, with exact intervals, smoothed so that they rise with the width."""
    clear = [capture for capture in captures if capture.variant in CLEAR]
    rates, sharpness = _faces(clear), _sharpness(clear)
    for key, count in _registers(clear).items():
        rates["register"][key] = count
    smooth = {what: _rising([rates[what][w] for w in WIDTHS_PX]) for what in ("found", "hit", "register")}
    return [
        {
            "width_px": width,
            **{what: round(smooth[what][i], 3) for what in smooth},
            "sharpness": round(sharpness.get(width, 0.0), 3),
            **{f"{what}_measured": rates[what][width].json() for what in smooth},
        }
        for i, width in enumerate(WIDTHS_PX)
    ]


def _faces(captures: Sequence[Capture]) -> dict[str, dict[float, Rate]]:
    counts: Counter[tuple[str, float]] = Counter()
    for capture in captures:
        seen = {s.truth: s for s in capture.seen if s.truth >= 0}
        for index, face in enumerate(capture.true):
            if face.kind == "student":
                width = nearest(face.width_px)
                counts["face", width] += 1
                counts["found", width] += index in seen
                counts["hit", width] += index in seen and seen[index].alone == face.student_id
    rates: dict[str, dict[float, Rate]] = defaultdict(lambda: dict.fromkeys(WIDTHS_PX, Rate(0, 0)))
    for width in WIDTHS_PX:
        for what in ("found", "hit"):
            rates[what][width] = Rate(counts[what, width], counts["face", width])
    return rates


def _sharpness(captures: Sequence[Capture]) -> dict[float, float]:
    found = defaultdict(list)
    for capture in captures:
        for s in capture.seen:
            if s.truth >= 0:
                found[nearest(s.face.quality.width_px)].append(s.face.quality.sharpness)
    return {width: float(np.median(values)) for width, values in found.items()}


def _registers(captures: Sequence[Capture]) -> dict[float, Rate]:
    """Return, by width of the face, how many of the students who were mostly there would be marked present."""
    lessons = defaultdict(list)
    for capture in captures:
        lessons[capture.lesson, capture.variant].append(capture)
    rates = dict.fromkeys(WIDTHS_PX, Rate(0, 0))
    for own in lessons.values():
        if len(own) <= SOME:
            continue  # not a whole lesson
        widths, counted = defaultdict(list), Counter(s.counted for c in own for s in c.seen)
        for face in (f for c in own for f in c.true if f.kind == "student"):
            widths[face.student_id].append(face.width_px)
        for student, seen in widths.items():
            if len(seen) >= MOSTLY * len(own):
                right = counted[student] >= PRESENT * len(own)
                rates[nearest(float(np.median(seen)))] += Rate(int(right), 1)
    return rates


def nearest(width_px: float) -> float:
    """Return the table's width nearest to a width."""
    return min(WIDTHS_PX, key=lambda w: abs(math.log(w / max(width_px, 1.0))))


def _rising(rates: Sequence[Rate]) -> list[float]:
    """Return shares that never fall, as near as possible to the measured ones (pooling of adjacent violators).

    No share is 0 or 1, because no count proves that: half a success and half a failure are added (Jeffreys).
    """
    blocks: list[tuple[Rate, int]] = []
    for rate in rates:
        blocks.append((rate, 1))
        while len(blocks) > 1 and (not blocks[-1][0].n or _share(blocks[-1][0]) < _share(blocks[-2][0])):
            (rate_b, size_b), (rate_a, size_a) = blocks.pop(), blocks.pop()
            blocks.append((rate_a + rate_b, size_a + size_b))
    shares = [(rate.hits + 0.5) / (rate.n + 1) for rate, size in blocks for _ in range(size)]
    return [float(share) for share in np.maximum.accumulate(shares)]


def _share(rate: Rate) -> float:
    return rate.hits / max(rate.n, 1)


def hit_rate(worth_px: float, rows: Sequence[dict[str, object]]) -> float:
    """Return the hit rate of a face with an effective width, interpolated in a table."""
    widths, hits = [row["width_px"] for row in rows], [row["hit"] for row in rows]
    return by_width(worth_px, widths, hits)  # type: ignore[arg-type]


def fit_worth(outcomes: Sequence[Outcome], rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """Return the effect of blur and light that makes the outcomes most likely, and the contribution of each part."""

    def loss(gain: AccuracyFactors) -> float:
        return log_loss(outcomes, lambda o: hit_rate(gain.px(o.seat.width_px, o.seat.sharpness, o.seat.light), rows))

    best, least = AccuracyFactors(), loss(AccuracyFactors())
    for _ in range(3):
        for key, values in _GRID.items():
            tried = [(loss(replace(best, **{key: value})), value) for value in values]  # type: ignore[arg-type]
            least, value = min(tried)
            best = replace(best, **{key: value})  # type: ignore[arg-type]
    without = {
        "sharpness": replace(best, soft=-8.9, blind=-9.0),
        "darkness": replace(best, dark_power=0.0),
        "burnt": replace(best, burnt_loss=0.0),
    }
    alone = log_loss(outcomes, lambda o: hit_rate(o.seat.width_px, rows))
    return {
        **asdict(best),
        "log_loss_a_face": round(least, 4),
        "log_loss_by_width_alone": round(alone, 4),
        "log_loss_without": {name: round(loss(gain), 4) for name, gain in without.items()},
    }


def log_loss(outcomes: Sequence[Outcome], predict: Callable[[Outcome], float]) -> float:
    """Return the mean over all faces of the negative logarithm of the probability given to the actual outcome."""
    total, faces = 0.0, 0
    for o in outcomes:
        p = min(max(predict(o), 0.005), 0.995)
        total -= o.hits * math.log(p) + (o.faces - o.hits) * math.log(1 - p)
        faces += o.faces
    return total / max(faces, 1)
