"""The mail server's part in the faults: its moods, what it took, and what should have come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.slow.delivery_oracle import Mail, Oracle


class MailFaults:
    """One device's mail server.

    Args:
        certificates: folder of the authority.
        chance: where faults come from.
        oracle: is told what has to arrive.
        stack: ends the server.
    """

    def __init__(self, certificates: Path, chance: random.Random, oracle: Oracle, stack: ExitStack) -> None:
        self._chance, self._oracle = chance, oracle

    def settings(self) -> str:
        return ""

    def expect(self, lesson_id: str, revision: int, document: str) -> None: ...

    def plan(self, count: int) -> None: ...

    def calm(self) -> None: ...

    def met(self) -> Counter[str]:
        return Counter()

    def took(self) -> Sequence[Mail]:
        return ()

    def repeats(self) -> int:
        return 0
