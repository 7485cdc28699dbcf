"""`worker …`: a machine of one's own for some hours, to develop on."""

import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from jupyter_schedule.api.responses import AdHocWorkerResponse
from jupyter_schedule.cli.command import Command, connected, json_option, say_unless_ticking
from jupyter_schedule.cli.output import INTERRUPTED, Cell, echo, echo_json, echo_table, when
from jupyter_schedule.client.client import Client
from jupyter_schedule.core import clock
from jupyter_schedule.core.costs import dollars, price_of
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import AdHocStatus
from jupyter_schedule.core.text import duration_text

#: seconds between two looks at one that isn't ready
LOOK = 1.0
#: icon, word and colour of each state
STATES = {
    AdHocStatus.ASKED: ("○", "Asked for", ""),
    AdHocStatus.LAUNCHING: ("◔", "Launching", "blue"),
    AdHocStatus.READY: ("●", "Ready", "green"),
    AdHocStatus.STOPPED: ("■", "Stopped", ""),
    AdHocStatus.ENDED: ("■", "Ended", ""),
    AdHocStatus.FAILED: ("✕", "Failed", "red"),
}
hours_option = click.option(
    "--hours", type=int, metavar="N", help="End so many hours from now; else as late as may be."
)


@click.group()
def worker() -> None:
    """A machine to develop on, for a day at most; nothing on it is kept."""


@worker.command(cls=Command)
@click.option("--size", metavar="NAME", help="How large; else the first that the operator offers.")
@click.option("--ssh-key", type=click.Path(path_type=Path), metavar="FILE", help="A public key that it lets in by SSH.")
@hours_option
@click.option("--launcher", metavar="NAME", help="Where; else the first that has machines to develop on.")
@click.option("--wait/--no-wait", default=True, help="Wait until it is ready, which is the default.")
@json_option
def launch(
    *, size: str | None, ssh_key: Path | None, hours: int | None, launcher: str | None, wait: bool, as_json: bool
) -> None:
    """Get a machine, and say how to get into it; exit code 1 when there is none to be had."""
    key = None if ssh_key is None else _read_key(ssh_key)
    with connected() as client:
        asked = client.launch_ad_hoc(launcher=launcher, size=size, hours=hours, ssh_key=key)
        if not as_json:
            echo(_told(asked, clock.now()))
        found = _wait(client, asked) if wait and _is_ticked(client) else asked
        if as_json:
            echo_json(found)
        elif found.status is AdHocStatus.READY:
            _say_how_to_connect(found)
        elif found.status.live:
            echo("See how it gets on:  jupyter schedule worker list")
        else:
            echo(_sentence(found), err=True)
        if not found.status.live:
            raise click.exceptions.Exit(1)


@worker.command("list", cls=Command)
@json_option
def list_workers(as_json: bool) -> None:
    """Your machines, the newest first, with how to get into those that are ready."""
    with connected() as client:
        found = client.ad_hoc_workers()
        if as_json:
            echo_json(found)
            return
        if not found:
            echo("You have no machine to develop on. Get one:  jupyter schedule worker launch")
            return
        now = clock.now()
        echo_table(("Worker", "Size", "State", "Ends", "Cost", ""), [_row(each, now) for each in found])
        for each in found:
            if each.status is AdHocStatus.READY:
                _say_how_to_connect(each)
        if any(each.status.live for each in found):
            _is_ticked(client)


@worker.command(cls=Command)
@click.argument("worker_id", metavar="[WORKER]", required=False)
@hours_option
@json_option
def extend(worker_id: str | None, hours: int | None, as_json: bool) -> None:
    """Let WORKER, or the only one you have, live longer: a day from now at most."""
    with connected() as client:
        found = client.extend_ad_hoc(worker_id or _only(client), hours=hours)
        if as_json:
            echo_json(found)
        else:
            echo(f"Ad-hoc worker {found.worker_id[:8]} ends {when(found.ends_at, clock.now())} now.")
            _is_ticked(client)


@worker.command(cls=Command)
@click.argument("worker_id", metavar="[WORKER]", required=False)
@json_option
def stop(worker_id: str | None, as_json: bool) -> None:
    """End WORKER, or the only one you have; nothing on it is kept."""
    with connected() as client:
        found = client.stop_ad_hoc(worker_id or _only(client))
        if as_json:
            echo_json(found)
        else:
            echo(f"Ad-hoc worker {found.worker_id[:8]} is being ended, and everything on it is gone with it.")
            _is_ticked(client)


def _wait(
    client: Client, asked: AdHocWorkerResponse, pause: Callable[[float], None] = time.sleep
) -> AdHocWorkerResponse:
    """The worker when it is ready or over; its states on the way on standard error."""
    on_terminal, told = sys.stderr.isatty(), ""
    try:
        while True:
            found = client.ad_hoc_worker(asked.worker_id)
            if found.status is AdHocStatus.READY or not found.status.live:
                return found
            line = _sentence(found)
            if on_terminal and line != told:
                echo(line, err=True)
            told = line
            pause(LOOK)
    except KeyboardInterrupt:
        echo("The launch goes on. Stop it:  jupyter schedule worker stop", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _only(client: Client) -> str:
    """The id of the only machine that lives.  Raises Refused `no_such_worker`, `which_worker`."""
    live = [each.worker_id for each in client.ad_hoc_workers() if each.status.live]
    if len(live) > 1:
        ids = ", ".join(each[:8] for each in live)
        raise Refused("which_worker", f"You have several ad-hoc workers: say which one, of {ids}.")
    if not live:
        raise Refused("no_such_worker", "You have no ad-hoc worker now: `jupyter schedule worker launch`.")
    return live[0]


def _is_ticked(client: Client) -> bool:
    return say_unless_ticking(client, ", so nothing is done about it")


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Refused("bad_key", f"{path} isn't an OpenSSH public key: give a file that ends in .pub.") from None


def _told(worker: AdHocWorkerResponse, now: datetime) -> str:
    """`Ad-hoc worker 1a2b3c4d: small (2 cores, 8 GB), ends in 4 h; $0.10 an hour at most, $0.40 until then. …`"""
    hardware = f" ({worker.hardware})" if worker.hardware else ""
    cost = ""
    if worker.hourly is not None:
        until = price_of(int((worker.ends_at - now).total_seconds()), worker.hourly)
        cost = f"; {dollars(worker.hourly)} an hour at most, {dollars(until)} until then"
    ends = f"{worker.size}{hardware}, ends {when(worker.ends_at, now)}"
    return f"Ad-hoc worker {worker.worker_id[:8]}: {ends}{cost}. Nothing on it is kept."


def _say_how_to_connect(worker: AdHocWorkerResponse) -> None:
    echo(f"{worker.worker_id[:8]} is ready. If it doesn't answer yet, it is still booting:")
    for command in worker.connect:
        echo(f"  {command}")


def _sentence(worker: AdHocWorkerResponse) -> str:
    icon, word, _ = STATES[worker.status]
    return f"{icon} {word}." if worker.message is None else f"{icon} {word}: {worker.message}"


def _row(worker: AdHocWorkerResponse, now: datetime) -> list[Cell]:
    icon, word, colour = STATES[worker.status]
    ends = when(worker.ended_at or worker.ends_at, now)
    cost = "" if worker.cost is None else dollars(worker.cost)
    if worker.status.live and worker.hourly is not None:
        cost = f"{dollars(worker.hourly)} an hour"
    lived = f"{duration_text(worker.machine_seconds)}. " if worker.machine_seconds is not None else ""
    return [worker.worker_id[:8], worker.size, (f"{icon} {word}", colour), ends, cost, f"{lived}{worker.message or ''}"]
