"""When the service looks again."""

from datetime import datetime, timedelta

import pytest

from scheduler_service.service import LOOK_AGAIN, LOOK_AT_CLOCK, LOOK_AT_WORKERS, until_next_tick
from tests.factories import NOON


@pytest.mark.parametrize(
    ("next_due", "busy", "seconds"),
    [
        (None, False, LOOK_AT_CLOCK),
        (None, True, LOOK_AT_WORKERS),
        (NOON + timedelta(hours=1), False, LOOK_AT_CLOCK),
        (NOON + timedelta(hours=1), True, LOOK_AT_WORKERS),
        (NOON + timedelta(milliseconds=10), False, 0.01),
        # due while it ticked: looked at again, but never without a pause
        (NOON, False, LOOK_AGAIN),
        (NOON - timedelta(seconds=0.5), True, LOOK_AGAIN),
        # due for long, and left for a reason that lasts, such as a doubted clock: no reason to hurry
        (NOON - timedelta(seconds=1), False, LOOK_AT_CLOCK),
        (NOON - timedelta(days=1), True, LOOK_AT_WORKERS),
    ],
)
def test_it_waits_for_what_comes_first_and_never_not_at_all(
    next_due: datetime | None, busy: bool, seconds: float
) -> None:
    assert until_next_tick(next_due, NOON, busy=busy) == pytest.approx(seconds)
