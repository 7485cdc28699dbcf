"""`edit`, `pause`, `resume`, `versions`, `rollback` and `delete`: what becomes of a schedule that there is."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from jupyter_schedule.api.responses import ScheduleDetails, ScheduleResponse
from jupyter_schedule.cli.command import Command, connected, json_option, name_argument
from jupyter_schedule.cli.create import relative_pattern
from jupyter_schedule.cli.options import (
    CONFIRM_OPTION,
    NONE,
    SCHEDULE_OPTIONS,
    confirm,
    patch_of,
    require_confirmation,
    with_options,
)
from jupyter_schedule.cli.output import echo, echo_json, echo_table, when
from jupyter_schedule.cli.server_option import asked_server
from jupyter_schedule.cli.show import cap_remark, timing_text
from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused


@click.command(cls=Command)
@name_argument()
@with_options(SCHEDULE_OPTIONS)
@click.option("--rebundle", is_flag=True, help="Take the notebook and its files as they are now.")
@json_option
def edit(name: str, *, as_json: bool, rebundle: bool, **given: Any) -> None:
    """Change what the schedule NAME does: when, with which values and files, where, for how long, who is told.

    What isn't named stays; its code stays as it is without --rebundle or --tarball.  `none` takes back what was set:
    `--size none`, `--expect none`, `--monthly-cap none`, `--notify none`, `--param none`.
    """
    if not rebundle and not any(_is_given(value) for key, value in given.items() if key != "confirm_public"):
        raise Refused("nothing_to_change", "Say what is to change: `jupyter schedule edit --help` lists it.")
    with ExitStack() as opened:
        client = opened.enter_context(connected())
        schedule = client.schedule(name)
        patch = patch_of(given, schedule.form)
        root = _root_of(schedule)
        if given["file"]:
            patch["files"] = _files(given["file"], root)
        if root != Path.cwd():
            client = opened.enter_context(connected(root))
        if given["tarball"] is not None:
            patch["tarball"] = client.upload_bundle(Path.cwd() / given["tarball"])
        try:
            changed = require_confirmation(
                lambda confirmed: client.edit(
                    name,
                    patch,
                    if_version=schedule.version,
                    rebundle=rebundle,
                    rehearse=given["rehearse"],
                    public_confirmed=confirmed,
                ),
                confirmed=given["confirm_public"],
            )
        except Refused as refused:
            if refused.code != "needs_rebundle":
                raise
            raise Refused(refused.code, f"{refused.message} Add --rebundle.", refused.field) from None
        if as_json:
            echo_json(changed)
        else:
            echo(f"“{name}” is at version {changed.version} now. {changed.summary}")
        if given["monthly_cap"] not in {None, NONE} and (remark := cap_remark(changed.form, client.status().workers)):
            echo(remark, err=True)


@click.command(cls=Command)
@name_argument()
@click.option("--note", metavar="TEXT", help="Why, for whoever finds it paused.")
@json_option
def pause(name: str, note: str | None, as_json: bool) -> None:
    """Keep the schedule NAME from running; a run that is going goes on."""
    with connected() as client:
        said = f"Paused “{name}”. Nothing runs by itself until:  jupyter schedule resume {name}"
        _answer(client.pause(name, note), said, as_json=as_json)


@click.command(cls=Command)
@name_argument()
@json_option
def resume(name: str, as_json: bool) -> None:
    """Let the schedule NAME run again, from now on."""
    with connected() as client:
        schedule = client.resume(name)
        _answer(schedule, f"Resumed “{name}”. {schedule.summary}", as_json=as_json)


@click.command(cls=Command)
@name_argument()
@json_option
def versions(name: str, as_json: bool) -> None:
    """List the versions of the schedule NAME with author and time, the newest first."""
    with connected() as client:
        found = client.versions(name)
    if as_json:
        echo_json(found)
        return
    now = clock.now()
    rows = [
        (
            str(version.version),
            version.author,
            when(version.created_at, now),
            timing_text(version.timing, now),
            version.bundle[:12],
        )
        for version in found
    ]
    echo_table(("Version", "By", "Recorded", "When", "Bundle"), rows, right=(0,))


@click.command(cls=Command)
@name_argument()
@click.argument("version", type=click.IntRange(1))
@CONFIRM_OPTION
@json_option
def rollback(name: str, version: int, confirm_public: bool, as_json: bool) -> None:
    """Let the schedule NAME do what its VERSION did, as a new version."""
    with connected() as client:
        current = client.schedule(name).version
        schedule = require_confirmation(
            lambda confirmed: client.roll_back(name, version, if_version=current, public_confirmed=confirmed),
            confirmed=confirm_public,
        )
    if as_json:
        echo_json(schedule)
        return
    echo(f"“{name}” does what version {version} did; that is version {schedule.version} now.")
    echo(schedule.summary)


@click.command(cls=Command)
@name_argument()
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def delete(name: str, yes: bool, as_json: bool) -> None:
    """Remove the schedule NAME and stop its open runs; its published results stay."""
    with connected() as client:
        schedule = client.schedule(name)
        if not yes:
            what = f"This removes the schedule “{name}” and stops its open runs. {schedule.on_delete}"
            if not sys.stdin.isatty():
                raise Refused("confirm_delete", f"{what} Add --yes.")
            echo(what, err=True)
            confirm("Delete it?")
        deleted = client.delete(name)
    if as_json:
        echo_json(deleted)
    else:
        echo(f"Deleted “{name}”. {deleted.message}")


def _is_given(value: Any) -> bool:
    return value is not None and value != ()


def _root_of(schedule: ScheduleDetails) -> Path:
    """The folder that the schedule was made in, to which its paths are relative; on a server that is the server's."""
    return Path(schedule.root) if schedule.root is not None and asked_server() is None else Path.cwd()


def _files(patterns: tuple[str, ...], root: Path) -> list[str]:
    if patterns == (NONE,):
        return []
    if asked_server() is not None:
        return list(patterns)
    return [relative_pattern(Path.cwd(), root, pattern) for pattern in patterns]


def _answer(schedule: ScheduleResponse, said: str, *, as_json: bool) -> None:
    """Print what became of a schedule: for programs all of it, for people a sentence."""
    if as_json:
        echo_json(schedule)
    else:
        echo(said)
