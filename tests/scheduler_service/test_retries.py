"""What policies say of a run that waits, failed, or failed again: truth tables, and a ledger that pauses itself."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.models import (
    Policies,
    Reason,
    Result,
    Run,
    RunStatus,
    ScheduleState,
    Trigger,
)
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.records import ScheduledRun
from scheduler_service.decide import End, Gate, Observation, Start, Wait, decide_attempt, decide_waiting
from scheduler_service.launchers.base import WorkerState
from scheduler_service.retries import failures_in_a_row, missed_deadline, next_retry_at
from scheduler_service.schedule_changes import pause_after_failures
from tests.factories import NOON, make_attempt, make_run, make_schedule, make_spec

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def failure(reason: Reason = Reason.CELL_FAILED, outcome: str = "finished") -> Result:
    return Result(
        outcome=outcome, exit_code=1, reason=reason, sentence="No.", started_at=NOON, ended_at=NOON, seconds=1
    )


def seen(result: Result, *, failed_before: int = 0, cancelled_by: str | None = None, **given: Any) -> Observation:
    run = make_run(make_schedule(), status=RunStatus.RUNNING, attempt=failed_before + 1, cancelled_by=cancelled_by)
    attempt = make_attempt(run, failed_before + 1)
    policies = Policies(**given)
    return Observation(
        run, attempt, WorkerState.GONE, Gate.STARTED, result, failed_before=failed_before, policies=policies
    )


class TestRetry:
    @pytest.mark.parametrize(("before", "minutes"), [(0, 5), (1, 10), (2, 20), (9, 1440)])
    def test_each_wait_is_twice_the_one_before_and_a_day_at_most(self, before: int, minutes: int) -> None:
        assert next_retry_at(Policies(retries=10), failure(), before) == NOON + minutes * MINUTE

    @pytest.mark.parametrize("reason", [Reason.EXIT_CODE, Reason.CELL_FAILED, Reason.KERNEL_DIED, Reason.OUT_OF_MEMORY])
    def test_what_the_code_did_is_tried_again_when_asked(self, reason: Reason) -> None:
        assert next_retry_at(Policies(retries=1), failure(reason), 0) is not None
        assert next_retry_at(Policies(), failure(reason), 0) is None

    @pytest.mark.parametrize(
        "result",
        [
            failure(Reason.TIME_LIMIT, "timed_out"),
            failure(Reason.CELL_FAILED, "stopped"),
            failure(Reason.ENVIRONMENT_GONE),
            failure(Reason.OUTPUT_TOO_LARGE),
            failure(Reason.BUNDLE_UNUSABLE, "refused"),
        ],
    )
    def test_a_time_out_and_what_a_further_attempt_cant_mend_are_not(self, result: Result) -> None:
        assert next_retry_at(Policies(retries=10), result, 0) is None

    def test_a_failed_attempt_waits_and_is_followed_by_another(self) -> None:
        what = seen(failure(), retries=1)
        assert decide_attempt(what, NOON + 5 * MINUTE - timedelta(seconds=1)) == Wait()
        assert decide_attempt(what, NOON + 5 * MINUTE) == Start(failed=(what.attempt, failure()))

    def test_the_last_attempt_fails_the_run(self) -> None:
        decision = decide_attempt(seen(failure(), failed_before=1, retries=1), NOON + DAY)
        assert isinstance(decision, End)
        assert decision.reason == Reason.CELL_FAILED

    def test_who_stops_it_meanwhile_ends_it(self) -> None:
        assert isinstance(decide_attempt(seen(failure(), retries=1, cancelled_by="ann"), NOON), End)


class TestStartDeadline:
    @pytest.mark.parametrize(
        ("trigger", "deadline", "waited", "expected"),
        [
            (Trigger.SCHEDULE, None, 9999, False),
            (Trigger.SCHEDULE, 10, 10, False),
            (Trigger.SCHEDULE, 10, 11, True),
            (Trigger.MANUAL, 10, 11, False),
            (Trigger.BACKFILL, 10, 11, False),
            (Trigger.RETRY, 10, 11, False),
        ],
    )
    def test_only_a_run_by_the_clock_can_be_too_late(
        self, trigger: Trigger, deadline: int | None, waited: int, expected: bool
    ) -> None:
        run = make_run(make_schedule(), trigger=trigger)
        assert missed_deadline(Policies(start_deadline=deadline), run, NOON + waited * MINUTE) is expected

    def test_it_is_skipped_with_the_number_said(self) -> None:
        spec = make_spec(policies=Policies(start_deadline=10))
        run = make_run(make_schedule(spec=spec))
        ((_, decision),) = decide_waiting([ScheduledRun(run, spec, "ann")], NOON + 11 * MINUTE)
        message = "It couldn't start within 10 minutes of its time."
        assert decision == End(RunStatus.SKIPPED, Reason.TOO_LATE, message)


def ended(status: RunStatus, **changes: Any) -> Run:
    return make_run(make_schedule(), status=status, ended_at=NOON, **changes)


class TestFailuresInARow:
    @pytest.mark.parametrize(
        ("runs", "expected"),
        [
            ([], 0),
            ([ended(RunStatus.FAILED)], 1),
            ([ended(RunStatus.FAILED), ended(RunStatus.TIMED_OUT)], 2),
            ([ended(RunStatus.SUCCEEDED), ended(RunStatus.FAILED)], 0),
            ([ended(RunStatus.FAILED), ended(RunStatus.SUCCEEDED), ended(RunStatus.FAILED)], 1),
            ([ended(RunStatus.FAILED), ended(RunStatus.SKIPPED), ended(RunStatus.FAILED)], 2),
            ([ended(RunStatus.CANCELLED), ended(RunStatus.FAILED)], 1),
            ([ended(RunStatus.FAILED, trigger=Trigger.MANUAL), ended(RunStatus.FAILED)], 1),
            ([make_run(make_schedule()), ended(RunStatus.FAILED)], 1),
        ],
    )
    def test_only_runs_by_the_clock_that_ran_count(self, runs: list[Run], expected: int) -> None:
        assert failures_in_a_row(runs, NOON - DAY) == expected

    def test_those_before_the_last_change_are_forgotten(self) -> None:
        assert failures_in_a_row([ended(RunStatus.FAILED)], NOON + MINUTE) == 0


@pytest.mark.parametrize(("failures", "paused"), [(1, False), (2, True)])
def test_a_schedule_pauses_itself_after_so_many_failures_and_says_why(
    tmp_path: Path, failures: int, paused: bool
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", lambda: NOON)
    schedule = make_schedule(spec=make_spec(policies=Policies(pause_after=2)))
    store.schedules.add(schedule)
    for number in range(failures):
        run = make_run(schedule, f"cron:1:{number}", scheduled_for=NOON - number * DAY)
        store.runs.add(run, actor="scheduler")
        failed = run.model_copy(update={"status": RunStatus.FAILED, "reason": Reason.EXIT_CODE, "ended_at": NOON})
        assert store.runs.replace(run, failed, actor="scheduler")
    assert pause_after_failures(store, failed, NOON) is paused
    after = store.schedules.get(schedule.id)
    assert after is not None
    assert after.state == (ScheduleState.PAUSED if paused else ScheduleState.ACTIVE)
    if paused:
        assert after.paused is not None
        assert (after.paused.by, after.paused.note) == ("scheduler", "its last 2 runs failed")
        assert store.events(0)[-1].kind == "schedule_auto_paused"
    store.close()
