"""Runs and their attempts in SQL: compare-and-set, one transaction a write, its events last."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    func,
    insert,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from jupyter_schedule.core.models import (
    GOING_STATUSES,
    OPEN_STATUSES,
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
)
from jupyter_schedule.core.store.base import RunStore
from jupyter_schedule.core.store.database import LAST_CHANGE, READABLE_SHAPE, Database
from jupyter_schedule.core.store.outbox import SqlOutbox
from jupyter_schedule.core.store.publications import SqlPublications, stands_at
from jupyter_schedule.core.store.records import RunCursor, ScheduledRun, UndecidedRuns
from jupyter_schedule.core.store.rows import read_attempt, read_run, read_spec
from jupyter_schedule.core.store.tables import (
    GIVES_WAY,
    HAS_COST,
    IS_ALIVE,
    IS_ASKED,
    IS_BACKFILL,
    IS_BOUNDED,
    IS_DUE,
    ad_hoc_workers,
    attempts,
    comes_after,
    events,
    newest_first,
    prunings,
    run_files,
    runs,
    schedule_versions,
    schedules,
)

#: of all runs, the newest among which those of one owner are looked for first
AMONG = 2000
RAN_TO_THE_END = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT)
log = logging.getLogger(__name__)

#: schedules whose runs are claimed, or whose newest runs are looked up, at once
CHUNK = 1000
IS_OPEN = runs.c.status.in_(OPEN_STATUSES)
HAS_WORKER = runs.c.status.in_((RunStatus.LAUNCHING, RunStatus.RUNNING))
#: columns that serve leases and admission alone
_INNER = {"holder", "lease_until", "owner", "launcher", "gives_way", "start_by", "host"}
_OUTER = tuple(column for column in runs.c if column.name not in _INNER)
_OF_SCHEDULE = (schedules.c.name.label("schedule"), schedules.c.owner)
RUNS: Select[Any] = select(*_OUTER, *_OF_SCHEDULE, prunings.c.pruned_at).select_from(
    runs.join(schedules, schedules.c.id == runs.c.schedule_id).outerjoin(prunings, prunings.c.run_id == runs.c.id)
)
_VERSION = and_(
    schedule_versions.c.schedule_id == runs.c.schedule_id, schedule_versions.c.version == runs.c.version, READABLE_SHAPE
)
#: open runs, none of whose files went, with what is known of them from their schedules
SCHEDULED_RUNS: Select[Any] = select(
    *_OUTER,
    *_OF_SCHEDULE,
    schedule_versions.c.spec.label("_spec"),
).select_from(runs.join(schedules, schedules.c.id == runs.c.schedule_id).join(schedule_versions, _VERSION))


class SqlRuns(RunStore):
    """The rows of `runs`, `attempts` and `prunings`."""

    def __init__(self, database: Database, outbox: SqlOutbox, publications: SqlPublications) -> None:
        self._database = database
        self._outbox = outbox
        self._publications = publications

    def add(self, run: Run, *, actor: str) -> None:
        self.add_all([run], actor=actor)

    def add_all(self, runs: Sequence[Run], *, actor: str) -> None:
        with self._database.engine.begin() as connection:
            self.insert(connection, runs, actor)

    def replace(
        self,
        before: Run,
        after: Run,
        *,
        actor: str,
        notifications: Sequence[Notification] = (),
        publisher: Publisher | None = None,
    ) -> bool:
        with self._database.engine.begin() as connection:
            if publisher is not None and not stands_at(connection, publisher):
                return False
            moved = self._move(connection, before, after, actor)
            if moved:
                self._outbox.put(connection, notifications)
                if publisher is not None and publisher.area is not None:
                    self._publications.remove(connection, publisher)
        return moved

    def request_cancel(self, run_id: str, *, actor: str) -> bool:
        return self.request_cancel_all([run_id], actor=actor) == 1

    def request_cancel_all(self, run_ids: Sequence[str], *, actor: str) -> int:
        wanted = and_(runs.c.id.in_(run_ids), runs.c.status.in_(OPEN_STATUSES), runs.c.cancelled_by.is_(None))
        # in one order, so that two who ask at once don't wait for each other
        locked = select(runs.c.id).where(wanted).order_by(runs.c.id).with_for_update(key_share=True)
        with self._database.engine.begin() as connection:
            noted = connection.scalars(locked).all()
            self._note_cancel(connection, noted, actor)
        return len(noted)

    def get(self, run_id: str) -> Run | None:
        found = self._select(RUNS.where(runs.c.id == run_id))
        return found[0] if found else None

    def list_newest(
        self,
        schedule_id: str | None = None,
        *,
        owner: str | None = None,
        before: RunCursor | None = None,
        limit: int = 100,
    ) -> list[Run]:
        query = RUNS.order_by(*newest_first(runs)).limit(limit)
        if before is not None:
            query = query.where(comes_after(runs, before))
        if schedule_id is not None:
            query = query.where(runs.c.schedule_id == schedule_id)
        if owner is None:
            return self._select(query)
        # not by the index of owners, which would have all of their runs read and sorted
        query = query.where(func.coalesce(schedules.c.owner, "") == owner, IS_ALIVE)
        return self._select(query) if schedule_id is not None else self._newest_of_owner(query, owner, before, limit)

    def _newest_of_owner(self, query: Select[Any], owner: str, before: RunCursor | None, limit: int) -> list[Run]:
        """The runs that `query` gives, looked for among the newest of all, and then among those of each schedule.

        So nobody's few runs are looked for among the many of others.
        """
        newest = select(runs.c.scheduled_for, runs.c.created_at, runs.c.id).order_by(*newest_first(runs))
        if before is not None:
            newest = newest.where(comes_after(runs, before))
        mine = select(schedules.c.id).where(schedules.c.owner == owner, IS_ALIVE)
        with self._database.read() as connection:
            horizon = connection.execute(newest.offset(AMONG).limit(1)).first()
            ids = connection.scalars(mine.limit(CHUNK + 1)).all()
        # where the runs of all are few, or so many schedules are theirs, they aren't far
        if horizon is None or len(ids) > CHUNK:
            return self._select(query)
        found = self._select(query.where(~comes_after(runs, tuple(horizon))))
        if len(found) == limit or not ids:
            return found
        of_each = self._database.newest_runs(ids, limit, before)
        return self._select(RUNS.where(runs.c.id.in_(of_each)).order_by(*newest_first(runs)).limit(limit))

    def newest_of_each(self, schedule_ids: Sequence[str], per_schedule: int) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = {}
        for start in range(0, len(schedule_ids), CHUNK):
            newest = self._database.newest_runs(schedule_ids[start : start + CHUNK], per_schedule)
            for run in self._select(RUNS.where(runs.c.id.in_(newest)).order_by(*newest_first(runs))):
                found.setdefault(run.schedule_id, []).append(run)
        return found

    def count(self, schedule_id: str | None = None, *, owner: str) -> int:
        mine = select(func.count()).select_from(runs.join(schedules, runs.c.schedule_id == schedules.c.id))
        query = mine.where(schedules.c.owner == owner, IS_ALIVE)
        if schedule_id is not None:
            query = query.where(runs.c.schedule_id == schedule_id)
        with self._database.read() as connection:
            return connection.scalars(query).one()

    def has_due(self) -> bool:
        with self._database.read() as connection:
            return connection.execute(select(runs.c.id).where(IS_DUE).limit(1)).first() is not None

    def list_undecided(self, since: int, now: datetime, limit: int) -> UndecidedRuns:
        going = select(runs.c.schedule_id).where(runs.c.status.in_(GOING_STATUSES))
        new = select(runs.c.schedule_id, runs.c.queued).where(GIVES_WAY, runs.c.queued >= since)
        others = (
            select(runs.c.schedule_id).where(IS_ASKED).order_by(runs.c.queued),
            select(runs.c.schedule_id).where(IS_BOUNDED, runs.c.start_by < now).order_by(runs.c.start_by),
            select(runs.c.schedule_id).where(GIVES_WAY, runs.c.schedule_id.in_(going)),
        )
        with self._database.read() as connection:
            came = connection.execute(new.order_by(runs.c.queued).limit(limit)).all()
            wanted = {row.schedule_id for row in came}
            for query in others:
                wanted |= set(connection.scalars(query.limit(limit)))
        if not wanted:
            return UndecidedRuns([], since, more=False)
        decided = and_(IS_OPEN, or_(~IS_DUE, ~IS_BACKFILL, runs.c.cancelled_by.is_not(None)))
        query = SCHEDULED_RUNS.where(runs.c.schedule_id.in_(wanted), decided).order_by(runs.c.queued)
        next_since = came[-1].queued + 1 if came else since
        return UndecidedRuns(select_scheduled_runs(self._database, query), next_since, more=len(came) == limit)

    def count_at_work(self) -> dict[str, int]:
        query = select(runs.c.launcher, func.count().label("at_work")).where(HAS_WORKER).group_by(runs.c.launcher)
        with self._database.read() as connection:
            return {row.launcher: row.at_work for row in connection.execute(query)}

    def list_attempts_at_work(self, launcher: str) -> list[tuple[str, Attempt]]:
        query = select(runs.c.owner.label("_owner"), attempts).join(runs, runs.c.id == attempts.c.run_id)
        with self._database.read() as connection:
            rows = connection.execute(query.where(HAS_WORKER, runs.c.launcher == launcher)).mappings().all()
        return [(row["_owner"], Attempt(**{column.name: row[column.name] for column in attempts.c})) for row in rows]

    def list_by_prefix(self, prefix: str, *, owner: str, limit: int) -> list[Run]:
        alike = and_(runs.c.id >= prefix, runs.c.id < f"{prefix}~")
        return self._select(RUNS.where(alike, schedules.c.owner == owner, IS_ALIVE).order_by(runs.c.id).limit(limit))

    def count_going(self, *, owner: str) -> int:
        going = select(func.count()).select_from(runs.join(schedules, runs.c.schedule_id == schedules.c.id))
        query = going.where(runs.c.status.in_(GOING_STATUSES), schedules.c.owner == owner, IS_ALIVE)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def list_failing(self, *, owner: str) -> list[Run]:
        return self._select(RUNS.where(runs.c.id.in_(_failing(owner))))

    def list_open(self, schedule_id: str | None = None) -> list[Run]:
        query = RUNS.where(IS_OPEN).order_by(runs.c.queued)
        return self._select(query if schedule_id is None else query.where(runs.c.schedule_id == schedule_id))

    def is_name_open(self, name: str, *, owner: str) -> bool:
        named = runs.join(schedules, runs.c.schedule_id == schedules.c.id)
        whose = (schedules.c.owner == owner, schedules.c.name == name)
        query = select(runs.c.id).select_from(named).where(IS_OPEN, *whose).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def backfill_progress(self, schedule_id: str) -> dict[RunStatus, int]:
        of_backfills = and_(runs.c.schedule_id == schedule_id, runs.c.trigger == Trigger.BACKFILL)
        asked = select(runs.c.created_at).where(of_backfills, IS_OPEN)
        query = select(runs.c.status, func.count()).where(of_backfills, runs.c.created_at.in_(asked))
        with self._database.read() as connection:
            return {RunStatus(status): count for status, count in connection.execute(query.group_by(runs.c.status))}

    def cost_since(self, schedule_id: str, since: datetime) -> Decimal:
        total = func.sum(runs.c.cost, type_=runs.c.cost.type)
        query = select(total).where(runs.c.schedule_id == schedule_id, runs.c.ended_at >= since, HAS_COST)
        with self._database.read() as connection:
            cost: Decimal | None = connection.execute(query).scalar()
        return cost or Decimal()

    def machine_seconds_since(self, since: datetime) -> dict[str, int]:
        of_runs = select(schedules.c.owner, runs.c.machine_seconds).join(runs, runs.c.schedule_id == schedules.c.id)
        of_ad_hoc = select(ad_hoc_workers.c.owner, ad_hoc_workers.c.machine_seconds)
        every = union_all(
            of_runs.where(runs.c.ended_at >= since, runs.c.machine_seconds.is_not(None)),
            of_ad_hoc.where(ad_hoc_workers.c.ended_at >= since, ad_hoc_workers.c.machine_seconds.is_not(None)),
        ).subquery()
        used = select(every.c.owner, func.sum(every.c.machine_seconds)).group_by(every.c.owner)
        with self._database.read() as connection:
            return {owner: int(seconds) for owner, seconds in connection.execute(used)}

    # -- attempts

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str) -> bool:
        with self._database.engine.begin() as connection:
            if not self._move(connection, before, after, actor):
                return False
            connection.execute(insert(attempts).values(attempt.model_dump()))
        return True

    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        current = select(runs.c.id).where(runs.c.id == run.id, runs.c.fence == run.fence).with_for_update(read=True)
        known = (
            update(attempts)
            .where(attempts.c.run_id == attempt.run_id, attempts.c.number == attempt.number)
            .values(attempt.model_dump(include={"handle", "ended_at", "outcome", "detail"}))
        )
        with self._database.engine.begin() as connection:
            held = connection.execute(current).first() is not None
            return held and connection.execute(known).rowcount == 1

    def list_attempts(self, run_id: str) -> list[Attempt]:
        query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [read_attempt(row) for row in rows]

    def attempts_of_each(self, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        found: dict[str, list[Attempt]] = {}
        for start in range(0, len(run_ids), CHUNK):
            wanted = attempts.c.run_id.in_(run_ids[start : start + CHUNK])
            query = select(attempts).where(wanted).order_by(attempts.c.run_id, attempts.c.number)
            with self._database.read() as connection:
                rows = connection.execute(query).mappings().all()
            for row in rows:
                found.setdefault(row["run_id"], []).append(read_attempt(row))
        return found

    # -- retention

    def list_with_files(self, schedule_id: str) -> list[Run]:
        kept = select(run_files.c.run_id).where(run_files.c.schedule_id == schedule_id)
        return self._select(RUNS.where(runs.c.id.in_(kept)).order_by(*newest_first(runs)))

    def mark_pruned(self, run_ids: Sequence[str], *, actor: str) -> None:
        with self._database.engine.begin() as connection:
            ended = select(runs.c.id).where(runs.c.id.in_(run_ids), ~IS_OPEN).order_by(runs.c.id)
            known = list(connection.scalars(ended.with_for_update(key_share=True)))
            self._database.take_event_lock(connection)
            row = self._database.insert_new(prunings).on_conflict_do_nothing(index_elements=["run_id"])
            rows = [{"run_id": run_id, "pruned_at": self._database.now(), "finished": False} for run_id in known]
            marked = connection.scalars(row.returning(prunings.c.run_id), rows).all() if rows else ()
            for run_id in marked:
                self._database.record(connection, actor, "run_pruned", run_id=run_id)

    def finish_pruning(self, run_ids: Sequence[str], *, actor: str) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(update(prunings).where(prunings.c.run_id.in_(run_ids)).values(finished=True))
            self._database.record(connection, actor, "files_removed")

    # -- in somebody's transaction

    def insert(self, connection: Connection, new: Sequence[Run], actor: str) -> None:
        """Add runs that the ledger doesn't have, each with its event, in the order in which they are given.

        What would start is left out when its schedule is deleted.
        """
        if not new:
            return
        known = _lock_schedules(connection, new)
        self._database.take_event_lock(connection)
        newest = connection.execute(LAST_CHANGE).scalar() or 0
        wanted = [
            run
            for run in new
            if known[run.schedule_id].state != ScheduleState.DELETED or run.status.terminal or run.cancelled_by
        ]
        specs = _specs_of(connection, wanted)
        rows = [
            _row(run) | _admission_columns(run, known[run.schedule_id].owner, specs) | {"queued": newest + n}
            for n, run in enumerate(wanted)
        ]
        if not rows:
            return
        row = self._database.insert_new(runs).on_conflict_do_nothing(index_elements=["schedule_id", "key"])
        added = set(connection.scalars(row.returning(runs.c.id), rows))
        at = self._database.now()
        told = [
            {"at": at, "actor": actor, "kind": _event_kind(run), "schedule_id": run.schedule_id, "run_id": run.id}
            for run in new
            if run.id in added
        ]
        if told:
            connection.execute(insert(events), told)

    def cancel_open(self, connection: Connection, schedule_id: str, actor: str) -> None:
        """Note that `actor` wants every open run of the schedule to stop."""
        wanted = and_(runs.c.schedule_id == schedule_id, IS_OPEN, runs.c.cancelled_by.is_(None))
        locked = select(runs.c.id).where(wanted).order_by(runs.c.id).with_for_update(key_share=True)
        self._note_cancel(connection, connection.scalars(locked).all(), actor)

    def _note_cancel(self, connection: Connection, run_ids: Sequence[str], actor: str) -> None:
        for start in range(0, len(run_ids), CHUNK):
            some = run_ids[start : start + CHUNK]
            connection.execute(
                update(runs).where(runs.c.id.in_(some), runs.c.cancelled_by.is_(None)).values(cancelled_by=actor)
            )
        if run_ids:
            self._database.take_event_lock(connection)
            kind = {"at": self._database.now(), "actor": actor, "kind": "run_cancel_asked", "schedule_id": None}
            connection.execute(insert(events), [kind | {"run_id": run_id} for run_id in run_ids])

    def _move(self, connection: Connection, before: Run, after: Run, actor: str) -> bool:
        if after.status not in TRANSITIONS[before.status]:
            raise ValueError(f"a run never goes from {before.status} to {after.status}")
        same = and_(
            runs.c.id == before.id,
            runs.c.status == before.status,
            runs.c.attempt == before.attempt,
            runs.c.fence == before.fence,
        )
        moved = connection.execute(update(runs).where(same).values(_moving_columns(after)))
        if moved.rowcount == 0:
            return False
        if after.status != before.status:
            self._database.record(connection, actor, f"run_{after.status}", after.schedule_id, after.id)
        return True

    def _select(self, query: Select[Any]) -> list[Run]:
        return select_runs(self._database, query)


def _failing(owner: str) -> Select[Any]:
    """The newest run that ran to its end, as `run`, of each of the owner's schedules that goes on and fails by it."""
    failed = select(runs.c.schedule_id).where(runs.c.status.in_((RunStatus.FAILED, RunStatus.TIMED_OUT)))
    ended = runs.alias("ended")
    last = select(ended).where(ended.c.schedule_id == schedules.c.id, ended.c.status.in_(RAN_TO_THE_END))
    newest = last.order_by(*newest_first(ended)).limit(1).correlate(schedules)
    status, run = (newest.with_only_columns(column).scalar_subquery() for column in (ended.c.status, ended.c.id))
    mine = (schedules.c.id.in_(failed), schedules.c.owner == owner, IS_ALIVE, schedules.c.state != ScheduleState.ENDED)
    return select(run.label("run")).select_from(schedules).where(*mine, status != RunStatus.SUCCEEDED)


def select_runs(database: Database, query: Select[Any]) -> list[Run]:
    """The runs that a query on `RUNS` gives."""
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    # built when the transaction is over: PostgreSQL ends one that is left alone for long
    return [read_run(row) for row in rows]


def select_scheduled_runs(database: Database, query: Select[Any]) -> list[ScheduledRun]:
    """The runs that a query on `SCHEDULED_RUNS` gives; of one that can't be read what stands in for it."""
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    return [_read_scheduled(row) for row in rows]


def _read_scheduled(row: RowMapping) -> ScheduledRun:
    columns = dict(row)
    spec = columns.pop("_spec")
    return ScheduledRun(read_run(columns), read_spec(spec), columns["owner"])


def update_runs(connection: Connection, condition: ColumnElement[bool], **values: Any) -> int:
    """Change all runs that meet a condition, locked in the order of their ids; how many there were."""
    locked = select(runs.c.id).where(condition).order_by(runs.c.id).with_for_update(key_share=True)
    return connection.execute(update(runs).where(runs.c.id.in_(locked.correlate(None))).values(values)).rowcount


def _lock_schedules(connection: Connection, new: Sequence[Run]) -> dict[str, Any]:
    """By id, owner and state of the runs' schedules, which stay so until the transaction has ended."""
    wanted = sorted({run.schedule_id for run in new})
    known = select(schedules.c.id, schedules.c.owner, schedules.c.state).where(schedules.c.id.in_(wanted))
    return {row.id: row for row in connection.execute(known.order_by(schedules.c.id).with_for_update(read=True))}


def _specs_of(connection: Connection, new: Sequence[Run]) -> dict[tuple[str, int], dict[str, Any]]:
    """The specs, as they are recorded, of the runs that wait."""
    pairs = sorted({(run.schedule_id, run.version) for run in new if not run.status.terminal})
    if not pairs:
        return {}
    columns = (schedule_versions.c.schedule_id, schedule_versions.c.version)
    query = select(*columns, schedule_versions.c.spec).where(tuple_(*columns).in_(pairs))
    rows = connection.execute(query)
    # what can't be read depends on nothing
    return {(row.schedule_id, row.version): row.spec for row in rows if isinstance(row.spec, dict)}


def _admission_columns(run: Run, owner: str, specs: Mapping[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    """The columns that the run's admission depends on, by the spec as it is recorded."""
    spec = specs.get((run.schedule_id, run.version), {})
    policies = spec.get("policies")
    overlap = spec.get("overlap", Overlap.QUEUE_ONE)
    queues_all = overlap == Overlap.QUEUE_ONE and spec.get("catch_up") == CatchUp.ALL
    deadline = policies.get("start_deadline") if isinstance(policies, dict) else None
    by_the_clock = run.trigger == Trigger.SCHEDULE
    return {
        "owner": owner,
        "launcher": spec.get("launcher", "local"),
        "gives_way": by_the_clock and overlap != Overlap.ALLOW and not queues_all,
        "start_by": run.scheduled_for + timedelta(minutes=deadline) if deadline and by_the_clock else None,
    }


def _row(run: Run) -> dict[str, Any]:
    """The columns of a new run, without its place in the order."""
    release = run.release.model_dump(mode="json") if run.release else None
    return run.model_dump(exclude={"schedule", "owner", "release", "pruned_at"}) | {"release": release}


def _event_kind(run: Run) -> str:
    """The kind of the event that tells of a new run."""
    return "run_released" if run.release else f"run_{run.status}"


def _moving_columns(run: Run) -> dict[str, Any]:
    """The columns that a run's way through its statuses changes; `request_cancel` writes who asked to cancel."""
    moving = {"status", "reason", "message", "started_at", "ended_at", "seconds", "attempt", "machine_seconds", "cost"}
    publication = run.publication.model_dump(mode="json") if run.publication else None
    return run.model_dump(include=moving) | {"publication": publication}
