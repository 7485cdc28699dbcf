"""What a ticker remembers, by a clock that counts time awake."""

import pytest

from scheduler_service.backoff import LONGEST_BACK_OFF, LONGEST_LOOK, Memory


class Awake:
    """Seconds awake, in hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def awake() -> Awake:
    return Awake()


@pytest.fixture
def memory(awake: Awake) -> Memory:
    return Memory(awake)


def test_what_never_failed_may_be_tried(memory: Memory) -> None:
    assert memory.may_try("run")
    assert memory.failing_for("run") == 0


def test_every_failure_doubles_the_pause_up_to_a_minute(memory: Memory, awake: Awake) -> None:
    for pause in (1, 2, 4, 8, 16, 32, LONGEST_BACK_OFF, LONGEST_BACK_OFF):
        memory.failed("run")
        awake.time += pause - 0.5
        assert not memory.may_try("run")
        awake.time += 0.5
        assert memory.may_try("run")
    assert memory.may_try("another")


def test_failing_counts_from_the_first_failure_since_a_success(memory: Memory, awake: Awake) -> None:
    memory.failed("run")
    awake.time += 10
    memory.failed("run")
    assert memory.failing_for("run") == 10
    memory.succeeded("run")
    assert memory.failing_for("run") == 0


def test_watching_counts_from_the_first_look_at_each_attempt(memory: Memory, awake: Awake) -> None:
    assert memory.watched_for("run", 1) == 0
    awake.time += 60
    assert memory.watched_for("run", 1) == 60
    assert memory.watched_for("run", 2) == 0


def test_silence_counts_from_the_last_heartbeat_that_was_new(memory: Memory, awake: Awake) -> None:
    assert memory.silent_for("run", 1, None) == 0
    awake.time += 5
    assert memory.silent_for("run", 1, None) == 5
    assert memory.silent_for("run", 1, b"beat 1") == 0
    awake.time += 7
    assert memory.silent_for("run", 1, b"beat 1") == 7
    assert memory.silent_for("run", 1, b"beat 2") == 0


def test_while_nobody_could_look_nobody_was_silent(memory: Memory, awake: Awake) -> None:
    memory.silent_for("run", 1, b"beat")
    awake.time += 900
    assert memory.silent_for("run", 1, b"beat") == LONGEST_LOOK
    awake.time += 10
    assert memory.silent_for("run", 1, b"beat") == LONGEST_LOOK + 10


def test_the_last_failure_is_known_until_a_success(memory: Memory) -> None:
    memory.failed("run", OSError("disk full"))
    assert memory.failure("run") == "disk full"
    memory.succeeded("run")
    assert memory.failure("run") is None


def test_runs_that_are_no_longer_open_are_forgotten(memory: Memory, awake: Awake) -> None:
    memory.watched_for("ended", 1)
    memory.watched_for("open", 1)
    memory.failed("ended")
    awake.time += 100
    memory.keep_only(["open"])
    assert memory.watched_for("open", 1) == 100
    assert memory.watched_for("ended", 1) == 0
    assert memory.failing_for("ended") == 0
