"""What becomes public is confirmed: by an option, or at a terminal by an answer."""

import sys
from collections.abc import Callable

import click

from jupyter_schedule.cli.command import echo
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule
from jupyter_schedule.core.operations.publication_policy import MEANING

CONFIRM_OPTION = click.option(
    "--confirm-public", is_flag=True, help="I checked what will be public; asked for without it."
)


def with_consent(change: Callable[[bool], Schedule], *, says_so: bool) -> Schedule:
    """What `change` makes, which is told whether the person checked what will be public.  Raises Refused."""
    try:
        return change(says_so)
    except Refused as refused:
        if refused.code != "public_unconfirmed":
            raise
        if not sys.stdin.isatty():
            raise Refused(refused.code, f"{refused.message} Then add --confirm-public.", refused.field) from None
        echo(MEANING, err=True)
        if not click.confirm("Did you check what will be public?", err=True):
            raise
        return change(True)
