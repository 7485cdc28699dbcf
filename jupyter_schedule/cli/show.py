"""`show`: one schedule, from its sentence to its versions."""

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.listing import echo_runs
from jupyter_schedule.cli.notify import notify_sentence
from jupyter_schedule.cli.policies import cap_remark, kept_text
from jupyter_schedule.cli.session import Session, opened
from jupyter_schedule.cli.shapes import occurrence_shape, publication_url, schedule_shape, version_shape
from jupyter_schedule.cli.upcoming import echo_occurrences
from jupyter_schedule.cli.words import plain
from jupyter_schedule.core.costs import dollars, month_start
from jupyter_schedule.core.descriptions import schedule_summary, upcoming
from jupyter_schedule.core.models import LOCAL_LAUNCHER, Run, Schedule, Spec, Version, utc_text
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations.publishing_cost import cost_before
from jupyter_schedule.core.operations.run_cost import estimate_of
from jupyter_schedule.core.text import size_text
from jupyter_schedule.core.timing.recurrence import Occurrence

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
                "publishing_cost": cost_before(session.operations, schedule.spec, schedule),
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
    echo(f"Where:    {_where(session, spec)}")
    echo(f"Bundle:   {spec.bundle[:12]}, {size_text(size) if size is not None else 'missing'}")
    for line in spec.expect:
        echo(f"Expects:  {line}")
    if told := notify_sentence(spec.notify):
        echo(f"Tells:    {told}")
    for lost in session.operations.failed_notifications():
        if lost.schedule == schedule.name:
            echo(f"Untold:   {lost.occasion.replace('_', ' ')}: {lost.channel} didn't take it. {plain(lost.trouble)}")
    echo(f"Results:  {publication_url(schedule) or 'kept with each run'}")
    echo(f"Keeps:    {kept_text(spec.policies)}")
    _echo_money(session, schedule)
    if spec.public_confirmed:
        echo(f"Public:   as {spec.public_confirmed.by} confirmed, {utc_text(spec.public_confirmed.at)}")
    if coming:
        echo("")
        echo("Next:")
        echo_occurrences(coming)
    echo("")
    if runs:
        echo("Last runs:")
        echo_runs(session, runs)
    else:
        echo(f"No runs yet. Run it now:  jupyter schedule run {schedule.name} --wait")
    echo("")
    for version in versions:
        echo(f"Version {version.version} by {version.author}, {utc_text(version.created_at)}")


def _where(session: Session, spec: Spec) -> str:
    """`ec2, large: 8 cores, 32 GB; with the data role weather`."""
    size = session.operations.offers().size(spec.launcher, spec.size)
    named = f"{spec.launcher}, {spec.size}" if spec.size else spec.launcher
    if spec.launcher == LOCAL_LAUNCHER:
        return "this computer"
    role = f"; with the data role {spec.data_role}" if spec.data_role else ""
    return (f"{named}: {size.hardware}" if size else f"{named}, which isn't offered any more") + role


def _echo_money(session: Session, schedule: Schedule) -> None:
    """What publishing costs, and what machines do."""
    if publishing := cost_before(session.operations, schedule.spec, schedule):
        echo(f"Cost:     {publishing}")
    if machines := _cost(session, schedule):
        echo(f"Machines: {machines}")


def _cost(session: Session, schedule: Schedule) -> str:
    """What its machines will cost, and have cost this month; empty where they cost nothing."""
    operations, spec = session.operations, schedule.spec
    expected = estimate_of(operations.store, operations.offers(), spec, schedule.id, session.now)
    so_far = operations.store.cost_since(schedule.id, month_start(session.now))
    cap = spec.policies.monthly_cap
    said = [expected.text] if expected else []
    said += [f"So far this month {dollars(so_far)}."] if so_far or cap else []
    said += [cap_remark(spec, operations.offers()) or f"Paused at {dollars(cap)}."] if cap else []
    return " ".join(said)
