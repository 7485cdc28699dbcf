"""What a person said about becoming public, with their name."""

from jupyter_schedule.core.values import Model, UtcTime


class Confirmation(Model):
    """Who said that they checked what will be public, and when."""

    by: str
    at: UtcTime


class Release(Model):
    """A person's decision to publish the outputs of a run that were kept back."""

    #: the run that made them
    run_id: str
    by: str
    at: UtcTime
    #: why they may be public although the disclosure check found something; None where its word counts
    reason: str | None = None
