"""The outbox in SQL: words are claimed for a while, so that of several services one delivers, and another if that dies.

`next_try` is both: when a word may be claimed, and until when whoever has claimed it is left alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, select, update

from jupyter_schedule.core.models import FailedNotification, Notification, QueuedNotification, Schedule, ScheduleState
from jupyter_schedule.core.store.database import SqlBase
from jupyter_schedule.core.store.statements import ALIVE, SCHEDULES
from jupyter_schedule.core.store.tables import outbox, runs, schedules


class SqlOutbox(SqlBase):
    """What the contract says of words, and of the deadlines after which silence is told."""

    def silences_due(self, now: datetime, limit: int) -> list[Schedule]:
        judged = schedules.c.state.in_((ScheduleState.ACTIVE, ScheduleState.ENDED))
        due = and_(judged, schedules.c.silence_due <= now)
        return self._schedules(SCHEDULES.where(due).order_by(schedules.c.silence_due).limit(limit))

    def words_waiting(self) -> dict[str, datetime]:
        first = func.min(outbox.c.next_try, type_=outbox.c.next_try.type).label("at")
        query = select(outbox.c.channel, first).where(outbox.c.next_try.is_not(None)).group_by(outbox.c.channel)
        with self._reading() as connection:
            return {row.channel: row.at for row in connection.execute(query)}

    def claim_word(self, channel: str, lease: int) -> QueuedNotification | None:
        free = (outbox.c.channel == channel, outbox.c.next_try <= self._lease_clock())
        longest = select(outbox.c.id).where(*free).order_by(outbox.c.next_try, outbox.c.id).limit(1)
        with self._engine.begin() as connection:
            found = connection.execute(longest.with_for_update(skip_locked=True)).scalar()
            if found is None:
                return None
            claimed = {"attempts": outbox.c.attempts + 1, "next_try": self._lease_clock(lease)}
            row = connection.execute(update(outbox).where(outbox.c.id == found).values(claimed).returning(outbox)).one()
        return QueuedNotification(
            message_id=row.message_id,
            run_id=row.run_id,
            occasion=row.kind,
            channel=row.channel,
            details=row.payload,
            number=row.id,
            attempts=row.attempts,
        )

    def word_delivered(self, word: QueuedNotification) -> bool:
        with self._engine.begin() as connection:
            return self._settle_word(connection, word, delivered_at=self._now(), next_try=None)

    def word_failed(self, word: QueuedNotification, trouble: str, again_in: float | None) -> bool:
        ended = {"given_up_at": self._now(), "next_try": None}
        values = ended if again_in is None else {"next_try": self._lease_clock(again_in)}
        with self._engine.begin() as connection:
            settled = self._settle_word(connection, word, trouble=trouble, **values)
            if settled and again_in is None:
                self._record(connection, "scheduler", "word_given_up", run_id=word.run_id)
        return settled

    def undelivered(self, since: datetime, *, owner: str | None = None, limit: int = 100) -> list[FailedNotification]:
        query = (
            select(outbox, schedules.c.name)
            .join(runs, runs.c.id == outbox.c.run_id)
            .join(schedules, schedules.c.id == runs.c.schedule_id)
            .where(outbox.c.created_at >= since, outbox.c.delivered_at.is_(None), outbox.c.trouble.is_not(None), ALIVE)
            .order_by(outbox.c.id.desc())
            .limit(limit)
        )
        if owner is not None:
            query = query.where(schedules.c.owner == owner)
        with self._reading() as connection:
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
                for row in connection.execute(query)
            ]

    def _schedules(self, query: Select[Any]) -> list[Schedule]:
        with self._reading() as connection:
            return [Schedule(**row) for row in connection.execute(query).mappings()]

    def _put_words(self, connection: Connection, words: Sequence[Notification]) -> None:
        """Add rows that may be claimed at once."""
        for word in words:
            row = {
                "run_id": word.run_id,
                "kind": word.occasion,
                "channel": word.channel,
                "message_id": word.message_id,
                "payload": word.details,
                "created_at": self._now(),
                "next_try": self._lease_clock(),
            }
            connection.execute(insert(outbox).values(row))

    def _settle_word(self, connection: Connection, word: QueuedNotification, **values: Any) -> bool:
        mine = (outbox.c.id == word.number, outbox.c.attempts == word.attempts, outbox.c.next_try.is_not(None))
        return connection.execute(update(outbox).where(*mine).values(values)).rowcount == 1
