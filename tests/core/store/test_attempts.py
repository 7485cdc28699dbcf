"""What every store keeps of attempts."""

from jupyter_schedule.core.models import (
    Outcome,
    RunStatus,
)
from jupyter_schedule.core.store.base import Store
from tests.databases import Clock
from tests.factories import make_attempt, make_run, make_schedule, take_runs

LEASE = 30
HERE = "here"


class TestAttempts:
    def test_an_attempt_and_the_run_that_it_moves_are_written_together(self, store: Store) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor="service")
        (run,) = take_runs(store, "one")
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
        attempt = make_attempt(run, parameters={"command": "./run.sh"})

        assert store.runs.add_attempt(attempt, run, launching, actor="one")
        assert not store.runs.add_attempt(make_attempt(run, 2), run, launching, actor="one")

        assert store.runs.list_attempts(run.id) == [attempt]
        assert (store.runs.get_attempt(run.id, 1), store.runs.get_attempt(run.id, 2)) == (attempt, None)
        assert store.runs.get(run.id) == launching

    def test_what_became_of_an_attempt_is_recorded_by_the_holder_only(self, store: Store, clock: Clock) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor="service")
        (run,) = take_runs(store, "one")
        attempt = make_attempt(run)
        store.runs.add_attempt(attempt, run, run.model_copy(update={"status": RunStatus.LAUNCHING}), actor="one")
        known = attempt.model_copy(update={"handle": {"pid": 1}, "outcome": Outcome.LOST, "detail": "gone"})

        assert store.runs.replace_attempt(run, known)
        assert store.runs.list_attempts(run.id) == [known]

        clock.at(LEASE + 1)
        take_runs(store, "two")
        assert not store.runs.replace_attempt(run, attempt)
        assert store.runs.list_attempts(run.id) == [known]

    def test_a_worker_that_is_seen_from_one_place_is_left_to_the_services_there(
        self, store: Store, clock: Clock
    ) -> None:
        schedule = make_schedule()
        store.schedules.add(schedule)
        store.runs.add(make_run(schedule), actor="service")
        (run,) = take_runs(store, "one", host="laptop")
        launching = run.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
        store.runs.add_attempt(make_attempt(run, place="laptop"), run, launching, actor="one")
        clock.at(LEASE + 1)

        assert take_runs(store, "two", host="server") == []
        assert [run.fence for run in take_runs(store, "three", host="laptop")] == [2]
        clock.at(3600 + LEASE)
        assert [run.fence for run in take_runs(store, "two", host="server")] == [3]
