"""Instants as they are written, and read again."""

from datetime import UTC, datetime

import pytest

from jupyter_schedule.core.models import Policies, utc_text


@pytest.mark.promise("P35")
@pytest.mark.parametrize("year", [1, 9, 99, 999, 1000, 2026, 9999])
def test_an_instant_of_any_year_is_read_as_it_was_written(year: int) -> None:
    start = datetime(year, 2, 3, 4, 5, 6, tzinfo=UTC)
    text = utc_text(start)
    assert text == f"{year:04}-02-03T04:05:06Z"
    assert Policies.model_validate_json(Policies(start=start).model_dump_json()).start == start
