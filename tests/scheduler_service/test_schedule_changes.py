"""What the service itself changes about a schedule."""

from datetime import timedelta

import pytest

from jupyter_schedule.core.models import NotificationEvent, Notify, RunStatus, Schedule, ScheduleState
from jupyter_schedule.core.timing.planning import advance_cursor
from scheduler_service import schedule_changes
from tests.databases import Clock
from tests.factories import NOON, make_run, make_schedule, make_spec
from tests.simulation.memory_store import MemoryStore

LATER = NOON + timedelta(days=1, minutes=1)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(Clock())


@pytest.fixture
def schedule(store: MemoryStore) -> Schedule:
    """Due every noon, and told of in one channel."""
    spec = make_spec(notify=Notify(channels=("ops",), on=(NotificationEvent.AUTO_PAUSE,)))
    made = advance_cursor(make_schedule(spec=spec), NOON)
    store.schedules.add(made)
    return made


def test_what_was_owed_until_the_change_is_in_the_ledger_with_it(store: MemoryStore, schedule: Schedule) -> None:
    assert schedule_changes.apply_change(store, schedule, LATER, "told", state=ScheduleState.PAUSED)
    (run,) = store.runs.list_open()
    assert (run.scheduled_for, run.status) == (NOON + timedelta(days=1), RunStatus.DUE)
    changed = store.schedules.get(schedule.id)
    assert changed is not None
    assert (changed.state, changed.cursor, changed.next_due) == (ScheduleState.PAUSED, LATER, None)
    assert store.events(0)[-1].kind == "told"


def test_somebody_elses_change_wins(store: MemoryStore, schedule: Schedule) -> None:
    theirs = schedule.model_copy(update={"version": 2})
    assert store.schedules.replace(schedule, theirs, actor="ann", kind="schedule_edited")
    assert not schedule_changes.apply_change(store, schedule, LATER, "told", state=ScheduleState.PAUSED)
    assert store.schedules.get(schedule.id) == theirs
    assert store.runs.list_open() == []


def test_a_pause_says_when_and_why_by_itself_and_on_the_channels(store: MemoryStore, schedule: Schedule) -> None:
    failed = make_run(schedule, status=RunStatus.FAILED)
    store.runs.add(failed, actor="scheduler")
    assert schedule_changes.pause_schedule(
        store, schedule, LATER, after=failed, kind="schedule_auto_paused", note="it failed"
    )
    paused = store.schedules.get(schedule.id)
    assert paused is not None
    assert paused.paused is not None
    assert (paused.paused.by, paused.paused.at, paused.paused.note) == ("scheduler", LATER, "it failed")
    assert (paused.changed_by, paused.changed_at) == ("scheduler", LATER)
    (sent,) = store.tables.outbox
    assert (sent.notification.occasion, sent.notification.run_id, sent.notification.details) == (
        NotificationEvent.AUTO_PAUSE,
        failed.id,
        {"note": "it failed"},
    )
