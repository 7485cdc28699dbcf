"""The outbox of the store in dictionaries: the notifications that wait, and what became of each."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jupyter_schedule.core.models import FailedNotification, Notification, QueuedNotification, ScheduleState, utc
from jupyter_schedule.core.store.base import OutboxStore
from tests.simulation.memory_tables import Sent, Tables


class MemoryOutbox(OutboxStore):
    """The notifications' part of the store."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def next_tries(self) -> dict[str, datetime]:
        waiting: dict[str, datetime] = {}
        for sent in self._tables.outbox:
            if sent.next_try is not None:
                channel = sent.notification.channel
                waiting[channel] = min(sent.next_try, waiting.get(channel, sent.next_try))
        return waiting

    def claim(self, channel: str, lease: int) -> QueuedNotification | None:
        now = utc(self._tables.now())
        of_channel = [(n, sent) for n, sent in enumerate(self._tables.outbox) if sent.notification.channel == channel]
        free = sorted(
            (sent.next_try, n) for n, sent in of_channel if sent.next_try is not None and sent.next_try <= now
        )
        if not free:
            return None
        sent = self._tables.outbox[free[0][1]]
        sent.attempts += 1
        sent.next_try = now + timedelta(seconds=lease)
        return QueuedNotification(**sent.notification.model_dump(), number=free[0][1], attempts=sent.attempts)

    def mark_delivered(self, notification: QueuedNotification) -> bool:
        sent = self._claimed(notification)
        if sent is not None:
            sent.delivered, sent.next_try = True, None
        return sent is not None

    def mark_failed(self, notification: QueuedNotification, trouble: str, again_in: float | None) -> bool:
        sent = self._claimed(notification)
        if sent is None:
            return False
        sent.trouble = trouble
        sent.next_try = None if again_in is None else utc(self._tables.now() + timedelta(seconds=again_in))
        if again_in is None:
            self._tables.record("scheduler", "notification_given_up", run_id=notification.run_id)
        return True

    def list_failed(self, since: datetime, *, owner: str | None = None, limit: int = 100) -> list[FailedNotification]:
        found = []
        for sent in reversed(self._tables.outbox):
            run = self._tables.runs.get(sent.notification.run_id)
            schedule = self._tables.schedules.get(run.schedule_id) if run else None
            if schedule is None:
                continue
            theirs = owner in {None, schedule.owner} and schedule.state != ScheduleState.DELETED
            if theirs and not sent.delivered and sent.trouble is not None and sent.at >= utc(since):
                found.append(
                    FailedNotification(
                        schedule=schedule.name,
                        created_at=sent.at,
                        attempts=sent.attempts,
                        given_up=sent.next_try is None,
                        trouble=sent.trouble,
                        **sent.notification.model_dump(include={"run_id", "occasion", "channel"}),
                    )
                )
        return found[:limit]

    def prune(self, before: datetime, limit: int) -> int:
        over = [sent for sent in self._tables.outbox if not sent.gone and sent.next_try is None and sent.at < before]
        for sent in over[:limit]:
            sent.gone = sent.delivered = True
        return len(over[:limit])

    def put(self, notifications: Sequence[Notification]) -> None:
        """Have these delivered from now on."""
        at = utc(self._tables.now())
        self._tables.outbox += [Sent(notification, at=at, next_try=at) for notification in notifications]

    def _claimed(self, notification: QueuedNotification) -> Sent | None:
        sent = self._tables.outbox[notification.number]
        return sent if sent.attempts == notification.attempts and sent.next_try is not None else None
