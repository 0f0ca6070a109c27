"""A time that passes only where somebody sleeps, or the test says so."""

from __future__ import annotations


class FakeTime:
    """What a module uses of `time`."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds
