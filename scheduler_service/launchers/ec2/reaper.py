"""Find the machines of ours that may not go on living: pure.

A machine outlives its use when the service that launched it died, or when an answer was lost on the way.  It carries
its own deadline, so that any later service, or a person, can end it without a ledger.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from jupyter_schedule.core.models import AdHocWorker, Attempt
from scheduler_service.launchers.ad_hoc import FindAdHocWorker, find_no_worker
from scheduler_service.launchers.ec2.launch_plan import AD_HOC_TAG, ATTEMPT_TAG, DEADLINE_TAG, RUN_TAG, TURN_TAG
from scheduler_service.launchers.ec2.machines import Ec2Machine

#: the attempt of a run by its number, None when the ledger has no such
FindAttempt = Callable[[str, int], Attempt | None]
#: a machine that no attempt owns may belong to a ledger that is a moment ahead of what we read
QUARANTINE = timedelta(minutes=15)


class OrphanReason(Enum):
    """The reason for which a machine has to go; the value says it to a person."""

    PAST_DEADLINE = "past its deadline"
    #: its attempt, or its ad-hoc worker, is over or has another machine
    NOT_CURRENT = "nobody needs it any more"
    UNKNOWN = "no ledger of this deployment knows it"


@dataclass(frozen=True)
class Orphan:
    """A machine that has to go, why, and from when on."""

    machine: Ec2Machine
    reason: OrphanReason
    at: datetime


def find_orphans(
    machines: Iterable[Ec2Machine],
    find_attempt: FindAttempt,
    now: datetime,
    find_ad_hoc: FindAdHocWorker = find_no_worker,
) -> list[Orphan]:
    """The machines, all of them this deployment's, that are past their deadline or that nothing in the ledger owns."""
    return [orphan for orphan in forecast_orphans(machines, find_attempt, find_ad_hoc) if now >= orphan.at]


def forecast_orphans(
    machines: Iterable[Ec2Machine], find_attempt: FindAttempt, find_ad_hoc: FindAdHocWorker = find_no_worker
) -> list[Orphan]:
    """The same with those that have to go later, if nothing changes: at its deadline every machine does."""
    return [_judged(machine, find_attempt, find_ad_hoc) for machine in machines if machine.lives]


def _judged(machine: Ec2Machine, find_attempt: FindAttempt, find_ad_hoc: FindAdHocWorker) -> Orphan:
    deadline = read_deadline(machine) or datetime.max.replace(tzinfo=UTC)
    after_quarantine = machine.launched_at + QUARANTINE
    if AD_HOC_TAG in machine.tags:
        worker = find_ad_hoc(machine.tags[AD_HOC_TAG])
        reason = _of_ad_hoc(machine, worker)
        if worker is not None and reason is None:
            # an extension is in the ledger before it is on the machine
            deadline = max(deadline, worker.deadline)
    else:
        reason = _of_attempt(machine, find_attempt)
    if reason is None or deadline <= after_quarantine:
        return Orphan(machine, OrphanReason.PAST_DEADLINE, deadline)
    return Orphan(machine, reason, after_quarantine)


def _of_attempt(machine: Ec2Machine, find_attempt: FindAttempt) -> OrphanReason | None:
    """Return the reason for which no attempt owns it; None when one does."""
    run_id, number = machine.tags.get(RUN_TAG, ""), machine.tags.get(ATTEMPT_TAG, "")
    attempt = find_attempt(run_id, int(number)) if number.isdecimal() else None
    if attempt is None:
        return OrphanReason.UNKNOWN
    theirs = attempt.handle is None or attempt.handle.get("instance") == machine.id
    return None if theirs and attempt.ended_at is None else OrphanReason.NOT_CURRENT


def _of_ad_hoc(machine: Ec2Machine, worker: AdHocWorker | None) -> OrphanReason | None:
    """Return the reason for which that ad-hoc worker doesn't own it; None when it does."""
    if worker is None:
        return OrphanReason.UNKNOWN
    way = worker.instance is None and machine.tags.get(TURN_TAG) == str(worker.turn)
    return None if worker.status.live and (way or worker.instance == machine.id) else OrphanReason.NOT_CURRENT


def read_deadline(machine: Ec2Machine) -> datetime | None:
    """Return the time at which it ends, as it carries that itself; None where it carries nothing that tells."""
    return _instant(machine.tags.get(DEADLINE_TAG, ""))


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None
