from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.timestamps import parsed, stored, written

TIMES = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - the zone is drawn apart
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.timezones(),
)


@given(TIMES)
def test_both_forms_give_the_same_instant_back(at):
    assert parsed(stored(at)) == parsed(written(at)) == at.astimezone(timezone.utc)


@given(TIMES, TIMES)
def test_stored_times_sort_as_times_do(one, other):
    assert (stored(one) < stored(other)) == (one.astimezone(timezone.utc) < other.astimezone(timezone.utc))


def test_documents_have_a_fraction_only_where_there_is_one():
    noon = datetime(2026, 11, 21, 13, tzinfo=timezone(timedelta(hours=1)))
    assert written(noon) == "2026-11-21T12:00:00Z"
    assert written(noon + timedelta(milliseconds=5)) == "2026-11-21T12:00:00.005000Z"
    assert stored(noon) == "2026-11-21T12:00:00.000000Z"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21T12:00:00", "0001-01-01T00:00:00+01:00"])
def test_a_text_that_is_no_instant_is_refused(text):
    with pytest.raises(ValueError):
        parsed(text)


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError):
        stored(datetime(2026, 1, 1))  # noqa: DTZ001
