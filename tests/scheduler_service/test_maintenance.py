"""What is done beside the runs goes on whatever fails, and clears away what the dead left half-written."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core.config import FOLDERS
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storage.factory import LocalStorage, open_storage
from scheduler_service import maintenance
from scheduler_service.maintenance import LEFT_BEHIND, MaintenanceLoop
from scheduler_service.retention.prune import Pruner
from scheduler_service.retention.prune_daily import DailyPruner
from scheduler_service.retention.rules import RetentionRule
from tests.databases import Clock
from tests.factories import NOON, make_schedule, make_spec
from tests.simulation.memory_store import MemoryStore


def make_loop(folder: Path) -> tuple[MaintenanceLoop, MemoryStore]:
    """Of a deployment without settings, with one schedule that publishes to a folder."""
    store, work = MemoryStore(Clock()), LocalStorage(folder / "work")
    base = LocalStorage(folder).url("published")
    store.schedules.add(make_schedule("daily", spec=make_spec(publication_base=base)))
    pruning = Pruner(store, work, open_storage, RetentionRule(30, 90))
    daily = DailyPruner(pruning, work, "one", NOON)
    return MaintenanceLoop(store, FOLDERS, open_storage, lambda: NOON, daily, work_area=work.url("")), store


@pytest.mark.parametrize("area", ["work", "published"])
def test_what_a_killed_writer_left_half_written_goes_after_some_days(tmp_path: Path, area: str) -> None:
    folder = tmp_path / area / "deep"
    folder.mkdir(parents=True)
    old, young, whole = (folder / name for name in (".jupyter-schedule-partial-1", ".jupyter-schedule-partial-2", "x"))
    for path, age in ((old, LEFT_BEHIND + timedelta(hours=1)), (young, timedelta(hours=1)), (whole, 2 * LEFT_BEHIND)):
        path.write_text("half")
        os.utime(path, ((NOON - age).timestamp(),) * 2)
    made, _ = make_loop(tmp_path)
    made.maintain()
    assert sorted(path.name for path in folder.iterdir()) == [young.name, whole.name]


@pytest.mark.parametrize("trouble", [Refused("store_away", "PostgreSQL can't be used."), OSError("away")])
def test_a_ledger_that_is_away_for_a_moment_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    made, store = make_loop(tmp_path)
    looks: list[str] = []

    def bases() -> frozenset[str]:
        looks.append("look")
        if len(looks) == 1:
            raise trouble
        made.stop()
        return frozenset()

    monkeypatch.setattr(store.schedules, "publication_bases", bases)
    monkeypatch.setattr(maintenance, "WAIT_SECONDS", 0.001)
    monkeypatch.setattr(maintenance, "SWEEP_EVERY", timedelta())
    made.run()
    assert len(looks) == 2


def test_it_looks_after_a_change_also_when_that_comes_during_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = make_loop(tmp_path)
    woken: list[bool] = []

    def maintain() -> bool:
        made.wake()
        return False

    def wait(_seconds: float) -> None:
        woken.append(made._woken.is_set())
        made.stop()

    monkeypatch.setattr(made, "maintain", maintain)
    monkeypatch.setattr(made._woken, "wait", wait)
    made.run()
    assert woken == [True]
