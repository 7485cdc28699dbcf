"""The store in dictionaries: the contract's rules and nothing else, fast enough for thousands of simulated days.

The contract's own suite runs over it, beside the databases.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from jupyter_schedule.core.models import (
    GOING_STATUSES,
    TRANSITIONS,
    Attempt,
    Event,
    LauncherCatalog,
    Notification,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Trigger,
    Version,
    utc,
)
from jupyter_schedule.core.store.base import BundleUse, NameTaken
from tests.simulation.memory_ad_hoc import MemoryAdHoc


class MemoryStore(MemoryAdHoc):
    """Every method is one transaction: it runs from its beginning to its end before another one does."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.runs_by_id: dict[str, Run] = {}
        self.keys: set[tuple[str, str]] = set()
        self.leases: dict[str, tuple[str, datetime]] = {}
        self.attempts_of: dict[str, list[Attempt]] = {}
        self.told: list[Event] = []
        self.offers: LauncherCatalog | None = None
        self._schedules: dict[str, Schedule] = {}
        self._versions: dict[str, list[Version]] = {}
        #: ids of the runs that haven't ended, in the order in which they came
        self._open: dict[str, None] = {}
        #: ids of the runs that no file is left of
        self._gone: set[str] = set()

    # -- schedules

    def add_schedule(self, schedule: Schedule) -> None:
        if schedule.id in self._schedules or self.schedule_named(schedule.name) is not None:
            raise NameTaken(schedule.name)
        self._schedules[schedule.id] = schedule
        self._versions[schedule.id] = [_version(schedule)]
        self.tell(schedule.changed_by, "schedule_created", schedule.id)

    def replace_schedule(
        self,
        before: Schedule,
        after: Schedule,
        runs: Sequence[Run] = (),
        *,
        actor: str,
        kind: str | None,
        words: Sequence[Notification] = (),
    ) -> bool:
        if not self.move_cursor(before, after):
            return False
        for run in runs:
            self.insert_run(run, actor)
        if kind is not None:
            self.tell(actor, kind, after.id)
        self.put_words(words)
        return True

    def settle(self, settlements: Sequence[Any], *, actor: str) -> set[str]:
        return {
            before.id
            for before, after, runs in settlements
            if self.replace_schedule(before, after, runs, actor=actor, kind=None)
        }

    def move_cursor(self, before: Schedule, after: Schedule) -> bool:
        """The schedule's half of `replace_schedule`."""
        now = self._schedules.get(before.id)
        if now is None or _guarded(now) != _guarded(before):
            return False
        self._schedules[after.id] = after
        if after.version > before.version:
            self._versions[after.id].insert(0, _version(after))
        return True

    def schedule(self, schedule_id: str) -> Schedule | None:
        return self._schedules.get(schedule_id)

    def schedule_named(self, name: str) -> Schedule | None:
        return next((schedule for schedule in self.schedules() if schedule.name == name), None)

    def schedules(self) -> list[Schedule]:
        alive = [schedule for schedule in self._schedules.values() if schedule.state != ScheduleState.DELETED]
        return sorted(alive, key=lambda schedule: schedule.name)

    def due_schedules(self, now: datetime, limit: int) -> list[Schedule]:
        waiting = ((schedule.next_due, schedule) for schedule in self._schedules.values())
        due = [(at, s.id, s) for at, s in waiting if at and at <= utc(now) and s.state == ScheduleState.ACTIVE]
        return [schedule for _, _, schedule in sorted(due, key=lambda each: each[:2])[:limit]]

    def next_due(self) -> datetime | None:
        active = (s.next_due for s in self._schedules.values() if s.state == ScheduleState.ACTIVE)
        return min((at for at in active if at), default=None)

    def silences_due(self, now: datetime, limit: int) -> list[Schedule]:
        judged = (s for s in self._schedules.values() if s.state in {ScheduleState.ACTIVE, ScheduleState.ENDED})
        due = sorted((s.silence_due, s.id, s) for s in judged if s.silence_due and s.silence_due <= utc(now))
        return [schedule for _, _, schedule in due[:limit]]

    def timezones(self) -> set[str]:
        active = (s for s in self._schedules.values() if s.state == ScheduleState.ACTIVE)
        return {schedule.spec.timing.timezone for schedule in active}

    def version(self, schedule_id: str, number: int) -> Version:
        for version in self.versions(schedule_id):
            if version.version == number:
                return version
        raise KeyError((schedule_id, number))

    def versions(self, schedule_id: str) -> list[Version]:
        return list(self._versions.get(schedule_id, ()))

    # -- runs

    def add_run(self, run: Run, *, actor: str) -> None:
        self.insert_run(run, actor)

    def insert_run(self, run: Run, actor: str) -> None:
        """Put it into the ledger, unless its key is there."""
        if (run.schedule_id, run.key) in self.keys:
            return
        self.keys.add((run.schedule_id, run.key))
        self.keep(run.model_copy(update={"queued": self.last_change()}))
        self.tell(actor, f"run_{run.status}", run.schedule_id, run.id)

    def keep(self, run: Run) -> None:
        """Have the run in the ledger as it is given."""
        self.runs_by_id[run.id] = run
        if run.status.terminal:
            self._open.pop(run.id, None)
            self.leases.pop(run.id, None)
        else:
            self._open[run.id] = None

    def replace_run(self, before: Run, after: Run, *, actor: str, words: Sequence[Notification] = ()) -> bool:
        moved = self._move_run(before, after, actor)
        if moved:
            self.put_words(words)
        return moved

    def ask_to_cancel(self, run_id: str, *, actor: str) -> bool:
        run = self.runs_by_id.get(run_id)
        if run is None or run.status.terminal or run.cancelled_by is not None:
            return False
        self.keep(run.model_copy(update={"cancelled_by": actor}))
        self.tell(actor, "run_cancel_asked", run_id=run_id)
        return True

    def run(self, run_id: str) -> Run | None:
        return self.runs_by_id.get(run_id)

    def runs(
        self,
        schedule_id: str | None = None,
        *,
        owner: str | None = None,
        before: tuple[datetime, datetime, str] | None = None,
        limit: int = 100,
    ) -> list[Run]:
        found = [run for run in self.runs_by_id.values() if schedule_id in {None, run.schedule_id}]
        if owner is not None:
            mine = {schedule.id for schedule in self.schedules() if schedule.owner == owner}
            found = [run for run in found if run.schedule_id in mine]
        found = _newest_first(found)
        if before is not None:
            at, created, run_id = before
            found = [r for r in found if ((at, created), r.id) > ((r.scheduled_for, r.created_at), run_id)]
        return found[:limit]

    def count_runs(self, schedule_id: str | None = None, *, owner: str) -> int:
        return len(self.runs(schedule_id, owner=owner, limit=len(self.runs_by_id)))

    def last_runs(self, schedule_ids: Sequence[str]) -> dict[str, Run]:
        return {schedule_id: runs[0] for schedule_id, runs in self.recent_runs(schedule_ids, 1).items()}

    def recent_runs(self, schedule_ids: Sequence[str], per_schedule: int) -> dict[str, list[Run]]:
        found = {schedule_id: self.runs(schedule_id, limit=per_schedule) for schedule_id in schedule_ids}
        return {schedule_id: runs for schedule_id, runs in found.items() if runs}

    def open_runs(self) -> list[Run]:
        return [self.runs_by_id[run_id] for run_id in self._open]

    def join(self) -> None:
        """Nobody else can have this store."""
        self.release(None)

    def claim(self, holder: str, lease: int, place: str) -> list[Run]:
        now = self.now()
        until = now + timedelta(seconds=lease)
        held = {
            self.runs_by_id[run_id].schedule_id: by
            for run_id, (by, end) in self.leases.items()
            if by != holder and utc(end) >= utc(now)
        }
        for run in self.open_runs():
            if self._is_elsewhere(run, place, now):
                continue
            by, end = self.leases.get(run.id, (None, now))
            if by == holder:
                if end < now + timedelta(seconds=lease / 2):
                    self.leases[run.id] = (holder, until)
            elif run.schedule_id not in held and (by is None or utc(end) < utc(now)):
                self.keep(run.model_copy(update={"fence": run.fence + 1}))
                self.leases[run.id] = (holder, until)
        return [run for run in self.open_runs() if self.leases.get(run.id, ("",))[0] == holder]

    def release(self, holder: str | None) -> None:
        self.leases = {run_id: lease for run_id, lease in self.leases.items() if holder not in {None, lease[0]}}

    def backfill_progress(self, schedule_id: str) -> dict[RunStatus, int]:
        of_backfills = [
            run
            for run in self.runs_by_id.values()
            if run.schedule_id == schedule_id and run.trigger == Trigger.BACKFILL
        ]
        asked = {run.created_at for run in of_backfills if not run.status.terminal}
        return dict(Counter(run.status for run in of_backfills if run.created_at in asked))

    # -- attempts

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str, most: int | None = None) -> bool:
        others = (run for run in self.open_runs() if run.schedule_id == before.schedule_id and run.id != before.id)
        if most is not None and sum(run.status in GOING_STATUSES for run in others) >= most:
            return False
        if not self._move_run(before, after, actor):
            return False
        self.attempts_of.setdefault(before.id, []).append(attempt)
        return True

    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        if not self.is_current(run):
            return False
        changes = attempt.model_dump(include={"handle", "ended_at", "outcome", "detail"})
        known = self.attempts_of[run.id]
        self.attempts_of[run.id] = [
            old.model_copy(update=changes) if old.number == attempt.number else old for old in known
        ]
        return True

    def attempts(self, run_id: str) -> list[Attempt]:
        return list(self.attempts_of.get(run_id, ()))

    def attempts_of(self, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        return {run_id: found for run_id in run_ids if (found := self.attempts(run_id))}

    def is_current(self, run: Run) -> bool:
        """Whether nobody has taken the run over since it was read."""
        return self.runs_by_id[run.id].fence == run.fence

    # -- retention

    def schedules_with_files(self) -> list[Schedule]:
        return [schedule for _, schedule in sorted(self._schedules.items()) if self.runs_with_files(schedule.id)]

    def runs_with_files(self, schedule_id: str) -> list[Run]:
        began = (run for run in self.runs_by_id.values() if run.attempt or run.release)
        return _newest_first([run for run in began if run.schedule_id == schedule_id and run.id not in self._gone])

    def mark_pruned(self, run_ids: Sequence[str], *, actor: str) -> None:
        for run in [self.runs_by_id[run_id] for run_id in run_ids]:
            if run.status.terminal and run.pruned_at is None:
                self.runs_by_id[run.id] = run.model_copy(update={"pruned_at": utc(self.now())})
                self.tell(actor, "run_pruned", run_id=run.id)

    def finish_pruning(self, run_ids: Sequence[str], *, actor: str) -> None:
        self._gone |= {run_id for run_id in run_ids if self.runs_by_id[run_id].pruned_at}
        self.tell(actor, "files_removed")

    def bundle_uses(self) -> list[BundleUse]:
        return [self._use(version) for _, versions in sorted(self._versions.items()) for version in reversed(versions)]

    def _use(self, version: Version) -> BundleUse:
        schedule = self._schedules[version.schedule_id]
        deleted = schedule.state == ScheduleState.DELETED
        runs = [*self.open_runs(), *self.runs_with_files(schedule.id)]
        return BundleUse(
            version.spec.bundle,
            schedule.id,
            version.version,
            version.created_at,
            current=not deleted and schedule.version == version.version,
            deleted=deleted,
            has_runs=any((run.schedule_id, run.version) == (schedule.id, version.version) for run in runs),
        )

    # -- changes

    def events(self, since: int, limit: int = 1000) -> list[Event]:
        return self.told[since : since + limit]

    def last_change(self) -> int:
        return len(self.told)

    def wait_for_change(self, since: int, timeout: float) -> int:
        return self.last_change()

    def cost_since(self, schedule_id: str, since: datetime) -> Decimal:
        ended = (run for run in self.runs_by_id.values() if run.schedule_id == schedule_id)
        return sum((run.cost or Decimal() for run in ended if run.ended_at and run.ended_at >= since), Decimal())

    def machine_seconds_since(self, since: datetime) -> dict[str, int]:
        used: dict[str, int] = {}
        for run in self.runs_by_id.values():
            if run.machine_seconds is not None and run.ended_at and run.ended_at >= since:
                owner = self._schedules[run.schedule_id].owner
                used[owner] = used.get(owner, 0) + run.machine_seconds
        for worker in self.ad_hoc.values():
            if worker.machine_seconds is not None and worker.ended_at and worker.ended_at >= since:
                used[worker.owner] = used.get(worker.owner, 0) + worker.machine_seconds
        return used

    def publish_catalog(self, offers: LauncherCatalog, *, actor: str) -> None:
        if self.offers != offers:
            self.offers = offers
            self.tell(actor, "offers_changed")

    def read_catalog(self) -> LauncherCatalog | None:
        return self.offers

    def secret(self) -> bytes:
        return b"secret"

    def close(self) -> None:
        pass

    # -- how

    def _move_run(self, before: Run, after: Run, actor: str) -> bool:
        if after.status not in TRANSITIONS[before.status]:
            raise ValueError(f"a run never goes from {before.status} to {after.status}")
        now = self.runs_by_id[before.id]
        if now.status != before.status or not self.is_current(before):
            return False
        moving = {"status", "reason", "message", "started_at", "ended_at", "seconds", "attempt", "publication"}
        moving |= {"machine_seconds", "cost"}
        self.keep(now.model_copy(update={name: getattr(after, name) for name in moving}))
        if after.status != before.status:
            self.tell(actor, f"run_{after.status}", after.schedule_id, after.id)
        return True

    def _is_elsewhere(self, run: Run, place: str, now: datetime) -> bool:
        current = (attempt for attempt in self.attempts_of.get(run.id, ()) if attempt.number == run.attempt)
        return any(each.place not in {None, place} and each.deadline >= utc(now) for each in current)

    def tell(self, actor: str, kind: str, schedule_id: str | None = None, run_id: str | None = None) -> None:
        self.told.append(
            Event.model_construct(
                sequence=len(self.told) + 1,
                at=utc(self.now()),
                actor=actor,
                kind=kind,
                schedule_id=schedule_id,
                run_id=run_id,
            )
        )


def _guarded(schedule: Schedule) -> tuple[object, ...]:
    return schedule.version, schedule.state, schedule.cursor, schedule.silence_due


def _version(schedule: Schedule) -> Version:
    return Version(
        schedule_id=schedule.id,
        version=schedule.version,
        author=schedule.changed_by,
        created_at=schedule.changed_at,
        spec=schedule.spec,
    )


def _newest_first(runs: list[Run]) -> list[Run]:
    by_id = sorted(runs, key=lambda run: run.id)
    return sorted(by_id, key=lambda run: (run.scheduled_for, run.created_at), reverse=True)
