"""Rehearsals on real workers: what they touch, and what becomes of the schedule."""

from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.models import Reason, Run, RunStatus, ScheduleState, Trigger, Visibility
from scheduler_service.schedule_changes import activate_after_rehearsal
from tests.engine import Engine, eventually

FILE = "mkdir -p output && echo 1 > output/a.csv"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def rehearsal(engine: Engine, name: str) -> Run:
    (run,) = [run for run in engine.operations.runs.list_newest(name) if not run.status.terminal]
    return run


def test_a_green_rehearsal_starts_its_schedule_and_touches_no_reader(engine: Engine) -> None:
    engine.script("careful", FILE, rehearse=True)
    assert engine.operations.schedules.get("careful").state is ScheduleState.REHEARSING
    with engine.service():
        run = engine.ended(rehearsal(engine, "careful"))
    assert (run.trigger, run.status) == (Trigger.REHEARSAL, RunStatus.SUCCEEDED)
    started = engine.operations.schedules.get("careful")
    assert started.state is ScheduleState.ACTIVE
    assert started.next_due is not None
    published = engine.root / "published" / "careful"
    assert [path.name for path in published.rglob("a.csv")] == ["a.csv"]
    assert not (published / "data").exists()
    assert not (published / "latest.json").exists()


def test_after_a_red_rehearsal_it_waits_until_what_was_mended_is_green(engine: Engine) -> None:
    engine.script("careful", "exit 3", rehearse=True)
    mended = engine.script("mended", FILE).spec
    with engine.service():
        assert engine.ended(rehearsal(engine, "careful")).reason is Reason.EXIT_CODE
        assert engine.operations.schedules.get("careful").state is ScheduleState.REHEARSING

        engine.operations.schedules.edit("careful", mended, if_version=1)
        eventually(lambda: engine.operations.schedules.get("careful").state is ScheduleState.ACTIVE)


def test_what_was_green_before_an_edit_of_something_else_starts_it_all_the_same(engine: Engine) -> None:
    before = engine.script("careful", "true", rehearse=True)
    going = rehearsal(engine, "careful")
    engine.operations.schedules.edit(
        "careful", before.spec.model_copy(update={"visibility": Visibility.NONE}), if_version=1
    )
    activate_after_rehearsal(engine.store, going, engine.now())
    assert engine.operations.schedules.get("careful").state is ScheduleState.ACTIVE


def test_what_was_green_as_an_older_version_starts_nothing(engine: Engine) -> None:
    before = engine.script("careful", "true", rehearse=True)
    old = rehearsal(engine, "careful")
    engine.operations.schedules.edit("careful", before.spec.model_copy(update={"timeout": 5}), if_version=1)
    activate_after_rehearsal(engine.store, old, engine.now())
    assert engine.operations.schedules.get("careful").state is ScheduleState.REHEARSING


def test_a_service_that_dies_between_the_start_and_the_runs_end_does_both_again(engine: Engine) -> None:
    engine.script("careful", FILE, rehearse=True)
    run = rehearsal(engine, "careful")
    activate_after_rehearsal(engine.store, run, engine.now())
    with engine.service():
        assert engine.ended(run).status is RunStatus.SUCCEEDED
    assert engine.operations.schedules.get("careful").state is ScheduleState.ACTIVE


def test_who_cannot_wait_starts_it_without(engine: Engine) -> None:
    engine.script("careful", "exit 3", rehearse=True)
    assert engine.operations.schedules.resume("careful").state is ScheduleState.ACTIVE


def test_times_that_pass_meanwhile_are_in_the_ledger_with_that_reason(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.script("careful", "true", rehearse=True)
    later = engine.now() + timedelta(days=2)
    activate_after_rehearsal(engine.store, rehearsal(engine, "careful"), later)
    (row,) = [run for run in engine.operations.runs.list_newest("careful") if run.trigger is Trigger.SCHEDULE]
    assert (row.status, row.count) == (RunStatus.SKIPPED, 2)
    assert row.message == "2 times passed while the schedule waited for its rehearsal."


def test_what_is_rehearsed_by_hand_leaves_the_schedule_as_it_is(engine: Engine) -> None:
    engine.script("daily", FILE)
    with engine.service():
        run = engine.ended(engine.operations.runs.rehearse("daily"))
    assert (run.trigger, run.status) == (Trigger.REHEARSAL, RunStatus.SUCCEEDED)
    assert engine.operations.schedules.get("daily").state is ScheduleState.ACTIVE
    assert not (engine.root / "published" / "daily" / "data").exists()
