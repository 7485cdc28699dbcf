"""By whose clock people's requests are taken."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.core import clock
from jupyter_schedule.core.clock import HOLDS_SECONDS, LedgerClock
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.store.factory import open_store
from tests.databases import PostgresqlServer
from tests.factories import NOON, make_spec
from tests.scheduler_service.stores import MemoryObjects

AHEAD = timedelta(hours=5)


def test_the_ledger_is_asked_now_and_then_and_a_clock_that_is_set_meanwhile_changes_nothing() -> None:
    asked: list[float] = []
    since_boot = 0.0

    def ledger() -> datetime:
        asked.append(since_boot)
        return NOON + timedelta(seconds=since_boot)

    now = LedgerClock(ledger, lambda: NOON + AHEAD, lambda: since_boot)
    for since_boot in (0.0, HOLDS_SECONDS - 1, HOLDS_SECONDS, HOLDS_SECONDS + 1):
        assert now() == NOON + timedelta(seconds=since_boot)
    assert asked == [0.0, HOLDS_SECONDS]


@pytest.mark.parametrize(("question", "answer"), [(200.0, 0.0), (0.0, 200.0)])
def test_an_answer_that_was_long_under_way_puts_nobody_ahead(question: float, answer: float) -> None:
    since_boot = 0.0

    def ledger() -> datetime:
        nonlocal since_boot
        since_boot += question
        said = NOON + timedelta(seconds=since_boot)
        since_boot += answer
        return said

    assert LedgerClock(ledger, lambda: NOON, lambda: since_boot)() == NOON + timedelta(seconds=question)


def test_a_ledger_without_a_clock_goes_by_this_machines() -> None:
    assert LedgerClock(lambda: None, lambda: NOON)() == NOON


@pytest.mark.promise("P6")
def test_a_client_that_is_five_hours_ahead_fires_nothing_in_advance(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    """Pausing from such a machine settled, and so ran, the occurrences of five hours to come."""
    address = postgresql.new_ledger()
    (tmp_path / "service.toml").write_text(f'store = "{address}"\nowner = "ann"\n')
    store = open_store(address)
    objects = MemoryObjects()
    objects.put(bundle_key("0" * 64), b"bundle")
    Operations(store, objects, owner="ann").schedules.create(
        "minutely", make_spec(timing=Timing(cron="* * * * *"), publication_base=f"file://{tmp_path}/published")
    )
    client = ApiContext.open(DataPaths(tmp_path), tmp_path, now=lambda: clock.now() + AHEAD)
    schedules = client.operations.schedules
    assert schedules.pause("minutely").cursor < clock.now() + timedelta(minutes=5)
    assert schedules.resume("minutely").next_due is not None
    rows = store.runs.list_newest()
    assert all(run.scheduled_for <= clock.now() + timedelta(minutes=5) for run in rows)
    client.close()
    store.close()
