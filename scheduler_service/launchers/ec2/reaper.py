"""Which machines of ours may not go on living: pure.

A machine outlives its use when the service that launched it died, or when an answer was lost on the way.  It carries
its own deadline, so that any later service, or a person, can end it without a ledger.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from jupyter_schedule.core.models import Attempt
from scheduler_service.launchers.ec2.launch_plan import ATTEMPT_TAG, DEADLINE_TAG, RUN_TAG
from scheduler_service.launchers.ec2.machines import Machine

#: a machine that no attempt owns may belong to a ledger that is a moment ahead of what we read
QUARANTINE = timedelta(minutes=15)


class Ground(Enum):
    """Why a machine has to go."""

    PAST_DEADLINE = auto()
    #: its attempt is over, or another machine is its attempt's worker
    NOT_CURRENT = auto()
    #: no ledger of ours knows it
    UNKNOWN = auto()


@dataclass(frozen=True)
class Reaped:
    """A machine that has to go, and why."""

    machine: Machine
    ground: Ground


def to_reap(
    machines: Iterable[Machine],
    attempt_of: Callable[[str, int], Attempt | None],
    now: datetime,
) -> list[Reaped]:
    """The machines, all of them this deployment's, that are past their deadline or that no current attempt owns.

    attempt_of: the attempt of a run by its number, None when the ledger has no such.
    """
    found = ((machine, _ground(machine, attempt_of, now)) for machine in machines if machine.lives)
    return [Reaped(machine, ground) for machine, ground in found if ground is not None]


def _ground(machine: Machine, attempt_of: Callable[[str, int], Attempt | None], now: datetime) -> Ground | None:
    deadline = _instant(machine.tags.get(DEADLINE_TAG, ""))
    if deadline is not None and now >= deadline:
        return Ground.PAST_DEADLINE
    if now < machine.launched_at + QUARANTINE:
        return None
    run_id, number = machine.tags.get(RUN_TAG, ""), machine.tags.get(ATTEMPT_TAG, "")
    attempt = attempt_of(run_id, int(number)) if number.isdecimal() else None
    if attempt is None:
        return Ground.UNKNOWN
    theirs = attempt.handle is None or attempt.handle.get("instance") == machine.id
    return None if theirs and attempt.ended_at is None else Ground.NOT_CURRENT


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None
