"""`pause`, `resume`, `cancel` and `delete`."""

import sys

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.session import HOW_TO_TICK, Session, opened
from jupyter_schedule.cli.shapes import publication_url, schedule_shape
from jupyter_schedule.core.descriptions import schedule_summary
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Run, Schedule
from jupyter_schedule.core.operations.removal import on_deletion, public_name
from jupyter_schedule.core.publication_keys import is_published
from jupyter_schedule.core.storage.factory import open_storage


@click.command(cls=Command)
@click.argument("name")
@click.option("--note", metavar="TEXT", help="Why, for whoever finds it paused.")
@json_option
def pause(name: str, note: str | None, as_json: bool) -> None:
    """Keep the schedule NAME from running; a run that is going goes on."""
    with opened() as session:
        schedule = session.operations.pause(name, note)
        said = f"Paused “{name}”. Nothing runs by itself until:  jupyter schedule resume {name}"
        answer(session, schedule, said, as_json=as_json)


@click.command(cls=Command)
@click.argument("name")
@json_option
def resume(name: str, as_json: bool) -> None:
    """Let the schedule NAME run again, from now on."""
    with opened() as session:
        schedule = session.operations.resume(name)
        said = f"Resumed “{name}”. {schedule_summary(schedule, session.now)}"
        answer(session, schedule, said, as_json=as_json)


@click.command(cls=Command)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def delete(name: str, yes: bool, as_json: bool) -> None:
    """Remove the schedule NAME and stop its open runs; its published results stay."""
    with opened() as session:
        schedule = session.operations.schedule(name)
        stays = on_deletion(_published_at(schedule), public_name(name, schedule.spec))
        if not yes and sys.stdin.isatty():
            echo(f"This removes the schedule “{name}” and stops its open runs. {stays}", err=True)
            if not click.confirm("Delete it?", err=True):
                raise click.exceptions.Exit(1)
        answer(session, session.operations.delete(name), f"Deleted “{name}”. {stays}", as_json=as_json)


@click.command(cls=Command)
@click.argument("run", metavar="RUN|NAME")
@json_option
def cancel(run: str, as_json: bool) -> None:
    """Stop RUN, or the open run of the schedule NAME; what it has so far is kept."""
    with opened() as session:
        stopped = session.operations.cancel(_open_run(session, run))
        if as_json:
            echo_json(session.run_shape(stopped))
            return
        echo(f"Run {stopped.id[:8]} of “{stopped.schedule}” is being stopped; what it has so far is kept.")
        if not session.ticking:
            echo(f"Nothing is ticking now, so it stops when a service runs: {HOW_TO_TICK}.", err=True)


def _published_at(schedule: Schedule) -> str | None:
    """Where its results are; None of one that has none."""
    published = is_published(open_storage(schedule.spec.publication_base), schedule.name)
    return publication_url(schedule) if published else None


def _open_run(session: Session, text: str) -> str:
    """The id of the run that `text` means: the only open one of the schedule with that name, else that run."""
    names = {schedule.name for schedule in session.operations.schedules()}
    if text not in names:
        return text
    runs: list[Run] = [run for run in session.operations.runs(text) if not run.status.terminal]
    if not runs:
        raise Refused("no_open_run", f"“{text}” has no run that could be stopped.")
    if len(runs) > 1:
        ids = ", ".join(run.id[:8] for run in runs)
        raise Refused("several_runs", f"“{text}” has several open runs; name the one to stop: {ids}.")
    return runs[0].id


def answer(session: Session, schedule: Schedule, said: str, *, as_json: bool) -> None:
    """Print what became of a schedule: for programs all of it, for people a sentence."""
    if as_json:
        last = session.operations.store.last_runs([schedule.id]).get(schedule.id)
        echo_json(schedule_shape(schedule, session.now, session.run_shape(last) if last else None))
    else:
        echo(said)
