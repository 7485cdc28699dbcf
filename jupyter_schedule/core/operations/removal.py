"""The words for what goes and what stays: when a schedule is deleted, and when a run's files went."""

import shlex

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    LOCAL_OWNER,
    Publication,
    Run,
    Schedule,
    Trigger,
    Visibility,
    Withdrawal,
    utc_text,
)

#: what is left of a schedule whose record can't be read, for the time after it is deleted
AFTER_BROKEN = "Its published results, if any, stay. The logs and files of its runs go a day after their end."


def on_deletion(published_at: str | None, public_name: str | None = None) -> str:
    """A sentence about all that a schedule left, for the time after it is deleted.

    published_at: where that is which it published; empty leaves it out, None when it publishes nothing.
    public_name: the schedule's name as an operator types it, if everybody can read what it published.
    """
    gone = "The logs and files of its runs go a day after their end; the list of the runs stays."
    if published_at is None:
        return f"It published nothing. {gone}"
    stay = f"Its published results stay at {published_at}" if published_at else "Its published results stay"
    if public_name is None:
        return f"{stay}. {gone}"
    return (
        f"{stay} for everybody. To withdraw them, make the schedule private before you delete it; later an operator "
        f"can: python -m scheduler_service unpublish {public_name}. {gone}"
    )


def still_public(owed: Withdrawal) -> str:
    """The state of a withdrawal that isn't done, and why."""
    name = f"“{owed.schedule}”"
    if owed.tried_at is None:
        return f"{name} may still be public: nobody has tried to withdraw it yet. A service does that by itself."
    at, why = utc_text(owed.tried_at), f", because {owed.trouble}" if owed.trouble else "."
    if owed.remaining is None:
        return f"{name} may still be public: tried at {at}{why} A service tries again by itself."
    if owed.remaining:
        files = f"{owed.remaining:,} file{'s' * (owed.remaining != 1)}"
        return f"{name} is still public: {files}, tried at {at}{why} A service tries again by itself."
    return (
        f"{name} had nothing public any more at {at}{why} A service looks again until nobody is left who had begun to "
        "publish it."
    )


def public_name(schedule: Schedule) -> str | None:
    """The words that name a schedule whose results everybody can read to an operator's command; None of any other."""
    if schedule.spec.visibility != Visibility.PUBLIC:
        return None
    own = schedule.owner == LOCAL_OWNER
    return schedule.name if own else f"{schedule.name} --owner {shlex.quote(schedule.owner)}"


def removed(run: Run) -> str | None:
    """That the run's files went, and after how many days; None as long as they are there."""
    if run.pruned_at is None:
        return None
    days = (run.pruned_at - (run.ended_at or run.created_at)).days
    after = "" if days < 1 else " after 1 day" if days == 1 else f" after {days} days"
    return f"Its files were removed{after}."


def live_publication(run: Run) -> Publication | None:
    """Of a run's publication what still stands: without its own files the address that readers follow."""
    if run.publication is None or run.pruned_at is None:
        return run.publication
    return None if run.trigger is Trigger.REHEARSAL else run.publication.model_copy(update={"files": ()})


def check_there(run: Run) -> None:
    """The run's files haven't been removed, or Refused `files_removed`."""
    said = removed(run)
    if said is not None:
        raise Refused("files_removed", f"{said} Run the schedule again to have new ones; what is at its address stays.")
