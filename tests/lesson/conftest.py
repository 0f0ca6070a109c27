from __future__ import annotations

import pytest

from tests.lesson.calendar_files import Office


@pytest.fixture
def office(tmp_path) -> Office:
    return Office(tmp_path)
