"""`edit`: what a schedule does, changed from a terminal."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from jupyter_schedule.api.forms import spec_to_edit
from jupyter_schedule.cli.change import answer
from jupyter_schedule.cli.command import Command, echo, json_option
from jupyter_schedule.cli.consent import CONFIRM_OPTION, with_consent
from jupyter_schedule.cli.notify import notified, notify_options
from jupyter_schedule.cli.policies import CAP_OPTION, KEEP_OPTIONS, NONE, cap_remark
from jupyter_schedule.cli.session import Session, opened
from jupyter_schedule.core.descriptions import schedule_summary
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.machines.offers import left_behind
from jupyter_schedule.core.models import Policies, Schedule, Spec

_OPTIONS = (
    "--launcher, --size, --data-role, --timeout, --private, --no-publish, --public, --monthly-cap, --keep-runs, "
    "--keep-days, --notify, --notify-on, --silence-by or --rebundle"
)


@click.command(cls=Command)
@click.argument("name")
@click.option("--launcher", metavar="NAME", help="What runs it, such as local or ec2.")
@click.option("--size", metavar="NAME", help="The machine's size, by the operator's name for it.")
@click.option("--data-role", metavar="NAME", help="A role for data that runs on EC2 have, or none.")
@click.option("--timeout", type=click.IntRange(1, 1440), metavar="MINUTES", help="Stopped for good after so long.")
@click.option("--private", "visibility", flag_value="private", help="Only you can read the results from now on.")
@click.option("--no-publish", "visibility", flag_value="none", help="Keep results with each run, publish none.")
@click.option("--public", "visibility", flag_value="public", help="Everyone can read the results.")
@CONFIRM_OPTION
@CAP_OPTION
@KEEP_OPTIONS["keep_runs"]
@KEEP_OPTIONS["keep_days"]
@click.option("--rebundle", is_flag=True, help="Take the notebook and its files as they are now.")
@notify_options
@json_option
def edit(
    name: str,
    *,
    as_json: bool,
    told: dict[str, Any],
    monthly_cap: Decimal | str | None,
    keep_runs: int | str | None,
    keep_days: int | str | None,
    confirm_public: bool,
    rebundle: bool,
    **options: Any,
) -> None:
    """Change where the schedule NAME runs, for how long and how much, who can read its results and who is told of it.

    Its code stays as it is without --rebundle.  `none` takes back what was set: `--data-role none`, `--monthly-cap
    none`, `--keep-runs none`, `--keep-days none`, `--notify none`, `--silence-by none`.
    """
    limits = _given(monthly_cap=monthly_cap, keep_runs=keep_runs, keep_days=keep_days)
    given = _given(**options)
    if not (given or limits or told or rebundle):
        raise Refused("nothing_to_change", f"Say what is to change: {_OPTIONS}.")
    with opened() as session:
        schedule = session.operations.schedule(name)
        code = _rebundled(session, schedule) if rebundle else schedule.spec
        given = left_behind(code, given.get("launcher", code.launcher)) | given
        policies = Policies.model_validate(code.policies.model_dump() | limits)
        told_anew = {"policies": policies, "notify": notified(code.notify, told)}
        spec = Spec.model_validate(code.model_dump() | given | told_anew)
        changed = with_consent(
            lambda says_so: session.operations.edit(name, spec, if_version=schedule.version, public_confirmed=says_so),
            says_so=confirm_public,
        )
        said = f"“{name}” is at version {changed.version} now. {schedule_summary(changed, session.now)}"
        answer(session, changed, said, as_json=as_json)
        if limits.get("monthly_cap") and (remark := cap_remark(changed.spec, session.operations.offers())):
            echo(remark, err=True)


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given, and None for what is to be taken back."""
    values = {name: value for name, value in options.items() if value is not None}
    return {name: None if value == NONE and name != "visibility" else value for name, value in values.items()}


def _rebundled(session: Session, schedule: Schedule) -> Spec:
    """The schedule's spec with the notebook and its files as they are now.  Raises Refused `no_notebook`, …"""
    root = Path(schedule.spec.root) if schedule.spec.root is not None else Path.cwd()
    return spec_to_edit(session.operations, root, schedule, {}, rebundle=True)
