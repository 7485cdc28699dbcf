"""Notifications are delivered at least once, apart from the tick: a channel that is slow or down keeps nobody waiting.

One service delivers a notification, for as long as its claim lasts; when it dies between sending and noting that, the
notification is sent a second time, with the same number.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import QueuedNotification
from jupyter_schedule.core.store.base import Store
from scheduler_service.health import warn_always
from scheduler_service.logfmt import logfmt
from scheduler_service.notifications.channels import MessageSender, PermanentRefusal
from scheduler_service.notifications.message import Message

log = logging.getLogger(__name__)

#: seconds after which a notification that somebody has claimed may be claimed by another
LEASE = 180
#: tries before it is given up; with these pauses some five hours
MOST = 12
#: seconds before the second try, and at most; twice as long each time
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 3600.0
#: longest wait between two looks, and for a notification that is being sent at the end, seconds
LOOK = 30.0
FAREWELL = 5.0


def retry_delay(attempts: int, chance: float) -> float | None:
    """Seconds until the next try after so many that failed; None when it is given up.

    chance: from 0 to 1, so that not all who failed together come back together: between half the pause and all of it.
    """
    if attempts >= MOST:
        return None
    pause = min(FIRST_PAUSE * 2.0 ** (attempts - 1), LONGEST_PAUSE)
    return pause * (1 + chance) / 2


class Deliverer:
    """Sends what waits; each channel has one thread while it has anything to send."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, MessageSender],
        compose: Callable[[QueuedNotification], Message],
        *,
        now: Callable[[], datetime] = clock.now,
        chance: Callable[[], float] = random.random,
        warn: Callable[[str, Refused], None] = warn_always,
    ) -> None:
        """warn: logs, under a name, that the ledger couldn't be used."""
        self._store = store
        self._channels = channels
        self._compose = compose
        self._now = now
        self._chance = chance
        self._warn = warn
        self._delivering: dict[str, threading.Thread] = {}
        #: by channel, until when it is left alone
        self._resting: dict[str, datetime] = {}
        self._woken = threading.Event()
        self._stopped = threading.Event()

    def wake(self) -> None:
        """Something may wait now."""
        self._woken.set()

    def stop(self) -> None:
        """Begin no further notification."""
        self._stopped.set()
        self._woken.set()

    def run(self) -> None:
        """Deliver until stopped; what is being sent then gets a moment, and is sent again later if that was short."""
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                pause = self.look()
            except Refused as refusal:
                self._warn("notification_look_failed", refusal)
                pause = LOOK
            except Exception:
                # whatever it was, the next look starts from the outbox again
                log.exception(logfmt("notification_look_failed"))
                pause = LOOK
            self._woken.wait(pause)
        for delivering in self._delivering.values():
            delivering.join(FAREWELL)

    def look(self) -> float:
        """Set off what may be delivered now; seconds until the next look."""
        now = self._store.clock() or self._now()
        pause = LOOK
        for channel, free_at in self._store.outbox.next_tries().items():
            at = max(free_at, self._resting.get(channel, free_at))
            if at > now:
                pause = min(pause, (at - now).total_seconds())
            elif (delivering := self._delivering.get(channel)) is None or not delivering.is_alive():
                thread = threading.Thread(
                    target=partial(self._deliver_waiting, channel), name=f"notify-{channel}", daemon=True
                )
                self._delivering[channel] = thread
                thread.start()
        return pause

    def _deliver_waiting(self, channel: str) -> None:
        try:
            while not self._stopped.is_set() and (claimed := self._store.outbox.claim(channel, LEASE)) is not None:
                self.deliver(claimed)
        except Refused as refusal:
            self._warn("notification_failed", refusal)
            self._resting[channel] = self._now() + timedelta(seconds=LOOK)
        except Exception:
            # a claim runs out, and then it is tried again
            log.exception(logfmt("notification_failed", channel=channel))
            self._resting[channel] = self._now() + timedelta(seconds=LOOK)
        else:
            self.wake()

    def deliver(self, notification: QueuedNotification) -> None:
        """Send a notification that was claimed, and note what became of it."""
        trouble = self._send(notification)
        if trouble is None:
            self._store.outbox.mark_delivered(notification)
            log.info(logfmt("notification_delivered", **_names(notification)))
            return
        pause = retry_delay(notification.attempts, self._chance())
        if isinstance(trouble, PermanentRefusal):
            pause = None
        told = log.error if pause is None else log.warning
        action = "notification_given_up" if pause is None else "notification_failed"
        told(logfmt(action, **_names(notification), attempt=notification.attempts, message=trouble))
        self._store.outbox.mark_failed(notification, trouble, pause)

    def _send(self, notification: QueuedNotification) -> str | None:
        channel = self._channels.get(notification.channel)
        if channel is None:
            return "No channel of that name is set up."
        try:
            return channel.send(self._compose(notification))
        except Exception as problem:
            # the kind alone: what it says may quote the address
            log.debug(logfmt("notification_broken"), exc_info=problem)
            return f"It couldn't be sent: {type(problem).__name__}."


def _names(notification: QueuedNotification) -> dict[str, object]:
    """The fields by which a line of the log names it."""
    return {"channel": notification.channel, "occasion": notification.occasion, "run": notification.run_id}
