"""The tick looks after ad-hoc workers beside the runs, and their machines take room from the runs' machines."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.models import (
    AdHocAllowance,
    AdHocStatus,
    AdHocWorker,
    ConcurrencyLimits,
    LauncherCatalog,
    LauncherInfo,
    MachineSize,
    RunStatus,
)
from jupyter_schedule.core.operations.runs import places_in
from scheduler_service.launchers.ad_hoc import AdHocHost, AdHocMachine, AdHocPlan, FindAdHocWorker
from scheduler_service.tick import Ticker
from tests.factories import make_ad_hoc
from tests.scheduler_service.played import MINUTE, Play


@dataclass
class Machines(AdHocHost):
    """Machines that run as soon as they are asked for."""

    living: dict[str, datetime] = field(default_factory=dict)

    def plan(self, worker: AdHocWorker, turn: int) -> AdHocPlan | None:
        return AdHocPlan({"region": "here", "login_user": "ubuntu"}, None)

    def launch(self, worker: AdHocWorker) -> str | None:
        self.living[f"i-{worker.id}"] = worker.deadline
        return f"i-{worker.id}"

    def see(self, worker: AdHocWorker) -> AdHocMachine | None:
        name = f"i-{worker.id}"
        return AdHocMachine(name, deadline=self.living[name]) if name in self.living else None

    def extend(self, worker: AdHocWorker) -> None:
        self.living[worker.instance or ""] = worker.deadline

    def terminate(self, worker: AdHocWorker) -> None:
        self.living.pop(worker.instance or "", None)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    made = Play(tmp_path)
    made.workers.ad_hoc = Machines()
    size = MachineSize(name="small", hardware="2 cores, 4 GB")
    offered = LauncherInfo(name="local", sizes=(size,), ad_hoc=AdHocAllowance())
    made.store.publish_catalog(
        LauncherCatalog(launchers=(offered,), room=ConcurrencyLimits(per_launcher={"local": 1})), actor="scheduler"
    )
    return made


def roomy(play: Play, room: ConcurrencyLimits) -> Ticker:
    """The service with that room."""
    play.ticker = Ticker(replace(play.ticker._context, concurrency=room))
    return play.ticker


def test_what_is_asked_for_becomes_ready_and_ends_at_its_time(play: Play) -> None:
    play.operations.ad_hoc.launch(hours=1)
    play.settle()
    assert play.operations.ad_hoc.worker().status is AdHocStatus.READY
    play.until(play.now + timedelta(hours=1) - MINUTE)
    assert play.operations.ad_hoc.worker().status is AdHocStatus.READY
    play.until(play.now + 2 * MINUTE)
    (over,) = play.operations.ad_hoc.workers()
    assert (over.status, over.message) == (AdHocStatus.ENDED, "Its time was over.")


def test_while_the_clock_is_doubted_nothing_is_launched_and_nothing_ended(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.operations.ad_hoc.launch(hours=1)
    play.settle()
    monkeypatch.setattr(play.store, "clock", lambda: datetime(2026, 11, 24, 12, 1, tzinfo=play.now.tzinfo))
    play.set_clock(play.now + timedelta(hours=5))
    play.settle()
    assert play.operations.ad_hoc.worker().status is AdHocStatus.READY


def test_its_machine_takes_the_room_of_a_run_and_who_waits_is_told(play: Play) -> None:
    roomy(play, ConcurrencyLimits(per_launcher={"local": 1}))
    play.operations.ad_hoc.launch()
    play.settle()
    run = play.operations.runs.run_now(play.schedule("daily").name)
    play.settle()
    assert play.operations.runs.get(run.id).status is RunStatus.DUE
    assert places_in(play.store)[run.id] == "Waits: only one of the runs goes at once with the launcher local"
    play.operations.ad_hoc.stop()
    play.settle()
    assert play.operations.runs.get(run.id).status is RunStatus.SUCCEEDED


def test_runs_machines_take_its_room(play: Play) -> None:
    roomy(play, ConcurrencyLimits(per_launcher={"local": 1}))
    play.workers.finishes = False
    play.operations.runs.run_now(play.schedule("daily").name)
    play.settle()
    play.operations.ad_hoc.launch()
    play.settle()
    (refused,) = play.operations.ad_hoc.workers()
    assert refused.status is AdHocStatus.FAILED
    assert refused.message == (
        "Not started: at most 1 machine may be at work at once (ec2.max_machines), and 1 is. "
        "Ask again when one has ended."
    )


def test_the_reaper_is_told_of_the_ledgers_ad_hoc_workers(play: Play) -> None:
    seen: list[AdHocWorker | None] = []
    worker = make_ad_hoc(launcher="elsewhere")
    play.store.ad_hoc.add(worker, most=1)

    def reap(_: object, find_ad_hoc: FindAdHocWorker) -> None:
        seen.append(find_ad_hoc(worker.id))

    play.workers.reap = reap  # type: ignore[method-assign,assignment]
    play.settle(1)
    assert seen == [worker]


def test_those_of_a_launcher_that_this_service_has_not_are_left_to_others(play: Play) -> None:
    play.store.ad_hoc.add(make_ad_hoc(launcher="elsewhere"), most=1)
    play.settle()
    assert play.store.ad_hoc.list_live() == [make_ad_hoc(launcher="elsewhere")]
