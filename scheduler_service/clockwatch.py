"""Whether the clock may be believed: pure.

A clock that was set far ahead would fire everything up to then, and nothing takes that back.  A machine that slept is
no such case: the clock that counts since its start has moved on as well.  Nor is a clock that was slow and was set
right: a second source agrees with it.  So dispatch stops only when the clock jumped and a second source contradicts it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

#: seconds that the clock may be ahead of either
TOLERANCE = 60.0


@dataclass(frozen=True)
class Trust:
    """What is known of the clock so far."""

    #: seconds from the epoch to the start of the machine, by the clock when it was believed last; None before that
    offset: float | None = None
    #: seconds that the clock is ahead of the second source, while it isn't believed
    ahead: float | None = None

    @property
    def halted(self) -> bool:
        """Whether nothing may be dispatched."""
        return self.ahead is not None


def judge(trust: Trust, wall: datetime, since_boot: float, second: Callable[[], datetime | None]) -> Trust:
    """What to think of the clock now.

    wall: what it says; since_boot: seconds since the machine started, its sleep included; second: what another clock
    says, None when there is none or it doesn't answer.  It is asked only when the first two disagree.
    """
    offset = wall.timestamp() - since_boot
    steady = trust.offset is not None and offset - trust.offset <= TOLERANCE
    if steady:
        return Trust(offset)
    other = second()
    if other is None:
        return trust if trust.halted else Trust(offset)
    ahead = (wall - other).total_seconds()
    return Trust(trust.offset, ahead) if ahead > TOLERANCE else Trust(offset)
