"""The store in SQL: compare-and-set in single statements, one transaction a write, an event in each."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    PoolProxiedConnection,
    Select,
    and_,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore
from sqlalchemy.exc import IntegrityError

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import (
    GOING_STATUSES,
    OPEN_STATUSES,
    TRANSITIONS,
    Attempt,
    Event,
    Run,
    Schedule,
    ScheduleState,
    Version,
)
from jupyter_schedule.core.store.base import NameTaken, Store
from jupyter_schedule.core.store.connect import connect
from jupyter_schedule.core.store.schema import attempts, events, runs, schedule_versions, schedules

#: seconds between two looks at SQLite's change counter; a look takes about 2 µs
LOOK_EVERY = 0.05


def open_store(address: str, now: Callable[[], datetime] = clock.now) -> Store:
    """The store at an address such as `sqlite:////a/folder/ledger.sqlite3`, made when there is none.

    Raises Refused when it can't be made, or was written by a newer version of ours.
    """
    return SqlStore(connect(address), now)


class SqlStore(Store):
    """The contract on SQLAlchemy Core; the engine decides which database it is."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    # -- schedules

    def add_schedule(self, schedule: Schedule) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(schedules).values(_schedule_row(schedule)))
                connection.execute(insert(schedule_versions).values(_version_row(schedule)))
                self._record(connection, schedule.changed_by, "schedule_created", schedule.id)
        except IntegrityError:
            raise NameTaken(schedule.name) from None

    def replace_schedule(
        self, before: Schedule, after: Schedule, runs: Sequence[Run] = (), *, actor: str, kind: str
    ) -> bool:
        with self._engine.begin() as connection:
            moved = connection.execute(
                update(schedules)
                .where(
                    schedules.c.id == before.id,
                    schedules.c.version == before.version,
                    schedules.c.state == before.state,
                    schedules.c.cursor == before.cursor,
                )
                .values(_schedule_row(after))
            )
            if moved.rowcount == 0:
                return False
            if after.version > before.version:
                connection.execute(insert(schedule_versions).values(_version_row(after)))
            for run in runs:
                self._insert_run(connection, run, actor)
            if kind != "run_due":
                self._record(connection, actor, kind, after.id)
        return True

    def schedule(self, schedule_id: str) -> Schedule | None:
        found = self._schedules(_SCHEDULES.where(schedules.c.id == schedule_id))
        return found[0] if found else None

    def schedule_named(self, name: str) -> Schedule | None:
        found = self._schedules(_SCHEDULES.where(schedules.c.name == name, _ALIVE))
        return found[0] if found else None

    def schedules(self) -> list[Schedule]:
        return self._schedules(_SCHEDULES.where(_ALIVE).order_by(schedules.c.name))

    def due_schedules(self, now: datetime, limit: int) -> list[Schedule]:
        due = and_(schedules.c.state == ScheduleState.ACTIVE, schedules.c.next_due <= now)
        return self._schedules(_SCHEDULES.where(due).order_by(schedules.c.next_due).limit(limit))

    def next_due(self) -> datetime | None:
        query = select(func.min(schedules.c.next_due)).where(schedules.c.state == ScheduleState.ACTIVE)
        with self._reading() as connection:
            found: datetime | None = connection.execute(query).scalar()
        return found

    def version(self, schedule_id: str, number: int) -> Version:
        for version in self._versions(schedule_id, schedule_versions.c.version == number):
            return version
        raise KeyError((schedule_id, number))

    def versions(self, schedule_id: str) -> list[Version]:
        return self._versions(schedule_id)

    # -- runs

    def add_run(self, run: Run, *, actor: str) -> None:
        with self._engine.begin() as connection:
            self._insert_run(connection, run, actor)

    def replace_run(self, before: Run, after: Run, *, actor: str) -> bool:
        with self._engine.begin() as connection:
            return self._move_run(connection, before, after, actor)

    def ask_to_cancel(self, run_id: str, *, actor: str) -> bool:
        asked = (
            update(runs)
            .where(runs.c.id == run_id, runs.c.status.in_(OPEN_STATUSES), runs.c.cancelled_by.is_(None))
            .values(cancelled_by=actor)
        )
        with self._engine.begin() as connection:
            noted = connection.execute(asked).rowcount == 1
            if noted:
                self._record(connection, actor, "run_cancel_asked", run_id=run_id)
        return noted

    def run(self, run_id: str) -> Run | None:
        found = self._runs(_RUNS.where(runs.c.id == run_id))
        return found[0] if found else None

    def runs(self, schedule_id: str | None = None, *, limit: int = 100) -> list[Run]:
        query = _RUNS.order_by(*_NEWEST_FIRST).limit(limit)
        return self._runs(query if schedule_id is None else query.where(runs.c.schedule_id == schedule_id))

    def last_runs(self, schedule_ids: Sequence[str]) -> dict[str, Run]:
        return {schedule_id: runs[0] for schedule_id, runs in self.recent_runs(schedule_ids, 1).items()}

    def recent_runs(self, schedule_ids: Sequence[str], per_schedule: int) -> dict[str, list[Run]]:
        rank = func.row_number().over(partition_by=runs.c.schedule_id, order_by=_NEWEST_FIRST).label("rank")
        ranked = select(runs.c.id, rank).where(runs.c.schedule_id.in_(schedule_ids)).subquery()
        newest = select(ranked.c.id).where(ranked.c.rank <= per_schedule)
        found: dict[str, list[Run]] = {}
        for run in self._runs(_RUNS.where(runs.c.id.in_(newest)).order_by(*_NEWEST_FIRST)):
            found.setdefault(run.schedule_id, []).append(run)
        return found

    def open_runs(self) -> list[Run]:
        return self._runs(_RUNS.where(runs.c.status.in_(OPEN_STATUSES)).order_by(runs.c.queued))

    def claim(self, holder: str, lease: int, place: str) -> list[Run]:
        now = self._now()
        elsewhere = select(attempts.c.run_id).where(
            attempts.c.run_id == runs.c.id,
            attempts.c.number == runs.c.attempt,
            attempts.c.place != place,
            attempts.c.deadline >= now,
        )
        is_open = and_(runs.c.status.in_(OPEN_STATUSES), not_(elsewhere.exists()))
        until = now + timedelta(seconds=lease)
        not_mine = or_(runs.c.holder.is_(None), and_(runs.c.holder != holder, runs.c.lease_until < now))
        half_spent = and_(runs.c.holder == holder, runs.c.lease_until < now + timedelta(seconds=lease / 2))
        with self._reading() as connection:
            any_to_take = connection.execute(
                select(runs.c.id).where(is_open, or_(not_mine, half_spent)).limit(1)
            ).first()
        if any_to_take:
            with self._engine.begin() as connection:
                take = update(runs).where(is_open, not_mine)
                connection.execute(take.values(holder=holder, lease_until=until, fence=runs.c.fence + 1))
                connection.execute(update(runs).where(is_open, half_spent).values(lease_until=until))
        mine = _RUNS.where(is_open, runs.c.holder == holder)
        return self._runs(mine.order_by(runs.c.queued))

    def release(self, holder: str | None) -> None:
        let_go = update(runs).where(runs.c.status.in_(OPEN_STATUSES), runs.c.holder.is_not(None))
        if holder is not None:
            let_go = let_go.where(runs.c.holder == holder)
        with self._engine.begin() as connection:
            connection.execute(let_go.values(holder=None, lease_until=None))

    # -- attempts

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str, alone: bool = False) -> bool:
        with self._engine.begin() as connection:
            if alone and self._another_is_going(connection, before):
                return False
            if not self._move_run(connection, before, after, actor):
                return False
            connection.execute(insert(attempts).values(attempt.model_dump()))
        return True

    def replace_attempt(self, run: Run, attempt: Attempt) -> bool:
        current = select(runs.c.id).where(runs.c.id == run.id, runs.c.fence == run.fence)
        known = (
            update(attempts)
            .where(attempts.c.run_id == attempt.run_id, attempts.c.number == attempt.number, current.exists())
            .values(attempt.model_dump(include={"handle", "ended_at", "outcome", "detail"}))
        )
        with self._engine.begin() as connection:
            return connection.execute(known).rowcount == 1

    def attempts(self, run_id: str) -> list[Attempt]:
        query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
        with self._reading() as connection:
            return [Attempt(**row) for row in connection.execute(query).mappings()]

    # -- changes

    def events(self, since: int, limit: int = 1000) -> list[Event]:
        query = select(events).where(events.c.sequence > since).order_by(events.c.sequence).limit(limit)
        with self._reading() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def last_change(self) -> int:
        with self._reading() as connection:
            return connection.execute(select(func.max(events.c.sequence))).scalar() or 0

    def wait_for_change(self, since: int, timeout: float) -> int:
        give_up = time.monotonic() + timeout
        connection = self._engine.raw_connection()
        try:
            counter = _data_version(connection)
            newest = self.last_change()
            while newest <= since and (left := give_up - time.monotonic()) > 0:
                time.sleep(min(LOOK_EVERY, left))
                if (seen := _data_version(connection)) != counter:
                    counter, newest = seen, self.last_change()
        finally:
            connection.close()
        return newest

    def close(self) -> None:
        self._engine.dispose()

    # -- how

    def _reading(self) -> Connection:
        return self._engine.connect().execution_options(reads_only=True)

    def _schedules(self, query: Select[Any]) -> list[Schedule]:
        with self._reading() as connection:
            return [Schedule(**row) for row in connection.execute(query).mappings()]

    def _versions(self, schedule_id: str, *conditions: Any) -> list[Version]:
        query = select(schedule_versions).where(schedule_versions.c.schedule_id == schedule_id, *conditions)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(schedule_versions.c.version.desc())).mappings()
            return [Version(**row) for row in rows]

    def _runs(self, query: Select[Any]) -> list[Run]:
        with self._reading() as connection:
            return [Run(**row) for row in connection.execute(query).mappings()]

    def _insert_run(self, connection: Connection, run: Run, actor: str) -> None:
        queued = select(func.coalesce(func.max(events.c.sequence), 0)).scalar_subquery()
        row = insert_or_ignore(runs).values(run.model_dump(exclude={"schedule"}) | {"queued": queued})
        added = connection.execute(row.on_conflict_do_nothing(index_elements=["schedule_id", "key"]))
        if added.rowcount == 1:
            self._record(connection, actor, f"run_{run.status}", run.schedule_id, run.id)

    def _another_is_going(self, connection: Connection, run: Run) -> bool:
        """Of two services that ask at once, the second is answered when the first has written."""
        of_schedule = select(schedules.c.id).where(schedules.c.id == run.schedule_id)
        connection.execute(of_schedule.with_for_update())
        others = select(runs.c.id).where(
            runs.c.schedule_id == run.schedule_id, runs.c.id != run.id, runs.c.status.in_(GOING_STATUSES)
        )
        return connection.execute(others.limit(1)).first() is not None

    def _move_run(self, connection: Connection, before: Run, after: Run, actor: str) -> bool:
        if after.status not in TRANSITIONS[before.status]:
            raise ValueError(f"a run never goes from {before.status} to {after.status}")
        same = and_(runs.c.id == before.id, runs.c.status == before.status, runs.c.fence == before.fence)
        moved = connection.execute(update(runs).where(same).values(_moving_columns(after)))
        if moved.rowcount == 0:
            return False
        if after.status != before.status:
            self._record(connection, actor, f"run_{after.status}", after.schedule_id, after.id)
        return True

    def _record(
        self, connection: Connection, actor: str, kind: str, schedule_id: str | None = None, run_id: str | None = None
    ) -> None:
        row = {"at": self._now(), "actor": actor, "kind": kind, "schedule_id": schedule_id, "run_id": run_id}
        connection.execute(insert(events).values(row))


_NEWEST_FIRST = (runs.c.scheduled_for.desc(), runs.c.created_at.desc(), runs.c.id)
_ALIVE = schedules.c.state != ScheduleState.DELETED
_SCHEDULES: Select[Any] = select(schedules, schedule_versions.c.spec).join(
    schedule_versions,
    and_(schedule_versions.c.schedule_id == schedules.c.id, schedule_versions.c.version == schedules.c.version),
)
_RUNS: Select[Any] = select(
    *(column for column in runs.c if column.name not in {"holder", "lease_until"}),
    schedules.c.name.label("schedule"),
).join(schedules, schedules.c.id == runs.c.schedule_id)


def _schedule_row(schedule: Schedule) -> dict[str, Any]:
    return schedule.model_dump(exclude={"spec"})


def _version_row(schedule: Schedule) -> dict[str, Any]:
    return {
        "schedule_id": schedule.id,
        "version": schedule.version,
        "author": schedule.changed_by,
        "created_at": schedule.changed_at,
        "spec": schedule.spec.model_dump(mode="json"),
    }


def _moving_columns(run: Run) -> dict[str, Any]:
    """The columns that a run's way through its statuses changes; who asked to cancel is written by `ask_to_cancel`."""
    moving = {"status", "reason", "message", "started_at", "ended_at", "seconds", "attempt"}
    publication = run.publication.model_dump(mode="json") if run.publication else None
    return run.model_dump(include=moving) | {"publication": publication}


def _data_version(connection: PoolProxiedConnection) -> int:
    """SQLite's counter of commits by other connections: https://www.sqlite.org/pragma.html#pragma_data_version"""
    cursor = connection.cursor()
    cursor.execute("PRAGMA data_version")
    (version,) = cursor.fetchone() or (0,)
    return int(version)
