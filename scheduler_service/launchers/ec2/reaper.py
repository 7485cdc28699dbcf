"""Which machines of ours may not go on living: pure.

A machine outlives its use when the service that launched it died, or when an answer was lost on the way.  It carries
its own deadline, so that any later service, or a person, can end it without a ledger.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from jupyter_schedule.core.models import AdHocWorker, Attempt
from scheduler_service.launchers.ad_hoc import AdHocOf, nobodys
from scheduler_service.launchers.ec2.launch_plan import AD_HOC_TAG, ATTEMPT_TAG, DEADLINE_TAG, RUN_TAG, TURN_TAG
from scheduler_service.launchers.ec2.machines import Machine

#: the attempt of a run by its number, None when the ledger has no such
AttemptOf = Callable[[str, int], Attempt | None]
#: a machine that no attempt owns may belong to a ledger that is a moment ahead of what we read
QUARANTINE = timedelta(minutes=15)


class Ground(Enum):
    """Why a machine has to go; the value says it to a person."""

    PAST_DEADLINE = "past its deadline"
    #: its attempt, or its ad-hoc worker, is over or has another machine
    NOT_CURRENT = "nobody needs it any more"
    UNKNOWN = "no ledger of this deployment knows it"


@dataclass(frozen=True)
class Reaped:
    """A machine that has to go, why, and from when on."""

    machine: Machine
    ground: Ground
    at: datetime


def to_reap(
    machines: Iterable[Machine], attempt_of: AttemptOf, now: datetime, ad_hoc_of: AdHocOf = nobodys
) -> list[Reaped]:
    """The machines, all of them this deployment's, that are past their deadline or that nothing in the ledger owns."""
    return [reaped for reaped in doomed(machines, attempt_of, ad_hoc_of) if now >= reaped.at]


def doomed(machines: Iterable[Machine], attempt_of: AttemptOf, ad_hoc_of: AdHocOf = nobodys) -> list[Reaped]:
    """The same with those that have to go later, if nothing changes: at its deadline every machine does."""
    return [_judged(machine, attempt_of, ad_hoc_of) for machine in machines if machine.lives]


def _judged(machine: Machine, attempt_of: AttemptOf, ad_hoc_of: AdHocOf) -> Reaped:
    deadline = deadline_of(machine) or datetime.max.replace(tzinfo=UTC)
    after_quarantine = machine.launched_at + QUARANTINE
    if AD_HOC_TAG in machine.tags:
        worker = ad_hoc_of(machine.tags[AD_HOC_TAG])
        ground = _of_ad_hoc(machine, worker)
        if worker is not None and ground is None:
            # an extension is in the ledger before it is on the machine
            deadline = max(deadline, worker.deadline)
    else:
        ground = _of_attempt(machine, attempt_of)
    if ground is None or deadline <= after_quarantine:
        return Reaped(machine, Ground.PAST_DEADLINE, deadline)
    return Reaped(machine, ground, after_quarantine)


def _of_attempt(machine: Machine, attempt_of: AttemptOf) -> Ground | None:
    """Why no attempt owns it; None when one does."""
    run_id, number = machine.tags.get(RUN_TAG, ""), machine.tags.get(ATTEMPT_TAG, "")
    attempt = attempt_of(run_id, int(number)) if number.isdecimal() else None
    if attempt is None:
        return Ground.UNKNOWN
    theirs = attempt.handle is None or attempt.handle.get("instance") == machine.id
    return None if theirs and attempt.ended_at is None else Ground.NOT_CURRENT


def _of_ad_hoc(machine: Machine, worker: AdHocWorker | None) -> Ground | None:
    """Why that ad-hoc worker doesn't own it; None when it does."""
    if worker is None:
        return Ground.UNKNOWN
    way = worker.instance is None and machine.tags.get(TURN_TAG) == str(worker.turn)
    return None if worker.status.live and (way or worker.instance == machine.id) else Ground.NOT_CURRENT


def deadline_of(machine: Machine) -> datetime | None:
    """When it ends, as it carries that itself; None where it carries nothing that tells."""
    return _instant(machine.tags.get(DEADLINE_TAG, ""))


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None
