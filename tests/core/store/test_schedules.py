"""What every store keeps of schedules, and how what came due is settled."""

from datetime import timedelta

import pytest

from jupyter_schedule.core.models import (
    RunStatus,
    Schedule,
    ScheduleState,
)
from jupyter_schedule.core.store.base import NameTaken, Store
from jupyter_schedule.core.store.records import ScheduleAdvance
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class TestSchedules:
    def test_a_schedule_is_found_by_id_by_name_and_in_the_list(self, store: Store) -> None:
        schedule = make_schedule("b", spec=make_spec(parameters={"x": [1, "NO", None]}))
        other = make_schedule("a")
        store.schedules.add(schedule)
        store.schedules.add(other)

        assert store.schedules.get(schedule.id) == schedule
        assert store.schedules.find("b", owner="local") == schedule
        assert store.schedules.list_page() == [other, schedule]
        assert store.schedules.get("unknown") is None
        assert store.schedules.find("unknown", owner="local") is None

    def test_a_name_is_taken_once(self, store: Store) -> None:
        store.schedules.add(make_schedule("same"))
        with pytest.raises(NameTaken):
            store.schedules.add(make_schedule("same", id="another"))

    def test_two_people_have_schedules_of_one_name(self, store: Store) -> None:
        hers, his = (make_schedule("same", id=owner, owner=owner) for owner in ("ann", "bob"))
        store.schedules.add(hers)
        store.schedules.add(his)
        assert [store.schedules.find("same", owner=owner) for owner in ("ann", "bob", "eve")] == [hers, his, None]
        with pytest.raises(NameTaken):
            store.schedules.add(make_schedule("same", id="another", owner="bob"))

    def test_a_deleted_schedule_frees_its_name_and_leaves_the_list_but_is_found_by_id(self, store: Store) -> None:
        schedule = make_schedule("gone")
        store.schedules.add(schedule)
        deleted = schedule.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})

        assert store.schedules.replace(schedule, deleted, actor="local", kind="schedule_deleted")

        store.schedules.add(make_schedule("gone", id="successor"))
        assert [schedule.id for schedule in store.schedules.list_page()] == ["successor"]
        assert store.schedules.get(schedule.id) == deleted

    def test_an_edit_is_a_new_version_and_the_old_one_stays(self, store: Store) -> None:
        first = make_schedule()
        store.schedules.add(first)
        second = first.model_copy(update={"version": 2, "spec": make_spec(timeout=5), "changed_by": "ann"})

        assert store.schedules.replace(first, second, actor="ann", kind="schedule_changed")

        assert store.schedules.get(first.id) == second
        assert [(version.version, version.author) for version in store.schedules.list_versions(first.id)] == [
            (2, "ann"),
            (1, "local"),
        ]
        assert store.schedules.get_version(first.id, 1).spec == first.spec
        with pytest.raises(KeyError):
            store.schedules.get_version(first.id, 3)

    @pytest.mark.parametrize(
        "stale",
        [{"version": 2}, {"state": ScheduleState.PAUSED}, {"cursor": NOON}],
        ids=["version", "state", "cursor"],
    )
    def test_a_change_of_what_is_no_longer_so_changes_nothing(self, store: Store, stale: dict[str, object]) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        after = schedule.model_copy(update={"cursor": NOON + DAY, "next_due": None})

        moved = store.schedules.replace(
            schedule.model_copy(update=stale), after, [make_run(schedule)], actor="x", kind=None
        )

        assert not moved
        assert store.schedules.get(schedule.id) == schedule
        assert store.runs.list_newest() == []

    def test_only_active_schedules_whose_time_has_come_are_due_the_longest_due_first(self, store: Store) -> None:
        for name, next_due, state in [
            ("later", NOON + DAY, ScheduleState.ACTIVE),
            ("now", NOON, ScheduleState.ACTIVE),
            ("long-due", NOON - DAY, ScheduleState.ACTIVE),
            ("paused", NOON - DAY, ScheduleState.PAUSED),
            ("ended", None, ScheduleState.ENDED),
        ]:
            store.schedules.add(make_schedule(name, next_due=next_due, state=state))

        assert [schedule.name for schedule in store.schedules.list_due(NOON, 10)] == ["long-due", "now"]
        assert [schedule.name for schedule in store.schedules.list_due(NOON, 1)] == ["long-due"]
        assert store.schedules.next_due() == NOON - DAY

    def test_nothing_is_due_in_an_empty_store(self, store: Store) -> None:
        assert store.schedules.next_due() is None
        assert store.schedules.list_due(NOON, 10) == []


class TestSettlements:
    def test_many_schedules_are_settled_at_once_each_by_itself(self, store: Store) -> None:
        due, changed, gone = (make_schedule(name) for name in ("due", "changed", "gone"))
        for schedule in (due, changed):
            store.schedules.add(schedule)
        settlements = [settlement(schedule) for schedule in (due, changed, gone)]
        paused = changed.model_copy(update={"state": ScheduleState.PAUSED, "next_due": None})
        store.schedules.replace(changed, paused, actor="ann", kind="schedule_paused")

        assert store.schedules.record_due_runs(settlements, actor="scheduler") == {due.id}

        assert store.schedules.get(due.id) == settlements[0].after
        assert store.schedules.get(changed.id) == paused
        assert [run.schedule for run in store.runs.list_newest()] == ["due"]
        assert [(event.kind, event.actor) for event in store.events(3)] == [("run_due", "scheduler")]

    @pytest.mark.promise("P1")
    @pytest.mark.parametrize(
        "meanwhile",
        [{"cursor": NOON, "next_due": NOON + DAY}, {"version": 2}, {"state": ScheduleState.PAUSED}],
        ids=["recorded", "edited", "paused"],
    )
    def test_what_was_reckoned_from_a_schedule_that_has_moved_on_is_dropped(
        self, store: Store, meanwhile: dict[str, object]
    ) -> None:
        """Another service, or a person, was quicker by a moment: neither its cursor nor a row is ours to write."""
        schedule = make_schedule()
        store.schedules.add(schedule)
        moved = schedule.model_copy(update=meanwhile)
        assert store.schedules.replace(schedule, moved, actor="ann", kind=None)
        late = schedule.model_copy(update={"cursor": NOON + HOUR, "next_due": NOON + 2 * DAY})

        settled = store.schedules.record_due_runs(
            [ScheduleAdvance(schedule, late, [make_run(schedule, "cron:1:late")])], actor="scheduler"
        )

        assert settled == set()
        assert store.schedules.get(schedule.id) == moved
        assert store.runs.list_newest() == []

    def test_runs_of_one_batch_wait_in_the_order_of_the_batch(self, store: Store) -> None:
        schedules = [make_schedule(name) for name in "cab"]
        for schedule in schedules:
            store.schedules.add(schedule)
        store.schedules.record_due_runs([settlement(schedule) for schedule in schedules], actor="scheduler")
        store.runs.add(make_run(schedules[0], "manual"), actor="ann")
        assert [run.schedule for run in store.runs.list_open()] == ["c", "a", "b", "c"]

    def test_an_occurrence_that_the_ledger_has_is_not_put_into_it_again(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule, status=RunStatus.SKIPPED), actor="scheduler")
        assert store.schedules.record_due_runs([settlement(schedule)], actor="scheduler") == {schedule.id}
        assert [run.status for run in store.runs.list_newest()] == [RunStatus.SKIPPED]
        assert store.last_change() == 2

    def test_nothing_to_settle_is_nothing_done(self, store: Store) -> None:
        assert store.schedules.record_due_runs([], actor="scheduler") == set()


def settlement(schedule: Schedule) -> ScheduleAdvance:
    """What a schedule that was due at noon owes."""
    after = schedule.model_copy(update={"cursor": NOON, "next_due": NOON + DAY})
    return ScheduleAdvance(schedule, after, [make_run(schedule)])


def test_cursors_that_are_ahead_are_found_of_all_that_may_still_be_due(store: Store) -> None:
    ahead = NOON + timedelta(days=365)
    for name, state, cursor in (
        ("active", ScheduleState.ACTIVE, ahead),
        ("paused", ScheduleState.PAUSED, ahead + timedelta(days=1)),
        ("ended", ScheduleState.ENDED, ahead),
        ("right", ScheduleState.ACTIVE, NOON),
    ):
        store.schedules.add(make_schedule(name, state=state, cursor=cursor))
    assert [each.name for each in store.schedules.list_ahead(NOON, 10)] == ["paused", "active"]
    assert [each.name for each in store.schedules.list_ahead(NOON, 1)] == ["paused"]
    store.schedules.add(make_schedule("another's", owner="bob", cursor=ahead))
    assert [each.name for each in store.schedules.list_ahead(NOON, 10, owner="bob")] == ["another's"]
