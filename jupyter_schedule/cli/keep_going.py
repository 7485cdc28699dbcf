"""`jupyter schedule service …`: keep the scheduler service going without JupyterLab."""

from collections.abc import Callable

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.session import opened
from jupyter_schedule.core import user_service


@click.group()
def service() -> None:
    """Keep the scheduler service going when JupyterLab is closed."""


def _answer(ask: Callable[[], str], *, as_json: bool) -> None:
    sentence = ask()
    if as_json:
        echo_json({"message": sentence, "installed": user_service.installed()})
    else:
        echo(sentence)


@service.command(cls=Command)
@json_option
def install(*, as_json: bool) -> None:
    """Start it now, and whenever you log in."""
    _answer(user_service.install, as_json=as_json)


@service.command(cls=Command)
@json_option
def status(*, as_json: bool) -> None:
    """Whether it is installed and runs, and what keeps it from starting anything."""
    _answer(_status, as_json=as_json)


def _status() -> str:
    sentence = user_service.status()
    with opened() as session:
        hindered = session.hindrance
    return f"{sentence} {hindered.sentence}" if hindered else sentence


@service.command(cls=Command)
@json_option
def uninstall(*, as_json: bool) -> None:
    """Stop it; runs that are going go on."""
    _answer(user_service.uninstall, as_json=as_json)
