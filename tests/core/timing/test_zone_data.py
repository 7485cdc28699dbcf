"""New data for a zone: what was accounted for by the old one stays so, and nothing is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.models import CatchUp, Run, Schedule, Timing
from jupyter_schedule.core.timing import planning, recurrence, timezones
from tests.factories import NOON, make_schedule, make_spec

HOUR = timedelta(hours=1)
MOVED = "Europe/Berlin"


@contextmanager
def zone_data(hours_east: int) -> Iterator[None]:
    """As if the data said that the zone is always so many hours east of Greenwich."""
    table = ZoneInfo(f"Etc/GMT{-hours_east:+d}")
    caches = [each for each in vars(recurrence).values() if hasattr(each, "cache_clear")]
    caches += [recurrence.Recurrence.of, timezones.steady_offset]
    with pytest.MonkeyPatch.context() as patch:
        for module in (recurrence, timezones):
            patch.setattr(module, "find_zone", lambda _: table)
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


def settle(ledger: dict[str, Run], schedule: Schedule, hours: int) -> Schedule:
    """Bring the ledger up to so many hours after noon, as a store does: a key that it has is left as it is."""
    owed = planning.plan_runs(schedule, NOON + hours * HOUR, lambda run_id: run_id in ledger)
    for run in owed.runs:
        ledger.setdefault(run.id, run)
    return owed.schedule


@given(st.integers(-5, 5), st.integers(-5, 5), st.integers(0, 30), st.integers(1, 60), st.sampled_from(CatchUp))
def test_every_time_after_the_cursor_is_in_the_ledger_whatever_new_zone_data_says(
    before: int, after: int, until: int, off: int, catch_up: CatchUp
) -> None:
    """A service ticked each hour, was off for long, and came back with a zone that had moved."""
    spec = make_spec(timing=Timing(cron="30 * * * *", timezone=MOVED), catch_up=catch_up)
    schedule = make_schedule(spec=spec, cursor=NOON)
    ledger: dict[str, Run] = {}
    with zone_data(before):
        for hours in range(until + 1):
            schedule = settle(ledger, schedule, hours)
    with zone_data(after):
        settled = settle(ledger, schedule, until + off)
        owed = {
            planning.plan_run(schedule, each, NOON).id: each.instant
            for each in planning.between(spec, schedule.cursor, settled.cursor)
        }
        stretches = [(run.scheduled_for, run.until or run.scheduled_for) for run in ledger.values()]
        lost = {
            run_id
            for run_id, instant in owed.items()
            if run_id not in ledger and not any(start <= instant <= end for start, end in stretches)
        }
        assert lost == set()


def test_a_zone_that_moves_west_loses_no_stretch_of_skipped_times() -> None:
    """The first of 48 was in the ledger already, so the row that told of all of them was left out."""
    spec = make_spec(timing=Timing(cron="30 * * * *", timezone=MOVED), catch_up=CatchUp.NONE)
    schedule = make_schedule(spec=spec, cursor=NOON)
    ledger: dict[str, Run] = {}
    with zone_data(2):
        for hours in range(3):
            schedule = settle(ledger, schedule, hours)
    fired = set(ledger)
    with zone_data(1):
        settle(ledger, schedule, 50)
    (stretch,) = (run for run_id, run in ledger.items() if run_id not in fired)
    assert (stretch.count, stretch.status) == (47, "skipped")
    assert stretch.scheduled_for == NOON + timedelta(hours=3, minutes=30)
