"""What to do next for an ad-hoc worker, from what is known of it: pure.

| its row                   | its machine           | what is done                                               |
|---------------------------|-----------------------|------------------------------------------------------------|
| asked                     | -                     | frozen and launched; over when stopped, or too late        |
| launching, no machine yet | isn't shown           | asked for again by the same token; over when too late      |
| launching, no machine yet | is shown              | it is that one: the answer was lost                        |
| has a machine             | is over               | over                                                       |
| stopped, or past its end  | lives                 | ended, then over                                           |
| stopped, or past its end  | isn't shown           | ended again and again, until it is shown or is over        |
| has another end           | lives                 | told its new end                                           |
| launching                 | has begun to boot     | ready                                                      |

A launch that was stopped is finished first, so that it is known what there is to end: one that is abandoned may still
be carried out, by a service that was about to ask.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_schedule.core.models import AdHocStatus, AdHocWorker
from scheduler_service.launchers.ad_hoc import AdHocMachine

#: how long somebody waits for a machine
START_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True)
class Wait:
    """Nothing to do yet."""


@dataclass(frozen=True)
class Launch:
    """Freeze what is asked for in the row, then ask for it."""


@dataclass(frozen=True)
class Ask:
    """Ask again for what is frozen: the same token is the same machine."""


@dataclass(frozen=True)
class Adopt:
    """That is its machine."""

    instance: str


@dataclass(frozen=True)
class Ready:
    """People can work on it."""

    address: str | None


@dataclass(frozen=True)
class Extend:
    """Let the machine know that it ends later."""


@dataclass(frozen=True)
class Insist:
    """End the machine, and see whether that has worked."""


@dataclass(frozen=True)
class Over:
    """It is over, in a sentence; `at` is when its machine ended.  terminate: which is done before that is recorded."""

    status: AdHocStatus
    message: str
    at: datetime
    terminate: bool = False


Decision = Wait | Launch | Ask | Adopt | Ready | Extend | Insist | Over


def decide(worker: AdHocWorker, machine: AdHocMachine | None, now: datetime) -> Decision:
    """What a live worker needs.  machine: None while none is shown."""
    if worker.instance is None:
        return _without_machine(worker, machine, now)
    if machine is not None and not machine.lives:
        return _found_over(worker, machine, now)
    if worker.stopped_by is not None:
        message = f"Stopped by {worker.stopped_by}."
        return Insist() if machine is None else Over(AdHocStatus.STOPPED, message, now, terminate=True)
    if now >= worker.deadline:
        return Insist() if machine is None else Over(AdHocStatus.ENDED, "Its time was over.", now, terminate=True)
    if machine is None:
        return Wait()
    if machine.deadline != worker.deadline:
        return Extend()
    if worker.status is AdHocStatus.LAUNCHING and machine.runs:
        return Ready(machine.address)
    return Wait()


def _without_machine(worker: AdHocWorker, machine: AdHocMachine | None, now: datetime) -> Decision:
    if machine is not None:
        return Adopt(machine.instance)
    if worker.status is AdHocStatus.ASKED and worker.stopped_by is not None:
        return Over(AdHocStatus.STOPPED, "Stopped before it had a machine.", now)
    if now >= min(worker.created_at + START_WITHIN, worker.deadline):
        last = (worker.message or "The scheduler service was away, or started nothing").rstrip(".")
        return Over(AdHocStatus.FAILED, f"No machine could be launched in time. {last}. Ask again.", now)
    return Launch() if worker.status is AdHocStatus.ASKED else Ask()


def _found_over(worker: AdHocWorker, machine: AdHocMachine, now: datetime) -> Over:
    """Nobody saw when it ended: it counts up to its deadline, which no machine outlives, or up to now."""
    at = min(now, worker.deadline)
    if worker.stopped_by is not None:
        return Over(AdHocStatus.STOPPED, f"Stopped by {worker.stopped_by}.", at)
    if now >= worker.deadline:
        return Over(AdHocStatus.ENDED, "Its time was over.", at)
    if machine.ended_itself:
        return Over(AdHocStatus.ENDED, "It was shut down from inside.", at)
    how = f" ({machine.ended_by})" if machine.ended_by else ""
    return Over(AdHocStatus.ENDED, f"It was ended from outside{how}.", at)
