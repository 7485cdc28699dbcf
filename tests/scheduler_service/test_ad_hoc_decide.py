"""What is done with an ad-hoc worker, as a table of what is known of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from jupyter_schedule.core.models import AdHocStatus, AdHocWorker
from scheduler_service.ad_hoc_decide import Adopt, Ask, Decision, Extend, Insist, Launch, Over, Ready, Wait, decide
from scheduler_service.launchers.ad_hoc import AdHocMachine
from tests.factories import NOON, make_ad_hoc

SOON = NOON + timedelta(minutes=1)
LATE = NOON + timedelta(minutes=15)
END = NOON + timedelta(hours=24)
AFTER = END + timedelta(hours=3)
STOPPED, ENDED, FAILED = AdHocStatus.STOPPED, AdHocStatus.ENDED, AdHocStatus.FAILED


def asked(**changes: Any) -> AdHocWorker:
    return make_ad_hoc(**changes)


def launching(**changes: Any) -> AdHocWorker:
    return make_ad_hoc(**{"status": AdHocStatus.LAUNCHING, "launched_at": NOON} | changes)


def machined(**changes: Any) -> AdHocWorker:
    return launching(**{"instance": "i-1"} | changes)


def ready(**changes: Any) -> AdHocWorker:
    return machined(**{"status": AdHocStatus.READY} | changes)


def alive(**changes: Any) -> AdHocMachine:
    return AdHocMachine(**{"instance": "i-1", "deadline": END, "address": "192.0.2.1"} | changes)


def gone(why: str = "Client.UserInitiatedShutdown", *, itself: bool = False) -> AdHocMachine:
    return alive(lives=False, runs=False, ended_by=why, ended_itself=itself)


BY_ANN = {"stopped_by": "ann"}
NEVER = Over(STOPPED, "Stopped before it had a machine.", SOON)
STOP = Over(STOPPED, "Stopped by ann.", SOON, terminate=True)


@pytest.mark.parametrize(
    ("worker", "machine", "now", "decision"),
    [
        # no machine yet
        (asked(), None, SOON, Launch()),
        (asked(**BY_ANN), None, SOON, NEVER),
        (launching(), None, SOON, Ask()),
        (launching(), alive(), SOON, Adopt("i-1")),
        (launching(), gone(), SOON, Adopt("i-1")),
        # a launch that was stopped is finished first
        (launching(**BY_ANN), None, SOON, Ask()),
        (launching(**BY_ANN), alive(), SOON, Adopt("i-1")),
        # it lives, or isn't shown yet
        (machined(), None, SOON, Wait()),
        (machined(), alive(runs=False), SOON, Wait()),
        (machined(), alive(), SOON, Ready("192.0.2.1")),
        (machined(), alive(address=None), SOON, Ready(None)),
        (ready(), alive(), SOON, Wait()),
        (ready(), None, SOON, Wait()),
        # it has another end
        (ready(deadline=AFTER), alive(), SOON, Extend()),
        (ready(deadline=AFTER), alive(), END, Extend()),
        (ready(), alive(deadline=None), SOON, Extend()),
        # somebody wants its end, or its time is over
        (machined(**BY_ANN), alive(runs=False), SOON, STOP),
        (ready(**BY_ANN), alive(), SOON, STOP),
        (ready(**BY_ANN), None, SOON, Insist()),
        (ready(), alive(), END, Over(ENDED, "Its time was over.", END, terminate=True)),
        (ready(), alive(), AFTER, Over(ENDED, "Its time was over.", AFTER, terminate=True)),
        (ready(), None, END, Insist()),
        # it is over
        (ready(), gone(), SOON, Over(ENDED, "It was ended from outside (Client.UserInitiatedShutdown).", SOON)),
        (ready(), gone(""), SOON, Over(ENDED, "It was ended from outside.", SOON)),
        (ready(), gone(itself=True), SOON, Over(ENDED, "It was shut down from inside.", SOON)),
        (ready(**BY_ANN), gone(), SOON, Over(STOPPED, "Stopped by ann.", SOON)),
        (machined(), gone(), SOON, Over(ENDED, "It was ended from outside (Client.UserInitiatedShutdown).", SOON)),
        # nobody was there to see it: it counts up to its end
        (ready(), gone(itself=True), AFTER, Over(ENDED, "Its time was over.", END)),
    ],
)
def test_what_is_known_tells_what_is_done(
    worker: AdHocWorker, machine: AdHocMachine | None, now: datetime, decision: Decision
) -> None:
    assert decide(worker, machine, now) == decision


@pytest.mark.parametrize("worker", [asked(), launching(), launching(**BY_ANN)])
def test_nobody_waits_for_a_machine_for_longer_than_15_minutes(worker: AdHocWorker) -> None:
    assert not isinstance(decide(worker, None, LATE - timedelta(seconds=1)), Over)
    over = decide(worker, None, LATE)
    assert isinstance(over, Over)
    assert (over.status, over.terminate) == (FAILED, False)
    assert over.message.endswith("Ask again.")


def test_why_it_took_too_long_is_said() -> None:
    over = decide(launching(message="EC2 can't launch now (RequestLimitExceeded)"), None, LATE)
    assert isinstance(over, Over)
    assert "EC2 can't launch now (RequestLimitExceeded)." in over.message
