"""What every store knows of files that may go."""

from datetime import timedelta

from jupyter_schedule.core.models import (
    Approval,
    Policies,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
)
from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.records import BundleUse, KeptFiles
from tests.factories import NOON, make_attempt, make_run, make_schedule, make_spec

DAY = timedelta(days=1)


class TestRetention:
    """Which runs have files, and which bundles are wanted."""

    def with_runs(self, store: Store) -> tuple[Schedule, Run, Run]:
        """A schedule with one run that has succeeded, one that goes on, and one that never began."""
        schedule = make_schedule()
        store.schedules.add(schedule)
        over = make_run(schedule, "over", status=RunStatus.SUCCEEDED, attempt=1)
        going = make_run(schedule, "going", status=RunStatus.RUNNING, attempt=1, scheduled_for=NOON + DAY)
        for run in (over, going, make_run(schedule, "skipped", status=RunStatus.SKIPPED)):
            store.runs.add(run, actor="service")
        return schedule, over, going

    def test_a_run_that_never_began_has_no_files(self, store: Store) -> None:
        schedule, over, going = self.with_runs(store)
        assert [run.id for run in store.runs.list_with_files(schedule.id)] == [going.id, over.id]
        assert store.schedules.list_with_files() == [schedule]

    def test_a_run_that_publishes_what_another_made_has_files_too(self, store: Store) -> None:
        schedule, over, _ = self.with_runs(store)
        release = make_run(schedule, "release", release=Approval(run_id=over.id, by="ann", at=NOON))
        store.runs.add(release, actor="ann")
        assert release.id in {run.id for run in store.runs.list_with_files(schedule.id)}

    def test_only_of_what_has_ended_files_go_and_every_list_tells_since_when(self, store: Store) -> None:
        schedule, over, going = self.with_runs(store)
        seen = store.last_change()
        store.runs.mark_pruned([over.id, going.id], actor="scheduler")
        marked = store.runs.get(over.id)
        assert marked is not None
        assert marked.pruned_at is not None
        assert {run.id: run.pruned_at for run in store.runs.list_newest(schedule.id)}[going.id] is None
        assert [(event.kind, event.run_id) for event in store.events(seen)] == [("run_pruned", over.id)]

        store.runs.mark_pruned([over.id], actor="scheduler")
        again = store.runs.get(over.id)
        assert again is not None
        assert again.pruned_at == marked.pruned_at

    def test_a_run_whose_files_begin_to_go_has_some_until_that_is_finished(self, store: Store) -> None:
        schedule, over, going = self.with_runs(store)
        store.runs.mark_pruned([over.id], actor="scheduler")
        assert [run.id for run in store.runs.list_with_files(schedule.id)] == [going.id, over.id]
        store.runs.finish_pruning([over.id], actor="scheduler")
        assert [run.id for run in store.runs.list_with_files(schedule.id)] == [going.id]
        gone = store.runs.get(over.id)
        assert gone is not None
        assert gone.pruned_at is not None

    def test_the_files_of_a_deleted_schedules_runs_are_still_known(self, store: Store) -> None:
        schedule, _, _ = self.with_runs(store)
        deleted = schedule.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})
        store.schedules.replace(schedule, deleted, actor="local", kind="schedule_deleted")
        assert store.schedules.list_with_files() == [deleted]

    def test_what_is_kept_of_each_schedule_is_told_in_short_page_by_page(self, store: Store) -> None:
        asked = make_spec(policies=Policies(keep_runs=7, keep_days=0))
        made = sorted((make_schedule(name, spec=asked) for name in "abcde"), key=lambda schedule: schedule.id)
        none, going, over, begun, gone = made
        for schedule in made:
            store.schedules.add(schedule)
        store.runs.add(make_run(none, "skipped", status=RunStatus.SKIPPED, ended_at=NOON), actor="x")
        store.runs.add(make_run(going, "going", status=RunStatus.DUE), actor="x")
        due = store.runs.list_open()[0]
        begins = due.model_copy(update={"status": RunStatus.LAUNCHING, "attempt": 1})
        assert store.runs.add_attempt(make_attempt(due), due, begins, actor="x")
        for schedule in (over, begun, gone):
            for day in (1, 0):
                at = NOON + day * DAY
                run = make_run(schedule, str(day), status=RunStatus.FAILED, attempt=1, ended_at=at)
                store.runs.add(run, actor="x")
        store.runs.mark_pruned([run.id for run in store.runs.list_with_files(begun.id)[:1]], actor="x")
        deleted = gone.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})
        store.schedules.replace(gone, deleted, actor="local", kind="schedule_deleted")

        first = store.schedules.list_kept_files(limit=2)
        assert first == [
            KeptFiles(going.id, 0, None, False, False, 7, 0),
            KeptFiles(over.id, 2, NOON, False, False, 7, 0),
        ]
        assert store.schedules.list_kept_files(after=over.id) == [
            KeptFiles(begun.id, 2, NOON, True, False, 7, 0),
            KeptFiles(gone.id, 2, NOON, False, True, 7, 0),
        ]
        assert [each.id for each in store.schedules.list_with_files(after=going.id, limit=2)] == [over.id, begun.id]
        assert [run.id for run in store.runs.list_with_files(going.id)] == [begins.id]

    def test_every_version_tells_which_bundle_it_has_and_who_wants_it(self, store: Store) -> None:
        schedule, over, going = self.with_runs(store)
        edited = schedule.model_copy(update={"version": 2, "spec": make_spec(bundle="1" * 64), "changed_at": NOON})
        store.schedules.replace(schedule, edited, actor="local", kind="schedule_changed")
        first, second = store.schedules.list_bundle_uses()
        assert first == BundleUse("0" * 64, schedule.id, 1, schedule.created_at, False, False, True)
        assert second == BundleUse("1" * 64, schedule.id, 2, NOON, True, False, False)

        store.runs.replace(going, going.model_copy(update={"status": RunStatus.FAILED}), actor="service")
        for run in (over, going):
            store.runs.mark_pruned([run.id], actor="scheduler")
            store.runs.finish_pruning([run.id], actor="scheduler")
        deleted = edited.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})
        store.schedules.replace(edited, deleted, actor="local", kind="schedule_deleted")
        told = [(use.current, use.deleted, use.has_runs) for use in store.schedules.list_bundle_uses()]
        assert told == [(False, True, False), (False, True, False)]

    def test_versions_are_told_of_so_many_schedules_at_once(self, store: Store) -> None:
        one, two = sorted((make_schedule(name) for name in "ab"), key=lambda schedule: schedule.id)
        for schedule in (one, two):
            store.schedules.add(schedule)
            edited = schedule.model_copy(update={"version": 2, "changed_at": NOON})
            store.schedules.replace(schedule, edited, actor="local", kind="schedule_changed")
        page = store.schedules.list_bundle_uses(limit=1)
        assert [(use.schedule_id, use.version) for use in page] == [(one.id, 1), (one.id, 2)]
        rest = store.schedules.list_bundle_uses(after=one.id, limit=9)
        assert [(use.schedule_id, use.version) for use in rest] == [(two.id, 1), (two.id, 2)]
