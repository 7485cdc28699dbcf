"""Many schedules due at one moment, and the story of how their runs went, as the ledger tells it."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from jupyter_schedule.core.models import Event, RunStatus, Timing
from jupyter_schedule.core.store.base import Store
from tests.engine import Engine

_BEGINS = f"run_{RunStatus.LAUNCHING}"
_IS_DUE = f"run_{RunStatus.DUE}"
#: its worker is done; publishing takes no place among those that go
_LEAVES = {f"run_{status}" for status in RunStatus if status.terminal} | {f"run_{RunStatus.PUBLISHING}"}


class Story(NamedTuple):
    """What a crowd's events say."""

    #: ids of runs, as they came into the ledger and as they were started
    came: list[str]
    started: list[str]
    #: the most that were at work at once
    most: int
    ended: int


def gather(engine: Engine, number: int, at: datetime, command: str = 'echo 1 > "$OUTPUT_DIR/x"') -> None:
    """So many schedules, all due once at that moment, of one trivial tarball."""
    first = engine.script("crowd-0", command, timing=Timing(once=at))
    for n in range(1, number):
        engine.operations.schedules.create(f"crowd-{n}", first.spec)


def story(store: Store) -> Story:
    """The story so far."""
    events = list(_all_events(store))
    at_work: set[str] = set()
    most = 0
    for event in events:
        if event.run_id and event.kind == _BEGINS:
            at_work.add(event.run_id)
            most = max(most, len(at_work))
        elif event.run_id and event.kind in _LEAVES:
            at_work.discard(event.run_id)
    statuses = (event.kind.removeprefix("run_") for event in events if event.run_id)
    ended = sum(status in set(RunStatus) and RunStatus(status).terminal for status in statuses)
    return Story(_runs(events, _IS_DUE), list(dict.fromkeys(_runs(events, _BEGINS))), most, ended)


def farthest(told: Story) -> int:
    """By how many places the run that was moved most was started before or after its turn."""
    turn = {run_id: n for n, run_id in enumerate(told.came)}
    return max(abs(turn[run_id] - n) for n, run_id in enumerate(told.started))


def _runs(events: Iterable[Event], kind: str) -> list[str]:
    return [event.run_id for event in events if event.run_id and event.kind == kind]


def _all_events(store: Store) -> Iterable[Event]:
    seen = 0
    while some := store.events(seen):
        yield from some
        seen = some[-1].sequence
