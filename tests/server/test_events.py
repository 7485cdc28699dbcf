"""Changes on the server's event bus."""

import asyncio
from typing import Any

from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.server.events import SCHEMA_ID
from tests.engine import PATIENCE
from tests.factories import make_run, make_schedule
from tests.server.conftest import Api


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
