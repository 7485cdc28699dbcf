"""In which order runs that are due start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_schedule.core.models import ConcurrencyLimits, Overlap, Run, RunStatus, Trigger
from jupyter_schedule.core.timing.run_queue import BlockedBy, Capacity, fair_order, queue_positions
from scheduler_service.decide import Start, decide_due
from tests.factories import NOON, make_run, make_schedule, make_spec


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


def test_where_one_goes_at_a_time_owners_take_turns_all_the_same() -> None:
    waiting = [due("ann-1", 1), due("ann-2", 2), due("ann-3", 3), due("bob-1", 4), due("bob-2", 5)]
    served: dict[str, int] = {}
    started = []
    while waiting:
        first = fair_order(waiting, owner, served=served)[0]
        waiting.remove(first)
        started.append(first.schedule)
        served[owner(first)] = len(started)
    assert started == ["ann-1", "bob-1", "ann-2", "bob-2", "ann-3"]


def test_500_at_once_start_in_the_order_in_which_they_came_and_never_more_than_there_is_room_for() -> None:
    waiting = [due(f"s{number}", number) for number in range(500)]
    came, started = list(waiting), []
    while waiting:
        line = fair_order(waiting, lambda _: "local")
        starting = [
            run
            for run, what in decide_due(line, [], lambda _: make_spec(), Capacity(ConcurrencyLimits(total=4)), NOON)
            if isinstance(what, Start)
        ]
        assert len(starting) == 4
        started += starting
        waiting = [run for run in waiting if run not in starting]
    assert started == came


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


def started(names: list[str], room: ConcurrencyLimits, working: list[str]) -> list[str]:
    capacity = Capacity(room, owner_of, launcher_of, [due(name, 0) for name in working])
    line = fair_order([due(name, number) for number, name in enumerate(names)], owner_of)
    decided = decide_due(line, [], lambda _: make_spec(), capacity, NOON)
    return [run.schedule for run, what in decided if isinstance(what, Start)]


@pytest.mark.parametrize(
    ("room", "working", "starting"),
    [
        (ConcurrencyLimits(total=3), [], ["ann-1", "bob-1", "ann-2"]),
        (ConcurrencyLimits(total=4, per_owner=1), [], ["ann-1", "bob-1"]),
        (ConcurrencyLimits(total=4, per_owner=2), ["ann-0"], ["ann-1", "bob-1"]),
        (ConcurrencyLimits(total=4, per_owner=2), ["ann-0", "ann-9"], ["bob-1"]),
        (ConcurrencyLimits(total=4, per_launcher={"ec2": 1}), [], ["ann-1", "bob-1", "ann-2", "ann-3+"]),
        (ConcurrencyLimits(total=4, per_launcher={"ec2": 1}), ["bob-0+"], ["ann-1", "bob-1", "ann-2"]),
        (ConcurrencyLimits(total=4, per_launcher={"local": 1}), [], ["ann-1", "ann-3+", "ann-4+"]),
    ],
)
def test_who_is_held_up_leaves_their_place_to_the_next_in_line(
    room: ConcurrencyLimits, working: list[str], starting: list[str]
) -> None:
    assert started(["ann-1", "ann-2", "ann-3+", "ann-4+", "bob-1"], room, working) == starting


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
        (Overlap.QUEUE_ONE, ["Waits for an earlier run of its schedule", 1, 2]),
        (Overlap.SKIP, ["Waits for an earlier run of its schedule", 1, 2]),
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
    held = "Waits for an earlier run of its schedule"
    assert list(told.values()) == [1, held, held, held, 2]


NAMES = st.builds(
    "{}-{}{}".format, st.sampled_from(["ann", "bob", "cid"]), st.integers(0, 99), st.sampled_from(["", "+"])
)
ROOMS = st.builds(
    ConcurrencyLimits,
    total=st.integers(0, 6),
    per_owner=st.none() | st.integers(1, 4),
    per_launcher=st.dictionaries(st.sampled_from(["local", "ec2"]), st.integers(1, 4)),
)


@given(ROOMS, st.lists(NAMES, max_size=6, unique=True), st.lists(NAMES, max_size=12, unique=True))
def test_no_limit_is_passed_and_nobody_waits_who_could_go(
    room: ConcurrencyLimits, working: list[str], names: list[str]
) -> None:
    """Whoever is at work already may be more than a limit that was lowered since."""
    going = [due(name, 0) for name in working]
    starting = set(started(names, room, working))
    after = going + [due(name, 0) for name in names if name in starting]
    kept = {"total": room.total, **room.per_launcher}

    def at_work(what: str, among: list[Run]) -> int:
        return sum(what in {"total", launcher_of(run), owner_of(run)} for run in among)

    if room.per_owner is not None:
        kept |= dict.fromkeys(("ann", "bob", "cid"), room.per_owner)
    for what, most in kept.items():
        assert at_work(what, after) <= max(most, at_work(what, going))
    for name in set(names) - starting:
        run = due(name, 0)
        assert any(
            at_work(what, after) >= most
            for what, most in kept.items()
            if what in {"total", launcher_of(run), owner_of(run)}
        )
