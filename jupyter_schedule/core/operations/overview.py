"""A person's schedules as a list shows them: those that were asked for, in their order, and how many there are."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from jupyter_schedule.core.models import Schedule, ScheduleState
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import ScheduleGlance

_NEVER = datetime.max.replace(tzinfo=UTC)


class Show(StrEnum):
    """The schedules that a list has."""

    ALL = "all"
    #: that go on, and whose last run that ran to its end failed
    FAILING = "failing"
    #: of which some run hasn't ended
    RUNNING = "running"
    PAUSED = "paused"


class Order(StrEnum):
    """The order of a list."""

    #: those that fail, then those that run, then by the next time
    ATTENTION = "attention"
    NAME = "name"
    #: those without a next time come last
    NEXT = "next"


class Overview(NamedTuple):
    """A page of a list, and how many there are of each kind, whatever was searched for."""

    counts: dict[Show, int]
    #: number of those that fit
    found: int
    page: list[Schedule]


def find_overview(
    store: Store, owner: str, search: str, show: Show, order: Order, *, skip: int, limit: int
) -> Overview:
    """Of the owner's schedules under `show` that have all words of `search` in name or path, `limit` behind `skip`."""
    known = store.schedules.glance(owner=owner)
    failing = {run.schedule_id for run in store.runs.list_failing(owner=owner)}
    running = {run.schedule_id for run in store.runs.list_open()}
    belongs: dict[Show, Callable[[ScheduleGlance], bool]] = {
        Show.ALL: lambda _: True,
        Show.FAILING: lambda each: each.id in failing,
        Show.RUNNING: lambda each: each.id in running,
        Show.PAUSED: lambda each: each.state is ScheduleState.PAUSED,
    }
    words = search.casefold().split()
    found = [each for each in known if belongs[show](each) and _has(each, words)]

    def place(each: ScheduleGlance) -> tuple[Any, ...]:
        due = (each.next_due or _NEVER, each.name)
        urgency = 0 if each.id in failing else 1 if each.id in running else 2
        return {Order.NAME: (each.name,), Order.NEXT: due, Order.ATTENTION: (urgency, *due)}[order]

    ids = [each.id for each in sorted(found, key=place)[skip : skip + limit]]
    schedules = store.schedules.list_by_id(ids)
    # one may have been deleted since
    page = [schedules[id_] for id_ in ids if id_ in schedules and schedules[id_].state is not ScheduleState.DELETED]
    return Overview({kind: sum(map(belongs[kind], known)) for kind in Show}, len(found), page)


def _has(each: ScheduleGlance, words: Sequence[str]) -> bool:
    text = f"{each.name} {each.source or ''}".casefold()
    return all(word in text for word in words)
