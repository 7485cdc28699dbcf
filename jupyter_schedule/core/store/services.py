"""The services that tick, in SQL: each is a row, which it changes when it has finished a tick.

Every client says their health by that: a service counts as working by its last finished tick.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, insert, inspect, select, update
from sqlalchemy.exc import OperationalError, ProgrammingError

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.models import utc_text
from jupyter_schedule.core.store.base import ServiceStore, Store
from jupyter_schedule.core.store.database import Database
from jupyter_schedule.core.store.leader_lock import Blocker, is_held, read_blocker
from jupyter_schedule.core.store.records import ServiceRecord
from jupyter_schedule.core.store.tables import services

#: seconds after which a row that nobody has changed is one of the long gone
FORGOTTEN = 86_400


class SqlServices(ServiceStore):
    """The rows; none of these writes is an event, since nobody's view of a run changes by it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, service: ServiceRecord) -> None:
        gone = and_(services.c.ticked_at < self._database.machine_clock(-FORGOTTEN))
        with self._database.engine.begin() as connection:
            connection.execute(delete(services).where((services.c.holder == service.holder) | gone))
            connection.execute(insert(services).values(self._row(service)))

    def take_over(self, service: ServiceRecord, before: ServiceRecord | None) -> bool:
        with self._database.engine.begin() as connection:
            there = [(row.holder, row.beats) for row in connection.execute(select(services))]
            if there != ([] if before is None else [(before.holder, before.beats)]):
                return False
            connection.execute(delete(services))
            connection.execute(insert(services).values(self._row(service)))
        return True

    def note_tick(self, holder: str, blocker: str, *, has_lock: bool = False) -> bool:
        changes = {
            "ticked_at": self._database.machine_clock(),
            "beats": services.c.beats + 1,
            "blocker": blocker or None,
            "has_lock": has_lock,
        }
        with self._database.engine.begin() as connection:
            mine = services.c.holder == holder
            return connection.execute(update(services).where(mine).values(changes)).rowcount > 0

    def is_registered(self, holder: str) -> bool:
        with self._database.read() as connection:
            found = select(services.c.holder).where(services.c.holder == holder)
            return connection.execute(found).first() is not None

    def remove(self, holder: str) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(delete(services).where(services.c.holder == holder))

    def list_all(self) -> list[ServiceRecord]:
        query = select(services, self._database.machine_clock().label("now")).order_by(services.c.holder)
        try:
            with self._database.read() as connection:
                return [_record(row) for row in connection.execute(query).mappings()]
        except (OperationalError, ProgrammingError):
            if inspect(self._database.engine).has_table(services.name):
                raise
            # who only looks meets ledgers that nobody has brought to today's shape
            return []

    def _row(self, service: ServiceRecord) -> dict[str, Any]:
        return {
            "holder": service.holder,
            "host": service.host,
            "started_at": self._database.machine_clock(),
            "beats": 0,
            "has_lock": service.has_lock,
            "launchers": list(service.launchers),
            "limits": dict(service.limits),
        }


def _record(row: Any) -> ServiceRecord:
    now = datetime.fromisoformat(row["now"]).astimezone(UTC)
    ticked_at = row["ticked_at"]
    return ServiceRecord(
        holder=row["holder"],
        host=row["host"],
        has_lock=row["has_lock"],
        launchers=tuple(row["launchers"]),
        limits=row["limits"],
        started_at=row["started_at"],
        ticked_at=ticked_at,
        idle_seconds=None if ticked_at is None else (now - ticked_at).total_seconds(),
        beats=row["beats"],
        blocker=row["blocker"] or "",
    )


@dataclass(frozen=True)
class ServiceHealth:
    """Some service works or none does, and what there is to say about it."""

    is_working: bool
    #: what keeps the services from starting anything, or the one that is there from ticking; None when all is well
    sentence: str | None = None
    blocker: Blocker | None = None


def read_service_health(paths: DataPaths, store: Store | None) -> ServiceHealth:
    """The health of the services of a ledger; store: the ledger, None where nobody has made it."""
    services = store.services.list_all() if store is not None else []
    if paths.shared_store is not None:
        return _judge(services)
    lock = paths.lock if is_held(paths.lock) else None
    # who had the lock that nobody has now is dead, however lately it ticked
    return _judge([each for each in services if lock is not None or not each.has_lock], lock)


def _judge(services: Sequence[ServiceRecord], lock: Path | None = None) -> ServiceHealth:
    """lock: of a ledger in a file, the file that somebody has locked, for whom the ledger may have no room."""
    working = [service for service in services if service.is_working]
    words = [service.blocker for service in working]
    blocker = next((Blocker(word) for word in words if word in set(Blocker)), None)
    if lock is not None and not working:
        blocker = read_blocker(lock)
    if blocker is not None:
        return ServiceHealth(True, blocker.sentence, blocker)
    if working:
        return ServiceHealth(True)
    ticked = [service.ticked_at for service in services if service.ticked_at is not None]
    if not ticked:
        return ServiceHealth(False)
    since = utc_text(max(ticked))
    return ServiceHealth(
        False,
        f"The scheduler service has finished no tick since {since}: it is stopped or hangs, and nothing starts. "
        "See its log, or end it and start another.",
    )
