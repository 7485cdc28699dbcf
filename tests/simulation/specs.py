"""What people schedule in a simulated world, and what their code does."""

import random
from datetime import datetime, timedelta

from jupyter_schedule.core.models import CatchUp, Overlap, Policies, Spec, Timing, Visibility
from tests.factories import make_spec
from tests.simulation.worker import Command

TIMINGS = (
    Timing(cron="*/20 * * * *"),
    Timing(cron="7,37 * * * *", timezone="America/New_York"),
    Timing(cron="0 * * * *", timezone="Europe/Berlin"),
    Timing(cron="30 2 * * *", timezone="Europe/Berlin"),
    Timing(cron="*/45 0-23/2 * * *", timezone="America/Santiago"),
)
OWNERS = ("ann", "bob", "cid")


def a_spec(chance: random.Random, launcher: str, now: datetime) -> Spec:
    """Any of the specs that a person could record now."""
    timing = chance.choice(TIMINGS)
    if chance.random() < 0.07:
        timing = Timing(once=now + timedelta(minutes=chance.randint(1, 200)), timezone="Europe/Berlin")
    return make_spec(
        timing=timing,
        timeout=30,
        overlap=chance.choice(tuple(Overlap)),
        catch_up=chance.choice((CatchUp.LATEST, CatchUp.LATEST, CatchUp.ALL, CatchUp.NONE)),
        visibility=chance.choice((Visibility.PRIVATE, Visibility.NONE)),
        parameters={"x": chance.randrange(1000)},
        publication_base="file:///published",
        launcher=launcher,
        size=chance.choice((None, "cheap")) if launcher == "ec2" else None,
        policies=_policies(chance, now),
    )


def _policies(chance: random.Random, now: datetime) -> Policies:
    def sometimes(*values: int, share: float = 0.3) -> int | None:
        return chance.choice(values) if chance.random() < share else None

    start, length = sometimes(0, 40, 100, share=0.15), sometimes(60, 200, share=0.1)
    begin = None if start is None else now + timedelta(minutes=start)
    return Policies(
        start=begin,
        end=None if length is None else (begin or now) + timedelta(minutes=length),
        max_runs=sometimes(1, 3, 8, share=0.15),
        retries=sometimes(1, 2, 3) or 0,
        retry_wait=chance.choice((0, 1, 5)),
        start_deadline=sometimes(1, 5, 30),
        pause_after=sometimes(1, 2, 3),
    )


def command_of(seed: int, schedule: str, run_id: str, attempt: int) -> Command:
    """What the run's code does in that attempt: it takes as long each time, and fails more often in some schedules."""
    of_run = random.Random(f"{seed} {run_id}")
    of_attempt = random.Random(f"{seed} {run_id} {attempt}")
    fragile = random.Random(f"{seed} {schedule}").random() < 0.3
    seconds = of_run.choice((20, 60, 300, 900, 1500, 2400))
    return Command(schedule, seconds, int(of_attempt.random() < (0.6 if fragile else 0.05)))
