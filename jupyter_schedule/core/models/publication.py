"""A publisher at work, and a withdrawal that is owed."""

from jupyter_schedule.core.models.base import Model, UtcTime


class Publisher(Model):
    """The right to write one run's publication: it ends when the run changes hands, or its schedule its privacy."""

    run_id: str
    #: the run's, at which it was taken up
    fence: int
    schedule_id: str
    #: the schedule's, whose privacy is kept; None where what is written is private anyhow
    version: int | None = None
    #: the area that everybody can read, to which it writes; None as long as it writes to no such area
    area: str | None = None


class Withdrawal(Model):
    """The duty to take out of a public area all that a schedule published there, as long as that isn't done."""

    schedule_id: str
    schedule: str
    #: the area that it has to leave
    area: str
    #: the schedule's version that made it private
    version: int
    owed_since: UtcTime
    #: how often somebody has claimed to try it
    tries: int = 0
    tried_at: UtcTime | None = None
    #: the objects that were left by the last try; None while nobody has counted
    remaining: int | None = None
    #: why it failed
    trouble: str | None = None
    #: those that signed on and not off when it was read: each may still write to the area
    publishers: int = 0

    @property
    def is_clean(self) -> bool:
        """True if the last try left nothing, and only those who may still write are waited for."""
        return self.remaining == 0 and self.trouble is None
