"""`worker …`: a machine of one's own for some hours, to develop on."""

import sys
from datetime import datetime
from pathlib import Path

import click

from jupyter_schedule.api.presenter import present_ad_hoc_worker
from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.run import INTERRUPTED
from jupyter_schedule.cli.session import HOW_TO_TICK, Session, opened
from jupyter_schedule.cli.tables import Cell, echo_table
from jupyter_schedule.cli.words import when
from jupyter_schedule.core.costs import dollars, price_of
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import AdHocStatus, AdHocWorker
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
    with opened() as session:
        asked = session.operations.ad_hoc.launch(launcher=launcher, size=size, hours=hours, ssh_key=key)
        if not as_json:
            echo(_told(asked, session.now))
        found = _wait(session, asked) if wait and _is_ticked(session) else asked
        if as_json:
            _print(found)
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
    with opened() as session:
        found = session.operations.ad_hoc.workers()
        if as_json:
            echo_json([present_ad_hoc_worker(each).model_dump(mode="json") for each in found])
            return
        if not found:
            echo("You have no machine to develop on. Get one:  jupyter schedule worker launch")
            return
        echo_table(("Worker", "Size", "State", "Ends", "Cost", ""), [_row(each, session.now) for each in found])
        for each in found:
            if each.status is AdHocStatus.READY:
                _say_how_to_connect(each)
        if any(each.status.live for each in found):
            _is_ticked(session)


@worker.command(cls=Command)
@click.argument("worker_id", metavar="[WORKER]", required=False)
@hours_option
@json_option
def extend(worker_id: str | None, hours: int | None, as_json: bool) -> None:
    """Let WORKER, or the only one you have, live longer: a day from now at most."""
    with opened() as session:
        found = session.operations.ad_hoc.extend(worker_id, hours=hours)
        if as_json:
            _print(found)
        else:
            echo(f"Ad-hoc worker {found.id[:8]} ends {when(found.deadline, session.now)} now.")
            _is_ticked(session)


@worker.command(cls=Command)
@click.argument("worker_id", metavar="[WORKER]", required=False)
@json_option
def stop(worker_id: str | None, as_json: bool) -> None:
    """End WORKER, or the only one you have; nothing on it is kept."""
    with opened() as session:
        found = session.operations.ad_hoc.stop(worker_id)
        if as_json:
            _print(found)
        else:
            echo(f"Ad-hoc worker {found.id[:8]} is being ended, and everything on it is gone with it.")
            _is_ticked(session)


def _wait(session: Session, asked: AdHocWorker) -> AdHocWorker:
    """The worker when it is ready or over; its states on the way on standard error."""
    on_terminal = sys.stderr.isatty()
    seen, told = session.operations.store.last_change(), ""
    try:
        while True:
            found = session.operations.ad_hoc.worker(asked.id)
            if found.status is AdHocStatus.READY or not found.status.live:
                return found
            line = _sentence(found)
            if on_terminal and line != told:
                echo(line, err=True)
            told = line
            seen = session.operations.store.wait_for_change(seen, LOOK)
    except KeyboardInterrupt:
        echo("The launch goes on. Stop it:  jupyter schedule worker stop", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _is_ticked(session: Session) -> bool:
    """Whether a service is there to do what was asked for; if not, that is said."""
    if session.ticking:
        if hindered := session.hindrance:
            echo(hindered.sentence, err=True)
        return True
    echo(f"Nothing is ticking now, so nothing is done about it: {HOW_TO_TICK}.", err=True)
    return False


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Refused("bad_key", f"{path} isn't an OpenSSH public key: give a file that ends in .pub.") from None


def _told(worker: AdHocWorker, now: datetime) -> str:
    """`Ad-hoc worker 1a2b3c4d: small (2 cores, 8 GB), ends in 4 h; $0.10 an hour at most, $0.40 until then. …`"""
    hardware = f" ({worker.hardware})" if worker.hardware else ""
    cost = ""
    if worker.hourly is not None:
        until = price_of(int((worker.deadline - now).total_seconds()), worker.hourly)
        cost = f"; {dollars(worker.hourly)} an hour at most, {dollars(until)} until then"
    ends = f"{worker.size}{hardware}, ends {when(worker.deadline, now)}"
    return f"Ad-hoc worker {worker.id[:8]}: {ends}{cost}. Nothing on it is kept."


def _say_how_to_connect(worker: AdHocWorker) -> None:
    echo(f"{worker.id[:8]} is ready. If it doesn't answer yet, it is still booting:")
    for command in worker.connect:
        echo(f"  {command}")


def _sentence(worker: AdHocWorker) -> str:
    icon, word, _ = STATES[worker.status]
    return f"{icon} {word}." if worker.message is None else f"{icon} {word}: {worker.message}"


def _row(worker: AdHocWorker, now: datetime) -> list[Cell]:
    icon, word, colour = STATES[worker.status]
    ends = when(worker.ended_at or worker.deadline, now)
    cost = "" if worker.cost is None else dollars(worker.cost)
    if worker.status.live and worker.hourly is not None:
        cost = f"{dollars(worker.hourly)} an hour"
    lived = f"{duration_text(worker.machine_seconds)}. " if worker.machine_seconds is not None else ""
    return [worker.id[:8], worker.size, (f"{icon} {word}", colour), ends, cost, f"{lived}{worker.message or ''}"]


def _print(worker: AdHocWorker) -> None:
    echo_json(present_ad_hoc_worker(worker).model_dump(mode="json"))
