"""The places in the queue that people are shown."""

import pytest

from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, Run, RunStatus, Trigger
from jupyter_schedule.core.timing.run_queue import BlockedBy, Capacity, fair_order, queue_positions
from tests.factories import make_run, make_schedule


def due(name: str, queued: int, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    return make_run(make_schedule(name), queued=queued, trigger=trigger)


def owner(run: Run) -> str:
    return run.schedule.partition("-")[0]


def test_owners_take_turns_each_in_the_order_in_which_theirs_came_and_backfills_go_last() -> None:
    runs = [
        due("bob-past", 0, Trigger.BACKFILL),
        due("ann-1", 1),
        due("ann-2", 2),
        due("ann-3", 3),
        due("bob-1", 4),
        due("bob-2", 5, Trigger.MANUAL),
    ]
    line = fair_order(reversed(runs), owner)
    assert [run.schedule for run in line] == ["ann-1", "bob-1", "ann-2", "bob-2", "ann-3", "bob-past"]


def test_who_has_more_at_work_waits_for_who_has_fewer() -> None:
    waiting = [due("ann-3", 3), due("ann-4", 4), due("bob-1", 5), due("bob-2", 6)]
    line = fair_order(waiting, owner, working=[due("ann-1", 1), due("ann-2", 2)])
    assert [run.schedule for run in line] == ["bob-1", "bob-2", "ann-3", "ann-4"]


def owner_of(run: Run) -> str:
    return run.schedule.partition("-")[0]


def launcher_of(run: Run) -> str:
    return "ec2" if run.schedule.endswith("+") else "local"


@pytest.mark.parametrize(
    ("room", "working", "ann", "ann_ec2", "bob"),
    [
        (ConcurrencyLimits(total=4), [], None, None, None),
        (ConcurrencyLimits(total=1), ["bob-0"], BlockedBy.SERVICE, BlockedBy.SERVICE, BlockedBy.SERVICE),
        (ConcurrencyLimits(total=0), [], BlockedBy.SERVICE, BlockedBy.SERVICE, BlockedBy.SERVICE),
        (ConcurrencyLimits(per_owner=1), ["ann-0"], BlockedBy.OWNER, BlockedBy.OWNER, None),
        (ConcurrencyLimits(per_owner=2), ["ann-0"], None, None, None),
        (ConcurrencyLimits(per_owner=1), ["ann-0", "bob-0"], BlockedBy.OWNER, BlockedBy.OWNER, BlockedBy.OWNER),
        (ConcurrencyLimits(per_launcher={"ec2": 1}), ["bob-0+"], None, BlockedBy.LAUNCHER, None),
        (ConcurrencyLimits(per_launcher={"local": 1}), ["bob-0+"], None, None, None),
        (ConcurrencyLimits(per_launcher={"local": 1}), ["bob-0"], BlockedBy.LAUNCHER, None, BlockedBy.LAUNCHER),
        (ConcurrencyLimits(total=1, per_owner=1), ["ann-0"], BlockedBy.OWNER, BlockedBy.OWNER, BlockedBy.SERVICE),
        (
            ConcurrencyLimits(total=2, per_owner=1, per_launcher={"ec2": 1}),
            ["bob-0+"],
            None,
            BlockedBy.LAUNCHER,
            BlockedBy.OWNER,
        ),
    ],
)
def test_a_run_starts_when_no_limit_holds_it(
    room: ConcurrencyLimits, working: list[str], ann: BlockedBy | None, ann_ec2: BlockedBy | None, bob: BlockedBy | None
) -> None:
    capacity = Capacity(room, owner_of, launcher_of, [due(name, 0) for name in working])
    assert [capacity.blocked_by(due(name, 1)) for name in ("ann-1", "ann-1+", "bob-1")] == [ann, ann_ec2, bob]


def test_a_place_in_line_counts_those_who_can_start_before_and_who_is_held_up_hears_why() -> None:
    room = ConcurrencyLimits(total=1, per_owner=2, per_launcher={"ec2": 1})
    line = fair_order([due(name, n) for n, name in enumerate(["ann-1", "ann-2", "ann-3", "bob-1+", "bob-2"])], owner_of)
    told = queue_positions(
        line, Capacity(room, owner_of, launcher_of, [due("ann-0", 0), due("cid-0+", 0)]), lambda _: Overlap.ALLOW
    )
    assert {run.schedule: told[run.id] for run in line} == {
        "ann-1": 1,
        "bob-1+": "Waits: only one of the runs goes at once with the launcher ec2",
        "ann-2": "Waits: at most 2 of your runs go at once",
        "bob-2": 2,
        "ann-3": "Waits: at most 2 of your runs go at once",
    }


@pytest.mark.parametrize(
    ("overlap", "told"),
    [
        (Overlap.QUEUE_ONE, ["Waiting for the previous run", 1, 2]),
        (Overlap.SKIP, ["Waiting for the previous run", 1, 2]),
        (Overlap.ALLOW, [1, 2, 3]),
    ],
)
def test_who_waits_for_a_run_of_its_schedule_has_no_place_and_stands_in_nobodys_way(
    overlap: Overlap, told: list[int | str]
) -> None:
    line = [due("ann-1", 1), due("bob-1", 2), due("cid-1", 3)]
    going = make_run(make_schedule("ann-1"), "cron:1:before", status=RunStatus.PUBLISHING)
    places_of = queue_positions(line, Capacity(ConcurrencyLimits()), lambda _: overlap, [going])
    assert [places_of[run.id] for run in line] == told


def test_of_a_backfill_as_many_have_a_place_as_go_at_once() -> None:
    line = [
        make_run(make_schedule("past"), f"backfill:1:{day}", trigger=Trigger.BACKFILL, parallel=2) for day in range(4)
    ]
    going = make_run(make_schedule("past"), "backfill:1:9", trigger=Trigger.BACKFILL, status=RunStatus.RUNNING)
    told = queue_positions(
        [*line, due("later", 9)], Capacity(ConcurrencyLimits(), working=[going]), lambda _: Overlap.QUEUE_ONE, [going]
    )
    held = "Waiting for the previous run"
    assert list(told.values()) == [1, held, held, held, 2]
