"""The cost of runs: their machines, before and after, and the requests that publish their files.  Pure.

Dollars of machines are decimals, never floats.

EC2 bills by the second, at least a minute: https://aws.amazon.com/ec2/pricing/on-demand/
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from jupyter_schedule.core.models import Attempt, Model, Result, Spec
from jupyter_schedule.core.text import duration_text
from jupyter_schedule.core.timing import planning, recurrence

#: the least that is billed of a machine, seconds
LEAST = 60
#: seconds after its time-out at which a machine ends at the latest
LAST_END = 20 * 60
#: in the parameters of an attempt whose machine costs money: dollars for an hour, as text; None if nobody knows
HOURLY = "hourly"
MICRO = Decimal("0.000001")
#: said beside every estimate
LEFT_OUT = "That is machines, their disks and addresses: storage, requests and traffic come on top."
_CENT = Decimal("0.01")
_YEAR = timedelta(days=365)
#: dollars of a request to S3 that writes, copies or lists, and of one that reads; Amazon's price in most regions, 2026
S3_WRITE = 0.005 / 1000
S3_READ = 0.0004 / 1000
#: of a file that is published: a worker's upload, and a copy to the run's own address and to the stable one
S3_WRITES = 3
#: looks at the file before and after
S3_READS = 4
#: files from which on what publishing them costs is worth a word
MANY_FILES = 1000


class ActualCost(Model):
    """The cost of a run's machines: both None where none was paid for, `cost` None where no price was known."""

    machine_seconds: int | None = None
    cost: Decimal | None = None


class Estimate(Model):
    """The expected cost of a schedule, in dollars."""

    run: Decimal
    month: Decimal
    #: in a month
    runs: int
    #: of a machine, for one run
    seconds: int
    #: whether that is what its last runs took; otherwise the most that one can take
    measured: bool
    #: all of that, for people
    text: str


def end_of_machine(
    attempt: Attempt, now: datetime, result: Result | None = None, told: datetime | None = None
) -> datetime:
    """The end of an attempt's machine, however much later it is asked: the earliest of all that tell of it.

    result: what its worker left as its last act.  told: when the outside says that it ended.  Its deadline ends it
    whatever happens.  Clocks differ, so it lived at least as long as its worker says that it worked.
    """
    known = [now, attempt.deadline, *([] if told is None else [told])]
    started = attempt.created_at
    if result is not None:
        known.append(max(result.ended_at, started + timedelta(seconds=result.seconds)))
    return max(min(known), started)


def actual_cost(attempts: Iterable[Attempt], now: datetime) -> ActualCost:
    """The cost of the attempts' machines up to their ends; of those that still live, up to `now` or their deadlines.

    An attempt that got no machine costs nothing; one whose price nobody knew makes the sum unknown.
    """
    used = [attempt for attempt in attempts if _had_machine(attempt)]
    if not used:
        return ActualCost()
    lived = [billed(((one.ended_at or end_of_machine(one, now)) - one.created_at).total_seconds()) for one in used]
    prices = [one.parameters[HOURLY] for one in used]
    if None in prices:
        return ActualCost(machine_seconds=sum(lived))
    costs = (price_of(seconds, Decimal(hourly)) for seconds, hourly in zip(lived, prices, strict=True))
    return ActualCost(machine_seconds=sum(lived), cost=sum(costs, Decimal()))


def billed(seconds: float) -> int:
    """Whole seconds that are paid for of a machine that lived for so long."""
    return max(math.ceil(seconds), LEAST)


def price_of(seconds: int, hourly: Decimal) -> Decimal:
    """Dollars for so many seconds of a machine, to a millionth."""
    return (hourly * seconds / 3600).quantize(MICRO, ROUND_HALF_EVEN)


def estimate(spec: Spec, hourly: Decimal, took: Sequence[int], now: datetime) -> Estimate:
    """The cost of the schedule when its next runs take what the last ones `took`, in machine seconds.

    Without any a run counts as the most that it can take: its time-out, and the time in which its machine ends.
    """
    measured = bool(took)
    seconds = billed(statistics.median(took) if took else spec.timeout * 60 + LAST_END)
    run = price_of(seconds, hourly)
    runs = runs_in_a_month(spec, now)
    month = run * runs
    each = f"{dollars(run)} a run, {dollars(month)} a month for {runs} run{'s' * (runs != 1)}"
    if measured:
        text = f"About {each}, as its last runs took {duration_text(60 * math.ceil(seconds / 60))} of a machine."
    else:
        text = f"At most {each}, should each take its whole time-out of {duration_text(60 * spec.timeout)}."
    text = f"{text} {LEFT_OUT}"
    return Estimate(run=run, month=month, runs=runs, seconds=seconds, measured=measured, text=text)


def runs_in_a_month(spec: Spec, now: datetime) -> int:
    """The number of its runs in an average month of the coming year, rounded up; never more than are left."""
    usual = math.ceil(recurrence.count(spec.timing, now, now + _YEAR) / 12)
    _, left, _ = planning.passed(spec, now, now + _YEAR, 1)
    return min(usual, left)


def dollars(amount: Decimal) -> str:
    """`$1,234.50`; of less than a cent the first figure that isn't 0, such as `$0.004`."""
    if amount and amount < _CENT:
        return f"${amount.quantize(Decimal(1).scaleb(amount.adjusted())):f}"
    return f"${amount.quantize(_CENT):,}"


def month_start(now: datetime) -> datetime:
    """The start of the month of `now`, in UTC: caps are counted from there."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def costs_requests(publication_base: str) -> bool:
    """True where each published file costs requests: on S3, and in no folder."""
    return publication_base.startswith("s3:")


def price_publishing(files: int) -> float:
    """Dollars for one publication of so many files on S3: each costs, however small; storage and transfer aside."""
    return files * (S3_WRITES * S3_WRITE + S3_READS * S3_READ)


def publishing_text(files: int) -> str:
    """`publishing 50,000 files costs about $0.83 for requests alone, each time`."""
    price = price_publishing(files)
    text = f"about ${price:.2f}" if price >= _CENT else f"less than ${_CENT}"
    return f"publishing {_files_text(files)} costs {text} for requests alone, each time"


def too_many_files_text(who: str, files: int, most: int) -> str:
    """The sentence that refuses what is more than a run may publish; `who`: such as `The run left`."""
    return (
        f"{who} {_files_text(files)}, and {most:,} may be published ({publishing_text(files)}): "
        "pack them into one, or have an operator raise storage.most_files."
    )


def coming_files_text(who: str, files: int, most: int) -> str:
    """The sentence about a run that will leave about so many files."""
    if files > most:
        return too_many_files_text(who, files, most)
    return f"{who} {_files_text(files)}; {publishing_text(files)}."


def unknown_files_text(most: int) -> str:
    """The sentence where nothing tells how many files there will be."""
    return (
        f"A run's files are counted when it has ended: {publishing_text(MANY_FILES)}, and a run with more than "
        f"{most:,} isn't published."
    )


def _files_text(files: int) -> str:
    return f"{files:,} file{'s' * (files != 1)}"


def _had_machine(attempt: Attempt) -> bool:
    """It got a machine whose hours are paid for."""
    handle = attempt.handle
    return HOURLY in attempt.parameters and handle is not None and handle.get("instance", "") is not None
