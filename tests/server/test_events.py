"""Changes on the server's event bus."""

import asyncio
import queue
import threading
from datetime import timedelta
from typing import Any

from jupyter_schedule.core.models import LOCAL_OWNER, RunStatus
from jupyter_schedule.server.events import MISSED, SCHEMA_ID, Changes
from tests.databases import Clock
from tests.engine import PATIENCE
from tests.factories import make_run, make_schedule
from tests.server.conftest import Api
from tests.simulation.memory_store import MemoryStore


async def test_whoever_changes_the_ledger_the_bus_tells_it_in_order(api: Api, jp_serverapp: Any) -> None:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        assert schema_id == SCHEMA_ID
        told.put_nowait(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    await api.create()
    run = await api.run_now()
    with api.worker() as worker:
        worker.end(worker.start(run["run_id"]), status=RunStatus.FAILED)
    heard = [await asyncio.wait_for(told.get(), PATIENCE) for _ in range(5)]

    plain = [{key: event[key] for key in ("kind", "schedule", "run") if key in event} for event in heard]
    of_run = {"schedule": "daily", "run": run["run_id"]}
    assert plain == [
        {"kind": "schedule_created", "schedule": "daily"},
        *({"kind": kind} | of_run for kind in ("run_due", "run_launching", "run_running", "run_failed")),
    ]
    sequence = [event["sequence"] for event in heard]
    assert sequence == sorted(set(sequence))


async def test_the_bus_tells_nobody_what_is_anothers(api: Api, jp_serverapp: Any) -> None:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        told.put_nowait(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    assert (await api("GET", "schedules")).body == []
    theirs = make_schedule("theirs", owner="bob")
    with api.worker() as worker:
        worker.operations.store.schedules.add(theirs)
        worker.operations.store.runs.add(make_run(theirs), actor="scheduler")
    await api.create()
    first = await asyncio.wait_for(told.get(), PATIENCE)
    assert (first["kind"], first["schedule"]) == ("schedule_created", "daily")


async def test_nothing_is_watched_before_somebody_asks(api: Api, jp_serverapp: Any) -> None:
    assert not api.places.folder.exists()
    assert (await api("GET", "openapi.json")).status == 200
    assert not api.places.folder.exists()


def test_who_was_away_for_longer_than_events_are_kept_is_told_to_look_anew() -> None:
    """As by a laptop that slept for months: what happened is told as one change, and then each by itself again."""
    clock = Clock()
    store = MemoryStore(clock)
    told: queue.Queue[dict[str, Any]] = queue.Queue()
    store.schedules.add(make_schedule("first"))
    changes = Changes.__new__(Changes)
    changes._store, changes._owner, changes._tell = store, LOCAL_OWNER, told.put_nowait
    changes._seen = 0  # as it was left
    changes._stopping = threading.Event()
    for name in ("second", "third"):
        store.schedules.add(make_schedule(name))
    assert store.prune_events(clock() + timedelta(days=1), 10) == 2
    changes._look()
    store.schedules.add(make_schedule("fourth"))
    changes._look()
    assert [told.get_nowait() for _ in range(told.qsize())] == [
        {"kind": MISSED, "sequence": 3},
        {"kind": "schedule_created", "sequence": 4, "schedule": "fourth"},
    ]
