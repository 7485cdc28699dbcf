"""The one place that reads the clock; everything else is told the time."""

import time
from datetime import UTC, datetime

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
