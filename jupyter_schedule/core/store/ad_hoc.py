"""Ad-hoc workers in SQL: no lease, since every change is a compare-and-set on the row's revision."""

from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from jupyter_schedule.core.models import LIVE_AD_HOC_STATUSES, MACHINE_AD_HOC_STATUSES, AdHocWorker
from jupyter_schedule.core.store.base import AdHocStore
from jupyter_schedule.core.store.database import Database
from jupyter_schedule.core.store.rows import read_ad_hoc
from jupyter_schedule.core.store.runs import HAS_WORKER
from jupyter_schedule.core.store.tables import ad_hoc_workers as workers
from jupyter_schedule.core.store.tables import runs

_IS_LIVE = workers.c.status.in_(LIVE_AD_HOC_STATUSES)


class SqlAdHoc(AdHocStore):
    """The workers in the table `ad_hoc_workers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, worker: AdHocWorker, *, most: int) -> bool:
        live = select(func.count()).where(workers.c.owner == worker.owner, _IS_LIVE)
        with self._database.engine.begin() as connection:
            # of two who ask at once, the second is answered when the first has written
            self._database.take_event_lock(connection)
            if connection.execute(live).scalar_one() >= most:
                return False
            connection.execute(insert(workers).values(worker.model_dump()))
            self._database.record(connection, worker.owner, f"ad_hoc_{worker.status}")
        return True

    def replace(self, before: AdHocWorker, after: AdHocWorker, *, actor: str, most: int | None = None) -> bool:
        if not before.status.live:
            raise ValueError(f"an ad-hoc worker that is {before.status} never changes")
        same = (workers.c.id == before.id, workers.c.revision == before.revision)
        values = after.model_dump() | {"revision": before.revision + 1}
        with self._database.engine.begin() as connection:
            if most is not None and not self._has_room(connection, before.launcher, most):
                return False
            moved = connection.execute(update(workers).where(*same).values(values)).rowcount == 1
            if moved:
                self._database.record(connection, actor, f"ad_hoc_{after.status}")
        return moved

    def _has_room(self, connection: Connection, launcher: str, most: int) -> bool:
        """True when fewer machines are at work, and no other comes to be until the transaction has ended."""
        if not self._database.take_admission_lock(connection):
            return False
        of_runs = select(func.count()).where(HAS_WORKER, runs.c.launcher == launcher)
        of_ad_hoc = select(func.count()).where(
            workers.c.status.in_(MACHINE_AD_HOC_STATUSES), workers.c.launcher == launcher
        )
        return connection.execute(of_runs).scalar_one() + connection.execute(of_ad_hoc).scalar_one() < most

    def get(self, worker_id: str) -> AdHocWorker | None:
        found = self._select(select(workers).where(workers.c.id == worker_id))
        return found[0] if found else None

    def list_newest(self, owner: str | None = None, *, limit: int = 100) -> list[AdHocWorker]:
        query = select(workers).order_by(workers.c.created_at.desc(), workers.c.id.desc()).limit(limit)
        return self._select(query if owner is None else query.where(workers.c.owner == owner))

    def list_live(self) -> list[AdHocWorker]:
        return self._select(select(workers).where(_IS_LIVE).order_by(workers.c.created_at, workers.c.id))

    def _select(self, query: Select[Any]) -> list[AdHocWorker]:
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [read_ad_hoc(row) for row in rows]
