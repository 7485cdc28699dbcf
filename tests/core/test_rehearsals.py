"""Which schedules wait for a rehearsal."""

import pytest

from jupyter_schedule.core.models import LauncherCatalog, LauncherInfo, ScheduleState
from jupyter_schedule.core.rehearsals import must_wait
from tests.factories import make_spec

TEAM = LauncherCatalog(launchers=(LauncherInfo(name="local"), LauncherInfo(name="ec2", paid=True)))
ACTIVE, PAUSED, REHEARSING = ScheduleState.ACTIVE, ScheduleState.PAUSED, ScheduleState.REHEARSING


@pytest.mark.parametrize(
    ("before", "after", "state", "asked", "waits"),
    [
        # a new one
        (None, "local", ACTIVE, None, False),
        (None, "local", ACTIVE, True, True),
        (None, "ec2", ACTIVE, None, True),
        (None, "ec2", ACTIVE, False, False),
        # one that is changed
        ("local", "local", ACTIVE, None, False),
        ("ec2", "ec2", ACTIVE, None, False),
        ("local", "ec2", ACTIVE, None, True),
        ("local", "ec2", ACTIVE, False, False),
        ("local", "ec2", ScheduleState.ENDED, None, True),
        ("ec2", "local", ACTIVE, None, False),
        ("local", "local", ACTIVE, True, True),
        # one that waits
        ("ec2", "ec2", REHEARSING, None, True),
        ("ec2", "ec2", REHEARSING, False, False),
        ("ec2", "local", REHEARSING, None, False),
        ("local", "local", REHEARSING, None, True),
        # one that rests
        ("local", "ec2", PAUSED, None, False),
        ("local", "local", PAUSED, True, False),
    ],
)
def test_what_costs_money_succeeds_once_before_it_runs_by_itself(
    before: str | None, after: str, state: ScheduleState, asked: bool | None, waits: bool
) -> None:
    old = make_spec(launcher=before) if before else None
    assert must_wait(old, make_spec(launcher=after), state, TEAM, asked) == waits
