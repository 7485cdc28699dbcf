"""The clock that is trusted only while nothing contradicts it: pure, but for the clocks that it is given.

A clock that was set far ahead would fire everything up to then, and nothing takes that back; one that was set far back
would fire nothing until it gets there.  A machine that slept is no such case: the clock that counts since its start has
moved on as well.  Nor is a clock that was wrong and was set right: a second source agrees with it.  So dispatch stops
only when the clock jumped and a second source contradicts it.  Everything else goes on, by the time that has passed
since the clock was believed.

What another clock said once is known from then on by the seconds since the start of the machine, which nobody can set.
So a source that takes a network is asked in the background, and what it said is kept.  An answer may be a while under
way, and the process may be stopped meanwhile: it says a time somewhere between the question and its arrival.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: seconds that the clock may differ from either
TOLERANCE = 60.0


@dataclass(frozen=True)
class ClockState:
    """All that is known of the clock so far."""

    #: seconds from the epoch to the start of the machine, by the clock when it was believed last, or by the second
    #: source while it never was; None before the first look
    offset: float | None = None
    #: seconds that the clock is ahead of the second source, or behind it when negative, while it isn't believed
    ahead: float | None = None

    @property
    def stopped(self) -> bool:
        """True while nothing may be dispatched."""
        return self.ahead is not None


@dataclass(frozen=True)
class BootTime:
    """The start of the machine by another clock: seconds from the epoch, between two bounds."""

    earliest: float
    latest: float


def assess(state: ClockState, wall: datetime, since_boot: float, second: Callable[[], BootTime | None]) -> ClockState:
    """The state that follows from what the clocks say now.

    wall: what it says; since_boot: seconds since the machine started, its sleep included; second: when that was by
    another clock, None when there is none or it doesn't answer.  It is asked only when the first two disagree.
    """
    offset = wall.timestamp() - since_boot
    steady = state.offset is not None and abs(offset - state.offset) <= TOLERANCE
    if steady:
        return ClockState(offset)
    other = second()
    if other is None:
        return state if state.stopped else ClockState(offset)
    nearest = min(max(offset, other.earliest), other.latest)
    ahead = offset - nearest
    if abs(ahead) <= TOLERANCE:
        return ClockState(offset)
    return ClockState(nearest if state.offset is None else state.offset, ahead)


def trusted_time(state: ClockState, wall: datetime, since_boot: float) -> datetime:
    """The time: the clock's, unless it differs from what it was when it was believed and the seconds since then."""
    if state.offset is None:
        return wall
    ahead = wall.timestamp() - since_boot - state.offset
    return wall - timedelta(seconds=ahead) if abs(ahead) > TOLERANCE else wall


class TrustedClock:
    """The one clock that a service goes by, in all its threads: never far from what is believed."""

    def __init__(
        self, wall: Callable[[], datetime], since_boot: Callable[[], float], second: Callable[[], datetime | None]
    ) -> None:
        """The clocks of this machine and a second source that answers soon, each as `assess` takes it."""
        self._wall = wall
        self._since_boot = since_boot
        self._second = second
        self._state = ClockState()
        #: by the seconds since the start of the machine, when the clock began to go as it does
        self._steady_since: float | None = None
        #: seconds from the epoch to the start of the machine, by another clock that was asked in the background
        self._witnessed: float | None = None

    def observe(self, witness: datetime | None) -> None:
        """Keep what another clock says just now, for assessments in which the second source says nothing."""
        if witness is not None:
            self._witnessed = witness.timestamp() - self._since_boot()

    def assess(self) -> None:
        """Assess the clock anew; raises what the second source raises."""
        before = self._state.offset
        since_boot = self._since_boot()
        after = assess(self._state, self._wall(), since_boot, self._other)
        if before is None or after.offset is None or after.stopped or abs(after.offset - before) > TOLERANCE:
            self._steady_since = since_boot
        self._state = after

    @property
    def stopped(self) -> bool:
        """True while nothing may be dispatched, by the last assessment."""
        return self._state.stopped

    @property
    def steady_seconds(self) -> float:
        """Seconds for which the clock has been believed and hasn't jumped; 0 before the first assessment."""
        return 0.0 if self._steady_since is None else self._since_boot() - self._steady_since

    def now(self) -> datetime:
        """The time that is believed.  A jump is only followed when an assessment has found it right."""
        return trusted_time(self._state, self._wall(), self._since_boot())

    def _other(self) -> BootTime | None:
        asked = self._since_boot()
        said = self._second()
        if said is not None:
            return BootTime(said.timestamp() - self._since_boot(), said.timestamp() - asked)
        return None if self._witnessed is None else BootTime(self._witnessed, self._witnessed)
