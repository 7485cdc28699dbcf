"""What is done with an ad-hoc worker, as a table of what is known of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from jupyter_schedule.core.models import AdHocStatus, AdHocWorker
from scheduler_service.ad_hoc import (
    AdHocDecision,
    AdoptMachine,
    AskAgain,
    EndWorker,
    ExtendDeadline,
    InsistOnEnd,
    KeepWaiting,
    LaunchMachine,
    MarkReady,
    decide_ad_hoc,
)
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
    fields: dict[str, Any] = {"status": AdHocStatus.LAUNCHING, "launched_at": NOON} | changes
    return make_ad_hoc(**fields)


def machined(**changes: Any) -> AdHocWorker:
    return launching(**{"instance": "i-1"} | changes)


def ready(**changes: Any) -> AdHocWorker:
    return machined(**{"status": AdHocStatus.READY} | changes)


def alive(**changes: Any) -> AdHocMachine:
    fields: dict[str, Any] = {"instance": "i-1", "deadline": END, "address": "192.0.2.1"} | changes
    return AdHocMachine(**fields)


def gone(why: str = "Client.UserInitiatedShutdown", *, itself: bool = False) -> AdHocMachine:
    return alive(lives=False, runs=False, ended_by=why, ended_itself=itself)


BY_ANN = {"stopped_by": "ann"}
NEVER = EndWorker(STOPPED, "Stopped before it had a machine.", SOON)
STOP = EndWorker(STOPPED, "Stopped by ann.", SOON, terminate=True)


@pytest.mark.parametrize(
    ("worker", "machine", "now", "decision"),
    [
        # no machine yet
        (asked(), None, SOON, LaunchMachine()),
        (asked(**BY_ANN), None, SOON, NEVER),
        (launching(), None, SOON, AskAgain()),
        (launching(), alive(), SOON, AdoptMachine("i-1")),
        (launching(), gone(), SOON, AdoptMachine("i-1")),
        # a launch that was stopped is finished first
        (launching(**BY_ANN), None, SOON, AskAgain()),
        (launching(**BY_ANN), alive(), SOON, AdoptMachine("i-1")),
        # it lives, or isn't shown yet
        (machined(), None, SOON, KeepWaiting()),
        (machined(), alive(runs=False), SOON, KeepWaiting()),
        (machined(), alive(), SOON, MarkReady("192.0.2.1")),
        (machined(), alive(address=None), SOON, MarkReady(None)),
        (ready(), alive(), SOON, KeepWaiting()),
        (ready(), None, SOON, KeepWaiting()),
        # it has another end
        (ready(deadline=AFTER), alive(), SOON, ExtendDeadline()),
        (ready(deadline=AFTER), alive(), END, ExtendDeadline()),
        (ready(), alive(deadline=None), SOON, ExtendDeadline()),
        # somebody wants its end, or its time is over
        (machined(**BY_ANN), alive(runs=False), SOON, STOP),
        (ready(**BY_ANN), alive(), SOON, STOP),
        (ready(**BY_ANN), None, SOON, InsistOnEnd()),
        (ready(), alive(), END, EndWorker(ENDED, "Its time was over.", END, terminate=True)),
        (ready(), alive(), AFTER, EndWorker(ENDED, "Its time was over.", AFTER, terminate=True)),
        (ready(), None, END, InsistOnEnd()),
        # it is over
        (ready(), gone(), SOON, EndWorker(ENDED, "It was ended from outside (Client.UserInitiatedShutdown).", SOON)),
        (ready(), gone(""), SOON, EndWorker(ENDED, "It was ended from outside.", SOON)),
        (ready(), gone(itself=True), SOON, EndWorker(ENDED, "It was shut down from inside.", SOON)),
        (ready(**BY_ANN), gone(), SOON, EndWorker(STOPPED, "Stopped by ann.", SOON)),
        (machined(), gone(), SOON, EndWorker(ENDED, "It was ended from outside (Client.UserInitiatedShutdown).", SOON)),
        # nobody was there to see it: it counts up to its end
        (ready(), gone(itself=True), AFTER, EndWorker(ENDED, "Its time was over.", END)),
    ],
)
def test_what_is_known_tells_what_is_done(
    worker: AdHocWorker, machine: AdHocMachine | None, now: datetime, decision: AdHocDecision
) -> None:
    assert decide_ad_hoc(worker, machine, now) == decision


@pytest.mark.parametrize("worker", [asked(), launching(), launching(**BY_ANN)])
def test_nobody_waits_for_a_machine_for_longer_than_15_minutes(worker: AdHocWorker) -> None:
    assert not isinstance(decide_ad_hoc(worker, None, LATE - timedelta(seconds=1)), EndWorker)
    over = decide_ad_hoc(worker, None, LATE)
    assert isinstance(over, EndWorker)
    assert (over.status, over.terminate) == (FAILED, False)
    assert over.message.endswith("Ask again.")


def test_why_it_took_too_long_is_said() -> None:
    over = decide_ad_hoc(launching(message="EC2 can't launch now (RequestLimitExceeded)"), None, LATE)
    assert isinstance(over, EndWorker)
    assert "EC2 can't launch now (RequestLimitExceeded)." in over.message
