"""What runs have cost, and what happens when that is as much as a schedule may."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest

from jupyter_schedule.core.models import Attempt, Policies, Reason, Run, RunStatus, ScheduleState, Spec
from scheduler_service.launchers.base import Handle, Launcher
from scheduler_service.launchers.local import LocalLauncher
from scheduler_service.launchers.plugins import LauncherContext
from scheduler_service.quotas import MachineHourQuota, budget_message
from scheduler_service.service import Service, ServiceFactories
from scheduler_service.settings import load_settings
from scheduler_service.worker.task import LaunchPlan
from tests.engine import PATIENCE, Engine, eventually
from tests.factories import NOON, make_spec


class Paid(LocalLauncher):
    """As if a minute of this machine cost a dollar; each started minute is billed."""

    def plan(self, run: Run, spec: Spec, **_: object) -> LaunchPlan:
        return LaunchPlan(paid=True, hourly="60")


def _launchers(_: object, context: LauncherContext) -> Mapping[str, Launcher]:
    return {"local": Paid(context.folder, limits=context.limits, on_exit=context.wake)}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


@contextmanager
def paid_service(engine: Engine) -> Iterator[None]:
    service = Service(load_settings(None, engine.places.folder), factories=ServiceFactories(open_launchers=_launchers))
    thread = Thread(target=service.run)
    thread.start()
    try:
        yield
    finally:
        service.stop()
        thread.join(PATIENCE)


def capped(cap: str | None) -> Policies:
    return Policies(monthly_cap=None if cap is None else Decimal(cap))


@pytest.mark.parametrize(
    ("cost", "cap", "note"),
    [
        ("5", None, None),
        ("4.99", "5", None),
        ("5", "5", "its runs have cost $5.00 in November, and its monthly cap is $5.00"),
        ("7.5", "5", "its runs have cost $7.50 in November, and its monthly cap is $5.00"),
    ],
)
def test_a_cap_is_reached_by_what_it_allows(cost: str, cap: str | None, note: str | None) -> None:
    assert budget_message(Decimal(cost), make_spec(policies=capped(cap)), NOON) == note


def test_a_run_tells_what_it_has_cost_and_the_one_that_reaches_the_cap_pauses_its_schedule(engine: Engine) -> None:
    engine.script("dear", "true", policies=capped("1.50"))
    with paid_service(engine):
        first = engine.ended(engine.run("dear"))
        assert (first.status, first.machine_seconds, first.cost) == (RunStatus.SUCCEEDED, 60, Decimal(1))
        assert engine.operations.schedules.get("dear").state is ScheduleState.ACTIVE
        engine.ended(engine.run("dear"))
    stopped = engine.operations.schedules.get("dear")
    assert stopped.state is ScheduleState.PAUSED
    assert stopped.paused is not None
    assert "monthly cap is $1.50" in stopped.paused.note


def test_a_worker_that_has_ended_before_its_launch_is_recorded_costs_what_it_took(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_overtaken(self: Paid, attempt: Attempt) -> Handle:
        handle = LocalLauncher.launch(self, attempt)
        eventually(lambda: list((engine.places.folder / "objects").rglob("result")), what="the worker's result")
        return handle

    monkeypatch.setattr(Paid, "launch", be_overtaken)
    engine.script("quick", "true")
    with paid_service(engine):
        run = engine.ended(engine.run("quick"))
    assert (run.machine_seconds, run.cost) == (60, Decimal(1))
    assert engine.operations.runs.list_attempts(run)[0].handle is not None


def test_what_comes_due_above_the_cap_is_skipped_and_what_a_person_asks_for_runs(engine: Engine) -> None:
    engine.script("dear", "true", policies=capped("1"))
    with paid_service(engine):
        engine.ended(engine.run("dear"))
        plan = engine.operations.backfill.start("dear", engine.now() - timedelta(days=3), engine.now())
        ended = [engine.ended(run) for run in plan.runs]
        assert {(run.status, run.reason) for run in ended} <= {(RunStatus.SKIPPED, Reason.CAP)}
        assert engine.ended(engine.run("dear")).status is RunStatus.SUCCEEDED


def test_above_the_months_hours_no_machine_starts_and_the_run_says_why(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.script("dear", "true")
    with paid_service(engine):
        engine.ended(engine.run("dear"))
    monkeypatch.setattr(Paid, "hours", MachineHourQuota(per_owner=1))
    monkeypatch.setattr("scheduler_service.quotas._HOUR_SECONDS", 60)
    with paid_service(engine):
        refused = engine.ended(engine.run("dear"))
    assert (refused.status, refused.reason, refused.attempt) == (RunStatus.SKIPPED, Reason.CAP, 0)
    assert (refused.message or "").startswith("Not started: your machines have used 1.0 machine-hours")


def test_what_costs_nothing_has_no_account(engine: Engine) -> None:
    engine.script("free", "true")
    with engine.service():
        run = engine.ended(engine.run("free"))
    assert (run.machine_seconds, run.cost) == (None, None)
