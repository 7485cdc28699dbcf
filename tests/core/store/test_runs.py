"""What every store keeps of runs."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jupyter_schedule.core.models import (
    Publication,
    PublishedFile,
    Reason,
    Run,
    RunStatus,
    ScheduleState,
)
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import RunCursor
from jupyter_schedule.core.store.sql import SqlStore
from tests.factories import NOON, make_run, make_schedule

DAY = timedelta(days=1)


class TestRuns:
    def test_the_cursor_and_the_run_move_together(self, store: Store) -> None:
        before = make_schedule()
        store.schedules.add(before)
        after = before.model_copy(update={"cursor": NOON, "next_due": NOON + DAY})

        assert store.schedules.replace(before, after, [make_run(before)], actor="service", kind=None)

        assert store.schedules.get(before.id) == after
        assert store.runs.list_newest(before.id) == [make_run(before, queued=1)]

    @pytest.mark.promise("P1")
    def test_an_occurrence_is_in_the_ledger_once(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor="service")
        store.runs.add(make_run(schedule, id="another"), actor="service")
        assert store.runs.list_newest() == [make_run(schedule, queued=1)]

    def test_runs_are_listed_newest_occurrence_first(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        for number in range(3):
            store.runs.add(make_run(schedule, f"k{number}", scheduled_for=NOON + number * DAY), actor="service")

        assert [run.key for run in store.runs.list_newest()] == ["k2", "k1", "k0"]
        assert [run.key for run in store.runs.list_newest(schedule.id, limit=1)] == ["k2"]
        assert store.runs.list_newest("another schedule") == []
        assert store.runs.last_of_each([schedule.id, "none"]) == {schedule.id: store.runs.list_newest()[0]}

    @pytest.mark.parametrize("of_one", [True, False])
    def test_a_list_goes_on_after_the_place_of_its_last_run(self, store: Store, of_one: bool) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        for number in range(7):
            # equal occurrences are told apart by when they were made, and then by their ids
            when = {"scheduled_for": NOON + number // 4 * DAY, "created_at": NOON + number // 2 * DAY}
            store.runs.add(make_run(schedule, f"k{number}", **when), actor="service")
        chosen = {"schedule_id": schedule.id} if of_one else {"owner": schedule.owner}

        pages: list[list[Run]] = []
        before = None
        while page := store.runs.list_newest(**chosen, before=before, limit=3):
            pages.append(page)
            before = RunCursor.of(page[-1])
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [run for page in pages for run in page] == store.runs.list_newest()

    def test_an_owners_list_has_no_runs_of_others_or_of_deleted_schedules(self, store: Store) -> None:
        mine, theirs, deleted = (
            make_schedule("mine"),
            make_schedule("theirs", owner="bob"),
            make_schedule("deleted", state=ScheduleState.DELETED),
        )
        for schedule in (mine, theirs, deleted):
            store.schedules.add(schedule)
            store.runs.add(make_run(schedule), actor="service")
        assert [run.schedule for run in store.runs.list_newest(owner=mine.owner)] == ["mine"]

    def test_the_newest_runs_of_many_schedules_are_had_at_once(self, store: Store) -> None:
        first, second, third = (make_schedule(name) for name in "abc")
        for schedule in (first, second, third):
            store.schedules.add(schedule)
        for number in range(3):
            for schedule in (first, second):
                store.runs.add(make_run(schedule, f"k{number}", scheduled_for=NOON + number * DAY), actor="service")

        recent = store.runs.newest_of_each([second.id, first.id, third.id, "none"], 2)
        assert {name: [run.key for run in runs] for name, runs in recent.items()} == {
            first.id: ["k2", "k1"],
            second.id: ["k2", "k1"],
        }
        assert store.runs.newest_of_each([third.id], 2) == {}

    def test_open_runs_are_those_that_have_not_ended_as_they_came(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        later = make_run(schedule, "later", scheduled_for=NOON + DAY)
        for run in (later, make_run(schedule, "over", status=RunStatus.SKIPPED), make_run(schedule, "sooner")):
            store.runs.add(run, actor="service")
        assert [run.key for run in store.runs.list_open()] == ["later", "sooner"]

    def test_open_runs_are_found_also_when_their_schedule_is_deleted(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor="service")
        store.runs.add(make_run(schedule, "ended", status=RunStatus.SKIPPED), actor="service")
        deleted = schedule.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})
        store.schedules.replace(schedule, deleted, actor="local", kind="schedule_deleted")
        assert [run.key for run in store.runs.list_open()] == [make_run(schedule).key]

    def test_a_run_keeps_what_is_known_of_its_end(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule, status=RunStatus.PUBLISHING, queued=1)
        store.runs.add(run, actor="service")
        files = (PublishedFile(path="a b.csv", size=1, sha256="0" * 64, url="file:///a%20b.csv"),)
        ended = run.model_copy(
            update={
                "status": RunStatus.SUCCEEDED,
                "reason": Reason.OK,
                "message": "Succeeded in 6 s.",
                "started_at": NOON,
                "ended_at": NOON + DAY,
                "seconds": 6.25,
                "publication": Publication(url="file:///data/", files=files),
            }
        )

        assert store.runs.replace(run, ended, actor="service")
        assert store.runs.get(run.id) == ended

    def test_what_runs_cost_is_kept_to_a_millionth_and_added_up_from_a_day_on(self, store: Store) -> None:
        store.schedules.add(make_schedule())
        for number, cost in enumerate(("0.1", "0.2", "0.000001", None)):
            run = make_run(make_schedule(), f"manual:{number}")
            store.runs.add(run, actor="ann")
            ended = {"status": RunStatus.CANCELLED, "ended_at": NOON + number * DAY, "machine_seconds": 60}
            paid = run.model_copy(update=ended | {"cost": None if cost is None else Decimal(cost)})
            assert store.runs.replace(run, paid, actor="scheduler")
            kept = store.runs.get(run.id)
            assert kept is not None
            assert (kept.machine_seconds, kept.cost) == (60, paid.cost)
        schedule_id = make_schedule().id
        assert store.runs.cost_since(schedule_id, NOON) == Decimal("0.300001")
        assert store.runs.cost_since(schedule_id, NOON + DAY) == Decimal("0.200001")
        assert store.runs.cost_since(schedule_id, NOON + 4 * DAY) == 0
        assert store.runs.machine_seconds_since(NOON + DAY) == {make_schedule().owner: 180}
        assert store.runs.machine_seconds_since(NOON + 4 * DAY) == {}

    def test_a_transition_that_is_not_allowed_is_an_error(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule)
        store.runs.add(run, actor="service")
        with pytest.raises(ValueError, match="never goes from due to succeeded"):
            store.runs.replace(run, run.model_copy(update={"status": RunStatus.SUCCEEDED}), actor="service")

    @pytest.mark.promise("P26")
    def test_the_database_itself_keeps_an_ended_run_as_it_is(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule, status=RunStatus.SKIPPED), actor="service")
        assert isinstance(store, SqlStore)
        with pytest.raises(IntegrityError, match="never changes"), store.database.engine.begin() as connection:
            connection.execute(text("UPDATE runs SET status = 'due'"))

    def test_a_wish_to_cancel_is_noted_once_and_only_while_the_run_is_open(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule)
        ended = make_run(schedule, "ended", status=RunStatus.SKIPPED)
        store.runs.add(run, actor="service")
        store.runs.add(ended, actor="service")

        assert store.runs.request_cancel(run.id, actor="ann")
        assert not store.runs.request_cancel(run.id, actor="bob")
        assert not store.runs.request_cancel(ended.id, actor="ann")
        assert not store.runs.request_cancel("unknown", actor="ann")
        noted = store.runs.get(run.id)
        assert noted is not None
        assert noted.cancelled_by == "ann"

    def test_many_runs_are_added_and_cancelled_at_once_each_with_its_event(self, store: Store) -> None:
        """In their order; those that are there, and those that somebody stopped before, are left as they are."""
        schedule = make_schedule()
        store.schedules.add(schedule)
        many = [make_run(schedule, f"backfill:{number}") for number in range(5)]
        store.runs.add(many[1], actor="ann")
        store.runs.add_all(many, actor="ann")
        assert [run.key for run in store.runs.list_open()] == [f"backfill:{number}" for number in (1, 0, 2, 3, 4)]
        store.runs.request_cancel(many[0].id, actor="bob")
        before = store.last_change()
        assert store.runs.request_cancel_all([run.id for run in many[:3]], actor="ann") == 2
        assert {run.id: run.cancelled_by for run in store.runs.list_open()} == {
            many[0].id: "bob",
            many[1].id: "ann",
            many[2].id: "ann",
            many[3].id: None,
            many[4].id: None,
        }
        told = store.events(before)
        assert sorted((event.kind, event.run_id) for event in told) == sorted(
            ("run_cancel_asked", run.id) for run in many[1:3]
        )

    def test_moving_a_run_does_not_forget_who_wants_it_cancelled(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule)
        store.runs.add(run, actor="service")
        store.runs.request_cancel(run.id, actor="ann")

        store.runs.replace(run, run.model_copy(update={"status": RunStatus.LAUNCHING}), actor="service")

        moved = store.runs.get(run.id)
        assert moved is not None
        assert (moved.status, moved.cancelled_by) == (RunStatus.LAUNCHING, "ann")
