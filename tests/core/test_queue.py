"""In which order runs that are due start."""

from jupyter_schedule.core.models import Run, Trigger
from jupyter_schedule.core.queue import in_line
from scheduler_service.decide import Start, decide_due
from tests.factories import NOON, make_run, make_schedule, make_spec


def due(name: str, queued: int, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    return make_run(make_schedule(name), queued=queued, trigger=trigger)


def test_owners_take_turns_each_in_the_order_in_which_theirs_came_and_backfills_go_last() -> None:
    runs = [
        due("bob-past", 0, Trigger.BACKFILL),
        due("ann-1", 1),
        due("ann-2", 2),
        due("ann-3", 3),
        due("bob-1", 4),
        due("bob-2", 5, Trigger.MANUAL),
    ]
    line = in_line(reversed(runs), lambda run: run.schedule.partition("-")[0])
    assert [run.schedule for run in line] == ["ann-1", "bob-1", "ann-2", "bob-2", "ann-3", "bob-past"]


def test_500_at_once_start_in_the_order_in_which_they_came_and_never_more_than_there_is_room_for() -> None:
    waiting = [due(f"s{number}", number) for number in range(500)]
    came, started = list(waiting), []
    while waiting:
        line = in_line(waiting, lambda _: "local")
        starting = [
            run for run, what in decide_due(line, [], lambda _: make_spec(), 4, NOON) if isinstance(what, Start)
        ]
        assert len(starting) == 4
        started += starting
        waiting = [run for run in waiting if run not in starting]
    assert started == came
