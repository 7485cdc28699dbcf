"""The outbox in SQL: of several services one claims a notification for a while, and another if that one dies.

`next_try` is both: when a notification may be claimed, and until when whoever has claimed it is left alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from jupyter_schedule.core.models import FailedNotification, Notification, QueuedNotification
from jupyter_schedule.core.store.base import OutboxStore
from jupyter_schedule.core.store.database import Database
from jupyter_schedule.core.store.rows import read_details
from jupyter_schedule.core.store.tables import HAS_TROUBLE, IS_ALIVE, outbox, runs, schedules


class SqlOutbox(OutboxStore):
    """The notifications in the table `outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next_tries(self) -> dict[str, datetime]:
        first = func.min(outbox.c.next_try, type_=outbox.c.next_try.type).label("at")
        query = select(outbox.c.channel, first).where(outbox.c.next_try.is_not(None)).group_by(outbox.c.channel)
        with self._database.read() as connection:
            return {row.channel: row.at for row in connection.execute(query)}

    def claim(self, channel: str, lease: int) -> QueuedNotification | None:
        clock = self._database.lease_clock
        free = (outbox.c.channel == channel, outbox.c.next_try <= clock())
        longest = select(outbox.c.id).where(*free).order_by(outbox.c.next_try, outbox.c.id).limit(1)
        with self._database.engine.begin() as connection:
            found = connection.execute(longest.with_for_update(skip_locked=True)).scalar()
            if found is None:
                return None
            claimed = {"attempts": outbox.c.attempts + 1, "next_try": clock(lease)}
            row = connection.execute(update(outbox).where(outbox.c.id == found).values(claimed).returning(outbox)).one()
        return QueuedNotification(
            message_id=row.message_id,
            run_id=row.run_id,
            occasion=row.kind,
            channel=row.channel,
            details=read_details(row.payload),
            number=row.id,
            attempts=row.attempts,
        )

    def mark_delivered(self, notification: QueuedNotification) -> bool:
        with self._database.engine.begin() as connection:
            return _close(connection, notification, delivered_at=self._database.now(), next_try=None)

    def mark_failed(self, notification: QueuedNotification, trouble: str, again_in: float | None) -> bool:
        ended = {"given_up_at": self._database.now(), "next_try": None}
        values = ended if again_in is None else {"next_try": self._database.lease_clock(again_in)}
        with self._database.engine.begin() as connection:
            closed = _close(connection, notification, trouble=trouble, **values)
            if closed and again_in is None:
                self._database.record(connection, "scheduler", "notification_given_up", run_id=notification.run_id)
        return closed

    def list_failed(self, since: datetime, *, owner: str | None = None, limit: int = 100) -> list[FailedNotification]:
        failed = (outbox.c.created_at >= since, HAS_TROUBLE)
        query = (
            select(outbox, schedules.c.name)
            .join(runs, runs.c.id == outbox.c.run_id)
            .join(schedules, schedules.c.id == runs.c.schedule_id)
            .where(*failed, IS_ALIVE)
            .order_by(outbox.c.created_at.desc(), outbox.c.id.desc())
            .limit(limit)
        )
        if owner is not None:
            query = query.where(schedules.c.owner == owner)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            FailedNotification(
                schedule=row.name,
                run_id=row.run_id,
                occasion=row.kind,
                channel=row.channel,
                created_at=row.created_at,
                attempts=row.attempts,
                given_up=row.given_up_at is not None,
                trouble=row.trouble,
            )
            for row in rows
        ]

    def prune(self, before: datetime, limit: int) -> int:
        over = (outbox.c.next_try.is_(None), outbox.c.created_at < before)
        oldest = select(outbox.c.id).where(*over).order_by(outbox.c.id).limit(limit)
        with self._database.engine.begin() as connection:
            return connection.execute(delete(outbox).where(outbox.c.id.in_(oldest))).rowcount

    def put(self, connection: Connection, notifications: Sequence[Notification]) -> None:
        """Add rows that may be claimed at once, in somebody's transaction."""
        for notification in notifications:
            row = {
                "run_id": notification.run_id,
                "kind": notification.occasion,
                "channel": notification.channel,
                "message_id": notification.message_id,
                "payload": notification.details,
                "created_at": self._database.now(),
                "next_try": self._database.lease_clock(),
            }
            connection.execute(insert(outbox).values(row))


def _close(connection: Connection, claimed: QueuedNotification, **values: Any) -> bool:
    """Write what became of a claim; False when the notification was claimed again since."""
    mine = (outbox.c.id == claimed.number, outbox.c.attempts == claimed.attempts, outbox.c.next_try.is_not(None))
    return connection.execute(update(outbox).where(*mine).values(values)).rowcount == 1
