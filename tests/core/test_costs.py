"""What machines cost, to the last figure, and what a publication costs, in words that are the same before and after."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jupyter_schedule.core.costs import (
    HOURLY,
    ActualCost,
    actual_cost,
    coming_files_text,
    dollars,
    end_of_machine,
    estimate,
    month_start,
    price_of,
    publishing_text,
    runs_in_a_month,
    too_many_files_text,
)
from jupyter_schedule.core.models import Attempt, Policies, Reason, Result, Timing
from tests.factories import NOON, make_attempt, make_run, make_schedule, make_spec

MACHINE = {"instance": "i-1"}


def attempt(lived: float | None, hourly: str | None = "0.36", handle: dict[str, Any] | None = MACHINE) -> Attempt:
    """Whose machine lived so many seconds; None: it still does."""
    ended = None if lived is None else NOON + timedelta(seconds=lived)
    run = make_run(make_schedule())
    return make_attempt(run, created_at=NOON, ended_at=ended, handle=handle, parameters={HOURLY: hourly})


FREE = make_attempt(make_run(make_schedule()), handle={"pid": 1}, ended_at=NOON)


@pytest.mark.parametrize(
    ("attempts", "account"),
    [
        ([], ActualCost()),
        ([FREE], ActualCost()),
        # a cent for 100 seconds
        ([attempt(100)], ActualCost(machine_seconds=100, cost=Decimal("0.01"))),
        # a minute at least
        ([attempt(5)], ActualCost(machine_seconds=60, cost=Decimal("0.006"))),
        # all attempts of a run, the one that still lives up to now
        ([attempt(100), attempt(None)], ActualCost(machine_seconds=400, cost=Decimal("0.04"))),
        # no machine, no money
        ([attempt(100, handle=None), attempt(100, handle={"instance": None})], ActualCost()),
        # a price that nobody knew isn't nothing
        ([attempt(100), attempt(100, hourly=None)], ActualCost(machine_seconds=200, cost=None)),
    ],
)
def test_a_run_costs_what_its_machines_lived(attempts: list[Attempt], account: ActualCost) -> None:
    assert actual_cost(attempts, NOON + timedelta(seconds=300)) == account


WEEKEND = NOON + timedelta(hours=60)


@pytest.mark.promise("P39")
@pytest.mark.parametrize(
    ("worked", "told", "lived"),
    [
        # from when to when the worker says that it worked, by its own clock, and for how long; its last act
        ((10, 48, 38), None, 48),
        ((-1190, -1152, 38), None, 38),
        ((100_000, 100_038, 38), None, 3600),
        # what EC2 says, also where nobody else does
        (None, 300, 300),
        ((10, 48, 38), 50, 48),
        ((1210, 1248, 38), 50, 50),
        # what ends it whatever happens
        (None, None, 3600),
    ],
)
def test_a_machine_is_paid_for_until_its_own_end_however_late_we_see_it(
    worked: tuple[int, int, int] | None, told: int | None, lived: int
) -> None:
    """The service was away for a week-end."""
    left = None
    if worked is not None:
        begun, ended, seconds = worked
        left = Result(
            outcome="finished",
            reason=Reason.OK,
            sentence="Done.",
            started_at=NOON + timedelta(seconds=begun),
            ended_at=NOON + timedelta(seconds=ended),
            seconds=seconds,
        )
    at = None if told is None else NOON + timedelta(seconds=told)
    assert end_of_machine(attempt(None), WEEKEND, left, at) == NOON + timedelta(seconds=lived)
    assert actual_cost([attempt(None)], WEEKEND).machine_seconds == 3600


@pytest.mark.parametrize(
    ("seconds", "hourly", "price"),
    [
        (3600, "0.1008", "0.1008"),
        (1, "0.0000001", "0.000000"),
        # a third of a millionth: to the even neighbour, and no float in between
        (1, "0.0054", "0.000002"),
        (7, "1.006", "0.001956"),
    ],
)
def test_a_price_is_exact_to_a_millionth(seconds: int, hourly: str, price: str) -> None:
    assert price_of(seconds, Decimal(hourly)) == Decimal(price)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("0.01", "$0.01"),
        ("0.0049", "$0.005"),
        ("0.0000012", "$0.000001"),
        ("12.345", "$12.34"),
        ("1234.5", "$1,234.50"),
    ],
)
def test_an_amount_below_a_cent_keeps_a_figure(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ({}, 31),
        ({"timing": Timing(cron="0 * * * *")}, 730),
        ({"timing": Timing(cron="0 12 * * 1")}, 5),
        ({"timing": Timing(cron="0 12 1 * *")}, 1),
        ({"timing": Timing(cron="0 12 29 2 *")}, 0),
        ({"timing": Timing(once=NOON + timedelta(days=3))}, 1),
        # never more than are left
        ({"policies": Policies(end=NOON + timedelta(days=10))}, 10),
    ],
)
def test_a_month_has_so_many_runs(changes: dict[str, Any], runs: int) -> None:
    assert runs_in_a_month(make_spec(**changes), NOON) == runs


def test_a_new_schedule_is_told_the_most_that_it_can_cost() -> None:
    told = estimate(make_spec(timeout=100), Decimal("0.36"), [], NOON)
    assert (told.seconds, told.run, told.month, told.measured) == (7200, Decimal("0.72"), Decimal("22.32"), False)
    assert told.text == (
        "At most $0.72 a run, $22.32 a month for 31 runs, should each take its whole time-out of 1 h 40 min. "
        "That is machines, their disks and addresses: storage, requests and traffic come on top."
    )


def test_one_that_has_run_is_told_what_its_runs_usually_take() -> None:
    told = estimate(make_spec(), Decimal("0.36"), [100, 9000, 200], NOON)
    assert (told.seconds, told.run, told.measured) == (200, Decimal("0.02"), True)
    assert told.text == (
        "About $0.02 a run, $0.62 a month for 31 runs, as its last runs took 4 min of a machine. "
        "That is machines, their disks and addresses: storage, requests and traffic come on top."
    )


def test_months_are_those_of_utc() -> None:
    late = datetime.fromisoformat("2026-12-01T00:30:00+01:00")
    assert month_start(late).isoformat() == "2026-11-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (1, "publishing 1 file costs less than $0.01 for requests alone, each time"),
        (1000, "publishing 1,000 files costs about $0.02 for requests alone, each time"),
        (50_000, "publishing 50,000 files costs about $0.83 for requests alone, each time"),
    ],
)
def test_a_price_is_in_cents_at_least(files: int, words: str) -> None:
    assert publishing_text(files) == words


def test_what_may_not_be_published_is_said_before_as_it_is_after() -> None:
    assert coming_files_text("It has", 11, 10) == too_many_files_text("It has", 11, 10)
    assert coming_files_text("It has", 10, 10) == f"It has 10 files; {publishing_text(10)}."
