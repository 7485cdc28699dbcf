"""`list` and `runs`: is anything wrong, and what comes next."""

from datetime import datetime

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.session import HOW_TO_TICK, Session, opened
from jupyter_schedule.cli.shapes import schedule_shape
from jupyter_schedule.cli.tables import Cell, echo_table
from jupyter_schedule.cli.words import run_state, schedule_state, when
from jupyter_schedule.core.descriptions import recorded_cadence
from jupyter_schedule.core.models import Reason, Run, RunStatus, Schedule
from jupyter_schedule.core.operations.waiting import place_text, places_in
from jupyter_schedule.core.text import duration_text

_RUN_COLUMNS = ("Run", "Schedule", "Due", "State", "Took", "")


@click.command("list", cls=Command)
@json_option
def schedules(as_json: bool) -> None:
    """All schedules, by name."""
    with opened() as session:
        now = session.now
        found = session.operations.schedules()
        last = session.operations.last_runs()
        if as_json:
            shapes = {key: session.run_shape(run) for key, run in last.items()}
            echo_json([schedule_shape(schedule, now, shapes.get(schedule.id)) for schedule in found])
            return
        if not found:
            echo("Nothing is scheduled yet. Schedule a notebook:  jupyter schedule create NOTEBOOK")
            return
        rows = [_schedule_row(schedule, last.get(schedule.id), now) for schedule in found]
        echo_table(("Name", "State", "Last run", "When", "Next"), rows)
        if not session.ticking:
            echo(f"Nothing is ticking now: {HOW_TO_TICK}.", err=True)
        elif hindered := session.hindrance:
            echo(hindered.sentence, err=True)


@click.command(cls=Command)
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many at most.")
@json_option
def runs(name: str | None, limit: int, as_json: bool) -> None:
    """Runs of the schedule NAME, or of all, the newest first."""
    with opened() as session:
        found = session.operations.runs(name, limit=limit)
        if as_json:
            echo_json([session.run_shape(run) for run in found])
            return
        if found:
            echo_runs(session, found)
            return
    echo("No runs yet." + (f" Run it now:  jupyter schedule run {name} --wait" if name else ""))


def echo_runs(session: Session, found: list[Run]) -> None:
    """Print a table of runs."""
    line = places_in(session.operations.store) if any(run.status is RunStatus.DUE for run in found) else {}
    rows = [_run_row(run, session.now, place_text(line.get(run.id))) for run in found]
    echo_table(_RUN_COLUMNS, rows, right=(4,))


def _schedule_row(schedule: Schedule, last: Run | None, now: datetime) -> list[Cell]:
    state, colour = run_state(last) if last else ("", "")
    since = f" {when(last.ended_at or last.scheduled_for, now)}" if last else ""
    return [
        schedule.name,
        schedule_state(schedule.state),
        (state + since, colour),
        recorded_cadence(schedule.spec.timing, now),
        when(schedule.next_due, now) if schedule.next_due else "",
    ]


def _run_row(run: Run, now: datetime, waits: str) -> list[Cell]:
    due = when(run.scheduled_for, now)
    if run.until is not None:
        due = f"{due} to {when(run.until, now)}"
    message = run.message if run.message and run.reason is not Reason.OK else waits
    took = "" if run.seconds is None else duration_text(run.seconds)
    return [run.id[:8], run.schedule, due, run_state(run), took, message]
