"""`backfill`: a schedule for times that have passed."""

import sys
from datetime import date, datetime

import click

from jupyter_schedule.api.responses import BackfillResponse
from jupyter_schedule.cli.command import Command, connected, json_option, name_argument, say_unless_ticking
from jupyter_schedule.cli.options import confirm, moment
from jupyter_schedule.cli.output import count_text, echo, echo_json
from jupyter_schedule.core.errors import Refused

#: as the API allows
_MOST_PARALLEL = 16


@click.command(cls=Command)
@name_argument()
@click.option("--from", "start", metavar="TIME", help="The first time, or day: 2026-10-01.")
@click.option("--to", "end", metavar="TIME", help="The last time, or day, included.")
@click.option("--again", is_flag=True, help="Also the times that have succeeded.")
@click.option("--parallel", metavar="N", type=int, default=1, help=f"Runs in parallel: 1 to {_MOST_PARALLEL}.")
@click.option("--cancel", is_flag=True, help="Instead, start none of those that still wait.")
@click.option("--yes", is_flag=True, help="Don't ask, however many they are.")
@json_option
def backfill(
    *, name: str, start: str | None, end: str | None, again: bool, parallel: int, cancel: bool, yes: bool, as_json: bool
) -> None:
    """Run the schedule NAME for every time at which it was due, or would have been; interrupted, ask once more."""
    with connected() as client:
        if cancel:
            cancelled = client.cancel_backfill(name)
            count = count_text(cancelled.cancelled, "run")
            said = f"{count} of “{name}” won't start; what goes on can be stopped by itself."
            echo_json(cancelled) if as_json else echo(said)
            return
        if start is None or end is None:
            raise click.UsageError("Say --from and --to, or --cancel.")
        zone = client.schedule(name).timing.timezone
        first, last = _span(start, end, zone)

        def ask(confirmed: bool) -> BackfillResponse:
            return client.backfill(name, first, last, again=again, parallel=parallel, confirmed=confirmed)

        try:
            done = ask(yes)
        except Refused as refused:
            if refused.code != "confirm_backfill":
                raise
            if as_json or not sys.stdin.isatty():
                raise Refused(refused.code, f"{refused.message} Add --yes.", refused.field) from None
            echo(refused.message, err=True)
            confirm("Run them all?")
            done = ask(True)
        if as_json:
            echo_json(done)
            return
        echo(_told(name, done, parallel))
        if done.runs:
            say_unless_ticking(client, ", so they wait")


def _span(start: str, end: str, zone: str) -> tuple[date, date] | tuple[datetime, datetime]:
    """Two days, or two times; a day beside a time is its first or its last second."""
    first, last = _day(start), _day(end)
    if first is not None and last is not None:
        return first, last
    return (
        moment(start, zone, "from"),
        moment(end, zone, "to") if last is None else moment(f"{last.isoformat()}T23:59:59", zone, "to"),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _told(name: str, done: BackfillResponse, parallel: int) -> str:
    """A sentence about the runs that were put into the ledger, and about those left out."""
    left = [f"{done.succeeded:,} have succeeded"] * bool(done.succeeded)
    left += [f"{done.waiting:,} are waiting or running"] * bool(done.waiting)
    rest = f" Left as they are: {' and '.join(left)}." if left else ""
    runs = f"{count_text(done.runs, 'run')} of “{name}” queued, the oldest first"
    runs += f", {parallel} in parallel." if parallel > 1 else "."
    return runs + rest
