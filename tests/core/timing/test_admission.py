"""Which due runs start, and in which order: the rules alone, over rows in a list."""

from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, RunStatus, Trigger
from jupyter_schedule.core.timing.admission import Admission, GoingRun, Turns, WaitingRun, admit_in_turn
from tests.factories import make_admitter

BOTH = frozenset({"local", "ec2"})


def waits(name: str, *, trigger: Trigger = Trigger.SCHEDULE, parallel: int = 1, **changes: Any) -> WaitingRun:
    """A run called by its owner and a number, on a machine if that ends in +."""
    launcher = "ec2" if name.endswith("+") else "local"
    plain = WaitingRun(name, name, name.partition("-")[0], launcher, trigger, parallel, Overlap.QUEUE_ONE)
    return plain._replace(**changes)


def goes(name: str, **changes: Any) -> GoingRun:
    run = waits(name)
    host = "here" if run.launcher == "local" else None
    plain = GoingRun(run.schedule_id, run.owner, run.launcher, host, RunStatus.RUNNING, run.trigger)
    return plain._replace(**changes)


def admitted(
    waiting: Sequence[WaitingRun],
    going: Sequence[GoingRun] = (),
    limits: ConcurrencyLimits | None = None,
    served: dict[str, int] | None = None,
    launchers: frozenset[str] = BOTH,
) -> list[str]:
    """The runs that start, in their order, of those that wait in theirs."""
    by = make_admitter(launchers=launchers, limits=limits or ConcurrencyLimits(total=100))
    left = list(waiting)

    def find_next(owner: str, on: Collection[str], held_up: Collection[str]) -> WaitingRun | None:
        for run in left:
            if run.owner == owner and run.launcher in on and run.schedule_id not in held_up:
                return run
        return None

    first: dict[str, int] = {}
    for number, run in enumerate(waiting):
        first.setdefault(run.owner, number)
    turns = [Turns(owner, (served or {}).get(owner, 0), since) for owner, since in first.items()]
    started = []
    for run in admit_in_turn(Admission(by, going), turns, find_next):
        left.remove(run)
        started.append(run.id)
    return started


def test_owners_take_turns_each_in_the_order_in_which_theirs_came() -> None:
    names = ["ann-1", "ann-2", "ann-3", "bob-1", "bob-2"]
    assert admitted([waits(name) for name in names]) == ["ann-1", "bob-1", "ann-2", "bob-2", "ann-3"]


def test_who_has_more_at_work_waits_for_who_has_fewer() -> None:
    waiting = [waits(name) for name in ("ann-3", "ann-4", "bob-1", "bob-2")]
    assert admitted(waiting, [goes("ann-1"), goes("ann-2")]) == ["bob-1", "bob-2", "ann-3", "ann-4"]


def test_of_two_who_are_even_who_was_served_longest_ago_is_first() -> None:
    waiting = [waits(name) for name in ("ann-1", "bob-1", "cat-1")]
    assert admitted(waiting, served={"ann": 7, "bob": 3, "cat": 5}) == ["bob-1", "cat-1", "ann-1"]


@pytest.mark.parametrize(
    ("limits", "going", "starting"),
    [
        (ConcurrencyLimits(total=3), [], ["ann-1", "bob-1", "ann-2", "ann-3+", "ann-4+"]),
        (ConcurrencyLimits(total=0), [], ["ann-3+", "ann-4+"]),
        (ConcurrencyLimits(total=4, per_owner=1), [], ["ann-1", "bob-1"]),
        (ConcurrencyLimits(total=4, per_owner=2), ["ann-0"], ["bob-1", "ann-1"]),
        (ConcurrencyLimits(total=4, per_owner=2), ["ann-0", "ann-9"], ["bob-1"]),
        (ConcurrencyLimits(total=4, per_launcher={"ec2": 1}), [], ["ann-1", "bob-1", "ann-2", "ann-3+"]),
        (ConcurrencyLimits(total=4, per_launcher={"ec2": 1}), ["bob-0+"], ["ann-1", "bob-1", "ann-2"]),
        (ConcurrencyLimits(total=4, per_launcher={"local": 1}), [], ["ann-1", "ann-3+", "ann-4+"]),
    ],
)
def test_who_is_held_up_leaves_their_place_to_the_next(
    limits: ConcurrencyLimits, going: list[str], starting: list[str]
) -> None:
    waiting = [waits(name) for name in ("ann-1", "ann-2", "ann-3+", "ann-4+", "bob-1")]
    assert admitted(waiting, [goes(name) for name in going], limits) == starting


def test_what_this_service_cannot_start_waits_for_one_that_can() -> None:
    assert admitted([waits("ann-1+"), waits("ann-2")], launchers=frozenset({"local"})) == ["ann-2"]


def test_what_goes_on_another_host_takes_no_room_here_but_an_owners() -> None:
    elsewhere = [goes("ann-0", host="there"), goes("ann-9", host="there")]
    assert admitted([waits("ann-1")], elsewhere, ConcurrencyLimits(total=1)) == ["ann-1"]
    assert admitted([waits("ann-1")], elsewhere, ConcurrencyLimits(total=1, per_owner=2)) == []


def test_machines_are_as_many_as_may_live_at_once_however_few_runs_this_computer_has_room_for() -> None:
    limits = ConcurrencyLimits(total=4, per_launcher={"ec2": 20})
    waiting = [*(waits(f"ann-{number}+") for number in range(25)), *(waits(f"bob-{number}") for number in range(6))]
    started = admitted(waiting, [], limits)
    assert sum(name.endswith("+") for name in started) == 20
    assert sum(not name.endswith("+") for name in started) == 4


def test_what_is_published_takes_no_room() -> None:
    publishing = goes("ann-0", status=RunStatus.PUBLISHING)
    limits = ConcurrencyLimits(total=1, per_owner=1)
    assert admitted([waits("ann-1")], [publishing], limits) == ["ann-1"]
    assert admitted([waits("ann-1", schedule_id="ann-0")], [publishing], limits) == []


@pytest.mark.promise("P7")
@pytest.mark.parametrize(("overlap", "starts"), [(Overlap.ALLOW, 2), (Overlap.QUEUE_ONE, 1), (Overlap.SKIP, 1)])
def test_two_of_a_schedule_start_together_under_allow_only(overlap: Overlap, starts: int) -> None:
    two = [waits(f"ann-{number}", schedule_id="same", overlap=overlap) for number in range(2)]
    assert len(admitted(two)) == starts
    assert admitted(two[1:], [goes("ann-0", schedule_id="same")]) == (["ann-1"] if starts == 2 else [])


@pytest.mark.parametrize(("parallel", "going", "starts"), [(1, 0, 1), (3, 0, 3), (3, 2, 1), (3, 3, 0), (16, 0, 5)])
@pytest.mark.parametrize("overlap", list(Overlap))
def test_so_many_of_a_backfill_go_beside_each_other_whatever_else_may(
    parallel: int, going: int, starts: int, overlap: Overlap
) -> None:
    same: dict[str, Any] = {"schedule_id": "same", "trigger": Trigger.BACKFILL, "parallel": parallel}
    waiting = [waits(f"ann-{number}", overlap=overlap, **same) for number in range(5)]
    assert len(admitted(waiting, [goes(f"ann-9{number}", **same) for number in range(going)])) == starts


def test_nothing_of_a_schedule_overtakes_one_of_it_that_waits() -> None:
    by_the_clock = waits("ann-1", schedule_id="same")
    past = waits("ann-2", schedule_id="same", trigger=Trigger.BACKFILL, parallel=2)
    going = goes("ann-0", schedule_id="same", trigger=Trigger.BACKFILL, parallel=2)
    assert admitted([by_the_clock, past, waits("ann-3")], [going]) == ["ann-3"]


NAMES = st.builds(
    "{}-{}{}".format, st.sampled_from(["ann", "bob", "cid"]), st.integers(0, 99), st.sampled_from(["", "+"])
)
LIMITS = st.builds(
    ConcurrencyLimits,
    total=st.integers(0, 6),
    per_owner=st.none() | st.integers(1, 4),
    per_launcher=st.dictionaries(st.sampled_from(["local", "ec2"]), st.integers(1, 4)),
)


@given(LIMITS, st.lists(NAMES, max_size=6, unique=True), st.lists(NAMES, max_size=12, unique=True))
def test_no_limit_is_passed_and_nobody_waits_who_could_go(
    limits: ConcurrencyLimits, working: list[str], names: list[str]
) -> None:
    """Whoever is at work already may be more than a limit that was lowered since."""
    names = [name for name in names if name not in working]
    starting = set(admitted([waits(name) for name in names], [goes(name) for name in working], limits))
    after = [*working, *starting]
    most_local = min(limits.total, limits.per_launcher.get("local", limits.total))
    kept = {**limits.per_launcher, "local": most_local}
    if limits.per_owner is not None:
        kept |= dict.fromkeys(("ann", "bob", "cid"), limits.per_owner)

    def counts(what: str, name: str) -> bool:
        run = waits(name)
        return what in {run.launcher, run.owner}

    def at_work(what: str, among: list[str]) -> int:
        return sum(counts(what, name) for name in among)

    for what, most in kept.items():
        assert at_work(what, after) <= max(most, at_work(what, working))
    for name in set(names) - starting:
        assert any(at_work(what, after) >= most for what, most in kept.items() if counts(what, name))
