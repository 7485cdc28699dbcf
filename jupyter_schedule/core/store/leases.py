"""Leases in SQL: who may act on a run now."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from jupyter_schedule.core.models import OPEN_STATUSES, Run
from jupyter_schedule.core.store.base import LeaseStore
from jupyter_schedule.core.store.database import READABLE_SHAPE, Database
from jupyter_schedule.core.store.runs import CHUNK, IS_OPEN, RUNS, select_runs, update_runs
from jupyter_schedule.core.store.tables import attempts, runs, schedule_versions, schedules

#: made once, since an alias copies every column
_SIBLING = runs.alias("sibling")
_IS_READABLE = (
    select(schedule_versions.c.shape)
    .where(schedule_versions.c.schedule_id == runs.c.schedule_id, schedule_versions.c.version == runs.c.version)
    .where(READABLE_SHAPE)
    .exists()
)


class SqlLeases(LeaseStore):
    """The leases in the rows of the runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self) -> None:
        self.release(None)

    def claim(self, holder: str, lease: int, host: str) -> list[Run]:
        clock = self._database.lease_clock
        now = clock()
        visible = and_(IS_OPEN, ~_seen_elsewhere(host, now))
        free = or_(runs.c.holder.is_(None), and_(runs.c.holder != holder, runs.c.lease_until < now))
        takeable = and_(visible, free, _IS_READABLE, ~_held_by_another(holder, now))
        mine = and_(visible, runs.c.holder == holder)
        half_spent = and_(mine, runs.c.lease_until < clock(lease / 2))
        until = clock(lease)
        with self._database.read() as connection:
            any_to_take = connection.execute(select(runs.c.id).where(takeable).limit(1)).first()
            any_to_renew = connection.execute(select(runs.c.id).where(half_spent).limit(1)).first()
        if any_to_take:
            self._take(takeable, holder=holder, lease_until=until, fence=runs.c.fence + 1)
        if any_to_renew:
            with self._database.engine.begin() as connection:
                update_runs(connection, half_spent, lease_until=until)
        return select_runs(self._database, RUNS.where(mine).order_by(runs.c.queued))

    def release(self, holder: str | None) -> None:
        held = runs.c.holder.is_not(None) if holder is None else runs.c.holder == holder
        with self._database.engine.begin() as connection:
            update_runs(connection, and_(IS_OPEN, held), holder=None, lease_until=None)

    def _take(self, takeable: ColumnElement[bool], **values: Any) -> None:
        """Take the runs of schedules whose rows nobody else has locked; what they are is looked up under that lock."""
        candidates = select(runs.c.schedule_id).where(takeable).limit(CHUNK)
        lock = select(schedules.c.id).where(schedules.c.id.in_(candidates)).order_by(schedules.c.id)
        taken = True
        while taken:
            with self._database.engine.begin() as connection:
                locked = connection.scalars(lock.with_for_update(skip_locked=True, key_share=True)).all()
                of_locked = and_(runs.c.schedule_id.in_(locked), takeable)
                taken = bool(locked) and update_runs(connection, of_locked, **values) > 0


def _seen_elsewhere(host: str, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """The worker of its current attempt can be seen from another host only, and may still be there."""
    return (
        select(attempts.c.run_id)
        .where(attempts.c.run_id == runs.c.id, attempts.c.number == runs.c.attempt)
        .where(attempts.c.place != host, attempts.c.deadline >= now)
        .exists()
    )


def _held_by_another(holder: str, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Another service may act on a run of the same schedule: what overlaps is decided by one service at a time."""
    return (
        select(_SIBLING.c.id)
        .where(_SIBLING.c.schedule_id == runs.c.schedule_id, _SIBLING.c.status.in_(OPEN_STATUSES))
        .where(_SIBLING.c.holder != holder, _SIBLING.c.lease_until >= now)
        .exists()
    )
