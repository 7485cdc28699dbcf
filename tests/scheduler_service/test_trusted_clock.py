"""When a clock is believed, and what time it is when it isn't."""

from datetime import datetime, timedelta

import pytest

from scheduler_service.trusted_clock import BootTime, ClockState, TrustedClock, assess
from tests.factories import NOON

#: believed at noon, when the machine had been up for 1000 s
BELIEVED = ClockState(NOON.timestamp() - 1000)
HOUR = 3600


def noon_at(since_boot: float) -> BootTime:
    """What another clock says of the start of a machine that was up for so many seconds at noon."""
    started = NOON.timestamp() - since_boot
    return BootTime(started, started)


def look(trust: ClockState, *, wall: float, since_boot: float, second: float | None) -> ClockState:
    """What is thought so many seconds after noon by each of the clocks."""
    other = None if second is None else noon_at(1000 + since_boot - second)
    return assess(trust, NOON + timedelta(seconds=wall), 1000 + since_boot, lambda: other)


@pytest.mark.promise("P15")
@pytest.mark.parametrize(
    ("what", "wall", "since_boot", "second", "halted"),
    [
        ("nothing happened", 10, 10, 10, False),
        ("the machine slept for an hour", HOUR, HOUR, HOUR, False),
        ("the clock jumped an hour ahead", HOUR, 1, 1, True),
        ("the clock jumped a minute ahead", 60, 0, 0, False),
        ("the clock jumped more than a minute ahead", 61, 0, 0, True),
        ("the clock was an hour slow and was set right", HOUR, 1, HOUR, False),
        ("the clock was set back", -HOUR, 1, 1, True),
        ("the clock was set back a minute", -60, 0, 0, False),
        ("the clock was set back and there is no other to compare", -HOUR, 1, None, False),
        ("the clock was an hour ahead and was set right", -HOUR, 1, -HOUR, False),
        ("the clock jumped and there is no other to compare", HOUR, 1, None, False),
    ],
)
def test_a_clock_is_doubted_only_when_it_jumped_and_another_contradicts(
    what: str, wall: float, since_boot: float, second: float | None, halted: bool
) -> None:
    assert look(BELIEVED, wall=wall, since_boot=since_boot, second=second).stopped is halted, what


def test_a_doubted_clock_is_believed_again_when_the_two_agree() -> None:
    doubted = look(BELIEVED, wall=HOUR, since_boot=1, second=1)
    assert doubted.ahead == HOUR - 1
    assert look(doubted, wall=HOUR + 9, since_boot=10, second=10).stopped
    assert not look(doubted, wall=10, since_boot=10, second=10).stopped
    assert not look(doubted, wall=HOUR + 9, since_boot=10, second=HOUR).stopped


def test_a_doubted_clock_stays_doubted_while_the_other_does_not_answer() -> None:
    doubted = look(BELIEVED, wall=HOUR, since_boot=1, second=1)
    assert look(doubted, wall=HOUR + 9, since_boot=10, second=None).stopped


@pytest.mark.parametrize("hours", [1, -1])
def test_at_the_start_a_clock_that_is_ahead_of_another_or_behind_it_is_doubted(hours: int) -> None:
    assert assess(ClockState(), NOON + timedelta(hours=hours), 5, lambda: noon_at(5)).stopped


def test_a_clock_doubted_from_the_start_is_believed_when_it_says_what_the_other_said() -> None:
    doubted = assess(ClockState(), NOON + timedelta(hours=1), 5, lambda: noon_at(5))
    assert not assess(doubted, NOON + timedelta(seconds=9), 14, lambda: None).stopped


def test_a_steady_clock_asks_nobody() -> None:
    def second() -> BootTime:
        raise AssertionError

    assert not assess(BELIEVED, NOON, 1000, second).stopped


class Clocks:
    """Three clocks in hand, in seconds after noon, and the one that a service goes by."""

    def __init__(self, wall: float = 0, second: float | None = 0.0) -> None:
        self.wall, self.second = wall, second
        self.since_boot = 1000.0
        self.trouble: OSError | None = None
        #: seconds for which the next question is under way, and the answer
        self.stopped = (0.0, 0.0)
        self.clock = TrustedClock(lambda: NOON + timedelta(seconds=self.wall), lambda: self.since_boot, self._other)

    def _other(self) -> datetime | None:
        if self.trouble is not None:
            raise self.trouble
        question, answer = self.stopped
        self.stopped = (0.0, 0.0)
        self.pass_by(question)
        said = None if self.second is None else NOON + timedelta(seconds=self.second)
        self.pass_by(answer)
        return said

    def look(self) -> bool:
        """Judge; whether the clock is doubted."""
        self.clock.assess()
        return self.clock.stopped

    def pass_by(self, seconds: float) -> None:
        """Let time pass for all of them."""
        self.wall += seconds
        self.since_boot += seconds
        if self.second is not None:
            self.second += seconds

    @property
    def now(self) -> float:
        """What the service goes by."""
        return (self.clock.now() - NOON).total_seconds()


def test_before_the_first_look_it_is_what_the_clock_says() -> None:
    assert Clocks(wall=HOUR).now == HOUR


def test_a_clock_that_is_believed_is_followed_also_back() -> None:
    clocks = Clocks()
    clocks.look()
    clocks.pass_by(10)
    clocks.wall += 60
    assert clocks.now == 70
    clocks.wall = -HOUR
    assert clocks.now == 10, "nobody has assessed it so far"
    clocks.second = None
    clocks.look()
    assert clocks.now == -HOUR


def test_what_a_witness_said_once_contradicts_a_clock_from_then_on() -> None:
    clocks = Clocks(second=None)
    clocks.clock.observe(NOON)
    assert not clocks.look()
    clocks.pass_by(4 * HOUR)
    clocks.wall += HOUR
    assert clocks.look()
    assert clocks.now == 4 * HOUR
    clocks.clock.observe(None)
    assert clocks.look()


def test_by_a_doubted_clock_as_much_time_passes_as_since_it_was_believed() -> None:
    clocks = Clocks()
    clocks.look()
    clocks.wall = 3 * HOUR
    assert clocks.look()
    clocks.pass_by(100)
    assert clocks.now == 100
    assert clocks.look()
    assert clocks.now == 100


def test_a_clock_wrong_from_the_start_goes_by_the_other() -> None:
    clocks = Clocks(wall=3 * HOUR)
    assert clocks.look()
    clocks.pass_by(100)
    assert clocks.now == 100


def test_nobody_sees_a_jump_ahead_before_a_look_has_found_it_right() -> None:
    clocks = Clocks()
    clocks.look()
    clocks.wall = clocks.second = HOUR
    assert clocks.now == 0
    assert not clocks.look()
    assert clocks.now == HOUR


def test_a_clock_that_is_set_right_is_the_time_again_at_once() -> None:
    clocks = Clocks()
    clocks.look()
    clocks.wall = 3 * HOUR
    clocks.look()
    clocks.wall = 30
    assert clocks.now == 30
    assert not clocks.look()


def test_a_second_clock_that_fails_leaves_everything_as_it_was() -> None:
    clocks = Clocks()
    clocks.look()
    clocks.wall = HOUR
    clocks.trouble = OSError("away")
    with pytest.raises(OSError, match="away"):
        clocks.look()
    assert not clocks.clock.stopped
    assert clocks.now == 0


def test_an_answer_that_was_long_under_way_contradicts_no_right_clock() -> None:
    """A process that is stopped between its question and the answer, or between the answer and its arrival."""
    for before, after in ((200, 0), (0, 200), (100, 100)):
        clocks = Clocks()
        clocks.stopped = before, after
        assert not clocks.look(), (before, after)
        assert clocks.now == 200, (before, after)


def test_an_answer_that_was_long_under_way_still_contradicts_a_clock_that_is_an_hour_off() -> None:
    for wrong in (HOUR, -HOUR):
        clocks = Clocks(wall=wrong)
        clocks.stopped = 100, 100
        assert clocks.look()
        assert abs(clocks.now - 200) <= 100
