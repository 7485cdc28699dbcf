"""What every store keeps, run over each of them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jupyter_schedule.core.models import (
    Outcome,
    Publication,
    PublishedFile,
    Reason,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Timing,
)
from jupyter_schedule.core.store.base import NameTaken, Place, Settlement, Store
from jupyter_schedule.core.store.common import SqlStore
from jupyter_schedule.core.store.sql import open_store
from tests.databases import Clock, DatabaseClock
from tests.factories import NOON, make_attempt, make_run, make_schedule, make_spec

DAY = timedelta(days=1)
LEASE = 30
HERE = "here"


@pytest.fixture
def clock(ledger: str) -> Clock:
    return Clock() if ledger.startswith("sqlite") else DatabaseClock(ledger)


@pytest.fixture
def store(ledger: str, clock: Clock) -> Iterator[Store]:
    opened = open_store(ledger, clock)
    yield opened
    opened.close()


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
            schedule.model_copy(update=stale), after, [make_run(schedule)], actor="x", kind="run_due"
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


def settlement(schedule: Schedule) -> Settlement:
    """What a schedule that was due at noon owes."""
    after = schedule.model_copy(update={"cursor": NOON, "next_due": NOON + DAY})
    return Settlement(schedule, after, [make_run(schedule)])


class TestRuns:
    def test_the_cursor_and_the_run_move_together(self, store: Store) -> None:
        before = make_schedule()
        store.add_schedule(before)
        after = before.model_copy(update={"cursor": NOON, "next_due": NOON + DAY})

        assert store.replace_schedule(before, after, [make_run(before)], actor="service", kind="run_due")

        assert store.schedule(before.id) == after
        assert store.runs(before.id) == [make_run(before, queued=1)]

    def test_an_occurrence_is_in_the_ledger_once(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule), actor="service")
        store.add_run(make_run(schedule, id="another"), actor="service")
        assert store.runs() == [make_run(schedule, queued=1)]

    def test_runs_are_listed_newest_occurrence_first(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        for number in range(3):
            store.add_run(make_run(schedule, f"k{number}", scheduled_for=NOON + number * DAY), actor="service")

        assert [run.key for run in store.runs()] == ["k2", "k1", "k0"]
        assert [run.key for run in store.runs(schedule.id, limit=1)] == ["k2"]
        assert store.runs("another schedule") == []
        assert store.last_runs([schedule.id, "none"]) == {schedule.id: store.runs()[0]}

    @pytest.mark.parametrize("of_one", [True, False])
    def test_a_list_goes_on_after_the_place_of_its_last_run(self, store: Store, of_one: bool) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        for number in range(7):
            # equal occurrences are told apart by when they were made, and then by their ids
            when = {"scheduled_for": NOON + number // 4 * DAY, "created_at": NOON + number // 2 * DAY}
            store.add_run(make_run(schedule, f"k{number}", **when), actor="service")
        chosen = {"schedule_id": schedule.id} if of_one else {"owner": schedule.owner}

        pages: list[list[Run]] = []
        before = None
        while page := store.runs(**chosen, before=before, limit=3):
            pages.append(page)
            before = Place.of(page[-1])
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [run for page in pages for run in page] == store.runs()

    def test_an_owners_list_has_no_runs_of_others_or_of_deleted_schedules(self, store: Store) -> None:
        mine, theirs, deleted = (
            make_schedule("mine"),
            make_schedule("theirs", owner="bob"),
            make_schedule("deleted", state=ScheduleState.DELETED),
        )
        for schedule in (mine, theirs, deleted):
            store.add_schedule(schedule)
            store.add_run(make_run(schedule), actor="service")
        assert [run.schedule for run in store.runs(owner=mine.owner)] == ["mine"]

    def test_the_newest_runs_of_many_schedules_are_had_at_once(self, store: Store) -> None:
        first, second, third = (make_schedule(name) for name in "abc")
        for schedule in (first, second, third):
            store.add_schedule(schedule)
        for number in range(3):
            for schedule in (first, second):
                store.add_run(make_run(schedule, f"k{number}", scheduled_for=NOON + number * DAY), actor="service")

        recent = store.recent_runs([second.id, first.id, third.id, "none"], 2)
        assert {name: [run.key for run in runs] for name, runs in recent.items()} == {
            first.id: ["k2", "k1"],
            second.id: ["k2", "k1"],
        }
        assert store.recent_runs([third.id], 2) == {}

    def test_open_runs_are_those_that_have_not_ended_as_they_came(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        later = make_run(schedule, "later", scheduled_for=NOON + DAY)
        for run in (later, make_run(schedule, "over", status=RunStatus.SKIPPED), make_run(schedule, "sooner")):
            store.add_run(run, actor="service")
        assert [run.key for run in store.open_runs()] == ["later", "sooner"]

    def test_open_runs_are_found_also_when_their_schedule_is_deleted(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule), actor="service")
        store.add_run(make_run(schedule, "ended", status=RunStatus.SKIPPED), actor="service")
        deleted = schedule.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})
        store.replace_schedule(schedule, deleted, actor="local", kind="schedule_deleted")
        assert [run.key for run in store.open_runs()] == [make_run(schedule).key]

    def test_a_run_keeps_what_is_known_of_its_end(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        run = make_run(schedule, status=RunStatus.PUBLISHING, queued=1)
        store.add_run(run, actor="service")
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

        assert store.replace_run(run, ended, actor="service")
        assert store.run(run.id) == ended

    def test_a_transition_that_is_not_allowed_is_an_error(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        run = make_run(schedule)
        store.add_run(run, actor="service")
        with pytest.raises(ValueError, match="never goes from due to succeeded"):
            store.replace_run(run, run.model_copy(update={"status": RunStatus.SUCCEEDED}), actor="service")

    def test_the_database_itself_keeps_an_ended_run_as_it_is(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule, status=RunStatus.SKIPPED), actor="service")
        assert isinstance(store, SqlStore)
        with pytest.raises(IntegrityError, match="never changes"), store._engine.begin() as connection:
            connection.execute(text("UPDATE runs SET status = 'due'"))

    def test_a_wish_to_cancel_is_noted_once_and_only_while_the_run_is_open(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        run = make_run(schedule)
        ended = make_run(schedule, "ended", status=RunStatus.SKIPPED)
        store.add_run(run, actor="service")
        store.add_run(ended, actor="service")

        assert store.ask_to_cancel(run.id, actor="ann")
        assert not store.ask_to_cancel(run.id, actor="bob")
        assert not store.ask_to_cancel(ended.id, actor="ann")
        assert not store.ask_to_cancel("unknown", actor="ann")
        noted = store.run(run.id)
        assert noted is not None
        assert noted.cancelled_by == "ann"

    def test_moving_a_run_does_not_forget_who_wants_it_cancelled(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        run = make_run(schedule)
        store.add_run(run, actor="service")
        store.ask_to_cancel(run.id, actor="ann")

        store.replace_run(run, run.model_copy(update={"status": RunStatus.LAUNCHING}), actor="service")

        moved = store.run(run.id)
        assert moved is not None
        assert (moved.status, moved.cancelled_by) == (RunStatus.LAUNCHING, "ann")


class TestLeases:
    @pytest.fixture(autouse=True)
    def _one_open_run(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule), actor="service")
        store.add_run(make_run(schedule, "ended", status=RunStatus.SKIPPED), actor="service")

    def test_an_open_run_goes_to_the_first_who_claims_it(self, store: Store) -> None:
        assert [run.fence for run in store.claim("one", LEASE, HERE)] == [1]
        assert store.claim("two", LEASE, HERE) == []

    def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence(self, store: Store, clock: Clock) -> None:
        (old,) = store.claim("one", LEASE, HERE)
        clock.at(LEASE + 1)
        (new,) = store.claim("two", LEASE, HERE)

        assert new.fence == old.fence + 1
        launching = {"status": RunStatus.LAUNCHING}
        assert not store.replace_run(old, old.model_copy(update=launching), actor="one")
        assert store.replace_run(new, new.model_copy(update=launching), actor="two")

    def test_a_holder_that_keeps_claiming_keeps_its_lease_and_its_fence(self, store: Store, clock: Clock) -> None:
        for seconds in (0, 20, 40, 60):
            clock.at(seconds)
            (run,) = store.claim("one", LEASE, HERE)
            assert run.fence == 1
        clock.at(61)
        assert store.claim("two", LEASE, HERE) == []

    def test_a_released_lease_is_free_at_once(self, store: Store) -> None:
        store.claim("one", LEASE, HERE)
        store.release("one")
        assert [run.fence for run in store.claim("two", LEASE, HERE)] == [2]

    def test_a_service_that_finds_nobody_else_ends_the_leases_of_the_dead(self, store: Store) -> None:
        store.claim("dead", LEASE, HERE)
        store.join()
        assert [run.fence for run in store.claim("two", LEASE, HERE)] == [2]

    def test_the_open_runs_of_one_schedule_are_in_one_hand(self, store: Store) -> None:
        schedule = make_schedule()
        store.claim("one", LEASE, HERE)
        store.add_run(make_run(schedule, "next"), actor="service")
        other = make_schedule("other")
        store.add_schedule(other)
        store.add_run(make_run(other), actor="service")

        assert [run.schedule for run in store.claim("two", LEASE, HERE)] == ["other"]
        assert [run.key for run in store.claim("one", LEASE, HERE)] == [make_run(schedule).key, "next"]

    def test_a_holder_that_slept_past_its_lease_gets_no_run_of_a_schedule_that_another_has_now(
        self, store: Store, clock: Clock
    ) -> None:
        store.claim("asleep", LEASE, HERE)
        clock.at(LEASE + 1)
        store.claim("awake", LEASE, HERE)
        store.add_run(make_run(make_schedule(), "next"), actor="service")
        assert store.claim("asleep", LEASE, HERE) == []

    def test_runs_wait_in_the_order_in_which_they_came(self, store: Store) -> None:
        schedule = make_schedule("queue")
        store.add_schedule(schedule)
        keys = [f"k{number}" for number in (5, 3, 9, 1, 7)]
        for key in keys:
            store.add_run(make_run(schedule, key), actor="service")
        assert [run.key for run in store.claim("one", LEASE, HERE)][1:] == keys

    def test_claiming_when_there_is_nothing_to_take_writes_nothing(self, store: Store) -> None:
        store.claim("one", LEASE, HERE)
        before = store.last_change()
        store.claim("one", LEASE, HERE)
        assert store.last_change() == before


class TestAttempts:
    def test_an_attempt_and_the_run_that_it_moves_are_written_together(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule), actor="service")
        (run,) = store.claim("one", LEASE, HERE)
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
        attempt = make_attempt(run, parameters={"command": "./run.sh"})

        assert store.add_attempt(attempt, run, launching, actor="one")
        assert not store.add_attempt(make_attempt(run, 2), run, launching, actor="one")

        assert store.attempts(run.id) == [attempt]
        assert store.run(run.id) == launching

    def test_what_became_of_an_attempt_is_recorded_by_the_holder_only(self, store: Store, clock: Clock) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule), actor="service")
        (run,) = store.claim("one", LEASE, HERE)
        attempt = make_attempt(run)
        store.add_attempt(attempt, run, run.model_copy(update={"status": RunStatus.LAUNCHING}), actor="one")
        known = attempt.model_copy(update={"handle": {"pid": 1}, "outcome": Outcome.LOST, "detail": "gone"})

        assert store.replace_attempt(run, known)
        assert store.attempts(run.id) == [known]

        clock.at(LEASE + 1)
        store.claim("two", LEASE, HERE)
        assert not store.replace_attempt(run, attempt)
        assert store.attempts(run.id) == [known]

    def test_a_worker_that_is_seen_from_one_place_is_left_to_the_services_there(
        self, store: Store, clock: Clock
    ) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        store.add_run(make_run(schedule), actor="service")
        (run,) = store.claim("one", LEASE, "laptop")
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
        store.add_attempt(make_attempt(run, place="laptop"), run, launching, actor="one")
        clock.at(LEASE + 1)

        assert store.claim("two", LEASE, "server") == []
        assert [run.fence for run in store.claim("three", LEASE, "laptop")] == [2]
        clock.at(3600 + LEASE)
        assert [run.fence for run in store.claim("two", LEASE, "server")] == [3]

    @pytest.mark.parametrize(("status", "starts"), [(RunStatus.LAUNCHING, False), (RunStatus.DUE, True)])
    def test_an_attempt_that_must_be_alone_waits_for_the_schedules_other_run(
        self, store: Store, status: RunStatus, starts: bool
    ) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        other = make_run(schedule, "other")
        store.add_run(make_run(schedule), actor="service")
        store.add_run(other, actor="service")
        store.replace_run(other, other.model_copy(update={"status": status}), actor="two")
        run = store.claim("one", LEASE, HERE)[0]
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})

        assert store.add_attempt(make_attempt(run), run, launching, actor="one", alone=True) is starts
        assert len(store.attempts(run.id)) == starts


class TestChanges:
    def test_every_write_tells_who_did_what_to_which(self, store: Store) -> None:
        schedule = make_schedule()
        store.add_schedule(schedule)
        run = make_run(schedule)
        store.add_run(run, actor="service")
        store.ask_to_cancel(run.id, actor="ann")
        store.replace_run(run, run.model_copy(update={"status": RunStatus.CANCELLED}), actor="service")

        told = [(event.actor, event.kind, event.run_id) for event in store.events(0)]
        assert told == [
            ("local", "schedule_created", None),
            ("service", "run_due", run.id),
            ("ann", "run_cancel_asked", run.id),
            ("service", "run_cancelled", run.id),
        ]
        assert store.events(store.last_change()) == []

    def test_a_change_from_another_process_wakes_who_waits(self, store: Store, ledger: str) -> None:
        other = open_store(ledger, lambda: NOON)
        waiting = threading.Event()
        woken: list[int] = []

        def wait() -> None:
            waiting.set()
            woken.append(store.wait_for_change(0, timeout=30))

        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait()
        other.add_schedule(make_schedule())
        thread.join(timeout=30)
        other.close()

        assert woken == [1]

    def test_a_change_that_already_happened_does_not_wait(self, store: Store) -> None:
        store.add_schedule(make_schedule())
        assert store.wait_for_change(0, timeout=3600) == 1

    def test_without_a_change_the_wait_ends_with_its_time(self, store: Store) -> None:
        assert store.wait_for_change(0, timeout=0) == 0


def test_two_stores_on_one_database_see_each_other_and_writers_take_turns(store: Store, ledger: str) -> None:
    other = open_store(ledger, lambda: NOON)

    def add(target: Store, start: int) -> None:
        for number in range(start, start + 20):
            target.add_schedule(make_schedule(f"s{number:02}", spec=make_spec(timing=Timing(once=NOON))))

    threads = [threading.Thread(target=add, args=pair) for pair in ((store, 0), (other, 20))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [schedule.name for schedule in other.schedules()] == [f"s{number:02}" for number in range(40)]
    other.close()


def test_services_that_claim_together_share_the_runs_out_a_schedule_in_one_hand(store: Store, ledger: str) -> None:
    for number in range(20):
        schedule = make_schedule(f"s{number}")
        store.add_schedule(schedule)
        for key in ("one", "two", "three"):
            store.add_run(make_run(schedule, key), actor="service")
    others = [open_store(ledger, lambda: NOON) for _ in range(3)]

    def claim(number: int) -> list[Run]:
        return others[number].claim(f"holder-{number}", LEASE, HERE)

    with ThreadPoolExecutor(3) as pool:
        shares = list(pool.map(claim, range(3)))
    for other in others:
        other.close()

    assert sorted(run.id for share in shares for run in share) == sorted(run.id for run in store.runs())
    hands = [{run.schedule for run in share} for share in shares]
    assert sum(len(hand) for hand in hands) == 20
