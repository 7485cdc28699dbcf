"""The rule that a schedule has to succeed once, apart from the clock, before its times become runs: pure.

A rehearsal is a real run of the real bundle where later ones will take place; it touches neither `data/` nor `latest`.
A first run is one that does.
"""

from jupyter_schedule.core.models import LauncherCatalog, ScheduleState, Spec, Trigger

#: what of a schedule has a part in whether a run of it succeeds
RUN = {
    *("bundle", "notebook", "command", "parameters", "output_dir", "timeout", "previous", "expect"),
    *("env", "environment", "kernel", "launcher", "size", "data_role"),
}

#: the runs whose success lets a schedule start that waits: a person looks after each of them
BY_HAND = {Trigger.MANUAL, Trigger.RETRY, Trigger.REHEARSAL}


def tells_of(rehearsed: Spec, spec: Spec) -> bool:
    """True if a rehearsal of the one says that the other succeeds, too."""
    return rehearsed.model_dump(include=RUN) == spec.model_dump(include=RUN)


def must_wait(
    before: Spec | None, after: Spec, state: ScheduleState, offers: LauncherCatalog, asked: bool | None
) -> bool:
    """True if a schedule that is made or changed waits for a rehearsal of what it does now.

    A new one waits where runs cost money, and so does one that moves there; one that waits goes on waiting, unless it
    moves to where they cost nothing.  A paused one stays paused.
    before: None for a new one.  asked: what the person says; None leaves it to these rules.
    """
    paid = offers.is_paid(after.launcher)
    if before is None:
        return paid if asked is None else asked
    if state == ScheduleState.REHEARSING:
        return asked is not False and (paid or not offers.is_paid(before.launcher))
    if state == ScheduleState.PAUSED:
        return False
    moves = paid and before.launcher != after.launcher
    return moves if asked is None else asked
