"""Fixtures that several files of this folder use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.read_once import each_input_computed_once


@pytest.fixture(scope="module", autouse=True)
def networks_remember() -> Iterator[None]:
    """Several tests enrol the same portraits, and look at the same captures of the demo."""
    with each_input_computed_once():
        yield
