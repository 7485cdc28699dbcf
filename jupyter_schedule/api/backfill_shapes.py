"""What goes over the wire of times that have passed: the request to run them, and the calendar of them."""

from datetime import date

from jupyter_schedule.api.responses import Shape
from jupyter_schedule.core.models import UtcTime
from jupyter_schedule.core.timing.calendar import DayState


class Backfill(Shape):
    """POST /schedules/{name}/backfill: every time from `start` to `end`, both included, at which it was due.

    Instead of times, days of the schedule's zone: from the first to the last of them, both whole.
    """

    start: UtcTime | None = None
    end: UtcTime | None = None
    first_day: date | None = None
    last_day: date | None = None
    #: also what has succeeded
    again: bool = False
    #: how many of the runs may go at once
    parallel: int = 1
    #: that many runs are wanted, when they are 100 or more
    confirmed: bool = False
    #: only say what would be done
    dry_run: bool = False


class Backfilled(Shape):
    """What a backfill put into the ledger, or would, and what it left as it was."""

    runs: int
    succeeded: int
    waiting: int
    #: when the first and the last of the runs were due, None of none
    first: UtcTime | None = None
    last: UtcTime | None = None
    #: whether so many have to be confirmed
    confirm: bool = False


class BackfillCancelled(Shape):
    """DELETE /schedules/{name}/backfill: how many runs don't start any more."""

    cancelled: int


class DayShape(Shape):
    """A day of the schedule's zone on which it is, was or would have been due."""

    day: date
    state: DayState
    #: how many of its times are in which state
    counts: dict[DayState, int]
    #: the data that its runs are about
    data_start: UtcTime
    data_end: UtcTime
    #: the newest run that has the day's state
    run_id: str | None = None


class CalendarShape(Shape):
    """GET /schedules/{name}/days?first=YYYY-MM-DD&last=YYYY-MM-DD: the days on which it is due; others are left out."""

    timezone: str
    #: the day that it is there now
    today: date
    days: tuple[DayShape, ...]
    #: of the backfills that are under way: runs that wait, that go, and all of them
    waiting: int = 0
    going: int = 0
    asked: int = 0
