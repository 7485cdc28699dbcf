"""What its owner should know that nobody was told."""

from datetime import datetime, timedelta

from jupyter_schedule.core.models import FailedNotification
from jupyter_schedule.core.store.base import Store

#: words that were given up are shown for so long, and so many of them
LATELY = timedelta(days=7)
MOST = 20


def given_up(store: Store, owner: str, now: datetime) -> tuple[FailedNotification, ...]:
    """Words about this person's schedules that were given up of late, the newest first."""
    found = store.undelivered(now - LATELY, owner=owner)
    return tuple(word for word in found if word.given_up)[:MOST]
