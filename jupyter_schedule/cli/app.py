"""`jupyter schedule …`: the product from a terminal.

A command's module is loaded when that command is asked for, so that help and `next` open no ledger.
"""

import sys
from difflib import get_close_matches
from io import TextIOWrapper
from pkgutil import resolve_name
from typing import NamedTuple

import click

from jupyter_schedule import __version__
from jupyter_schedule.cli.server_option import COMPLETE, server_option


class _Known(NamedTuple):
    #: module and name of the command in this package
    where: str
    help: str


COMMANDS = {
    "create": _Known("create:create", "Schedule a notebook, or a tarball with a command."),
    "list": _Known("show:list_schedules", "What is scheduled, how it went last, and when it is due next."),
    "show": _Known("show:show", "One schedule: what it does, when, its last runs, its versions."),
    "run": _Known("runs:run_now", "Run a schedule once now; --wait for its end."),
    "backfill": _Known("backfill:backfill", "Run a schedule for times that have passed."),
    "runs": _Known("show:runs", "Runs, the newest first."),
    "logs": _Known("runs:logs", "What a run printed; -f follows it."),
    "outputs": _Known("runs:outputs", "The files that a run left, with their addresses."),
    "retry": _Known("runs:retry", "Run once more what a run did."),
    "approve": _Known("runs:approve", "Publish what a run made and what was kept back."),
    "cancel": _Known("runs:cancel", "Stop a run; what it has so far is kept."),
    "bundle": _Known("create:bundle", "Make a notebook's bundle, to look at or to run anywhere."),
    "next": _Known("show:upcoming", "When a schedule or an expression is due next, explained."),
    "edit": _Known("edit:edit", "Change what a schedule does, when, where, and who is told."),
    "clone": _Known("create:clone", "Make another schedule that does the same."),
    "pause": _Known("edit:pause", "Keep a schedule from running until it is resumed."),
    "resume": _Known("edit:resume", "Let a paused schedule run again."),
    "versions": _Known("edit:versions", "Who changed a schedule, and when."),
    "rollback": _Known("edit:rollback", "Let a schedule do what an older version did."),
    "delete": _Known("edit:delete", "Remove a schedule; its published results stay."),
    "worker": _Known("worker:worker", "Get a machine to develop on; list, extend and stop it."),
    "service": _Known("service:service", "Keep the scheduler service going without JupyterLab."),
    "server": _Known("server:server", "Serve many people who share a ledger."),
    "completion": _Known("completion:completion", "What a shell needs to complete these commands."),
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
        command = resolve_name(f"{__package__}.{known.where}")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest that there is."""
        if not ctx.resilient_parsing and args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.help) for name, known in COMMANDS.items()])


@click.group(
    cls=_Commands,
    params=[server_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="jupyter-schedule")
def cli() -> None:
    """Schedule this analysis: it runs by the clock, its results at a stable address."""


def main() -> None:
    """The console script.  A character that the terminal has no code for is shown as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="jupyter schedule", complete_var=COMPLETE)
