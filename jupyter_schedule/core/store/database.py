"""What every part of a store in SQL stands on: reading, the pen, the clock that leases go by, and events."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, insert

from jupyter_schedule.core.store.base import Store
from jupyter_schedule.core.store.tables import events


class SqlBase(Store):
    """A database, and how its parts write to it."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    @abstractmethod
    def _take_pen(self, connection: Connection) -> None:
        """Let no other transaction number events, or add runs, until this one has ended."""

    @abstractmethod
    def _lease_clock(self, seconds: float = 0) -> ColumnElement[Any]:
        """So many seconds from now, by the clock of all who share the store."""

    def _reading(self) -> Connection:
        """A transaction that writes nothing."""
        return self._engine.connect().execution_options(reads_only=True)

    def _record(
        self, connection: Connection, actor: str, kind: str, schedule_id: str | None = None, run_id: str | None = None
    ) -> None:
        """Add an event, by whoever holds the pen from then on."""
        self._take_pen(connection)
        row = {"at": self._now(), "actor": actor, "kind": kind, "schedule_id": schedule_id, "run_id": run_id}
        connection.execute(insert(events).values(row))
