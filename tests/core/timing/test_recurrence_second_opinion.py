"""Occurrences against other people's cron, wherever theirs means the same.

Left out of the comparison with cronsim: `a/n` for minutes or hours around clock changes, which it takes for a fixed
time; and changes of half an hour, which its strides of an hour step over.
Left out of the comparison with croniter: ranges of one number (`5-5`), which it reads as `*`; a day field that begins
with `*` and is more than that (`*/2`), beside another, which it joins by "or"; and one that names every day beside one
that doesn't (`2 * 0-6`), of which it reads some as `*` and others not.
"""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Timing
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.cron import parse
from jupyter_schedule.core.timing.timezones import find_zone


def elements(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).filter(lambda pair: pair[0] != pair[1]).map(sorted)
    step = st.integers(1, high - low + 1)
    return st.one_of(
        number.map(str),
        span.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.tuples(span, step).map(lambda both: f"{both[0][0]}-{both[0][1]}/{both[1]}"),
        step.map(lambda n: f"*/{n}"),
    )


def field(low: int, high: int, *more: str) -> st.SearchStrategy[str]:
    element = st.one_of(elements(low, high), *map(st.just, more))
    return st.one_of(st.just("*"), st.lists(element, min_size=1, max_size=3).map(",".join))


def can_match(cron: str) -> bool:
    """False of one such as 31 February, which is refused."""
    try:
        parse(cron)
    except Refused:
        return False
    return True


EXPRESSIONS = (
    st.tuples(
        field(0, 59),
        field(0, 23),
        field(1, 28, "29", "31", "L"),
        field(1, 12, "JAN", "JUN-AUG"),
        field(0, 6, "7", "5-7", "MON-FRI", "SUN"),
    )
    .map(" ".join)
    .filter(can_match)
)
MOMENTS = st.datetimes(datetime.fromisoformat("1996-01-01"), datetime.fromisoformat("2050-01-01"))


def ours(cron: str, moment: datetime, count: int) -> list[datetime]:
    """The next `count` occurrences in UTC, as naive datetimes."""
    found = recurrence.after(Timing(cron=cron), moment.replace(tzinfo=UTC))
    return [occurrence.nominal for occurrence in islice(found, count)]


def day_fields(cron: str) -> tuple[str, str]:
    _, _, day, _, weekday = cron.split()
    return day, weekday


@given(EXPRESSIONS, MOMENTS)
def test_the_calendar_is_cronsims(cron: str, moment: datetime) -> None:
    assume(len(cron) <= 100)
    assert ours(cron, moment, 8) == list(islice(CronSim(cron, moment), 8))


@given(EXPRESSIONS, MOMENTS)
def test_the_calendar_is_croniters(cron: str, moment: datetime) -> None:
    day, weekday = day_fields(cron)
    whole = len(parse(cron).weekdays) == 7 or len(parse(cron).days) == 31
    assume("*" in (day, weekday) or (not whole and "*" not in day[0] + weekday[0]))
    assume(len(cron) <= 100)
    theirs = croniter(cron, moment.replace(microsecond=0))
    assert ours(cron, moment, 8) == [theirs.get_next(datetime) for _ in range(8)]


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "America/Santiago", "Pacific/Chatham", "Antarctica/Troll", "Africa/Casablanca"]
)
@pytest.mark.parametrize(
    "cron",
    [
        "30 2 * * *",
        "0 0 * * *",
        "15,45 0-3 * * *",
        "0 1,2,3 * * *",
        "*/20 0-3 * * *",
        "7 * * * *",
        "0 */2 * * *",
        "30 1 L * *",
        "0 2 * * SUN",
    ],
)
def test_the_years_clock_changes_are_cronsims(cron: str, zone: str) -> None:
    """Times of cronsim's that fall on one instant are one to us."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = start + timedelta(days=366)
    theirs: list[datetime] = []
    for local in CronSim(cron, start.astimezone(find_zone(zone))):
        if local.astimezone(UTC) > end:
            break
        theirs.append(local.astimezone(UTC))
    found = [one.instant for one in recurrence.between(Timing(cron=cron, timezone=zone), start, end)]
    assert found == sorted(set(theirs))
