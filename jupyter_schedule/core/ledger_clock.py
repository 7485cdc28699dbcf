"""The ledger's time, by which people's requests are taken: that of all who share it, not of the machine that asks."""

from collections.abc import Callable
from datetime import datetime, timedelta

from jupyter_schedule.core import clock

#: seconds for which the ledger isn't asked again
HOLDS_SECONDS = 60.0


class LedgerClock:
    """The time by the ledger's own clock where it has one, else by this machine's.

    Between two questions it goes on by the seconds since the start of the machine, which nobody can set.
    """

    def __init__(
        self,
        ledger: Callable[[], datetime | None],
        wall: Callable[[], datetime] = clock.now,
        since_boot: Callable[[], float] = clock.since_boot,
    ) -> None:
        """ledger: says the time by the clock of all who share the ledger, None where it has none."""
        self._ledger = ledger
        self._wall = wall
        self._since_boot = since_boot
        #: what the ledger said, and when
        self._said: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """The time now.  Raises what the ledger raises."""
        now = self._since_boot()
        if self._said is None or now - self._said[1] >= HOLDS_SECONDS:
            told = self._ledger()
            if told is None:
                return self._wall()
            self._said = told, now
        told, at = self._said
        return told + timedelta(seconds=now - at)
