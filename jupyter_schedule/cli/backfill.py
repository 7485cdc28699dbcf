"""`backfill`: a schedule for times that have passed."""

import sys
from datetime import date, datetime

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.session import HOW_TO_TICK, opened
from jupyter_schedule.cli.timing import moment
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.operations.backfill import MOST_PARALLEL, BackfillPlan
from jupyter_schedule.core.timing.calendar import bounds


@click.command(cls=Command)
@click.argument("name")
@click.option("--from", "start", metavar="TIME", help="The first time, or day: 2026-10-01.")
@click.option("--to", "end", metavar="TIME", help="The last time, or day, included.")
@click.option("--again", is_flag=True, help="Also the times that have succeeded.")
@click.option("--parallel", metavar="N", type=int, default=1, help=f"Runs at a time: 1 to {MOST_PARALLEL}.")
@click.option("--cancel", is_flag=True, help="Instead, start none of those that still wait.")
@click.option("--yes", is_flag=True, help="Don't ask, however many they are.")
@json_option
def backfill(
    *, name: str, start: str | None, end: str | None, again: bool, parallel: int, cancel: bool, yes: bool, as_json: bool
) -> None:
    """Run the schedule NAME for every time at which it was due, or would have been; interrupted, ask once more."""
    with opened() as session:
        if cancel:
            count = session.operations.cancel_backfill(name)
            said = f"{count:,} run{'s' * (count != 1)} of “{name}” won't start; what goes on can be stopped by itself."
            echo_json({"cancelled": count}) if as_json else echo(said)
            return
        if start is None or end is None:
            raise click.UsageError("Say --from and --to, or --cancel.")
        zone = session.operations.schedule(name).spec.timing.timezone
        (first, _), (_, last) = _bounds(start, zone, "from"), _bounds(end, zone, "to")
        try:
            plan = session.operations.backfill(name, first, last, again=again, parallel=parallel, confirmed=yes)
        except Refused as refused:
            if refused.code != "confirm_backfill":
                raise
            if as_json or not sys.stdin.isatty():
                raise Refused(refused.code, f"{refused.message} Add --yes.", refused.field) from None
            echo(refused.message, err=True)
            if not click.confirm("Run them all?", err=True):
                raise click.exceptions.Exit(1) from None
            plan = session.operations.backfill(name, first, last, again=again, parallel=parallel, confirmed=True)
        if as_json:
            echo_json({"runs": len(plan.runs), "succeeded": plan.succeeded, "waiting": plan.waiting})
            return
        echo(_told(name, plan, parallel))
        if plan.runs and not session.ticking:
            echo(f"Nothing is ticking now, so they wait: {HOW_TO_TICK}.", err=True)


def _bounds(text: str, zone: str, field: str) -> tuple[datetime, datetime]:
    """The first and the last second of the day, or of the time, that a person wrote."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        instant = moment(text, zone, field).once
        assert instant is not None
        return instant, instant
    return bounds(zone, day, day)


def _told(name: str, plan: BackfillPlan, parallel: int) -> str:
    """What was put into the ledger, and what was left out."""
    count = len(plan.runs)
    left = [f"{plan.succeeded:,} have succeeded"] * bool(plan.succeeded)
    left += [f"{plan.waiting:,} are waiting or running"] * bool(plan.waiting)
    rest = f" Left as they are: {' and '.join(left)}." if left else ""
    runs = f"{count:,} run{'s' * (count != 1)} of “{name}” wait{'s' * (count == 1)} now, the oldest first"
    runs += f", {parallel} at a time." if parallel > 1 else "."
    return runs + rest
