"""The runs of the store in dictionaries: their attempts, their leases, and the files that they left."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from jupyter_schedule.core.models import (
    GOING_STATUSES,
    TRANSITIONS,
    Attempt,
    Notification,
    Publisher,
    Run,
    RunStatus,
    ScheduleState,
    Trigger,
    utc,
)
from jupyter_schedule.core.store.base import LeaseStore, RunStore
from jupyter_schedule.core.store.runs import RAN_TO_THE_END
from tests.simulation.memory_outbox import MemoryOutbox
from tests.simulation.memory_publications import MemoryPublications
from tests.simulation.memory_tables import Tables


class MemoryRuns(RunStore):
    """Every method is one transaction: it runs from its beginning to its end before another one does."""

    def __init__(self, tables: Tables, outbox: MemoryOutbox, publications: MemoryPublications) -> None:
        self._tables = tables
        self._outbox = outbox
        self._publications = publications

    def add(self, run: Run, *, actor: str) -> None:
        if (run.schedule_id, run.key) in self._tables.keys:
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

    def list_by_prefix(self, prefix: str, *, owner: str, limit: int) -> list[Run]:
        mine = self.list_newest(owner=owner, limit=len(self._tables.runs))
        return sorted((run for run in mine if run.id.startswith(prefix)), key=lambda run: run.id)[:limit]

    def count_going(self, *, owner: str) -> int:
        mine = self.list_newest(owner=owner, limit=len(self._tables.runs))
        return sum(run.status in GOING_STATUSES for run in mine)

    def count_failing(self, *, owner: str) -> int:
        last: dict[str, RunStatus] = {}
        for run in self.list_newest(owner=owner, limit=len(self._tables.runs)):
            if run.status in RAN_TO_THE_END:
                last.setdefault(run.schedule_id, run.status)
        return sum(status != RunStatus.SUCCEEDED for status in last.values())

    def list_open(self, schedule_id: str | None = None) -> list[Run]:
        return [run for run in self._tables.open_runs() if schedule_id in {None, run.schedule_id}]

    def is_name_open(self, name: str) -> bool:
        return any(run.schedule == name for run in self._tables.open_runs())

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

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str, most: int | None = None) -> bool:
        others = (run for run in self.list_open() if run.schedule_id == before.schedule_id and run.id != before.id)
        if most is not None and sum(run.status in GOING_STATUSES for run in others) >= most:
            return False
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
        if now.status != before.status or not self._is_current(before):
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

    def claim(self, holder: str, lease: int, host: str) -> list[Run]:
        now = self._tables.now()
        until = now + timedelta(seconds=lease)
        leases = self._tables.leases
        held = {
            self._tables.runs[run_id].schedule_id: by
            for run_id, (by, end) in leases.items()
            if by != holder and utc(end) >= utc(now)
        }
        for run in self._tables.open_runs():
            if self._is_elsewhere(run, host, now):
                continue
            by, end = leases.get(run.id, (None, now))
            if by == holder:
                if end < now + timedelta(seconds=lease / 2):
                    leases[run.id] = (holder, until)
            elif run.schedule_id not in held and (by is None or utc(end) < utc(now)):
                self._tables.keep(run.model_copy(update={"fence": run.fence + 1}))
                leases[run.id] = (holder, until)
        return [run for run in self._tables.open_runs() if leases.get(run.id, ("",))[0] == holder]

    def release(self, holder: str | None) -> None:
        held = self._tables.leases
        self._tables.leases = {run_id: lease for run_id, lease in held.items() if holder not in {None, lease[0]}}

    def _is_elsewhere(self, run: Run, host: str, now: datetime) -> bool:
        current = (each for each in self._tables.attempts.get(run.id, ()) if each.number == run.attempt)
        return any(each.place not in {None, host} and each.deadline >= utc(now) for each in current)


def _newest_first(runs: list[Run]) -> list[Run]:
    by_id = sorted(runs, key=lambda run: run.id)
    return sorted(by_id, key=lambda run: (run.scheduled_for, run.created_at), reverse=True)
