"""`versions` and `rollback`: what a schedule was, and how it becomes that again."""

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.consent import CONFIRM_OPTION, with_consent
from jupyter_schedule.cli.session import opened
from jupyter_schedule.cli.shapes import schedule_shape, version_shape
from jupyter_schedule.cli.tables import echo_table
from jupyter_schedule.cli.words import when
from jupyter_schedule.core.descriptions import recorded_cadence, schedule_summary


@click.command(cls=Command)
@click.argument("name")
@json_option
def versions(name: str, as_json: bool) -> None:
    """Who changed the schedule NAME, and when, the newest first."""
    with opened() as session:
        found = session.operations.versions(name)
        if as_json:
            echo_json([version_shape(version) | {"bundle": version.spec.bundle} for version in found])
            return
        rows = [
            (
                str(version.version),
                version.author,
                when(version.created_at, session.now),
                recorded_cadence(version.spec.timing, session.now),
                version.spec.bundle[:12],
            )
            for version in found
        ]
        echo_table(("Version", "By", "Recorded", "When", "Bundle"), rows, right=(0,))


@click.command(cls=Command)
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@CONFIRM_OPTION
@json_option
def rollback(name: str, version: int, confirm_public: bool, as_json: bool) -> None:
    """Let the schedule NAME do what its VERSION did, as a new version."""
    with opened() as session:
        current = session.operations.schedule(name).version
        schedule = with_consent(
            lambda says_so: session.operations.roll_back(name, version, if_version=current, public_confirmed=says_so),
            says_so=confirm_public,
        )
        if as_json:
            last = session.operations.store.last_runs([schedule.id]).get(schedule.id)
            echo_json(schedule_shape(schedule, session.now, session.run_shape(last) if last else None))
            return
        echo(f"“{name}” does what version {version} did; that is version {schedule.version} now.")
        echo(schedule_summary(schedule, session.now))
