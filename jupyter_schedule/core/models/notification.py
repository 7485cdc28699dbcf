"""Notifications of what happened to a schedule: the events, what its owner picked, and one on its way to a channel."""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from jupyter_schedule.core.models.base import Model, NameText, UtcTime

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class NotificationEvent(StrEnum):
    """An event that a notification can tell of."""

    #: a run failed
    FAILURE = "failure"
    #: a run reached its time-out
    TIME_OUT = "time_out"
    #: the first success after a failure or a time-out
    RECOVERY = "recovery"
    #: a schedule's first run that ended well
    FIRST_SUCCESS = "first_success"
    #: the schedule paused itself after too many failures
    AUTO_PAUSE = "auto_pause"
    #: nothing had succeeded by the time that the owner set
    SILENCE = "silence"


def _time_of_day(text: str) -> str:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError("a time of day such as 09:00")
    return f"{int(found[1]):02}:{found[2]}"


TimeOfDay = Annotated[NameText, AfterValidator(_time_of_day)]


class Notify(Model):
    """The events that a schedule's owner wants to hear of, and the channels to tell them through."""

    #: names that the operator gave; their addresses are nobody else's business
    channels: tuple[NameText, ...] = Field(default=(), max_length=100)
    on: tuple[NotificationEvent, ...] = (
        *(NotificationEvent.FAILURE, NotificationEvent.TIME_OUT, NotificationEvent.RECOVERY),
        *(NotificationEvent.AUTO_PAUSE, NotificationEvent.SILENCE),
    )
    #: a time of day in the schedule's zone, by which something is published on each day on which it was due
    silence_by: TimeOfDay | None = None

    @property
    def unheard(self) -> str:
        """A sentence when something was picked that no channel is told of; empty otherwise."""
        picked = self.silence_by is not None or set(self.on) != set(Notify().on)
        if self.channels or not picked:
            return ""
        return "No channel is picked, so nothing but an open JupyterLab tells of what happens to it."


class Notification(Model):
    """The message that one channel is owed about one run."""

    #: the same each time it is sent, so that who gets it twice can tell
    message_id: str
    run_id: str
    occasion: NotificationEvent
    channel: str
    #: the facts that the run itself doesn't say
    details: dict[str, Any] = Field(default_factory=dict)


class QueuedNotification(Notification):
    """A word that somebody has claimed to deliver, for the `attempts`th time."""

    number: int
    attempts: int


class FailedNotification(Model):
    """A word that was given up, or that has failed so far."""

    schedule: str
    run_id: str
    occasion: NotificationEvent
    channel: str
    created_at: UtcTime
    attempts: int
    given_up: bool
    #: the last answer of the channel
    trouble: str
