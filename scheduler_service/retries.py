"""A schedule's policies about a run that waits, failed, or failed again: pure, beside `decide`."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from jupyter_schedule.core.models import Policies, Reason, Result, Run, RunStatus, Trigger

#: failures of the analyst's own code, which a further attempt may mend; a time-out isn't one
CODE_FAILURES = frozenset(
    {
        Reason.EXIT_CODE,
        Reason.CELL_FAILED,
        Reason.KERNEL_DIED,
        Reason.OUT_OF_MEMORY,
        Reason.CONTRACT,
        Reason.ENVIRONMENT,
    }
)
#: the longest wait before a further attempt
LONGEST_WAIT = timedelta(days=1)
BAD_ENDS = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT})


def next_retry_at(policies: Policies, result: Result, failed_before: int) -> datetime | None:
    """The time of a further attempt after one that ended so; None when none follows.

    The wait is twice as long each time, a day at most.  failed_before: attempts before it that the code failed, too.
    """
    if result.outcome != "finished" or result.reason not in CODE_FAILURES or failed_before >= policies.retries:
        return None
    wait = min(timedelta(minutes=policies.retry_wait * 2 ** min(failed_before, 10)), LONGEST_WAIT)
    return result.ended_at + wait


def missed_deadline(policies: Policies, run: Run, now: datetime) -> bool:
    """True when a run by the clock has waited longer than its schedule lets it.  No other run is too late."""
    if policies.start_deadline is None or run.trigger != Trigger.SCHEDULE:
        return False
    return now > run.scheduled_for + timedelta(minutes=policies.start_deadline)


def failures_in_a_row(runs: Iterable[Run], since: datetime) -> int:
    """The number of runs by the clock that failed after the last one that succeeded, and after `since`.

    runs: the newest occurrence first.  What was skipped, stopped or hasn't ended counts neither way.
    """
    count = 0
    for run in runs:
        if run.trigger != Trigger.SCHEDULE or run.ended_at is None or run.ended_at < since:
            continue
        if run.status == RunStatus.SUCCEEDED:
            break
        count += run.status in BAD_ENDS
    return count
