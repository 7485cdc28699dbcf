"""What a fresh JupyterLab says: what has failed since it was last open, and still does."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from jupyter_schedule.core.clock import now
from jupyter_schedule.core.models import RunStatus
from tests.factories import NOON
from tests.server.conftest import Api

BEFORE, AFTER = (f"{NOON + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (-1, 1))


async def ran(api: Api, name: str, *statuses: RunStatus) -> str:
    """A schedule whose runs ended so, each a minute after the one before: of two in one second none is the later."""
    await api.create(name)
    began = now()
    for number, status in enumerate(statuses):
        with time_machine.travel(began + timedelta(minutes=number)):
            run_id = (await api.run_now(name))["run_id"]
            with api.worker() as worker:
                worker.end(worker.start(run_id), status=status)
    return str(run_id)


async def test_what_failed_since_then_is_told_in_two_hundred_bytes(api: Api) -> None:
    name = "n" * 63
    run_id = await ran(api, name, RunStatus.FAILED)
    await ran(api, "good", RunStatus.SUCCEEDED)
    reply = await api("GET", "news", since=BEFORE)
    assert [reply.body[key] for key in ("failed", "schedule", "run_id")] == [1, name, run_id]
    assert len(reply.response.body) <= 200


@pytest.mark.parametrize("query", [{}, {"since": AFTER}])
async def test_nothing_is_told_that_was_told_before_or_of_a_first_visit(api: Api, query: dict[str, Any]) -> None:
    await ran(api, "daily", RunStatus.FAILED)
    news = (await api("GET", "news", **query)).body
    assert (news["failed"], news["schedule"]) == (0, None)
    assert news["at"] > AFTER


async def test_what_succeeded_again_and_what_was_only_tried_is_no_news(api: Api) -> None:
    await ran(api, "mended", RunStatus.FAILED, RunStatus.SUCCEEDED)
    made = await api.create("tried", once_only=True)
    with api.worker() as worker:
        worker.end(worker.start(made["last_runs"][0]["run_id"]), status=RunStatus.FAILED)
    assert (await api("GET", "news", since=BEFORE)).body["failed"] == 0


@pytest.mark.parametrize("since", ["yesterday", "2026-11-24", "\0"])
async def test_what_is_no_time_is_refused(api: Api, since: str) -> None:
    assert (await api("GET", "news", since=since)).status == 422
