"""Networks of which only one is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OneLoaded(Generic[T]):
    """Loads networks when they are used, and keeps only the last one. Not safe for concurrent use.

    The sweep's network needs 31 MB and those for the eyes 17 MB. A capture searches all of its tiles before it
    describes its faces, so they never run at the same time. Loading takes about 20 ms.
    """

    def __init__(self) -> None:
        self._name = ""
        self._loaded: T | None = None

    def get(self, name: str, load: Callable[[], T]) -> T:
        """Return the network with this name. If another one is in memory, release that one and load this one.

        Raises:
            ModelError: the network can't be loaded.
        """
        if self._loaded is None or name != self._name:
            self._loaded = None
            self._loaded = load()
            self._name = name
        return self._loaded
