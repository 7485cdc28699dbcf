"""What bounds a schedule's runs: how many there are, how they are tried again, and what they may cost."""

from pydantic import Field

from jupyter_schedule.core.values import Dollars, Model, UtcTime


class Policies(Model):
    """Bounds on a schedule's runs, and what happens after failures; where there is no value, nothing does."""

    #: the first and the last time at which it may be due
    start: UtcTime | None = None
    end: UtcTime | None = None
    #: how many times it is due in all, counted from when that was saved
    max_runs: int | None = Field(default=None, ge=1, le=10_000)
    #: further attempts after the code has failed; a time-out is never tried again
    retries: int = Field(default=0, ge=0, le=10)
    #: minutes before the first of them, and twice as long before each that follows
    retry_wait: int = Field(default=5, ge=0, le=1440)
    #: minutes after its time within which a run has to start; later it is skipped
    start_deadline: int | None = Field(default=None, ge=1, le=10_080)
    #: failures of runs by the clock in a row after which the schedule is paused
    pause_after: int | None = Field(default=None, ge=1, le=100)
    #: dollars that its runs of a month in UTC may cost; then it is paused
    monthly_cap: Dollars | None = Field(default=None, gt=0, le=1_000_000, decimal_places=2)
    #: its newest runs whose files are kept, and the days for which those of every run are; None is as the service says
    keep_runs: int | None = Field(default=None, ge=1, le=10_000)
    keep_days: int | None = Field(default=None, ge=0, le=3650)
