"""`release`: publish what a run made and what was kept back."""

import sys

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.session import HOW_TO_TICK, find_run, opened
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Reason, Run


@click.command(cls=Command)
@click.argument("run", metavar="RUN|NAME")
@click.option("--reason", metavar="TEXT", help="Why it may be public although the disclosure check found something.")
@json_option
def release(run: str, reason: str | None, as_json: bool) -> None:
    """Publish what RUN made: a rehearsal that you looked at, or results that the disclosure check held back.

    Your name and the reason are recorded.
    """
    with opened() as session:
        held = find_run(session.operations, run)
        if held.reason == Reason.DISCLOSURE and reason is None:
            if not sys.stdin.isatty():
                message = "The disclosure check held these results back. Say why they may be public: --reason TEXT."
                raise Refused("reason_needed", message, "reason")
            checked = session.operations.files.checked(held)
            for finding in checked.findings:
                echo(f"! {finding.message}", err=True)
            reason = click.prompt("Why may these results be public all the same?", err=True)
        made: Run = session.operations.approve(held.id, reason)
        if as_json:
            echo_json(session.run_shape(made))
            return
        echo(f"What run {held.id[:8]} of “{held.schedule}” made is being published, by run {made.id[:8]}.")
        if not session.ticking:
            echo(f"Nothing is ticking now, so it waits: {HOW_TO_TICK}.", err=True)
