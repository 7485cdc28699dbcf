"""The frame of every command: it finds the API to ask, and ends alike when that refuses."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from pydantic import ValidationError

from jupyter_schedule.cli.output import REFUSED, as_refusal, echo, tell_refusal
from jupyter_schedule.cli.server_option import asked_server, server_option
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.terminal import connect_terminal
from jupyter_schedule.core.errors import Refused

F = TypeVar("F", bound=Callable[..., Any])
HOW_TO_TICK = "start the service with `python -m scheduler_service run`"
#: names that are asked for at once when a shell completes one
_COMPLETED = 100
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Command(click.Command):
    """A command whose refusals are answers: a line on standard error, with `--json` an object on standard output."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(server_option())

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # whoever read our output has seen enough: click ends quietly
            raise
        except (Refused, ValidationError, OSError) as problem:
            tell_refusal(as_refusal(problem), as_json=ctx.params.get("as_json", False))
            ctx.exit(REFUSED)


def ask_for_token(url: str) -> str:
    """The token that a person at a terminal types, unseen; empty where nobody is there."""
    if not sys.stdin.isatty():
        return ""
    token: str = click.prompt(f"Token of the Jupyter server at {url}", default="", hide_input=True, err=True)
    return token


@contextmanager
def connected(root: Path | None = None) -> Iterator[Client]:
    """A client of the server that was named, else of the ledger on this machine.

    root: the folder that a form's paths are relative to where no server was named; None is the one that one is in.
    """
    with connect_terminal(asked_server(), root or Path.cwd(), ask=ask_for_token) as client:
        yield client


def say_unless_ticking(client: Client, what: str) -> bool:
    """Tell when no service is there to do something, and what keeps one that is there; True where there is one.

    what: what follows from that, such as `so it waits`.
    """
    status = client.status()
    if status.ticking:
        if status.hindrance:
            echo(status.hindrance, err=True)
        return True
    if status.hindrance:
        echo(status.hindrance, err=True)
    echo(f"Nothing is ticking now{what}: {HOW_TO_TICK}.", err=True)
    return False


def complete_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The schedules whose names begin so; none where they can't be had."""
    del param
    try:
        with connect_terminal(asked_server(ctx), Path.cwd(), ask=None) as client:
            names = (each.name for each in client.all_schedules(before=_name_before(incomplete), page=_COMPLETED))
            return [CompletionItem(name) for name in takewhile(lambda name: name.startswith(incomplete), names)]
    except (Refused, OSError):
        return []


def _name_before(begun: str) -> str | None:
    """A text that no name is, directly before the names that begin so."""
    return f"{begun[:-1]}{chr(ord(begun[-1]) - 1)}\x7f" if begun else None


def name_argument(*, required: bool = True) -> Callable[[F], F]:
    """The argument that names a schedule; the shell completes it."""
    return click.argument("name", required=required, shell_complete=complete_names)
