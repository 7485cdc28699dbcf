"""The one place that reads the clock; everything else is told the time.

People's requests are taken by the ledger's time: that of all who share it, not of the machine that asks.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

#: counts while the machine sleeps: Linux's name for it, and what macOS's monotonic clock does
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> datetime:
    """This machine's time, in UTC."""
    return datetime.now(UTC)


def awake() -> float:
    """Seconds for which this machine has been awake, from some start on; nobody can set it."""
    return time.monotonic()


def since_boot() -> float:
    """Seconds since this machine started, its sleep included; nobody can set it."""
    return time.clock_gettime(_SINCE_BOOT)


#: seconds for which the ledger isn't asked again
HOLDS_SECONDS = 60.0


class LedgerClock:
    """The time by the ledger's own clock where it has one, else by this machine's.

    Between two questions it goes on by the seconds since the start of the machine, which nobody can set.
    """

    def __init__(
        self,
        ledger: Callable[[], datetime | None],
        wall: Callable[[], datetime] = now,
        since_boot: Callable[[], float] = since_boot,
    ) -> None:
        """ledger: says the time by the clock of all who share the ledger, None where it has none."""
        self._ledger = ledger
        self._wall = wall
        self._since_boot = since_boot
        #: what the ledger said, and when
        self._said: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """The time now.  Raises what the ledger raises."""
        if self._said is None or self._since_boot() - self._said[1] >= HOLDS_SECONDS:
            told = self._ledger()
            if told is None:
                return self._wall()
            # after the answer, which may have been long under way: behind for a while, and never ahead
            self._said = told, self._since_boot()
        told, at = self._said
        return told + timedelta(seconds=self._since_boot() - at)
