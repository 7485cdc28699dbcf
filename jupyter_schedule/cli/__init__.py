"""`jupyter schedule …`: the product from a terminal.

A command's module is loaded when that command is asked for, so that help and `next` open no ledger.
"""

import sys
from io import TextIOWrapper
from pkgutil import resolve_name
from typing import NamedTuple

import click

from jupyter_schedule import __version__


class _Known(NamedTuple):
    #: module and name of the command in this package
    where: str
    help: str


COMMANDS = {
    "create": _Known("create:create", "Schedule a notebook, or a tarball with a command."),
    "list": _Known("listing:schedules", "What is scheduled, how it went last, and when it is due next."),
    "show": _Known("show:show", "One schedule: what it does, when, its last runs, its versions."),
    "run": _Known("run:run_now", "Run a schedule once now; --wait for its end."),
    "backfill": _Known("backfill:backfill", "Run a schedule for times that have passed."),
    "runs": _Known("listing:runs", "Runs, the newest first."),
    "logs": _Known("run:logs", "What a run printed; -f follows it."),
    "outputs": _Known("outputs:outputs", "The files that a run left, with their addresses."),
    "release": _Known("release:release", "Publish what a run made and what was kept back."),
    "bundle": _Known("create:bundle", "Make a notebook's bundle, to look at or to run anywhere."),
    "next": _Known("upcoming:upcoming", "When a schedule or an expression is due next, explained."),
    "edit": _Known("edit:edit", "Change where a schedule runs, for how long, and who is told."),
    "pause": _Known("change:pause", "Keep a schedule from running until it is resumed."),
    "resume": _Known("change:resume", "Let a paused schedule run again."),
    "versions": _Known("versions:versions", "Who changed a schedule, and when."),
    "rollback": _Known("versions:rollback", "Let a schedule do what an older version did."),
    "cancel": _Known("change:cancel", "Stop a run; what it has so far is kept."),
    "worker": _Known("worker:worker", "Get a machine to develop on; list, extend and stop it."),
    "service": _Known("keep_going:service", "Keep the scheduler service going without JupyterLab."),
    "delete": _Known("change:delete", "Remove a schedule; its published results stay."),
}


class _Commands(click.Group):
    """The commands by name, loaded one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        known = COMMANDS.get(cmd_name)
        if known is None:
            return None
        command = resolve_name(f"{__name__}.{known.where}")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.help) for name, known in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="jupyter-schedule")
def cli() -> None:
    """Schedule this analysis: it runs by the clock, its results at a stable address."""


def main() -> None:
    """The console script.  A character that the terminal has no code for is shown as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="jupyter schedule")
