"""What every command does alike: its errors are one sentence, or with `--json` one JSON object, and exit code 1."""

import json
from typing import Any

import click
from pydantic import ValidationError

from jupyter_schedule.cli.words import plain
from jupyter_schedule.core.errors import Refused

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Command(click.Command):
    """A command whose refusals are answers: a line on standard error, with `--json` an object on standard output."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # whoever read our output has seen enough: click ends quietly
            raise
        except (Refused, ValidationError, OSError) as problem:
            fail(as_refusal(problem), as_json=ctx.params.get("as_json", False))
            ctx.exit(1)


def as_refusal(problem: Refused | ValidationError | OSError) -> Refused:
    """The problem as one sentence."""
    match problem:
        case Refused():
            return problem
        case ValidationError():
            first = problem.errors()[0]
            field = ".".join(map(str, first["loc"]))
            return Refused("invalid", f"{field or 'That'}: {first['msg']}.", field or None)
        case OSError():
            place = f"{problem.filename}: " if problem.filename else ""
            return Refused("system", f"{place}{problem.strerror or problem}.")


def fail(refusal: Refused, *, as_json: bool) -> None:
    """Tell the refusal."""
    if as_json:
        error = {"code": refusal.code, "message": refusal.message}
        echo_json({"error": error | ({"field": refusal.field} if refusal.field else {})})
    else:
        click.echo(f"Error: {plain(refusal.message)}", err=True)


def echo_json(value: object) -> None:
    """Print `value` as JSON in plain ASCII, which every terminal and program takes."""
    click.echo(json.dumps(value, indent=2))


def echo(text: str, *, err: bool = False) -> None:
    """Print one line for a person, with whatever a terminal would obey shown instead."""
    click.echo(plain(text), err=err)
