"""Running a benchmark as the shell would, within the test's process."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


def run(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *arguments: object) -> int:
    """Run `python -m benchmarks.MODULE ARGUMENTS`; return the exit code."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    code: int = module.main()
    return code
