"""`next`: when something is due, in its zone, in UTC and by the person's own clock, and what clock changes do."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.shapes import occurrence_shape
from jupyter_schedule.cli.tables import echo_table
from jupyter_schedule.cli.timing import cron_timing, moment
from jupyter_schedule.core import clock, descriptions
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule, Timing
from jupyter_schedule.core.text import short_date
from jupyter_schedule.core.timing import recurrence
from jupyter_schedule.core.timing.recurrence import Occurrence


@click.command("next", cls=Command)
@click.argument("name", required=False)
@click.option("--cron", metavar="EXPR", help="A five-field cron expression instead of a schedule's name.")
@click.option("--timezone", metavar="ZONE", help="The expression's IANA zone: Europe/Paris; UTC without it.")
@click.option("--from", "start", metavar="TIME", help="Those later than this time: 2026-03-28T12:00; now without it.")
@click.option("--count", metavar="N", type=click.IntRange(1, 10_000), default=5, show_default=True, help="How many.")
@json_option
def upcoming(
    *, name: str | None, cron: str | None, timezone: str | None, start: str | None, count: int, as_json: bool
) -> None:
    """When the schedule NAME, or an expression, is due next."""
    schedule = _schedule(name, cron, timezone)
    timing = schedule.spec.timing if schedule else cron_timing(cron or "", None, timezone or "UTC")
    now = clock.now()
    since = moment(start, timing.timezone, "from").once if start else None
    coming = _coming(schedule, timing, since or now, count)
    if as_json:
        echo_json([occurrence_shape(occurrence) for occurrence in coming])
        return
    echo(f"Runs {recurrence.describe_timing(timing, now)}.")
    echo_occurrences(coming)


def echo_occurrences(coming: Sequence[Occurrence]) -> None:
    """Print a table of occurrences, each as every clock that matters shows it."""
    if not coming:
        echo("No time is left.")
        return
    zone = coming[0].timezone
    clocks = {zone: [_clock(occurrence.local) for occurrence in coming]}
    yours = [occurrence.instant.astimezone() for occurrence in coming]
    if any(mine.utcoffset() for mine in yours) and list(map(_clock, yours)) != clocks[zone]:
        clocks["your time"] = list(map(_clock, yours))
    clocks["UTC"] = [_clock(occurrence.instant) for occurrence in coming]
    notes = [occurrence.note or "" for occurrence in coming]
    if any(notes):
        clocks[""] = notes
    echo_table(list(clocks), list(zip(*clocks.values(), strict=True)))


def _schedule(name: str | None, cron: str | None, timezone: str | None) -> Schedule | None:
    """The schedule that is meant; None when it is an expression."""
    if cron is not None and name is None:
        return None
    if name is None or cron is not None:
        raise Refused("nothing_to_tell", "Give the name of a schedule, or --cron EXPR with --timezone ZONE.")
    if timezone is not None:
        raise Refused("two_timezones", f"“{name}” has its own zone: leave out --timezone.", "timezone")
    # the ledger's libraries take far longer to load than the occurrences of an expression take to find
    from jupyter_schedule.cli.session import opened  # noqa: PLC0415

    with opened() as session:
        return session.operations.schedule(name)


def _coming(schedule: Schedule | None, timing: Timing, since: datetime, count: int) -> list[Occurrence]:
    """What every other door shows of a schedule: none while it is paused, before its start or after its end."""
    if schedule is None:
        return list(islice(recurrence.after(timing, since), count))
    return descriptions.upcoming(schedule, since, count)


def _clock(local: datetime) -> str:
    return f"{short_date(local)} {local.year} {local:%H:%M}"
