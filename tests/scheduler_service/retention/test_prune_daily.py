"""Once a day one of many services prunes, a part of the work at each look."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.storage.factory import StorageAway, StoredObject
from scheduler_service.retention import prune, prune_daily
from scheduler_service.retention.prune import BATCH, Pruner
from scheduler_service.retention.prune_daily import LOOK, TURN, DailyPruner
from scheduler_service.retention.rules import RetentionRule
from scheduler_service.trusted_clock import TrustedClock
from tests.databases import Clock
from tests.factories import NOON, make_run, make_schedule, make_spec
from tests.scheduler_service.publishing.results import (
    DAY,
    document,
)
from tests.scheduler_service.retention.left_behind import Deployment
from tests.scheduler_service.stores import MemoryObjects
from tests.simulation.memory_store import MemoryStore


class Patient(Deployment):
    """With a service that prunes by itself."""

    def daily(self, holder: str = "one", **changes: Any) -> DailyPruner:
        plain: dict[str, Any] = {"started": self.now - LOOK}
        return DailyPruner(self.pruning(), self.work, holder, **plain | changes)

    def whole_turn(self, daily: DailyPruner) -> int:
        """How many looks had more to do."""
        looks = 0
        while daily.look(self.now):
            looks += 1
        return looks


@pytest.fixture
def patient() -> Patient:
    return Patient(MemoryObjects(), MemoryObjects())


def test_a_look_does_a_part_of_the_days_work() -> None:
    patient = Patient(MemoryObjects(), MemoryObjects(), BATCH + 10)
    assert patient.whole_turn(patient.daily()) == 2
    assert len(patient.with_files()) == 3


def test_a_look_is_at_a_page_of_schedules_and_as_many_runs_go_as_were_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "PAGE", 2)
    monkeypatch.setattr(prune_daily, "MOST", 3)
    patient = Patient(MemoryObjects(), MemoryObjects())
    old = {"status": RunStatus.FAILED, "attempt": 1, "ended_at": NOON, "pruned_at": NOON}
    for number in range(9):
        other = make_schedule(f"other-{number}", spec=make_spec(publication_base="area"))
        patient.store.schedules.add(other)
        patient.store.runs.add(make_run(other, str(number), **old), actor="service")
    # six pages; nine and three runs go in four rounds, by ten batches, since those of one schedule go together
    assert patient.whole_turn(patient.daily()) > 10
    assert len(patient.with_files()) == 3
    assert [each.name for each in patient.store.schedules.list_with_files()] == ["flights"]


@pytest.mark.parametrize(("days", "left"), [(90, 90), (0, 7)])
def test_events_and_notifications_go_with_the_files(days: int, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After as many days as files do, and after a week at the soonest; a thousand at a time."""
    monkeypatch.setattr(prune, "RECORDS", 10)
    patient = Patient(MemoryObjects(), MemoryObjects())
    clock = Clock()
    patient.store = MemoryStore(clock)
    for day in range(120):
        clock.at(day * 86_400)
        patient.store.schedules.add(make_schedule(f"s{day}"))
    patient.now = clock()
    pruning = Pruner(patient.store, patient.work, lambda _: patient.area, RetentionRule(30, days))
    assert patient.whole_turn(DailyPruner(pruning, patient.work, "one", patient.now - LOOK)) == (119 - left) // 10
    gone = patient.store.tables.events_gone
    assert patient.store.last_change() - gone == left + 1


def test_who_looks_for_what_goes_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody else begins meanwhile, however many schedules there are."""
    monkeypatch.setattr(prune, "PAGE", 1)
    patient = Patient(MemoryObjects(), MemoryObjects())
    for number in range(9):
        other = make_schedule(f"other-{number}")
        patient.store.schedules.add(other)
        patient.store.runs.add(make_run(other, str(number), status=RunStatus.RUNNING, attempt=1), actor="service")
    one, two = patient.daily("one"), patient.daily("two")
    for _ in range(9):
        assert one.look(patient.now)
        patient.now += LOOK
        assert not two.look(patient.now)


def test_one_of_many_prunes_and_again_a_day_later(patient: Patient) -> None:
    one, two = patient.daily("one"), patient.daily("two")
    assert patient.whole_turn(one) == 1
    assert document(patient.work, TURN) == {"by": "one", "at": "2026-11-30T12:00:00Z", "done": True}
    patient.ran(6)
    patient.now += timedelta(hours=23)
    assert patient.whole_turn(two) == 0
    patient.now += timedelta(hours=1)
    assert patient.whole_turn(two) == 1
    assert document(patient.work, TURN)["by"] == "two"


def test_who_ended_in_the_middle_is_followed_after_an_hour() -> None:
    patient = Patient(MemoryObjects(), MemoryObjects(), BATCH + 10)
    assert patient.daily("one").look(patient.now)
    two = patient.daily("two")
    patient.now += timedelta(minutes=59)
    assert not two.look(patient.now)
    patient.now += LOOK
    assert patient.whole_turn(two) == 1
    assert len(patient.with_files()) == 3


def test_by_a_doubted_clock_nothing_goes_before_its_time(patient: Patient) -> None:
    wall = patient.now = NOON + 3 * DAY
    trusted = TrustedClock(lambda: wall, lambda: 0.0, lambda: patient.now)
    trusted.assess()
    wall += 3650 * DAY
    trusted.assess()
    assert trusted.stopped
    daily = patient.daily()
    while daily.look(trusted.now()):
        pass
    assert len(patient.with_files()) == 4


def test_a_service_that_has_just_started_has_other_things_to_do(patient: Patient) -> None:
    assert patient.whole_turn(patient.daily(started=patient.now)) == 0


def away(_prefix: str = "") -> Iterator[StoredObject]:
    raise StorageAway("It doesn't answer.")


def test_a_pass_that_fails_is_tried_again(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    daily = patient.daily()
    with monkeypatch.context() as broken:
        broken.setattr(patient.work, "list", away)
        assert not daily.look(patient.now)
    patient.now += timedelta(hours=2)
    assert patient.whole_turn(daily) == 1
