"""What every SQL database does alike: compare-and-set, one transaction a write, its events last.

Locks are taken in one order: rows that exist, in the order of their ids; then the pen, which one transaction holds from
there to its end; then rows that are new.  Whoever has the pen never waits for a row, so there are no deadlocks, and the
numbers of events are in the order of their commits: a reader that goes on after the newest it has seen misses none.
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from jupyter_schedule.core.models import (
    GOING_STATUSES,
    OPEN_STATUSES,
    TRANSITIONS,
    Attempt,
    Event,
    Notification,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Trigger,
    Version,
)
from jupyter_schedule.core.store.accounts import SqlAccounts
from jupyter_schedule.core.store.ad_hoc import SqlAdHoc
from jupyter_schedule.core.store.base import BundleUse, NameTaken, RunCursor, ScheduleAdvance
from jupyter_schedule.core.store.outbox import SqlOutbox
from jupyter_schedule.core.store.statements import (
    ADVANCE,
    ALIVE,
    BUNDLE_USES,
    LAST_CHANGE,
    OPEN,
    RUNS,
    SCHEDULES,
    UNDERSTOOD,
    UNDERSTOOD_RUN,
    WITH_FILES,
    advanced_row,
    held_by_another,
    kind_of,
    moving_columns,
    newest_first,
    run_row,
    schedule_row,
    seen_elsewhere,
    update_runs,
    version_row,
)
from jupyter_schedule.core.store.tables import (
    attempts,
    deployment,
    events,
    prunings,
    runs,
    schedule_versions,
    schedules,
)

#: schedules whose runs are claimed, or whose newest runs are looked up, at once
CHUNK = 1000


class SqlStore(SqlOutbox, SqlAccounts, SqlAdHoc):
    """The contract on SQLAlchemy Core; what one database does in its own way is left to its class."""

    # -- what each database does in its own way

    @abstractmethod
    def _insert_new(self, table: Any) -> Any:
        """An INSERT that leaves out rows which are there."""

    @abstractmethod
    def _newest(self, schedule_ids: Sequence[str], per_schedule: int) -> Select[Any]:
        """The ids of the newest runs of each schedule, found without looking at any other run."""

    # -- schedules

    def add_schedule(self, schedule: Schedule) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(schedules).values(schedule_row(schedule)))
                connection.execute(insert(schedule_versions).values(version_row(schedule)))
                self._record(connection, schedule.changed_by, "schedule_created", schedule.id)
        except IntegrityError:
            raise NameTaken(schedule.name) from None

    def settle(self, settlements: Sequence[ScheduleAdvance], *, actor: str) -> set[str]:
        if not settlements:
            return set()
        wanted = {settlement.before.id: settlement for settlement in settlements}
        as_read = select(schedules.c.id, schedules.c.version, schedules.c.state, schedules.c.cursor)
        lock = as_read.where(schedules.c.id.in_(wanted)).order_by(schedules.c.id)
        with self._engine.begin() as connection:
            rows = connection.execute(lock.with_for_update(skip_locked=True, key_share=True)).all()
            found = [(wanted[row.id], row) for row in rows]
            same = [
                settlement
                for settlement, row in found
                if (row.version, row.state, row.cursor)
                == (settlement.before.version, settlement.before.state, settlement.before.cursor)
            ]
            if same:
                moved = [settlement.after for settlement in same]
                connection.execute(ADVANCE, [advanced_row(schedule) for schedule in moved])
                self._insert_runs(connection, [run for settlement in same for run in settlement.runs], actor)
        return {settlement.before.id for settlement in same}

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
        with self._engine.begin() as connection:
            moved = connection.execute(
                update(schedules)
                .where(
                    schedules.c.id == before.id,
                    schedules.c.version == before.version,
                    schedules.c.state == before.state,
                    schedules.c.cursor == before.cursor,
                    schedules.c.silence_due.is_not_distinct_from(before.silence_due),
                )
                .values(schedule_row(after))
            )
            if moved.rowcount == 0:
                return False
            if after.version > before.version:
                connection.execute(insert(schedule_versions).values(version_row(after)))
            self._insert_runs(connection, runs, actor)
            if kind is not None:
                self._record(connection, actor, kind, after.id)
            self._put_words(connection, words)
        return True

    def schedule(self, schedule_id: str) -> Schedule | None:
        found = self._schedules(SCHEDULES.where(schedules.c.id == schedule_id))
        return found[0] if found else None

    def schedule_named(self, name: str) -> Schedule | None:
        found = self._schedules(SCHEDULES.where(schedules.c.name == name, ALIVE))
        return found[0] if found else None

    def schedules(self) -> list[Schedule]:
        return self._schedules(SCHEDULES.where(ALIVE).order_by(schedules.c.name))

    def due_schedules(self, now: datetime, limit: int) -> list[Schedule]:
        due = and_(schedules.c.state == ScheduleState.ACTIVE, schedules.c.next_due <= now)
        return self._schedules(SCHEDULES.where(due).order_by(schedules.c.next_due).limit(limit))

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
        self.add_runs([run], actor=actor)

    def add_runs(self, runs: Sequence[Run], *, actor: str) -> None:
        with self._engine.begin() as connection:
            self._insert_runs(connection, runs, actor)

    def replace_run(self, before: Run, after: Run, *, actor: str, words: Sequence[Notification] = ()) -> bool:
        with self._engine.begin() as connection:
            moved = self._move_run(connection, before, after, actor)
            if moved:
                self._put_words(connection, words)
        return moved

    def ask_to_cancel(self, run_id: str, *, actor: str) -> bool:
        return self.ask_all_to_cancel([run_id], actor=actor) == 1

    def ask_all_to_cancel(self, run_ids: Sequence[str], *, actor: str) -> int:
        wanted = and_(runs.c.id.in_(run_ids), runs.c.status.in_(OPEN_STATUSES), runs.c.cancelled_by.is_(None))
        # in one order, so that two who ask at once don't wait for each other
        locked = select(runs.c.id).where(wanted).order_by(runs.c.id).with_for_update(key_share=True)
        with self._engine.begin() as connection:
            noted = connection.scalars(locked).all()
            asked = update(runs).where(runs.c.id.in_(noted), runs.c.cancelled_by.is_(None)).values(cancelled_by=actor)
            if noted:
                connection.execute(asked)
                self._take_pen(connection)
                kind = {"at": self._now(), "actor": actor, "kind": "run_cancel_asked", "schedule_id": None}
                connection.execute(insert(events), [kind | {"run_id": run_id} for run_id in noted])
        return len(noted)

    def run(self, run_id: str) -> Run | None:
        found = self._runs(RUNS.where(runs.c.id == run_id))
        return found[0] if found else None

    def runs(
        self,
        schedule_id: str | None = None,
        *,
        owner: str | None = None,
        before: RunCursor | None = None,
        limit: int = 100,
    ) -> list[Run]:
        query = RUNS.order_by(*newest_first(runs)).limit(limit)
        if schedule_id is not None:
            query = query.where(runs.c.schedule_id == schedule_id)
        if owner is not None:
            query = query.where(schedules.c.owner == owner, ALIVE)
        if before is not None:
            columns = (runs.c.scheduled_for, runs.c.created_at, runs.c.id)
            place = (literal(value, column.type) for value, column in zip(before, columns, strict=True))
            query = query.where(tuple_(*columns) < tuple_(*place))
        return self._runs(query)

    def count_runs(self, schedule_id: str | None = None, *, owner: str) -> int:
        mine = select(func.count()).select_from(runs.join(schedules, runs.c.schedule_id == schedules.c.id))
        query = mine.where(schedules.c.owner == owner, ALIVE)
        if schedule_id is not None:
            query = query.where(runs.c.schedule_id == schedule_id)
        with self._reading() as connection:
            return connection.scalars(query).one()

    def last_runs(self, schedule_ids: Sequence[str]) -> dict[str, Run]:
        return {schedule_id: runs[0] for schedule_id, runs in self.recent_runs(schedule_ids, 1).items()}

    def recent_runs(self, schedule_ids: Sequence[str], per_schedule: int) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = {}
        for start in range(0, len(schedule_ids), CHUNK):
            newest = self._newest(schedule_ids[start : start + CHUNK], per_schedule)
            for run in self._runs(RUNS.where(runs.c.id.in_(newest)).order_by(*newest_first(runs))):
                found.setdefault(run.schedule_id, []).append(run)
        return found

    def open_runs(self) -> list[Run]:
        return self._runs(RUNS.where(OPEN).order_by(runs.c.queued))

    def backfill_progress(self, schedule_id: str) -> dict[RunStatus, int]:
        of_backfills = and_(runs.c.schedule_id == schedule_id, runs.c.trigger == Trigger.BACKFILL)
        asked = select(runs.c.created_at).where(of_backfills, OPEN)
        query = select(runs.c.status, func.count()).where(of_backfills, runs.c.created_at.in_(asked))
        with self._reading() as connection:
            return {RunStatus(status): count for status, count in connection.execute(query.group_by(runs.c.status))}

    def claim(self, holder: str, lease: int, place: str) -> list[Run]:
        now = self._lease_clock()
        visible = and_(OPEN, ~seen_elsewhere(place, now))
        free = or_(runs.c.holder.is_(None), and_(runs.c.holder != holder, runs.c.lease_until < now))
        takeable = and_(visible, free, UNDERSTOOD_RUN, ~held_by_another(holder, now))
        mine = and_(visible, runs.c.holder == holder)
        half_spent = and_(mine, runs.c.lease_until < self._lease_clock(lease / 2))
        until = self._lease_clock(lease)
        with self._reading() as connection:
            any_to_take = connection.execute(select(runs.c.id).where(takeable).limit(1)).first()
            any_to_renew = connection.execute(select(runs.c.id).where(half_spent).limit(1)).first()
        if any_to_take:
            self._take(takeable, holder=holder, lease_until=until, fence=runs.c.fence + 1)
        if any_to_renew:
            with self._engine.begin() as connection:
                update_runs(connection, half_spent, lease_until=until)
        return self._runs(RUNS.where(mine).order_by(runs.c.queued))

    def _take(self, takeable: ColumnElement[bool], **values: Any) -> None:
        """Take the runs of schedules whose rows nobody else has locked; what they are is looked up under that lock."""
        candidates = select(runs.c.schedule_id).where(takeable).limit(CHUNK)
        lock = select(schedules.c.id).where(schedules.c.id.in_(candidates)).order_by(schedules.c.id)
        taken = True
        while taken:
            with self._engine.begin() as connection:
                locked = connection.scalars(lock.with_for_update(skip_locked=True, key_share=True)).all()
                of_locked = and_(runs.c.schedule_id.in_(locked), takeable)
                taken = bool(locked) and update_runs(connection, of_locked, **values) > 0

    def release(self, holder: str | None) -> None:
        held = runs.c.holder.is_not(None) if holder is None else runs.c.holder == holder
        with self._engine.begin() as connection:
            update_runs(connection, and_(OPEN, held), holder=None, lease_until=None)

    # -- attempts

    def add_attempt(self, attempt: Attempt, before: Run, after: Run, *, actor: str, most: int | None = None) -> bool:
        with self._engine.begin() as connection:
            if most is not None and self._others_going(connection, before) >= most:
                return False
            if not self._move_run(connection, before, after, actor):
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
        with self._engine.begin() as connection:
            held = connection.execute(current).first() is not None
            return held and connection.execute(known).rowcount == 1

    def attempts(self, run_id: str) -> list[Attempt]:
        query = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
        with self._reading() as connection:
            return [Attempt(**row) for row in connection.execute(query).mappings()]

    def attempts_of(self, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        found: dict[str, list[Attempt]] = {}
        with self._reading() as connection:
            for start in range(0, len(run_ids), CHUNK):
                wanted = attempts.c.run_id.in_(run_ids[start : start + CHUNK])
                query = select(attempts).where(wanted).order_by(attempts.c.run_id, attempts.c.number)
                for row in connection.execute(query).mappings():
                    found.setdefault(row["run_id"], []).append(Attempt(**row))
        return found

    # -- retention

    def schedules_with_files(self) -> list[Schedule]:
        found = select(runs.c.id).where(runs.c.schedule_id == schedules.c.id, WITH_FILES).exists()
        return self._schedules(SCHEDULES.where(found).order_by(schedules.c.id))

    def runs_with_files(self, schedule_id: str) -> list[Run]:
        return self._runs(RUNS.where(runs.c.schedule_id == schedule_id, WITH_FILES).order_by(*newest_first(runs)))

    def mark_pruned(self, run_ids: Sequence[str], *, actor: str) -> None:
        with self._engine.begin() as connection:
            ended = select(runs.c.id).where(runs.c.id.in_(run_ids), ~OPEN).order_by(runs.c.id)
            known = list(connection.scalars(ended.with_for_update(key_share=True)))
            self._take_pen(connection)
            row = self._insert_new(prunings).on_conflict_do_nothing(index_elements=["run_id"])
            rows = [{"run_id": run_id, "pruned_at": self._now(), "finished": False} for run_id in known]
            marked = connection.scalars(row.returning(prunings.c.run_id), rows).all() if rows else ()
            for run_id in marked:
                self._record(connection, actor, "run_pruned", run_id=run_id)

    def finish_pruning(self, run_ids: Sequence[str], *, actor: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(prunings).where(prunings.c.run_id.in_(run_ids)).values(finished=True))
            self._record(connection, actor, "files_removed")

    def bundle_uses(self) -> list[BundleUse]:
        with self._reading() as connection:
            return [BundleUse(*row) for row in connection.execute(BUNDLE_USES)]

    # -- changes

    def events(self, since: int, limit: int = 1000) -> list[Event]:
        query = select(events).where(events.c.sequence > since).order_by(events.c.sequence).limit(limit)
        with self._reading() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def last_change(self) -> int:
        with self._reading() as connection:
            return connection.execute(LAST_CHANGE).scalar() or 0

    # -- the deployment

    def secret(self) -> bytes:
        with self._reading() as connection:
            found = select(deployment.c.value).where(deployment.c.name == "secret")
            return str(connection.execute(found).scalar_one()).encode()

    def close(self) -> None:
        self._engine.dispose()

    # -- how

    def _versions(self, schedule_id: str, *conditions: Any) -> list[Version]:
        columns = (column for column in schedule_versions.c if column.name != "shape")
        query = select(*columns).where(UNDERSTOOD, schedule_versions.c.schedule_id == schedule_id, *conditions)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(schedule_versions.c.version.desc())).mappings()
            return [Version(**row) for row in rows]

    def _runs(self, query: Select[Any]) -> list[Run]:
        with self._reading() as connection:
            return [Run(**row) for row in connection.execute(query).mappings()]

    def _insert_runs(self, connection: Connection, new: Sequence[Run], actor: str) -> None:
        """Add runs that the ledger doesn't have, each with its event, in the order in which they are given."""
        if not new:
            return
        self._take_pen(connection)
        newest = connection.execute(LAST_CHANGE).scalar() or 0
        rows = [run_row(run) | {"queued": newest + n} for n, run in enumerate(new)]
        row = self._insert_new(runs).on_conflict_do_nothing(index_elements=["schedule_id", "key"])
        added = set(connection.scalars(row.returning(runs.c.id), rows))
        at = self._now()
        told = [
            {"at": at, "actor": actor, "kind": kind_of(run), "schedule_id": run.schedule_id, "run_id": run.id}
            for run in new
            if run.id in added
        ]
        if told:
            connection.execute(insert(events), told)

    def _others_going(self, connection: Connection, run: Run) -> int:
        """Of two services that ask at once, the second is answered when the first has written."""
        of_schedule = select(schedules.c.id).where(schedules.c.id == run.schedule_id)
        connection.execute(of_schedule.with_for_update(key_share=True))
        others = select(func.count()).where(
            runs.c.schedule_id == run.schedule_id, runs.c.id != run.id, runs.c.status.in_(GOING_STATUSES)
        )
        return connection.execute(others).scalar_one()

    def _move_run(self, connection: Connection, before: Run, after: Run, actor: str) -> bool:
        if after.status not in TRANSITIONS[before.status]:
            raise ValueError(f"a run never goes from {before.status} to {after.status}")
        same = and_(runs.c.id == before.id, runs.c.status == before.status, runs.c.fence == before.fence)
        moved = connection.execute(update(runs).where(same).values(moving_columns(after)))
        if moved.rowcount == 0:
            return False
        if after.status != before.status:
            self._record(connection, actor, f"run_{after.status}", after.schedule_id, after.id)
        return True
