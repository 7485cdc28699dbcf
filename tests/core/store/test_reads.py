"""What is read of many schedules: what is asked for, and no more."""

from datetime import timedelta
from typing import Any

from jupyter_schedule.core.models import RunStatus, Schedule, ScheduleState
from jupyter_schedule.core.store.base import Store, walk_schedules
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)
DELETED = {"state": ScheduleState.DELETED, "next_due": None}


def add(store: Store, *names: str, **changes: Any) -> list[Schedule]:
    made = [make_schedule(name, **changes) for name in names]
    for schedule in made:
        store.schedules.add(schedule)
    return made


class TestPages:
    """A list comes in pages, by name."""

    def test_a_page_begins_behind_the_name_that_ended_the_one_before(self, store: Store) -> None:
        add(store, "d", "b", "a-b", "a.b", "a", "c")
        first = store.schedules.list_page(limit=4)
        assert [each.name for each in first] == ["a", "a-b", "a.b", "b"]
        assert [each.name for each in store.schedules.list_page(after="b", limit=4)] == ["c", "d"]
        assert store.schedules.list_page(after="d") == []
        assert [each.name for each in walk_schedules(store.schedules, page=4)] == ["a", "a-b", "a.b", "b", "c", "d"]

    def test_all_are_read_page_by_page_however_many_people_have_one_name(self, store: Store) -> None:
        made = [make_schedule("b", id=f"{n}", owner=f"person-{n}") for n in range(5)]
        for schedule in [make_schedule("a"), *made, make_schedule("c")]:
            store.schedules.add(schedule)
        for page in range(1, 9):
            found = [(each.name, each.owner) for each in walk_schedules(store.schedules, page=page)]
            assert sorted(found) == [("a", "local"), *(("b", f"person-{n}") for n in range(5)), ("c", "local")]

    def test_a_page_of_somebody_has_theirs_alone_and_nothing_that_is_deleted(self, store: Store) -> None:
        add(store, "a", "c", owner="ann")
        add(store, "b", owner="bob")
        (gone,) = add(store, "d", owner="ann")
        store.schedules.replace(gone, gone.model_copy(update=DELETED), actor="ann", kind="schedule_deleted")
        assert [each.name for each in store.schedules.list_page(owner="ann")] == ["a", "c"]
        assert (store.schedules.count(owner="ann"), store.schedules.count(owner="eve")) == (2, 0)
        assert store.schedules.find_taken(["a", "b", "d", "e"], owner="ann") == {"a"}
        assert list(store.schedules.list_by_id([gone.id, "none"])) == [gone.id]

    def test_names_are_had_from_both_sides_of_one_that_there_is_not(self, store: Store) -> None:
        add(store, "a", "b", "c", "e", "f", "g", owner="ann")
        add(store, "d", owner="bob")
        assert store.schedules.names_beside("d", owner="ann", limit=2) == ["b", "c", "e", "f"]
        assert store.schedules.names_beside("c", owner="ann", limit=1) == ["c", "e"]

    def test_schedules_are_found_by_their_source_however_long(self, store: Store) -> None:
        long = f"{'folder/' * 60}report.ipynb"
        add(store, "one", spec=make_spec(source="work/report.ipynb"))
        add(store, "two", spec=make_spec(source=long))
        (edited,) = add(store, "three")
        other = add(store, "other", spec=make_spec(source="work/report.ipynb"), owner="bob")
        after = edited.model_copy(update={"version": 2, "spec": make_spec(source="report.ipynb")})
        store.schedules.replace(edited, after, actor="local", kind="schedule_changed")

        def found(*sources: str) -> list[str]:
            return [each.name for each in store.schedules.list_by_source(sources, owner="local")]

        assert found("work/report.ipynb", "report.ipynb") == ["one", "three"]
        assert found(long) == ["two"]
        assert found("none.ipynb") == []
        assert store.schedules.list_by_source(["work/report.ipynb"], owner="bob") == other

    def test_the_places_that_schedules_publish_to_are_told_once(self, store: Store) -> None:
        for name, base in (("a", "file:///one"), ("b", "file:///one"), ("c", "file:///two"), ("d", "file:///gone")):
            add(store, name, spec=make_spec(publication_base=base))
        gone = store.schedules.find("d", owner="local")
        assert gone is not None
        store.schedules.replace(gone, gone.model_copy(update=DELETED), actor="ann", kind="schedule_deleted")
        assert store.schedules.publication_bases() == {"file:///one", "file:///two"}


class TestCounts:
    """What a panel says in a number is counted, and not fetched."""

    def ran(self, store: Store, schedule: Schedule, *statuses: RunStatus) -> None:
        """Runs of a schedule, the oldest first."""
        for number, status in enumerate(statuses):
            at = NOON + number * DAY
            store.runs.add(make_run(schedule, str(number), status=status, scheduled_for=at, attempt=1), actor="x")

    def test_a_schedule_fails_when_the_last_of_its_runs_that_came_to_an_end_did(self, store: Store) -> None:
        failed, ok, skipped = RunStatus.FAILED, RunStatus.SUCCEEDED, RunStatus.SKIPPED
        for number, statuses in enumerate(
            [[failed], [failed, ok], [ok, failed, skipped], [ok, RunStatus.TIMED_OUT, RunStatus.RUNNING], [skipped]]
        ):
            (schedule,) = add(store, f"s{number}")
            self.ran(store, schedule, *statuses)
        (theirs,) = add(store, "theirs", owner="bob")
        self.ran(store, theirs, failed)
        (gone,) = add(store, "gone")
        self.ran(store, gone, failed)
        store.schedules.replace(gone, gone.model_copy(update=DELETED), actor="ann", kind="schedule_deleted")
        (once,) = add(store, "once")
        self.ran(store, once, failed)
        ended = once.model_copy(update={"state": ScheduleState.ENDED})
        store.schedules.replace(once, ended, actor="ann", kind="schedule_changed")
        assert len(store.runs.list_failing(owner="local")) == 3
        assert len(store.runs.list_failing(owner="bob")) == 1
        assert len(store.runs.list_failing(owner="eve")) == 0

    def test_runs_that_go_and_runs_that_are_open_are_those_of_whoever_asks(self, store: Store) -> None:
        mine, theirs = *add(store, "mine"), *add(store, "theirs", owner="bob")
        self.ran(store, mine, RunStatus.RUNNING, RunStatus.DUE, RunStatus.SUCCEEDED)
        self.ran(store, theirs, RunStatus.RUNNING, RunStatus.PUBLISHING)
        assert (store.runs.count_going(owner="local"), store.runs.count_going(owner="bob")) == (1, 2)
        assert {run.status for run in store.runs.list_open(mine.id)} == {RunStatus.RUNNING, RunStatus.DUE}
        assert store.runs.is_name_open("mine", owner="local")
        assert not store.runs.is_name_open("other", owner="local")
        assert not store.runs.is_name_open("mine", owner="bob")

    def test_a_run_is_found_by_the_beginning_of_its_id(self, store: Store) -> None:
        mine, theirs = *add(store, "mine"), *add(store, "theirs", owner="bob")
        for schedule, run_id in ((mine, "abc-1"), (mine, "abc-2"), (mine, "abd"), (theirs, "abc-3")):
            store.runs.add(make_run(schedule, run_id, id=run_id), actor="x")

        def found(prefix: str, limit: int = 9) -> list[str]:
            return [run.id for run in store.runs.list_by_prefix(prefix, owner="local", limit=limit)]

        assert (found("abc"), found("ab", 1), found("abd"), found("x")) == (["abc-1", "abc-2"], ["abc-1"], ["abd"], [])
