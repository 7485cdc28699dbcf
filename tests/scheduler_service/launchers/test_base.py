"""A launcher that the service hasn't any more."""

from datetime import timedelta

import pytest

from jupyter_schedule.core.models import Outcome, RunStatus
from scheduler_service.decide import End, Gate, Observation, Wait, decide_attempt
from scheduler_service.launchers.base import Launchers, LaunchRefused, MissingLauncher, WorkerState
from tests.factories import NOON, make_attempt, make_run, make_schedule, make_spec


def test_a_name_that_nobody_answers_to_is_answered_for_and_not_kept() -> None:
    launchers = Launchers()
    assert isinstance(launchers["ec2"], MissingLauncher)
    assert launchers == {}


def test_it_starts_nothing_and_says_so() -> None:
    run, absent = make_run(make_schedule()), MissingLauncher("ec2")
    with pytest.raises(LaunchRefused, match="no launcher called ec2"):
        absent.plan(run, make_spec(), number=1, token="t", deadline=NOON)
    with pytest.raises(LaunchRefused, match="no launcher called ec2"):
        absent.launch(make_attempt(run))


def test_a_worker_that_it_may_have_is_waited_for_until_its_time_is_over_and_never_doubled() -> None:
    run = make_run(make_schedule(), status=RunStatus.RUNNING, attempt=1)
    attempt = make_attempt(run)
    seen = Observation(
        run, attempt, MissingLauncher("ec2").poll(attempt), gate=Gate.STARTED, silent_for=1000, watched_for=10_000
    )
    assert seen.worker is WorkerState.UNREACHABLE
    assert decide_attempt(seen, NOON + timedelta(minutes=59)) == Wait()
    end = decide_attempt(seen, NOON + timedelta(minutes=60))
    assert isinstance(end, End)
    assert end.outcome is Outcome.TIMED_OUT
