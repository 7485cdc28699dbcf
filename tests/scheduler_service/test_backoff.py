"""What a ticker remembers, by a clock that counts time awake."""

import pytest

from scheduler_service.backoff import (
    LONGEST_BACK_OFF,
    LONGEST_LOOK,
    Backoff,
    BackoffKey,
    HeartbeatTracker,
    RetriedTask,
    effect_key,
    observe_key,
)


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
def backoff(awake: Awake) -> Backoff:
    return Backoff(awake, lambda: 0)


@pytest.fixture
def heartbeats(awake: Awake) -> HeartbeatTracker:
    return HeartbeatTracker(awake)


def test_what_never_failed_may_be_tried(backoff: Backoff) -> None:
    assert backoff.is_ready(effect_key("run"))
    assert backoff.failing_for(effect_key("run")) == 0


def test_every_failure_doubles_the_pause_up_to_a_minute(backoff: Backoff, awake: Awake) -> None:
    for pause in (1, 2, 4, 8, 16, 32, LONGEST_BACK_OFF, LONGEST_BACK_OFF):
        backoff.failed(effect_key("run"))
        awake.time += pause - 0.5
        assert not backoff.is_ready(effect_key("run"))
        awake.time += 0.5
        assert backoff.is_ready(effect_key("run"))
    assert backoff.is_ready(effect_key("another"))


def test_those_that_failed_together_are_not_tried_together(awake: Awake) -> None:
    soon, late = Backoff(awake, lambda: 1), Backoff(awake, lambda: 0)
    for backoff in (soon, late):
        backoff.failed(effect_key("run"))
    awake.time += 0.75
    assert (soon.is_ready(effect_key("run")), late.is_ready(effect_key("run"))) == (True, False)


def test_failing_counts_from_the_first_failure_since_a_success(backoff: Backoff, awake: Awake) -> None:
    backoff.failed(effect_key("run"))
    awake.time += 10
    backoff.failed(effect_key("run"))
    assert backoff.failing_for(effect_key("run")) == 10
    backoff.succeeded(effect_key("run"))
    assert backoff.failing_for(effect_key("run")) == 0


def test_watching_counts_from_the_first_look_at_each_attempt(heartbeats: HeartbeatTracker, awake: Awake) -> None:
    assert heartbeats.watched_for("run", 1) == 0
    awake.time += 60
    assert heartbeats.watched_for("run", 1) == 60
    assert heartbeats.watched_for("run", 2) == 0


def test_silence_counts_from_the_last_heartbeat_that_was_new(heartbeats: HeartbeatTracker, awake: Awake) -> None:
    assert heartbeats.silent_for("run", 1, None) == 0
    awake.time += 5
    assert heartbeats.silent_for("run", 1, None) == 5
    assert heartbeats.silent_for("run", 1, b"beat 1") == 0
    awake.time += 7
    assert heartbeats.silent_for("run", 1, b"beat 1") == 7
    assert heartbeats.silent_for("run", 1, b"beat 2") == 0


def test_while_nobody_could_look_nobody_was_silent(heartbeats: HeartbeatTracker, awake: Awake) -> None:
    heartbeats.silent_for("run", 1, b"beat")
    awake.time += 900
    assert heartbeats.silent_for("run", 1, b"beat") == LONGEST_LOOK
    awake.time += 10
    assert heartbeats.silent_for("run", 1, b"beat") == LONGEST_LOOK + 10


def test_the_last_failure_is_known_until_a_success(backoff: Backoff) -> None:
    backoff.failed(effect_key("run"), OSError("disk full"))
    assert backoff.failure(effect_key("run")) == "disk full"
    backoff.succeeded(effect_key("run"))
    assert backoff.failure(effect_key("run")) is None


def test_runs_that_are_no_longer_open_are_forgotten(
    backoff: Backoff, heartbeats: HeartbeatTracker, awake: Awake
) -> None:
    heartbeats.watched_for("ended", 1)
    heartbeats.watched_for("open", 1)
    schedule = BackoffKey(RetriedTask.PLAN, "ended")
    for key in (effect_key("ended"), observe_key("ended"), effect_key("open"), schedule):
        backoff.failed(key)
    awake.time += 100
    heartbeats.keep_only(["open"])
    backoff.keep_only(["open"])
    assert heartbeats.watched_for("open", 1) == 100
    assert heartbeats.watched_for("ended", 1) == 0
    assert (backoff.failing_for(effect_key("ended")), backoff.failing_for(observe_key("ended"))) == (0, 0)
    assert (backoff.failing_for(effect_key("open")), backoff.failing_for(schedule)) == (100, 100)


def test_what_fails_for_one_task_is_ready_for_another(backoff: Backoff) -> None:
    backoff.failed(observe_key("run"))
    assert not backoff.is_ready(observe_key("run"))
    assert backoff.is_ready(effect_key("run"))


def test_a_pause_goes_on_after_a_success(backoff: Backoff, awake: Awake) -> None:
    backoff.pause(effect_key("run"), 5)
    backoff.succeeded(effect_key("run"))
    assert not backoff.is_ready(effect_key("run"))
    awake.time += 5
    assert backoff.is_ready(effect_key("run"))


def test_what_waits_in_a_queue_is_watched_from_its_start_on(heartbeats: HeartbeatTracker, awake: Awake) -> None:
    heartbeats.watched_for("run", 1)
    heartbeats.silent_for("run", 1, None)
    awake.time += 10
    assert heartbeats.silent_for("run", 1, None) == 10
    assert heartbeats.restart("run", 1) == 0
    awake.time += 10
    assert heartbeats.silent_for("run", 1, None) == 0
    assert heartbeats.watched_for("run", 1) == 0
