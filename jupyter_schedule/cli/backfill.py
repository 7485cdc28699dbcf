"""`backfill`: a schedule for times that have passed."""

import sys
from datetime import timedelta

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.session import HOW_TO_TICK, opened
from jupyter_schedule.cli.timing import moment
from jupyter_schedule.core.backfill import Plan
from jupyter_schedule.core.errors import Refused


@click.command(cls=Command)
@click.argument("name")
@click.option("--from", "start", metavar="TIME", required=True, help="The first time, or day: 2026-10-01.")
@click.option("--to", "end", metavar="TIME", required=True, help="The last time, or day, included.")
@click.option("--again", is_flag=True, help="Also the times that have succeeded.")
@click.option("--yes", is_flag=True, help="Don't ask, however many they are.")
@json_option
def backfill(*, name: str, start: str, end: str, again: bool, yes: bool, as_json: bool) -> None:
    """Run the schedule NAME for every time at which it was due, or would have been; interrupted, ask once more."""
    with opened() as session:
        zone = session.operations.schedule(name).spec.timing.timezone
        first, last = moment(start, zone, "from").once, moment(end, zone, "to").once
        assert first is not None
        assert last is not None
        if ":" not in end:
            last += timedelta(days=1, seconds=-1)
        try:
            plan = session.operations.backfill(name, first, last, again=again, confirmed=yes)
        except Refused as refused:
            if refused.code != "confirm_backfill" or as_json or not sys.stdin.isatty():
                raise
            echo(refused.message, err=True)
            if not click.confirm("Run them all?", err=True):
                raise click.exceptions.Exit(1) from None
            plan = session.operations.backfill(name, first, last, again=again, confirmed=True)
        if as_json:
            echo_json({"runs": len(plan.runs), "succeeded": plan.succeeded, "waiting": plan.waiting})
            return
        echo(_told(name, plan))
        if plan.runs and not session.ticking:
            echo(f"Nothing is ticking now, so they wait: {HOW_TO_TICK}.", err=True)


def _told(name: str, plan: Plan) -> str:
    """What was put into the ledger, and what was left out."""
    count = len(plan.runs)
    left = [f"{plan.succeeded:,} have succeeded"] * bool(plan.succeeded)
    left += [f"{plan.waiting:,} are waiting or running"] * bool(plan.waiting)
    rest = f" Left as they are: {' and '.join(left)}." if left else ""
    runs = f"{count:,} run{'s' * (count != 1)} of “{name}” wait{'s' * (count == 1)} now, the oldest first."
    return runs + rest
