"""What can't be read of the ledger stops nothing of what can, and its own runs end with a sentence."""

from pathlib import Path

import pytest

from jupyter_schedule.core.config import FOLDERS
from jupyter_schedule.core.models import Approval, Reason, RunStatus, utc
from jupyter_schedule.core.timing import planning
from scheduler_service.maintenance import MaintenanceLoop
from scheduler_service.retention.prune import Pruner
from scheduler_service.retention.prune_daily import DailyPruner
from scheduler_service.retention.rules import RetentionRule
from tests.poison import DAMAGED, HALF, poison
from tests.scheduler_service.played import MINUTE, Play


@pytest.fixture
def play(tmp_path: Path) -> Play:
    made = Play(tmp_path)
    made.schedule("good", "* * * * *")
    made.schedule("bad", "* * * * *")
    return made


def statuses(play: Play, name: str) -> list[tuple[RunStatus, Reason | None]]:
    return [(run.status, run.reason) for run in reversed(play.operations.runs.list_newest(name))]


@pytest.mark.promise("P35")
@pytest.mark.parametrize("value", [HALF, DAMAGED], ids=["half", "damaged"])
@pytest.mark.parametrize("column", ["schedules.paused", "schedule_versions.spec"])
def test_a_broken_schedule_keeps_no_other_from_running(play: Play, column: str, value: str) -> None:
    table, _, name = column.partition(".")
    bad = play.operations.schedules.get("bad").id
    poison(play.store, table, name, value, **{"id" if table == "schedules" else "schedule_id": bad})
    play.until(play.now + 3 * MINUTE)
    assert statuses(play, "good") == [(RunStatus.SUCCEEDED, Reason.OK)] * 3
    assert statuses(play, "bad") == []


@pytest.mark.promise("P35")
def test_a_run_of_a_version_that_cannot_be_read_ends_with_a_sentence(play: Play) -> None:
    run = play.operations.runs.run_now("bad")
    poison(play.store, "schedule_versions", "spec", DAMAGED, schedule_id=run.schedule_id)
    play.settle()
    ended = play.operations.runs.get(run.id)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.UNREADABLE)
    assert (ended.message or "").startswith("The record of this version can't be read: ")
    assert not play.workers.going


@pytest.mark.promise("P35")
@pytest.mark.parametrize("status", ["due", "publishing"])
def test_a_run_whose_record_cannot_be_read_executes_nothing_and_ends(play: Play, status: str) -> None:
    """It was to publish what another made; that it wasn't to execute anything can't be read any more."""
    made = play.operations.runs.run_now("good")
    play.settle()
    decision = Approval(run_id=made.id, by="ann", at=utc(play.now))
    release = planning.plan_release(play.operations.runs.get(made.id), decision, 1)
    play.store.runs.add(release, actor="ann")
    poison(play.store, "runs", "release", DAMAGED, id=release.id)
    poison(play.store, "runs", "status", status, id=release.id)
    play.settle()
    ended = play.operations.runs.get(release.id)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, Reason.UNREADABLE)
    assert play.store.runs.list_attempts(release.id) == []


@pytest.mark.promise("P35")
def test_maintenance_goes_on_and_leaves_alone_what_it_cannot_read(play: Play) -> None:
    play.until(play.now + 4 * MINUTE)
    bad = play.operations.schedules.get("bad").id
    poison(play.store, "schedule_versions", "spec", DAMAGED, schedule_id=bad)
    pruner = Pruner(play.store, play.objects, lambda _: play.objects, RetentionRule(1, 0))
    plan = pruner.plan(play.now + 60 * 24 * MINUTE)
    assert {each.run.schedule for each in plan.runs} == {"good"}
    assert [each.partition(":")[0] for each in plan.troubles] == ["bad"]
    daily = DailyPruner(pruner, play.objects, "one", play.now)
    loop = MaintenanceLoop(play.store, FOLDERS, lambda _: play.objects, lambda: play.now, daily, work_area="memory:///")
    loop.maintain()
