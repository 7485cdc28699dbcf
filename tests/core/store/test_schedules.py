"""What every store keeps of schedules, and how what came due is settled."""

from datetime import timedelta

import pytest

from jupyter_schedule.core.models import (
    RunStatus,
    Schedule,
    ScheduleState,
)
from jupyter_schedule.core.store.base import NameTaken, ScheduleAdvance, Store
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)


class TestSchedules:
    def test_a_schedule_is_found_by_id_by_name_and_in_the_list(self, store: Store) -> None:
        schedule = make_schedule("b", spec=make_spec(parameters={"x": [1, "NO", None]}))
        other = make_schedule("a")
        store.add_schedule(schedule)
        store.add_schedule(other)

        assert store.schedule(schedule.id) == schedule
        assert store.schedule_named("b") == schedule
        assert store.schedules() == [other, schedule]
        assert store.schedule("unknown") is None
        assert store.schedule_named("unknown") is None

    def test_a_name_is_taken_once(self, store: Store) -> None:
        store.add_schedule(make_schedule("same"))
        with pytest.raises(NameTaken):
            store.add_schedule(make_schedule("same", id="another"))

    def test_a_deleted_schedule_frees_its_name_and_leaves_the_list_but_is_found_by_id(self, store: Store) -> None:
        schedule = make_schedule("gone")
        store.add_schedule(schedule)
        deleted = schedule.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})

        assert store.replace_schedule(schedule, deleted, actor="local", kind="schedule_deleted")

        store.add_schedule(make_schedule("gone", id="successor"))
        assert [schedule.id for schedule in store.schedules()] == ["successor"]
        assert store.schedule(schedule.id) == deleted

    def test_an_edit_is_a_new_version_and_the_old_one_stays(self, store: Store) -> None:
        first = make_schedule()
        store.add_schedule(first)
        second = first.model_copy(update={"version": 2, "spec": make_spec(timeout=5), "changed_by": "ann"})

        assert store.replace_schedule(first, second, actor="ann", kind="schedule_changed")

        assert store.schedule(first.id) == second
        assert [(version.version, version.author) for version in store.versions(first.id)] == [(2, "ann"), (1, "local")]
        assert store.version(first.id, 1).spec == first.spec
        with pytest.raises(KeyError):
            store.version(first.id, 3)

    @pytest.mark.parametrize(
        "stale",
        [{"version": 2}, {"state": ScheduleState.PAUSED}, {"cursor": NOON}],
        ids=["version", "state", "cursor"],
    )
    def test_a_change_of_what_is_no_longer_so_changes_nothing(self, store: Store, stale: dict[str, object]) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        after = schedule.model_copy(update={"cursor": NOON + DAY, "next_due": None})

        moved = store.replace_schedule(
            schedule.model_copy(update=stale), after, [make_run(schedule)], actor="x", kind=None
        )

        assert not moved
        assert store.schedule(schedule.id) == schedule
        assert store.runs() == []

    def test_only_active_schedules_whose_time_has_come_are_due_the_longest_due_first(self, store: Store) -> None:
        for name, next_due, state in [
            ("later", NOON + DAY, ScheduleState.ACTIVE),
            ("now", NOON, ScheduleState.ACTIVE),
            ("long-due", NOON - DAY, ScheduleState.ACTIVE),
            ("paused", NOON - DAY, ScheduleState.PAUSED),
            ("ended", None, ScheduleState.ENDED),
        ]:
            store.add_schedule(make_schedule(name, next_due=next_due, state=state))

        assert [schedule.name for schedule in store.due_schedules(NOON, 10)] == ["long-due", "now"]
        assert [schedule.name for schedule in store.due_schedules(NOON, 1)] == ["long-due"]
        assert store.next_due() == NOON - DAY

    def test_nothing_is_due_in_an_empty_store(self, store: Store) -> None:
        assert store.next_due() is None
        assert store.due_schedules(NOON, 10) == []


class TestSettlements:
    def test_many_schedules_are_settled_at_once_each_by_itself(self, store: Store) -> None:
        due, changed, gone = (make_schedule(name) for name in ("due", "changed", "gone"))
        for schedule in (due, changed):
            store.add_schedule(schedule)
        settlements = [settlement(schedule) for schedule in (due, changed, gone)]
        paused = changed.model_copy(update={"state": ScheduleState.PAUSED, "next_due": None})
        store.replace_schedule(changed, paused, actor="ann", kind="schedule_paused")

        assert store.settle(settlements, actor="scheduler") == {due.id}

        assert store.schedule(due.id) == settlements[0].after
        assert store.schedule(changed.id) == paused
        assert [run.schedule for run in store.runs()] == ["due"]
        assert [(event.kind, event.actor) for event in store.events(3)] == [("run_due", "scheduler")]

    def test_runs_of_one_batch_wait_in_the_order_of_the_batch(self, store: Store) -> None:
        schedules = [make_schedule(name) for name in "cab"]
        for schedule in schedules:
            store.add_schedule(schedule)
        store.settle([settlement(schedule) for schedule in schedules], actor="scheduler")
        store.add_run(make_run(schedules[0], "manual"), actor="ann")
        assert [run.schedule for run in store.open_runs()] == ["c", "a", "b", "c"]

    def test_an_occurrence_that_the_ledger_has_is_not_put_into_it_again(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule, status=RunStatus.SKIPPED), actor="scheduler")
        assert store.settle([settlement(schedule)], actor="scheduler") == {schedule.id}
        assert [run.status for run in store.runs()] == [RunStatus.SKIPPED]
        assert store.last_change() == 2

    def test_nothing_to_settle_is_nothing_done(self, store: Store) -> None:
        assert store.settle([], actor="scheduler") == set()


def settlement(schedule: Schedule) -> ScheduleAdvance:
    """What a schedule that was due at noon owes."""
    after = schedule.model_copy(update={"cursor": NOON, "next_due": NOON + DAY})
    return ScheduleAdvance(schedule, after, [make_run(schedule)])
