"""Admission and leases in SQL: which due runs start, and who may act on a run that goes.

Admission holds a lock of its own from the first count to the end of its transaction, so what it counts only gets less
meanwhile.  It waits for no row: who holds one is about to change that run.
"""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from jupyter_schedule.core.models import GOING_STATUSES, MACHINE_AD_HOC_STATUSES, Overlap, RunStatus
from jupyter_schedule.core.store.base import LeaseStore
from jupyter_schedule.core.store.database import READABLE_SHAPE, Database
from jupyter_schedule.core.store.records import ScheduledRun
from jupyter_schedule.core.store.runs import IS_OPEN, SCHEDULED_RUNS, select_scheduled_runs, update_runs
from jupyter_schedule.core.store.tables import (
    IS_ALIVE,
    IS_BACKFILL,
    IS_DUE,
    ad_hoc_workers,
    attempts,
    runs,
    schedule_versions,
    schedules,
    turns,
)
from jupyter_schedule.core.timing.admission import Admission, Admitter, GoingRun, Turns, WaitingRun, admit_in_turn

IS_GOING = runs.c.status.in_(GOING_STATUSES)
#: it starts when there is room and its turn has come
MAY_START = and_(IS_DUE, runs.c.cancelled_by.is_(None), runs.c.release.is_(None))
_GOING = select(
    runs.c.schedule_id, runs.c.owner, runs.c.launcher, runs.c.host, runs.c.status, runs.c.trigger, runs.c.parallel
).where(IS_GOING)
_ANY_GOING = select(runs.c.id).where(IS_GOING).limit(1)
_AD_HOC = (
    select(ad_hoc_workers.c.launcher, func.count().label("machines"))
    .where(ad_hoc_workers.c.status.in_(MACHINE_AD_HOC_STATUSES))
    .group_by(ad_hoc_workers.c.launcher)
)
_SEALED_BY = schedule_versions.c.spec["seal"]["account"].as_string()


class SqlLeases(LeaseStore):
    """The leases in the rows of the runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self) -> None:
        self.release(None)

    def admit(self, by: Admitter, *, actor: str) -> int:
        with self._database.read() as connection:
            if connection.execute(select(runs.c.id).where(MAY_START).limit(1)).first() is None:
                return 0
        with self._database.engine.begin() as connection:
            if not self._database.take_admission_lock(connection):
                return 0
            return len(list(self._admit(connection, by, actor)))

    def _admit(self, connection: Connection, by: Admitter, actor: str) -> Iterator[str]:
        admitted: list[tuple[str, str]] = []
        machines = {row.launcher: row.machines for row in connection.execute(_AD_HOC)}
        admission = Admission(by, [GoingRun(*row) for row in connection.execute(_GOING)], machines)
        here = _may_be_here(by)
        for backfills in (False, True):
            which = IS_BACKFILL if backfills else ~IS_BACKFILL
            if not admission.open_launchers():
                break
            line = _Line(connection, and_(which, here))
            for run in admit_in_turn(admission, _waiting_owners(connection, which), line.find_next):
                self._start(connection, by, run)
                admitted.append((run.id, run.schedule_id))
                yield run.id
        for run_id, schedule_id in admitted:
            self._database.record(connection, actor, f"run_{RunStatus.LAUNCHING}", schedule_id, run_id)

    def _start(self, connection: Connection, by: Admitter, run: WaitingRun) -> None:
        lease = {"holder": by.holder, "lease_until": self._database.lease_clock(by.lease), "fence": runs.c.fence + 1}
        host = by.host if run.launcher in by.local else None
        connection.execute(
            update(runs).where(runs.c.id == run.id).values(status=RunStatus.LAUNCHING, host=host, **lease)
        )
        served = select(func.coalesce(func.max(turns.c.served), 0) + 1).scalar_subquery()
        moved = connection.execute(update(turns).where(turns.c.owner == run.owner).values(served=served))
        if moved.rowcount == 0:
            connection.execute(insert(turns).values(owner=run.owner, served=served))

    def claim(self, by: Admitter, leave: Collection[str] = ()) -> list[ScheduledRun]:
        with self._database.read() as connection:
            # a ledger in which nothing goes is looked at all day long
            if connection.execute(_ANY_GOING).first() is None:
                return []
        clock = self._database.lease_clock
        now = clock()
        visible = and_(IS_GOING, ~_seen_elsewhere(by.host, now))
        free = or_(runs.c.holder.is_(None), and_(runs.c.holder != by.holder, runs.c.lease_until < now))
        takeable = and_(visible, free, runs.c.launcher.in_(by.launchers), runs.c.id.not_in(leave), _is_ours(by))
        mine = and_(visible, runs.c.holder == by.holder)
        half_spent = and_(mine, runs.c.lease_until < clock(by.lease / 2))
        until = clock(by.lease)
        with self._database.read() as connection:
            any_to_take = connection.execute(select(runs.c.id).where(takeable).limit(1)).first()
            any_to_renew = connection.execute(select(runs.c.id).where(half_spent).limit(1)).first()
        if any_to_take:
            here = case((runs.c.launcher.in_(by.local), literal(by.host, String())), else_=None)
            with self._database.engine.begin() as connection:
                update_runs(
                    connection, takeable, holder=by.holder, lease_until=until, fence=runs.c.fence + 1, host=here
                )
        if any_to_renew:
            with self._database.engine.begin() as connection:
                update_runs(connection, half_spent, lease_until=until)
        return select_scheduled_runs(self._database, SCHEDULED_RUNS.where(mine).order_by(runs.c.queued))

    def release(self, holder: str | None, run_id: str | None = None) -> None:
        held = runs.c.holder.is_not(None) if holder is None else runs.c.holder == holder
        which = and_(IS_OPEN, held) if run_id is None else and_(IS_OPEN, held, runs.c.id == run_id)
        with self._database.engine.begin() as connection:
            update_runs(connection, which, holder=None, lease_until=None)


def _waiting_owners(connection: Connection, which: ColumnElement[bool]) -> list[Turns]:
    """The owners who have such runs waiting, each found by one step in the index, however many runs they have."""
    waits = and_(IS_DUE, which)
    first = select(func.min(runs.c.owner).label("owner")).where(waits).cte("waiting", recursive=True)
    after = select(func.min(runs.c.owner)).where(waits, runs.c.owner > first.c.owner).scalar_subquery()
    owners = first.union_all(select(after).where(first.c.owner.is_not(None)))
    since = select(func.min(runs.c.queued)).where(waits, runs.c.owner == owners.c.owner).scalar_subquery()
    query = (
        select(owners.c.owner, func.coalesce(turns.c.served, 0), since)
        .select_from(owners.outerjoin(turns, turns.c.owner == owners.c.owner))
        .where(owners.c.owner.is_not(None))
    )
    return [Turns(*row) for row in connection.execute(query)]


class _Line:
    """The due runs of each owner in their order, as one admission goes through them.

    What it passed by waits for a launcher, an account or another run of its schedule, and goes on to do so while the
    admission lasts.  So it isn't looked at again, however many runs of another account wait before one of ours.
    """

    def __init__(self, connection: Connection, which: ColumnElement[bool]) -> None:
        self._connection = connection
        self._which = which
        #: by owner, the place in the order at which the last one was found
        self._since: dict[str, int] = {}

    def find_next(self, owner: str, launchers: Collection[str], held_up: Collection[str]) -> WaitingRun | None:
        """The owner's first run that may start, its row locked; None when there is none."""
        columns = (runs.c.id, runs.c.schedule_id, runs.c.owner, runs.c.launcher, runs.c.trigger, runs.c.parallel)
        query: Select[Any] = (
            select(*columns, runs.c.queued, schedule_versions.c.spec)
            .join(schedules, schedules.c.id == runs.c.schedule_id)
            .join(
                schedule_versions,
                and_(
                    schedule_versions.c.schedule_id == runs.c.schedule_id,
                    schedule_versions.c.version == runs.c.version,
                    READABLE_SHAPE,
                ),
            )
            .where(MAY_START, self._which, runs.c.owner == owner, runs.c.launcher.in_(launchers), IS_ALIVE)
            .where(runs.c.queued >= self._since.get(owner, 0))
            .order_by(runs.c.queued)
            .limit(1)
            .with_for_update(of=runs, skip_locked=True, key_share=True)
        )
        if held_up:
            query = query.where(runs.c.schedule_id.not_in(held_up))
        row = self._connection.execute(query).first()
        if row is None:
            return None
        self._since[owner] = row.queued
        spec = row.spec if isinstance(row.spec, dict) else {}
        # what can't be read starts as what the strictest word lets it
        overlap = spec.get("overlap", Overlap.QUEUE_ONE)
        known = (row.id, row.schedule_id, row.owner, row.launcher, row.trigger, row.parallel)
        return WaitingRun(*known, Overlap.ALLOW if overlap == Overlap.ALLOW else Overlap.QUEUE_ONE)


def _may_be_here(by: Admitter) -> ColumnElement[bool]:
    """Of a run and its version: it does nothing on the host of `by`, or the account of `by` says that it recorded it.

    The name alone proves nothing: whoever launches the run looks at the seal itself.
    """
    return true() if by.account is None else or_(runs.c.launcher.not_in(by.local), by.account == _SEALED_BY)


def _is_ours(by: Admitter) -> ColumnElement[bool]:
    """Its version can be read by this code, and may be acted on by that service."""
    return (
        select(schedule_versions.c.shape)
        .where(schedule_versions.c.schedule_id == runs.c.schedule_id, schedule_versions.c.version == runs.c.version)
        .where(READABLE_SHAPE, _may_be_here(by))
        .correlate(runs)
        .exists()
    )


def _seen_elsewhere(host: str, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """The worker of its current attempt can be seen from another host only, and may still be there."""
    return (
        select(attempts.c.run_id)
        .where(attempts.c.run_id == runs.c.id, attempts.c.number == runs.c.attempt)
        .where(attempts.c.place != host, attempts.c.deadline >= now)
        .exists()
    )
