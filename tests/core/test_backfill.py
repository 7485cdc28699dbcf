"""Past occurrences run again by hand, against a real ledger."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core import backfill
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Overlap, Reason, Run, RunStatus, Trigger
from jupyter_schedule.core.objects import FolderObjects
from jupyter_schedule.core.operations import Operations
from jupyter_schedule.core.store.sql import open_store
from jupyter_schedule.core.workarea import bundle_key
from scheduler_service.decide import Wait, decide_due
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)
SIXTY = (NOON - 59 * DAY, NOON)


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[Operations]:
    objects = FolderObjects(tmp_path / "objects")
    objects.put(bundle_key("0" * 64), b"")
    made = Operations(open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", lambda: NOON), objects, now=lambda: NOON)
    made.create("daily", make_spec(publication_base=FolderObjects(tmp_path).url("published")))
    yield made
    made.store.close()


def end(operations: Operations, run: Run, status: RunStatus) -> None:
    before = run
    for step in (RunStatus.LAUNCHING, RunStatus.PUBLISHING, status):
        after = before.model_copy(update={"status": step, "reason": Reason.OK})
        assert operations.store.replace_run(before, after, actor="scheduler")
        before = after


def refusal(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refused: refused.code == code)


def test_every_time_of_the_range_is_a_run_of_its_own_the_oldest_first(operations: Operations) -> None:
    plan = operations.backfill("daily", *SIXTY)
    waiting = operations.open_runs()
    assert [run.scheduled_for for run in waiting] == [NOON - days * DAY for days in range(59, -1, -1)]
    assert {run.trigger for run in waiting} == {Trigger.BACKFILL}
    assert waiting[0].key == "backfill:1:2026-09-26T12:00/0"
    assert waiting[0].data_interval_start == waiting[0].scheduled_for - DAY
    assert (len(plan.runs), plan.succeeded, plan.waiting) == (60, 0, 0)


def test_who_was_killed_half_way_asks_again_and_no_day_comes_twice(
    operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, added = operations.store.add_run, 0

    def dying(run: Run, *, actor: str) -> None:
        nonlocal added
        if added == 30:
            raise KeyboardInterrupt
        add(run, actor=actor)
        added += 1

    with monkeypatch.context() as patch:
        patch.setattr(operations.store, "add_run", dying)
        with pytest.raises(KeyboardInterrupt):
            operations.backfill("daily", *SIXTY)
    plan = operations.backfill("daily", *SIXTY)
    assert (len(plan.runs), plan.waiting) == (30, 30)
    assert len({run.scheduled_for for run in operations.open_runs()}) == len(operations.open_runs()) == 60


def test_two_who_ask_for_the_same_days_at_once_make_one_row_of_each(operations: Operations) -> None:
    schedule = operations.schedule("daily")
    for _ in range(2):
        for run in backfill.plan(schedule, *SIXTY, [], NOON, again=False).runs:
            operations.store.add_run(run, actor="local")
    assert len(operations.open_runs()) == 60


def test_days_that_succeeded_are_left_out_unless_asked_for_and_failed_ones_are_not(operations: Operations) -> None:
    operations.backfill("daily", NOON - 2 * DAY, NOON)
    first, second, _ = operations.open_runs()
    end(operations, first, RunStatus.SUCCEEDED)
    end(operations, second, RunStatus.FAILED)
    plan = operations.backfill("daily", NOON - 2 * DAY, NOON)
    assert [run.key for run in plan.runs] == ["backfill:2:2026-11-23T12:00/0"]
    assert (plan.succeeded, plan.waiting) == (1, 1)
    again = operations.backfill("daily", NOON - 2 * DAY, NOON, again=True)
    assert [run.key for run in again.runs] == ["backfill:2:2026-11-22T12:00/0"]


def test_a_hundred_runs_have_to_be_confirmed_with_the_number_said(operations: Operations) -> None:
    with pytest.raises(Refused, match="100 runs"):
        operations.backfill("daily", NOON - 99 * DAY, NOON)
    assert operations.open_runs() == []
    assert len(operations.backfill("daily", NOON - 99 * DAY, NOON, confirmed=True).runs) == 100


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [(-9_999, 0, "confirm_backfill"), (-10_000, 0, "too_many"), (0, -1, "bad_end"), (1, 2, "nothing_to_backfill")],
)
def test_what_makes_no_sense_or_is_very_much_is_refused(
    operations: Operations, start: int, end: int, code: str
) -> None:
    with refusal(code):
        operations.backfill("daily", NOON + start * DAY, NOON + end * DAY)


@pytest.mark.parametrize("overlap", [Overlap.QUEUE_ONE, Overlap.SKIP, Overlap.CANCEL_PREVIOUS])
def test_a_run_by_the_clock_is_not_skipped_for_a_backfill_and_doesnt_stop_it(overlap: Overlap) -> None:
    spec = make_spec(overlap=overlap)
    schedule = make_schedule(spec=spec)
    past = make_run(schedule, "backfill:1:x", trigger=Trigger.BACKFILL, status=RunStatus.RUNNING)
    ((_, decision),) = decide_due([make_run(schedule)], [past], lambda _: spec, 4, NOON)
    assert decision == Wait()
