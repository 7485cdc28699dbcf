"""`show`: one schedule, from its sentence to its versions."""

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.listing import echo_runs
from jupyter_schedule.cli.session import Session, opened
from jupyter_schedule.cli.shapes import occurrence_shape, publication_url, schedule_shape, version_shape
from jupyter_schedule.cli.upcoming import echo_occurrences
from jupyter_schedule.core.models import Run, Schedule, Version, utc_text
from jupyter_schedule.core.occurrences import Occurrence
from jupyter_schedule.core.summary import schedule_summary, upcoming
from jupyter_schedule.core.tarstream import size_text
from jupyter_schedule.core.workarea import bundle_key

#: how many of the next occurrences and of the last runs are shown
_MOST = 5


@click.command(cls=Command)
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """What the schedule NAME does, when, how its last runs went, and who changed it."""
    with opened() as session:
        schedule = session.operations.schedule(name)
        coming = upcoming(schedule, session.now, _MOST)
        runs = session.operations.runs(name, limit=_MOST)
        versions = session.operations.versions(name)
        if not as_json:
            _tell(session, schedule, coming, runs, versions)
            return
        shapes = [session.run_shape(run) for run in runs]
        echo_json(
            schedule_shape(schedule, session.now, shapes[0] if shapes else None)
            | {
                "next": [occurrence_shape(occurrence) for occurrence in coming],
                "runs": shapes,
                "versions": [version_shape(version) for version in versions],
            }
        )


def _tell(
    session: Session, schedule: Schedule, coming: list[Occurrence], runs: list[Run], versions: list[Version]
) -> None:
    spec = schedule.spec
    size = session.operations.objects.size(bundle_key(spec.bundle))
    echo(f"{schedule.name}, version {schedule.version}")
    echo(schedule_summary(schedule, session.now))
    echo(f"Runs:     {spec.notebook or spec.command}" + (f" with the kernel {spec.kernel.name}" if spec.kernel else ""))
    echo(f"Bundle:   {spec.bundle[:12]}, {size_text(size) if size is not None else 'missing'}")
    for line in spec.expect:
        echo(f"Expects:  {line}")
    echo(f"Results:  {publication_url(schedule) or 'kept with each run'}")
    if spec.public_confirmed:
        echo(f"Public:   as {spec.public_confirmed.by} confirmed, {utc_text(spec.public_confirmed.at)}")
    if coming:
        echo("")
        echo("Next:")
        echo_occurrences(coming)
    echo("")
    if runs:
        echo("Last runs:")
        echo_runs(runs, session.now)
    else:
        echo(f"No runs yet. Run it now:  jupyter schedule run {schedule.name} --wait")
    echo("")
    for version in versions:
        echo(f"Version {version.version} by {version.author}, {utc_text(version.created_at)}")
