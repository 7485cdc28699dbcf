"""Policies, a backfill and the line, with a real service and real runs."""

from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Outcome, Policies, RunStatus, utc_text
from tests.engine import Engine, eventually

DAY = timedelta(days=1)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def test_code_that_fails_at_first_is_tried_again_as_a_further_attempt_of_the_same_run(engine: Engine) -> None:
    flag = engine.root / "was-here"
    engine.script("flaky", f"test -e {flag} || {{ touch {flag}; exit 3; }}", policies=Policies(retries=1, retry_wait=0))
    with engine.service():
        run = engine.ended(engine.run("flaky"))
    assert (run.status, run.attempt) == (RunStatus.SUCCEEDED, 2)
    first, _ = engine.operations.runs.list_attempts(run)
    assert (first.outcome, "3" in (first.detail or "")) == (Outcome.FINISHED, True)


def test_after_the_last_attempt_it_has_failed(engine: Engine) -> None:
    engine.script("broken", "exit 3", policies=Policies(retries=1, retry_wait=0))
    with engine.service():
        run = engine.ended(engine.run("broken"))
    assert (run.status, run.attempt) == (RunStatus.FAILED, 2)


@pytest.mark.parametrize("length", [24, pytest.param(60, marks=pytest.mark.proof("faults"))])
def test_a_backfill_that_is_killed_half_way_runs_every_day_once(engine: Engine, length: int) -> None:
    """The service is killed by -9 with half of the days done and some going; the next one does the rest."""
    days = engine.root / "days"
    engine.script("past", f'echo "$SCHEDULED_FOR" >> {days}')
    now = clock.now()
    plan = engine.operations.backfill.start("past", now - length * DAY, now, parallel=3)
    assert len(plan.runs) == length

    def done() -> list[str]:
        return days.read_text().splitlines() if days.exists() else []

    with engine.service_process():
        eventually(lambda: len(done()) >= length // 2, what="half of the days")
    assert len(done()) < length
    with engine.service():
        ended = [engine.ended(run) for run in plan.runs]
    assert {run.status for run in ended} == {RunStatus.SUCCEEDED}
    assert sorted(done()) == [utc_text(run.scheduled_for) for run in plan.runs]
