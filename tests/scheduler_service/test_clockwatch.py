"""When a clock is believed."""

from datetime import datetime, timedelta

import pytest

from scheduler_service.clockwatch import Trust, judge
from tests.factories import NOON

#: believed at noon, when the machine had been up for 1000 s
BELIEVED = judge(Trust(), NOON, 1000, lambda: NOON)
HOUR = 3600


def look(trust: Trust, *, wall: float, since_boot: float, second: float | None) -> Trust:
    """What is thought so many seconds after noon by each of the clocks."""
    other = None if second is None else NOON + timedelta(seconds=second)
    return judge(trust, NOON + timedelta(seconds=wall), 1000 + since_boot, lambda: other)


@pytest.mark.parametrize(
    ("what", "wall", "since_boot", "second", "halted"),
    [
        ("nothing happened", 10, 10, 10, False),
        ("the machine slept for an hour", HOUR, HOUR, HOUR, False),
        ("the clock jumped an hour ahead", HOUR, 1, 1, True),
        ("the clock jumped a minute ahead", 60, 0, 0, False),
        ("the clock jumped more than a minute ahead", 61, 0, 0, True),
        ("the clock was an hour slow and was set right", HOUR, 1, HOUR, False),
        ("the clock was set back", -HOUR, 1, 1, False),
        ("the clock jumped and there is no other to compare", HOUR, 1, None, False),
    ],
)
def test_a_clock_is_doubted_only_when_it_jumped_ahead_and_another_contradicts(
    what: str, wall: float, since_boot: float, second: float | None, halted: bool
) -> None:
    assert look(BELIEVED, wall=wall, since_boot=since_boot, second=second).halted is halted, what


def test_a_doubted_clock_is_believed_again_when_the_two_agree() -> None:
    doubted = look(BELIEVED, wall=HOUR, since_boot=1, second=1)
    assert doubted.ahead == HOUR - 1
    assert look(doubted, wall=HOUR + 9, since_boot=10, second=10).halted
    assert not look(doubted, wall=10, since_boot=10, second=10).halted
    assert not look(doubted, wall=HOUR + 9, since_boot=10, second=HOUR).halted


def test_a_doubted_clock_stays_doubted_while_the_other_does_not_answer() -> None:
    doubted = look(BELIEVED, wall=HOUR, since_boot=1, second=1)
    assert look(doubted, wall=HOUR + 9, since_boot=10, second=None).halted


def test_at_the_start_a_clock_that_is_ahead_of_another_is_doubted() -> None:
    assert judge(Trust(), NOON + timedelta(hours=1), 5, lambda: NOON).halted


def test_a_steady_clock_asks_nobody() -> None:
    def second() -> datetime:
        raise AssertionError

    assert not judge(BELIEVED, NOON, 1000, second).halted
