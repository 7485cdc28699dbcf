"""Past occurrences run again by hand, against a real ledger."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Overlap, Reason, Run, RunStatus, Timing, Trigger
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations import backfill
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import LocalStorage
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.records import ScheduledRun
from scheduler_service.decide import decide_waiting
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)
SIXTY = (NOON - 59 * DAY, NOON)


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[Operations]:
    objects = LocalStorage(tmp_path / "objects")
    objects.put(bundle_key("0" * 64), b"")
    made = Operations(open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", lambda: NOON), objects, now=lambda: NOON)
    made.schedules.create("daily", make_spec(publication_base=LocalStorage(tmp_path).url("published")))
    yield made
    made.store.close()


def end(operations: Operations, run: Run, status: RunStatus) -> None:
    before = run
    for step in (RunStatus.LAUNCHING, RunStatus.PUBLISHING, status):
        after = before.model_copy(update={"status": step, "reason": Reason.OK})
        assert operations.store.runs.replace(before, after, actor="scheduler")
        before = after


def refusal(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refused: refused.code == code)


def test_every_time_of_the_range_is_a_run_of_its_own_the_oldest_first(operations: Operations) -> None:
    plan = operations.backfill.start("daily", *SIXTY)
    waiting = operations.store.runs.list_open()
    assert [run.scheduled_for for run in waiting] == [NOON - days * DAY for days in range(59, -1, -1)]
    assert {run.trigger for run in waiting} == {Trigger.BACKFILL}
    assert waiting[0].key == "backfill:1:2026-09-26T12:00:00Z"
    assert waiting[0].data_interval_start == waiting[0].scheduled_for - DAY
    assert (len(plan.runs), plan.succeeded, plan.waiting) == (60, 0, 0)


def test_who_was_killed_half_way_asks_again_and_no_day_comes_twice(
    operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, added = operations.store.runs.add_all, 0

    def dying(runs: Sequence[Run], *, actor: str) -> None:
        nonlocal added
        if added == 30:
            raise KeyboardInterrupt
        add(runs, actor=actor)
        added += len(runs)

    with monkeypatch.context() as patch:
        patch.setattr(backfill, "BATCH", 10)
        patch.setattr(operations.store.runs, "add_all", dying)
        with pytest.raises(KeyboardInterrupt):
            operations.backfill.start("daily", *SIXTY)
    plan = operations.backfill.start("daily", *SIXTY)
    assert (len(plan.runs), plan.waiting) == (30, 30)
    waiting = operations.store.runs.list_open()
    assert len({run.scheduled_for for run in waiting}) == len(waiting) == 60


def test_two_who_ask_for_the_same_days_at_once_make_one_row_of_each(operations: Operations) -> None:
    schedule = operations.schedules.get("daily")
    for _ in range(2):
        for run in backfill.plan(schedule, *SIXTY, [], NOON, again=False).runs:
            operations.store.runs.add(run, actor="local")
    assert len(operations.store.runs.list_open()) == 60


def test_days_that_succeeded_are_left_out_unless_asked_for_and_failed_ones_are_not(operations: Operations) -> None:
    operations.backfill.start("daily", NOON - 2 * DAY, NOON)
    first, second, _ = operations.store.runs.list_open()
    end(operations, first, RunStatus.SUCCEEDED)
    end(operations, second, RunStatus.FAILED)
    plan = operations.backfill.start("daily", NOON - 2 * DAY, NOON)
    assert [run.key for run in plan.runs] == ["backfill:2:2026-11-23T12:00:00Z"]
    assert (plan.succeeded, plan.waiting) == (1, 1)
    again = operations.backfill.start("daily", NOON - 2 * DAY, NOON, again=True)
    assert [run.key for run in again.runs] == ["backfill:2:2026-11-22T12:00:00Z"]


def test_the_same_clock_time_in_another_zone_is_another_time(operations: Operations) -> None:
    operations.backfill.start("daily", NOON, NOON)
    schedule = operations.schedules.get("daily")
    tokyo = Timing(cron="0 12 * * *", timezone="Asia/Tokyo")
    operations.schedules.edit("daily", schedule.spec.model_copy(update={"timing": tokyo}), if_version=1)
    plan = operations.backfill.start("daily", NOON - DAY / 2, NOON)
    assert [run.scheduled_for for run in plan.runs] == [NOON - timedelta(hours=9)]
    assert plan.runs[0].id in {run.id for run in operations.store.runs.list_open()}


def test_a_clock_time_that_came_twice_because_the_zone_was_edited_is_two_times(tmp_path: Path) -> None:
    """Hourly in UTC for an hour, in Berlin before and after: 13:00 there and then 13:00 here, an hour later."""
    now = [NOON]
    store = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", lambda: now[0])
    objects = LocalStorage(tmp_path / "objects")
    objects.put(bundle_key("0" * 64), b"")
    operations = Operations(store, objects, now=lambda: now[0])
    utc, berlin = (Timing(cron="0 * * * *", timezone=zone) for zone in ("UTC", "Europe/Berlin"))
    spec = make_spec(publication_base=LocalStorage(tmp_path).url("published"), timing=utc)
    operations.schedules.create("hourly", spec)
    now[0] = NOON + timedelta(hours=2)
    operations.schedules.edit("hourly", spec.model_copy(update={"timing": berlin}), if_version=1)
    now[0] = NOON + timedelta(hours=3)
    plan = operations.backfill.start("hourly", NOON, now[0])
    in_ledger = {run.scheduled_for for run in store.runs.list_open()}
    assert {run.scheduled_for for run in plan.runs} <= in_ledger
    assert in_ledger == {NOON + timedelta(hours=hours) for hours in range(4)}
    store.close()


def test_a_hundred_runs_have_to_be_confirmed_with_the_number_said(operations: Operations) -> None:
    with pytest.raises(Refused, match="100 runs"):
        operations.backfill.start("daily", NOON - 99 * DAY, NOON)
    assert operations.store.runs.list_open() == []
    assert len(operations.backfill.start("daily", NOON - 99 * DAY, NOON, confirmed=True).runs) == 100


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [(-9_999, 0, "confirm_backfill"), (-10_000, 0, "too_many"), (0, -1, "bad_end"), (1, 2, "nothing_to_backfill")],
)
def test_what_makes_no_sense_or_is_very_much_is_refused(
    operations: Operations, start: int, end: int, code: str
) -> None:
    with refusal(code):
        operations.backfill.start("daily", NOON + start * DAY, NOON + end * DAY)


@pytest.mark.parametrize("overlap", [Overlap.QUEUE_ONE, Overlap.SKIP, Overlap.CANCEL_PREVIOUS])
def test_a_run_by_the_clock_is_not_skipped_for_a_backfill_and_doesnt_stop_it(overlap: Overlap) -> None:
    spec = make_spec(overlap=overlap)
    schedule = make_schedule(spec=spec)
    past = make_run(schedule, "backfill:1:x", trigger=Trigger.BACKFILL, status=RunStatus.RUNNING)
    by_the_clock = make_run(schedule)
    assert decide_waiting([ScheduledRun(run, spec, "ann") for run in (past, by_the_clock)], NOON) == []


@pytest.mark.parametrize("parallel", [0, -1, 17])
def test_so_many_at_a_time_are_refused(operations: Operations, parallel: int) -> None:
    with refusal("bad_parallel"):
        operations.backfill.start("daily", *SIXTY, parallel=parallel)
    assert operations.store.runs.list_open() == []


def test_a_plan_puts_nothing_into_the_ledger_and_needs_no_confirmation(operations: Operations) -> None:
    plan = operations.backfill.plan("daily", NOON - 9_000 * DAY, NOON)
    assert len(plan.runs) == 9_001
    assert operations.store.runs.list_open() == []


def test_what_is_left_of_it_is_cancelled_and_what_goes_goes_on(operations: Operations) -> None:
    operations.backfill.start("daily", *SIXTY)
    by_hand = operations.runs.run_now("daily")
    going = operations.store.runs.list_open()[0]
    launching = going.model_copy(update={"status": RunStatus.LAUNCHING})
    assert operations.store.runs.replace(going, launching, actor="scheduler")
    assert operations.backfill.cancel("daily") == 59
    assert operations.backfill.cancel("daily") == 0
    spared = [run.id for run in operations.store.runs.list_open() if run.cancelled_by is None]
    assert sorted(spared) == sorted([going.id, by_hand.id])


def test_its_progress_counts_all_that_were_asked_for_with_what_has_not_ended(operations: Operations) -> None:
    schedule = operations.schedules.get("daily")
    assert operations.store.runs.backfill_progress(schedule.id) == {}
    operations.backfill.start("daily", *SIXTY)
    end(operations, operations.store.runs.list_open()[0], RunStatus.SUCCEEDED)
    end(operations, operations.store.runs.list_open()[0], RunStatus.FAILED)
    progress = operations.store.runs.backfill_progress(schedule.id)
    assert progress == {RunStatus.SUCCEEDED: 1, RunStatus.FAILED: 1, RunStatus.DUE: 58}
