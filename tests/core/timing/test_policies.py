"""Between which times a schedule is due: truth tables."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Policies, ScheduleState, Spec
from jupyter_schedule.core.timing import planning, policies
from tests.factories import NOON, make_schedule, make_spec

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def spec(**given: Any) -> Spec:
    return make_spec(policies=Policies(**given))


class TestComing:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, [0, 1, 2, 3]),
            ({"start": NOON}, [0, 1, 2, 3]),
            ({"start": NOON + SECOND}, [1, 2, 3, 4]),
            ({"end": NOON}, [0]),
            ({"end": NOON - SECOND}, []),
            ({"end": NOON + DAY}, [0, 1]),
            ({"start": NOON + DAY, "end": NOON + 2 * DAY}, [1, 2]),
            ({"max_runs": 2}, [0, 1]),
            ({"max_runs": 2, "start": NOON + 5 * DAY}, [5, 6]),
            ({"max_runs": 3, "end": NOON + DAY}, [0, 1]),
        ],
    )
    def test_both_bounds_are_included_and_runs_are_counted_from_when_they_are_saved(
        self, given: dict[str, Any], expected: list[int]
    ) -> None:
        saved = policies.count_runs(spec(**given), NOON - DAY)
        found = [each.instant for each in islice(policies.coming(saved, NOON - DAY), 4)]
        assert found == [NOON + number * DAY for number in expected]


class TestCheck:
    def test_an_end_before_its_start_is_refused_at_the_field(self) -> None:
        with pytest.raises(Refused) as refused:
            policies.check(spec(start=NOON, end=NOON - SECOND))
        assert (refused.value.code, refused.value.field) == ("bad_end", "end")

    def test_an_end_at_its_start_is_one_run(self) -> None:
        policies.check(spec(start=NOON, end=NOON))


class TestRecounted:
    @pytest.mark.parametrize(
        ("changes", "last"),
        [({}, NOON + DAY), ({"timeout": 5}, NOON + DAY), ({"policies": Policies(max_runs=3)}, NOON + 7 * DAY)],
    )
    def test_only_an_edit_of_when_or_how_often_counts_anew(self, changes: dict[str, Any], last: datetime) -> None:
        before = policies.count_runs(spec(max_runs=2), NOON - DAY)
        after = before.model_copy(update={"last_due": None} | changes)
        assert policies.recount_runs(before, after, NOON + 4 * DAY).last_due == last


def test_a_schedule_ends_with_its_last_time_and_owes_nothing_after_it() -> None:
    schedule = make_schedule(spec=spec(end=NOON))
    owed = planning.plan_runs(schedule, NOON + 9 * DAY)
    assert [(run.scheduled_for, run.count) for run in owed.runs] == [(NOON, 1)]
    assert owed.schedule.state == ScheduleState.ENDED


def test_a_schedule_owes_nothing_before_its_start() -> None:
    schedule = make_schedule(spec=spec(start=NOON + 2 * DAY))
    owed = planning.plan_runs(schedule, NOON + DAY)
    assert (owed.runs, owed.schedule.next_due) == ((), NOON + 2 * DAY)
