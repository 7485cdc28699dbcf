"""The outbox of the store in dictionaries: what is owed of word, and what became of it."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_schedule.core.models import FailedNotification, Notification, QueuedNotification, ScheduleState, utc
from jupyter_schedule.core.store.base import Store


@dataclass
class Sent:
    """A word in the outbox."""

    word: Notification
    at: datetime
    next_try: datetime | None
    attempts: int = 0
    delivered: bool = False
    trouble: str | None = None


class MemoryOutbox(Store):
    """The words' half of the store."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.outbox: list[Sent] = []

    @abstractmethod
    def tell(self, actor: str, kind: str, schedule_id: str | None = None, run_id: str | None = None) -> None:
        """Leave an event behind."""

    def words_waiting(self) -> dict[str, datetime]:
        waiting: dict[str, datetime] = {}
        for sent in self.outbox:
            if sent.next_try is not None:
                waiting[sent.word.channel] = min(sent.next_try, waiting.get(sent.word.channel, sent.next_try))
        return waiting

    def claim_word(self, channel: str, lease: int) -> QueuedNotification | None:
        now = utc(self.now())
        waiting = ((sent.next_try, number) for number, sent in enumerate(self.outbox) if sent.word.channel == channel)
        free = sorted((at, number) for at, number in waiting if at is not None and at <= now)
        if not free:
            return None
        sent = self.outbox[free[0][1]]
        sent.attempts += 1
        sent.next_try = now + timedelta(seconds=lease)
        return QueuedNotification(**sent.word.model_dump(), number=free[0][1], attempts=sent.attempts)

    def word_delivered(self, word: QueuedNotification) -> bool:
        sent = self._claimed(word)
        if sent is not None:
            sent.delivered, sent.next_try = True, None
        return sent is not None

    def word_failed(self, word: QueuedNotification, trouble: str, again_in: float | None) -> bool:
        sent = self._claimed(word)
        if sent is None:
            return False
        sent.trouble = trouble
        sent.next_try = None if again_in is None else utc(self.now() + timedelta(seconds=again_in))
        if again_in is None:
            self.tell("scheduler", "word_given_up", run_id=word.run_id)
        return True

    def undelivered(self, since: datetime, *, owner: str | None = None, limit: int = 100) -> list[FailedNotification]:
        found = []
        for sent in reversed(self.outbox):
            run = self.run(sent.word.run_id)
            schedule = self.schedule(run.schedule_id) if run else None
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
                        **sent.word.model_dump(include={"run_id", "occasion", "channel"}),
                    )
                )
        return found[:limit]

    def put_words(self, words: Sequence[Notification]) -> None:
        """Owe these from now on."""
        at = utc(self.now())
        self.outbox += [Sent(word, at=at, next_try=at) for word in words]

    def _claimed(self, word: QueuedNotification) -> Sent | None:
        sent = self.outbox[word.number]
        return sent if sent.attempts == word.attempts and sent.next_try is not None else None
