"""What a schedule owes up to a moment."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    CatchUp,
    Policies,
    Reason,
    RunStatus,
    Schedule,
    ScheduleState,
    Spec,
    Timing,
    Trigger,
)
from jupyter_schedule.core.timing import planning
from tests.factories import NOON, make_schedule, make_spec

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def hourly(catch_up: CatchUp = CatchUp.LATEST, **changes: Any) -> Schedule:
    """Due at noon and at every full hour after it."""
    spec = make_spec(timing=Timing(cron="0 * * * *"), catch_up=catch_up)
    return make_schedule(spec=spec, cursor=NOON - timedelta(minutes=1), **changes)


def test_before_its_time_nothing_is_owed() -> None:
    owed = planning.plan_runs(make_schedule(), NOON - timedelta(seconds=1))
    assert owed.runs == ()
    assert owed.schedule.next_due == NOON


def test_at_its_time_one_run_is_due_and_the_next_occurrence_is_known() -> None:
    owed = planning.plan_runs(make_schedule(), NOON)

    (run,) = owed.runs
    assert (run.status, run.trigger, run.scheduled_for) == (RunStatus.DUE, Trigger.SCHEDULE, NOON)
    assert (run.data_interval_start, run.data_interval_end) == (NOON - DAY, NOON)
    assert (owed.schedule.cursor, owed.schedule.next_due) == (NOON, NOON + DAY)


def test_what_was_owed_once_is_not_owed_again() -> None:
    settled = planning.plan_runs(make_schedule(), NOON).schedule
    assert planning.plan_runs(settled, NOON).runs == ()
    assert planning.plan_runs(settled, NOON + HOUR).runs == ()


@pytest.mark.promise("P14")
def test_a_clock_set_back_owes_nothing_and_moves_no_cursor_back() -> None:
    settled = planning.plan_runs(make_schedule(), NOON).schedule
    again = planning.plan_runs(settled, NOON - DAY)
    assert again.runs == ()
    assert again.schedule == settled


def test_an_occurrence_has_the_same_id_whoever_finds_it() -> None:
    one, other = (
        planning.plan_runs(make_schedule(), NOON + late).runs[0] for late in (timedelta(), timedelta(seconds=40))
    )
    assert (one.id, one.key) == (other.id, other.key)
    assert one.key == "cron:1:2026-11-24T12:00/0"


def test_a_new_timing_has_other_ids_for_the_same_instant() -> None:
    assert (
        planning.plan_runs(make_schedule(), NOON).runs[0].id
        != planning.plan_runs(make_schedule(timing_rev=2), NOON).runs[0].id
    )


@pytest.mark.promise("P4")
@pytest.mark.parametrize(
    ("catch_up", "late", "ran", "skipped"),
    [
        (CatchUp.LATEST, 0 * HOUR, [12], None),
        (CatchUp.LATEST, 3 * HOUR, [15], (12, 14, 3)),
        (CatchUp.LATEST, 1 * HOUR, [13], (12, None, 1)),
        (CatchUp.ALL, 3 * HOUR, [12, 13, 14, 15], None),
        (CatchUp.NONE, 0 * HOUR, [12], None),
        (CatchUp.NONE, 3 * HOUR, [15], (12, 14, 3)),
        (CatchUp.NONE, 3.5 * HOUR, [], (12, 15, 4)),
    ],
)
def test_occurrences_that_passed_are_run_or_skipped_as_the_schedule_says(
    catch_up: CatchUp, late: timedelta, ran: list[int], skipped: tuple[int, int | None, int] | None
) -> None:
    owed = planning.plan_runs(hourly(catch_up), NOON + late)

    due = [run.scheduled_for.hour for run in owed.runs if run.status == RunStatus.DUE]
    stretches = [
        (run.scheduled_for.hour, run.until.hour if run.until else None, run.count)
        for run in owed.runs
        if run.status == RunStatus.SKIPPED
    ]
    assert due == ran
    assert stretches == ([skipped] if skipped else [])


def test_the_latest_is_not_run_when_it_is_older_than_a_day() -> None:
    owed = planning.plan_runs(make_schedule(), NOON + DAY - timedelta(seconds=1))
    assert [run.status for run in owed.runs] == [RunStatus.DUE]

    weekly = make_schedule(spec=make_spec(timing=Timing(cron="0 12 * * TUE")))
    (missed,) = planning.plan_runs(weekly, NOON + 2 * DAY).runs
    assert (missed.status, missed.reason, missed.count, missed.until) == (RunStatus.SKIPPED, Reason.MISSED, 1, None)
    assert missed.message == "Its time passed while the scheduler was off."


@pytest.mark.parametrize(
    ("catch_up", "cron", "window"),
    [
        (CatchUp.LATEST, "0 12 * * TUE", DAY),
        (CatchUp.NONE, "0 12 * * *", timedelta(seconds=60)),
    ],
)
def test_an_occurrence_is_run_to_the_last_second_of_its_window(catch_up: CatchUp, cron: str, window: timedelta) -> None:
    schedule = make_schedule(spec=make_spec(timing=Timing(cron=cron), catch_up=catch_up))
    (at_its_end,) = planning.plan_runs(schedule, NOON + window).runs
    (after_it,) = planning.plan_runs(schedule, NOON + window + timedelta(seconds=1)).runs
    assert (at_its_end.status, after_it.status) == (RunStatus.DUE, RunStatus.SKIPPED)


def test_all_runs_at_most_a_hundred_and_accounts_for_the_rest() -> None:
    owed = planning.plan_runs(hourly(CatchUp.ALL), NOON + 149 * HOUR)

    skipped, *due = owed.runs
    assert len(due) == 100
    assert (skipped.count, skipped.scheduled_for, skipped.until) == (50, NOON, NOON + 49 * HOUR)
    assert due[0].scheduled_for == NOON + 50 * HOUR
    assert due[-1].scheduled_for == NOON + 149 * HOUR


def test_the_occurrences_of_a_paused_schedule_are_one_row_that_says_so() -> None:
    owed = planning.plan_runs(hourly(CatchUp.ALL, state=ScheduleState.PAUSED), NOON + 2 * HOUR)

    (skipped,) = owed.runs
    assert (skipped.status, skipped.reason, skipped.count) == (RunStatus.SKIPPED, Reason.PAUSED, 3)
    assert skipped.message == "3 times passed while the schedule was paused."
    assert (owed.schedule.state, owed.schedule.next_due) == (ScheduleState.PAUSED, None)


@pytest.mark.parametrize("state", [ScheduleState.ENDED, ScheduleState.DELETED])
def test_what_ended_or_was_deleted_owes_nothing(state: ScheduleState) -> None:
    schedule = make_schedule(state=state, next_due=None)
    assert planning.plan_runs(schedule, NOON + DAY) == planning.RunPlan((), schedule)


def test_a_schedule_that_runs_once_ends_with_its_run() -> None:
    once = make_schedule(spec=make_spec(timing=Timing(once=NOON)))
    owed = planning.plan_runs(once, NOON)

    (run,) = owed.runs
    assert run.data_interval_start == run.data_interval_end == NOON
    assert (owed.schedule.state, owed.schedule.next_due) == (ScheduleState.ENDED, None)


def test_a_run_by_hand_is_due_now_over_the_last_complete_interval() -> None:
    run = planning.plan_manual_run(make_schedule(), NOON + HOUR)
    assert (run.trigger, run.scheduled_for) == (Trigger.MANUAL, NOON + HOUR)
    assert (run.data_interval_start, run.data_interval_end) == (NOON - DAY, NOON)
    assert run.id != planning.plan_manual_run(make_schedule(), NOON + HOUR).id


@pytest.mark.promise("P1")
@given(st.lists(st.integers(min_value=0, max_value=72 * 60), min_size=1, max_size=8), st.sampled_from(CatchUp))
def test_however_often_it_is_brought_up_to_date_every_occurrence_is_accounted_for_once(
    minutes: list[int], catch_up: CatchUp
) -> None:
    schedule = hourly(catch_up)
    accounted: list[datetime] = []
    for minute in sorted(minutes):
        owed = planning.plan_runs(schedule, NOON + timedelta(minutes=minute))
        for run in owed.runs:
            last = run.until or run.scheduled_for
            assert run.count == (last - run.scheduled_for) // HOUR + 1
            accounted += [run.scheduled_for + step * HOUR for step in range(run.count)]
        schedule = owed.schedule

    assert accounted == [NOON + step * HOUR for step in range(max(minutes) // 60 + 1)]
    assert schedule.cursor.tzinfo == UTC


class TestZoneThatIsGone:
    def schedule(self, **changes: Any) -> Schedule:
        timing = Timing(cron="0 12 * * *", timezone="Mars/Phobos")
        return make_schedule(spec=make_spec(timing=timing), **changes)

    def test_the_time_that_is_known_is_in_the_ledger_and_the_schedule_paused(self) -> None:
        owed = planning.plan_runs(self.schedule(), NOON + HOUR)
        (run,) = owed.runs
        assert (run.status, run.reason, run.scheduled_for) == (RunStatus.SKIPPED, Reason.MISSED, NOON)
        assert "No zone called “Mars/Phobos”" in (run.message or "")
        assert (owed.schedule.state, owed.schedule.next_due) == (ScheduleState.PAUSED, None)

    def test_it_is_said_once_and_never_before_its_time(self) -> None:
        owed = planning.plan_runs(self.schedule(), NOON + HOUR)
        assert planning.plan_runs(owed.schedule, NOON + DAY) == planning.RunPlan((), owed.schedule)
        assert planning.plan_runs(self.schedule(), NOON - HOUR) == planning.RunPlan((), self.schedule())

    def test_what_passed_after_it_is_accounted_for_when_the_zone_is_back(self) -> None:
        paused = planning.plan_runs(self.schedule(), NOON + HOUR).schedule
        back = paused.model_copy(update={"spec": make_spec()})
        (run,) = planning.plan_runs(back, NOON + 2 * DAY).runs
        assert (run.reason, run.scheduled_for, run.until, run.count) == (
            Reason.PAUSED,
            NOON + DAY,
            NOON + 2 * DAY,
            2,
        )


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
        saved = planning.count_runs(spec(**given), NOON - DAY)
        found = [each.instant for each in islice(planning.coming(saved, NOON - DAY), 4)]
        assert found == [NOON + number * DAY for number in expected]


class TestCheck:
    def test_an_end_before_its_start_is_refused_at_the_field(self) -> None:
        with pytest.raises(Refused) as refused:
            planning.check_bounds(spec(start=NOON, end=NOON - SECOND))
        assert (refused.value.code, refused.value.field) == ("bad_end", "end")

    def test_an_end_at_its_start_is_one_run(self) -> None:
        planning.check_bounds(spec(start=NOON, end=NOON))


class TestRecounted:
    @pytest.mark.parametrize(
        ("changes", "last"),
        [({}, NOON + DAY), ({"timeout": 5}, NOON + DAY), ({"policies": Policies(max_runs=3)}, NOON + 7 * DAY)],
    )
    def test_only_an_edit_of_when_or_how_often_counts_anew(self, changes: dict[str, Any], last: datetime) -> None:
        before = planning.count_runs(spec(max_runs=2), NOON - DAY)
        after = before.model_copy(update={"last_due": None} | changes)
        assert planning.recount_runs(before, after, NOON + 4 * DAY).last_due == last


def test_a_schedule_ends_with_its_last_time_and_owes_nothing_after_it() -> None:
    schedule = make_schedule(spec=spec(end=NOON))
    owed = planning.plan_runs(schedule, NOON + 9 * DAY)
    assert [(run.scheduled_for, run.count) for run in owed.runs] == [(NOON, 1)]
    assert owed.schedule.state == ScheduleState.ENDED


def test_a_schedule_owes_nothing_before_its_start() -> None:
    schedule = make_schedule(spec=spec(start=NOON + 2 * DAY))
    owed = planning.plan_runs(schedule, NOON + DAY)
    assert (owed.runs, owed.schedule.next_due) == ((), NOON + 2 * DAY)
