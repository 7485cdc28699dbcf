"""The runs of the store in dictionaries: their attempts, their leases, and the files that they left."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from jupyter_schedule.core.ad_hoc_workers import at_work
from jupyter_schedule.core.models import (
    GOING_STATUSES,
    TRANSITIONS,
    Attempt,
    CatchUp,
    Notification,
    Overlap,
    Publisher,
    Run,
    RunStatus,
    ScheduleState,
    Trigger,
    utc,
)
from jupyter_schedule.core.store.base import LeaseStore, RunStore
from jupyter_schedule.core.store.records import ScheduledRun, UndecidedRuns
from jupyter_schedule.core.store.runs import RAN_TO_THE_END
from jupyter_schedule.core.timing.admission import Admission, Admitter, GoingRun, Turns, WaitingRun, admit_in_turn
from scheduler_service.retries import missed_deadline
from tests.simulation.memory_outbox import MemoryOutbox
from tests.simulation.memory_publications import MemoryPublications
from tests.simulation.memory_tables import Tables

AT_WORK = (RunStatus.LAUNCHING, RunStatus.RUNNING)


class MemoryRuns(RunStore):
    """Every method is one transaction: it runs from its beginning to its end before another one does."""

    def __init__(self, tables: Tables, outbox: MemoryOutbox, publications: MemoryPublications) -> None:
        self._tables = tables
        self._outbox = outbox
        self._publications = publications

    def add(self, run: Run, *, actor: str) -> None:
        if (run.schedule_id, run.key) in self._tables.keys:
            return
        stays_out = not run.status.terminal and run.cancelled_by is None
        if stays_out and self._tables.schedules[run.schedule_id].state == ScheduleState.DELETED:
            return
        self._tables.keys.add((run.schedule_id, run.key))
        self._tables.keep(run.model_copy(update={"queued": len(self._tables.events)}))
        self._tables.record(actor, f"run_{run.status}", run.schedule_id, run.id)

    def replace(
        self,
        before: Run,
        after: Run,
        *,
        actor: str,
        notifications: Sequence[Notification] = (),
        publisher: Publisher | None = None,
    ) -> bool:
        if publisher is not None and not self._publications.stands_at(publisher):
            return False
        moved = self._move(before, after, actor)
        if moved:
            self._outbox.put(notifications)
            if publisher is not None:
                self._publications.sign_off(publisher)
        return moved

    def request_cancel(self, run_id: str, *, actor: str) -> bool:
        run = self._tables.runs.get(run_id)
        if run is None or run.status.terminal or run.cancelled_by is not None:
            return False
        self._tables.keep(run.model_copy(update={"cancelled_by": actor}))
        self._tables.record(actor, "run_cancel_asked", run_id=run_id)
        return True

    def get(self, run_id: str) -> Run | None:
        return self._tables.runs.get(run_id)

    def list_newest(
        self,
        schedule_id: str | None = None,
        *,
        owner: str | None = None,
        before: tuple[datetime, datetime, str] | None = None,
        limit: int = 100,
    ) -> list[Run]:
        found = [run for run in self._tables.runs.values() if schedule_id in {None, run.schedule_id}]
        if owner is not None:
            alive = (each for each in self._tables.schedules.values() if each.state != ScheduleState.DELETED)
            mine = {schedule.id for schedule in alive if schedule.owner == owner}
            found = [run for run in found if run.schedule_id in mine]
        found = _newest_first(found)
        if before is not None:
            at, created, run_id = before
            found = [r for r in found if ((at, created), r.id) > ((r.scheduled_for, r.created_at), run_id)]
        return found[:limit]

    def newest_of_each(self, schedule_ids: Sequence[str], per_schedule: int) -> dict[str, list[Run]]:
        found = {schedule_id: self.list_newest(schedule_id, limit=per_schedule) for schedule_id in schedule_ids}
        return {schedule_id: runs for schedule_id, runs in found.items() if runs}

    def count(self, schedule_id: str | None = None, *, owner: str) -> int:
        return len(self.list_newest(schedule_id, owner=owner, limit=len(self._tables.runs)))

    def has_due(self) -> bool:
        return any(run.status == RunStatus.DUE for run in self._tables.open_runs())

    def list_undecided(self, since: int, now: datetime, limit: int) -> UndecidedRuns:
        open_runs = self._tables.open_runs()
        going = {run.schedule_id for run in open_runs if run.status in GOING_STATUSES}
        due = [run for run in open_runs if run.status == RunStatus.DUE]
        new = [run for run in due if run.queued >= since and self._gives_way(run)][:limit]
        others = [run for run in due if self._is_undecided(run, now, going)][:limit]
        wanted = {run.schedule_id for run in (*new, *others)}
        decided = (
            run
            for run in open_runs
            if run.status != RunStatus.DUE or run.trigger != Trigger.BACKFILL or run.cancelled_by
        )
        found = self._tables.scheduled(run for run in decided if run.schedule_id in wanted)
        return UndecidedRuns(found, new[-1].queued + 1 if new else since, more=len(new) == limit)

    def _is_undecided(self, run: Run, now: datetime, going: Collection[str]) -> bool:
        late = missed_deadline(self._tables.spec_of(run).policies, run, now)
        return bool(run.cancelled_by or run.release or late or (self._gives_way(run) and run.schedule_id in going))

    def _gives_way(self, run: Run) -> bool:
        spec = self._tables.spec_of(run)
        queues_all = spec.overlap == Overlap.QUEUE_ONE and spec.catch_up == CatchUp.ALL
        return run.trigger == Trigger.SCHEDULE and spec.overlap != Overlap.ALLOW and not queues_all

    def count_at_work(self) -> dict[str, int]:
        return Counter(self._tables.spec_of(run).launcher for run in self._tables.open_runs() if run.status in AT_WORK)

    def list_attempts_at_work(self, launcher: str) -> list[tuple[str, Attempt]]:
        return [
            (owner, attempt)
            for run, spec, owner in self._tables.scheduled(self._tables.open_runs())
            if run.status in AT_WORK and spec.launcher == launcher
            for attempt in self.list_attempts(run.id)
        ]

    def cancel_open(self, schedule_id: str, actor: str) -> None:
        """Note that `actor` wants every open run of the schedule to stop."""
        for run in self._tables.open_runs():
            if run.schedule_id == schedule_id:
                self.request_cancel(run.id, actor=actor)

    def list_by_prefix(self, prefix: str, *, owner: str, limit: int) -> list[Run]:
        mine = self.list_newest(owner=owner, limit=len(self._tables.runs))
        return sorted((run for run in mine if run.id.startswith(prefix)), key=lambda run: run.id)[:limit]

    def count_going(self, *, owner: str) -> int:
        mine = self.list_newest(owner=owner, limit=len(self._tables.runs))
        return sum(run.status in GOING_STATUSES for run in mine)

    def list_failing(self, *, owner: str) -> list[Run]:
        last: dict[str, Run] = {}
        for run in self.list_newest(owner=owner, limit=len(self._tables.runs)):
            goes_on = self._tables.schedules[run.schedule_id].state is not ScheduleState.ENDED
            if goes_on and run.status in RAN_TO_THE_END:
                last.setdefault(run.schedule_id, run)
        return [run for run in last.values() if run.status != RunStatus.SUCCEEDED]

    def list_open(self, schedule_id: str | None = None) -> list[Run]:
        return [run for run in self._tables.open_runs() if schedule_id in {None, run.schedule_id}]

    def is_name_open(self, name: str, *, owner: str) -> bool:
        return any((run.owner, run.schedule) == (owner, name) for run in self._tables.open_runs())

    def backfill_progress(self, schedule_id: str) -> dict[RunStatus, int]:
        of_backfills = [
            run
            for run in self._tables.runs.values()
            if run.schedule_id == schedule_id and run.trigger == Trigger.BACKFILL
        ]
        asked = {run.created_at for run in of_backfills if not run.status.terminal}
        return dict(Counter(run.status for run in of_backfills if run.created_at in asked))

    def cost_since(self, schedule_id: str, since: datetime) -> Decimal:
        ended = (run for run in self._tables.runs.values() if run.schedule_id == schedule_id)
        return sum((run.cost or Decimal() for run in ended if run.ended_at and run.ended_at >= since), Decimal())

    def machine_seconds_since(self, since: datetime) -> dict[str, int]:
        used: dict[str, int] = {}
        for run in self._tables.runs.values():
            if run.machine_seconds is not None and run.ended_at and run.ended_at >= since:
                owner = self._tables.schedules[run.schedule_id].owner
                used[owner] = used.get(owner, 0) + run.machine_seconds
        for worker in self._tables.ad_hoc.values():
            if worker.machine_seconds is not None and worker.ended_at and worker.ended_at >= since:
                used[worker.owner] = used.get(worker.owner, 0) + worker.machine_seconds
        return used

    # -- attempts

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str) -> bool:
        if not self._move(before, after, actor):
            return False
        self._tables.attempts.setdefault(before.id, []).append(attempt)
        return True

    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        if not self._is_current(run):
            return False
        changes = attempt.model_dump(include={"handle", "ended_at", "outcome", "detail"})
        self._tables.attempts[run.id] = [
            old.model_copy(update=changes) if old.number == attempt.number else old
            for old in self._tables.attempts[run.id]
        ]
        return True

    def list_attempts(self, run_id: str) -> list[Attempt]:
        return list(self._tables.attempts.get(run_id, ()))

    def attempts_of_each(self, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        return {run_id: found for run_id in run_ids if (found := self.list_attempts(run_id))}

    # -- retention

    def list_with_files(self, schedule_id: str) -> list[Run]:
        began = (run for run in self._tables.runs.values() if run.attempt or run.release)
        gone = self._tables.gone
        return _newest_first([run for run in began if run.schedule_id == schedule_id and run.id not in gone])

    def mark_pruned(self, run_ids: Sequence[str], *, actor: str) -> None:
        for run in [self._tables.runs[run_id] for run_id in run_ids]:
            if run.status.terminal and run.pruned_at is None:
                self._tables.runs[run.id] = run.model_copy(update={"pruned_at": utc(self._tables.now())})
                self._tables.record(actor, "run_pruned", run_id=run.id)

    def finish_pruning(self, run_ids: Sequence[str], *, actor: str) -> None:
        self._tables.gone |= {run_id for run_id in run_ids if self._tables.runs[run_id].pruned_at}
        self._tables.record(actor, "files_removed")

    def _is_current(self, run: Run) -> bool:
        """Nobody has taken the run over since it was read."""
        return self._tables.runs[run.id].fence == run.fence

    def _move(self, before: Run, after: Run, actor: str) -> bool:
        if after.status not in TRANSITIONS[before.status]:
            raise ValueError(f"a run never goes from {before.status} to {after.status}")
        now = self._tables.runs[before.id]
        if (now.status, now.attempt) != (before.status, before.attempt) or not self._is_current(before):
            return False
        moving = {"status", "reason", "message", "started_at", "ended_at", "seconds", "attempt", "publication"}
        moving |= {"machine_seconds", "cost"}
        self._tables.keep(now.model_copy(update={name: getattr(after, name) for name in moving}))
        if after.status != before.status:
            self._tables.record(actor, f"run_{after.status}", after.schedule_id, after.id)
        return True


class MemoryLeases(LeaseStore):
    """Who may act on a run now."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def register(self) -> None:
        """Nobody else can have this store."""
        self.release(None)

    def admit(self, by: Admitter, *, actor: str) -> int:
        admission = Admission(by, self._going(), at_work(self._tables.ad_hoc.values()))
        count = 0
        for backfills in (False, True):
            waiting = self._waiting(backfills)
            owners: dict[str, int] = {}
            for run in waiting:
                owners.setdefault(self._owner_of(run), run.queued)
            turns = [Turns(owner, self._tables.served.get(owner, 0), since) for owner, since in owners.items()]
            for admitted in admit_in_turn(admission, turns, partial(self._find_next, waiting)):
                self._start(by, self._tables.runs[admitted.id], admitted.owner, actor)
                count += 1
        return count

    def claim(self, by: Admitter, leave: Collection[str] = ()) -> list[ScheduledRun]:
        now = self._tables.now()
        until = now + timedelta(seconds=by.lease)
        leases = self._tables.leases
        going = [run for run in self._tables.open_runs() if run.status in GOING_STATUSES]
        for run in going:
            if self._is_elsewhere(run, by.host, now):
                continue
            holder, end = leases.get(run.id, (None, now))
            if holder == by.holder:
                if end < now + timedelta(seconds=by.lease / 2):
                    leases[run.id] = (by.holder, until)
            elif (
                run.id not in leave
                and (holder is None or utc(end) < utc(now))
                and self._tables.spec_of(run).launcher in by.launchers
            ):
                self._tables.keep(run.model_copy(update={"fence": run.fence + 1}))
                self._place(by, run)
                leases[run.id] = (by.holder, until)
        held = (run for run in self._tables.open_runs() if leases.get(run.id, ("",))[0] == by.holder)
        return self._tables.scheduled(run for run in held if not self._is_elsewhere(run, by.host, now))

    def release(self, holder: str | None, run_id: str | None = None) -> None:
        held = self._tables.leases
        self._tables.leases = {
            run: lease for run, lease in held.items() if holder not in {None, lease[0]} or run_id not in {None, run}
        }

    def _going(self) -> list[GoingRun]:
        going = (run for run in self._tables.open_runs() if run.status in GOING_STATUSES)
        return [
            GoingRun(
                run.schedule_id,
                self._owner_of(run),
                self._tables.spec_of(run).launcher,
                self._tables.hosts.get(run.id),
                run.status,
                run.trigger,
                run.parallel,
            )
            for run in going
        ]

    def _waiting(self, backfills: bool) -> list[Run]:
        """The due runs that may start when their turn has come."""
        return [
            run
            for run in self._tables.open_runs()
            if run.status == RunStatus.DUE
            and (run.trigger == Trigger.BACKFILL) == backfills
            and run.cancelled_by is None
            and run.release is None
            and self._tables.schedules[run.schedule_id].state != ScheduleState.DELETED
        ]

    def _find_next(
        self, waiting: list[Run], owner: str, launchers: Collection[str], held_up: Collection[str]
    ) -> WaitingRun | None:
        for run in waiting:
            spec = self._tables.spec_of(run)
            free = run.schedule_id not in held_up and spec.launcher in launchers
            if free and self._owner_of(run) == owner and self._tables.runs[run.id].status == RunStatus.DUE:
                known = (run.id, run.schedule_id, owner, spec.launcher, run.trigger, run.parallel, spec.overlap)
                return WaitingRun(*known)
        return None

    def _start(self, by: Admitter, run: Run, owner: str, actor: str) -> None:
        self._tables.served[owner] = max(self._tables.served.values(), default=0) + 1
        self._tables.keep(run.model_copy(update={"status": RunStatus.LAUNCHING, "fence": run.fence + 1}))
        self._place(by, run)
        self._tables.leases[run.id] = (by.holder, self._tables.now() + timedelta(seconds=by.lease))
        self._tables.record(actor, f"run_{RunStatus.LAUNCHING}", run.schedule_id, run.id)

    def _place(self, by: Admitter, run: Run) -> None:
        if self._tables.spec_of(run).launcher in by.local:
            self._tables.hosts[run.id] = by.host

    def _owner_of(self, run: Run) -> str:
        return self._tables.schedules[run.schedule_id].owner

    def _is_elsewhere(self, run: Run, host: str, now: datetime) -> bool:
        current = (each for each in self._tables.attempts.get(run.id, ()) if each.number == run.attempt)
        return any(each.place not in {None, host} and each.deadline >= utc(now) for each in current)


def _newest_first(runs: list[Run]) -> list[Run]:
    by_id = sorted(runs, key=lambda run: run.id)
    return sorted(by_id, key=lambda run: (run.scheduled_for, run.created_at), reverse=True)
