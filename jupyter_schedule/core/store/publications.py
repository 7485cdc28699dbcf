"""Publishers and withdrawals in SQL.

A withdrawal is owed from the transaction that makes its schedule private.  Whoever began to publish under the version
before has signed on, and stays so until it writes nothing more; whoever begins after it sees the new version.  So an
area that is found clean by a look that began when nobody was signed on stays clean.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, select, update

from jupyter_schedule.core.models import Publisher, RunStatus, Schedule, Visibility, Withdrawal
from jupyter_schedule.core.store.base import PublicationStore
from jupyter_schedule.core.store.database import Database
from jupyter_schedule.core.store.tables import publishers, runs, schedule_versions, schedules, withdrawals

#: a publisher that began longer ago isn't alive: its process died before it could sign off
GIVEN_UP = timedelta(days=1)


class SqlPublications(PublicationStore):
    """The rows of `publishers` and `withdrawals`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_current(self, publisher: Publisher) -> bool:
        with self._database.read() as connection:
            return connection.execute(_current(publisher)).first() is not None

    def sign_on(self, publisher: Publisher) -> bool:
        clock = self._database.lease_clock
        row = publisher.model_dump(include={"run_id", "fence", "schedule_id", "area"}) | {"began_at": clock()}
        with self._database.engine.begin() as connection:
            if not stands_at(connection, publisher) or connection.execute(_current(publisher)).first() is None:
                return False
            connection.execute(delete(publishers).where(publishers.c.began_at < clock(-GIVEN_UP.total_seconds())))
            connection.execute(delete(publishers).where(*_same(publisher)))
            connection.execute(insert(publishers).values(row))
        return True

    def sign_off(self, publisher: Publisher) -> None:
        with self._database.engine.begin() as connection:
            self.remove(connection, publisher)

    def is_written(self, name: str, *, owner: str) -> bool:
        signed_on = select(publishers.c.run_id).join(schedules, schedules.c.id == publishers.c.schedule_id)
        with self._database.read() as connection:
            whose = (schedules.c.owner == owner, schedules.c.name == name)
            named = signed_on.where(*whose, self._is_alive()).limit(1)
            return connection.execute(named).first() is not None

    def list_owed(self, *, owner: str | None = None) -> list[Withdrawal]:
        query = self._owed().order_by(withdrawals.c.owed_since, schedules.c.name, withdrawals.c.area)
        if owner is not None:
            query = query.where(schedules.c.owner == owner)
        with self._database.read() as connection:
            return [Withdrawal(**row) for row in connection.execute(query).mappings()]

    def claim(self, lease: int) -> Withdrawal | None:
        clock = self._database.lease_clock
        may = withdrawals.c.next_try <= clock()
        keys = select(withdrawals.c.schedule_id, withdrawals.c.area).where(may)
        longest = keys.order_by(withdrawals.c.next_try, withdrawals.c.schedule_id, withdrawals.c.area).limit(1)
        with self._database.read() as connection:
            if connection.execute(longest).first() is None:
                return None
        with self._database.engine.begin() as connection:
            found = connection.execute(longest.with_for_update(skip_locked=True)).first()
            if found is None:
                return None
            this = and_(withdrawals.c.schedule_id == found.schedule_id, withdrawals.c.area == found.area)
            claimed = {"tries": withdrawals.c.tries + 1, "next_try": clock(lease)}
            connection.execute(update(withdrawals).where(this).values(claimed))
            return Withdrawal(**connection.execute(self._owed().where(this)).mappings().one())

    def keep(self, withdrawal: Withdrawal, lease: int) -> bool:
        clock = self._database.lease_clock
        mine = and_(*_claimed(withdrawal))
        spent = withdrawals.c.next_try < clock(lease / 2)
        with self._database.read() as connection:
            row = connection.execute(select(spent).where(mine)).first()
        if row is None or not row[0]:
            return row is not None
        with self._database.engine.begin() as connection:
            renewed = update(withdrawals).where(mine).values(next_try=clock(lease))
            return connection.execute(renewed).rowcount == 1

    def mark_done(self, withdrawal: Withdrawal) -> bool:
        with self._database.engine.begin() as connection:
            done = connection.execute(delete(withdrawals).where(*_claimed(withdrawal))).rowcount == 1
            if done:
                self._database.record(connection, "scheduler", "withdrawn", withdrawal.schedule_id)
        return done

    def put_off(self, withdrawal: Withdrawal, again_in: float, *, remaining: int | None, trouble: str | None) -> bool:
        clock = self._database.lease_clock
        became = {
            "tried_at": self._database.now(),
            "remaining": remaining,
            "trouble": trouble,
            "next_try": clock(again_in),
        }
        with self._database.engine.begin() as connection:
            return connection.execute(update(withdrawals).where(*_claimed(withdrawal)).values(became)).rowcount == 1

    # -- in somebody's transaction

    def remove(self, connection: Connection, publisher: Publisher) -> None:
        """Sign a publisher off, and let what waited for it be tried at once."""
        if connection.execute(delete(publishers).where(*_same(publisher))).rowcount:
            of_schedule = and_(withdrawals.c.schedule_id == publisher.schedule_id, withdrawals.c.trouble.is_(None))
            waits = and_(of_schedule, withdrawals.c.tried_at.is_not(None))
            connection.execute(update(withdrawals).where(waits).values(next_try=self._database.lease_clock()))

    def follow(self, connection: Connection, before: Schedule, after: Schedule) -> None:
        """Owe, or take back, what a change of a schedule makes of its publications; its new version is recorded."""
        was, is_public = (each.spec.visibility == Visibility.PUBLIC for each in (before, after))
        here = withdrawals.c.schedule_id == after.id
        if is_public and not was:
            connection.execute(delete(withdrawals).where(here, withdrawals.c.area == after.spec.publication_base))
        if is_public or not was:
            return
        # also of versions that can't be read as a whole
        area, visibility = (
            self._database.text_in(schedule_versions.c.spec, name) for name in ("publication_base", "visibility")
        )
        public = and_(schedule_versions.c.schedule_id == after.id, visibility == Visibility.PUBLIC)
        areas = sorted({each for each in connection.scalars(select(area).where(public)) if each is not None})
        now = {"owed_since": self._database.now(), "tries": 0, "next_try": self._database.lease_clock()}
        row = self._database.insert_new(withdrawals).on_conflict_do_nothing(index_elements=["schedule_id", "area"])
        for each in areas:
            if each != after.spec.publication_base:
                owed = {"schedule_id": after.id, "area": each, "version": after.version}
                connection.execute(row.values(owed | now))

    def _is_alive(self) -> ColumnElement[bool]:
        return publishers.c.began_at >= self._database.lease_clock(-GIVEN_UP.total_seconds())

    def _owed(self) -> Select[Any]:
        here = and_(publishers.c.schedule_id == withdrawals.c.schedule_id, publishers.c.area == withdrawals.c.area)
        signed_on = select(func.count()).select_from(publishers).where(here, self._is_alive()).scalar_subquery()
        columns = (column for column in withdrawals.c if column.name != "next_try")
        named = schedules.c.name.label("schedule")
        return select(*columns, named, schedules.c.owner, signed_on.label("publishers")).join(
            schedules, schedules.c.id == withdrawals.c.schedule_id
        )


def stands_at(connection: Connection, publisher: Publisher) -> bool:
    """True when the schedule is at the publisher's version, and stays so until the transaction ends."""
    if publisher.version is None:
        return True
    at = select(schedules.c.id).where(schedules.c.id == publisher.schedule_id, schedules.c.version == publisher.version)
    return connection.execute(at.with_for_update(read=True)).first() is not None


def _current(publisher: Publisher) -> Select[Any]:
    """The run's row, if it is still the publisher's."""
    held = (
        runs.c.id == publisher.run_id,
        runs.c.fence == publisher.fence,
        runs.c.status == RunStatus.PUBLISHING,
    )
    query = select(runs.c.id).where(*held)
    if publisher.version is None:
        return query
    return query.join(schedules, schedules.c.id == runs.c.schedule_id).where(schedules.c.version == publisher.version)


def _same(publisher: Publisher) -> tuple[ColumnElement[bool], ...]:
    return publishers.c.run_id == publisher.run_id, publishers.c.fence == publisher.fence


def _claimed(withdrawal: Withdrawal) -> tuple[ColumnElement[bool], ...]:
    """Nobody has claimed it since, and it wasn't taken back and owed anew."""
    return (
        withdrawals.c.schedule_id == withdrawal.schedule_id,
        withdrawals.c.area == withdrawal.area,
        withdrawals.c.version == withdrawal.version,
        withdrawals.c.tries == withdrawal.tries,
    )
