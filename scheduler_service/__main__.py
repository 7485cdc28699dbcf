"""`python -m scheduler_service run`: the scheduler service, embedded or an operator's."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import click

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from scheduler_service.app import Service
from scheduler_service.check import check
from scheduler_service.settings import load_settings, show_to_doors


class CannotStart(click.ClickException):
    """The service can't start: one sentence and exit code 2."""

    exit_code = 2


@click.group()
def main() -> None:
    """The scheduler service: what runs beside the clock."""


@main.command()
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file; without one, service.toml in the folder.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the ledger is; overrides the settings.")
@click.option("--until-stdin-closes", is_flag=True, help="Stop ticking when whoever started it ends.")
@click.option("--verbose", is_flag=True, help="Tell what it does, on standard error.")
def run(config: Path | None, folder: Path | None, until_stdin_closes: bool, verbose: bool) -> None:
    """Tick until stopped.  Runs that are going when it stops go on, and the next service takes them over."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = load_settings(config, folder)
        if config is not None:
            show_to_doors(config, settings.folder)
        service = Service(settings)
        if until_stdin_closes:
            threading.Thread(target=_stop_at_the_end_of, args=(sys.stdin.fileno(), service), daemon=True).start()
        run_until_signalled(service)
    except Refused as refusal:
        raise CannotStart(refusal.message) from None


@main.command("check")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file; without one, service.toml in the folder.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the ledger is; overrides the settings.")
def check_settings(config: Path | None, folder: Path | None) -> None:
    """Try what the settings name, without leaving anything behind; exit code 1 when something is missing."""
    try:
        settings = load_settings(config, folder)
    except Refused as refusal:
        raise click.ClickException(refusal.message) from None
    wrong = 0
    for finding in check(settings.areas, clock.now()):
        wrong += not finding.right
        click.echo(f"{'ok     ' if finding.right else 'MISSING'} {finding.text}")
    sys.exit(1 if wrong else 0)


def run_until_signalled(service: Service) -> None:
    """Run it in this process until SIGTERM or SIGINT."""
    _stop_at_signals(service)
    service.run()


def _stop_at_signals(service: Service) -> None:
    """A handler may not touch locks that the code it interrupts holds, so a thread hears of signals by a pipe."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_stop_after_a_byte_of, args=(reading, service), daemon=True).start()


def _stop_after_a_byte_of(descriptor: int, service: Service) -> None:
    os.read(descriptor, 1)
    service.stop()


def _stop_at_the_end_of(descriptor: int, service: Service) -> None:
    """Read past Python's own buffer, whose lock a daemon thread would hold at exit."""
    while os.read(descriptor, 4096):
        pass
    service.stop()


if __name__ == "__main__":
    main()
