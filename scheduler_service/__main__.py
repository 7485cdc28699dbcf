"""`python -m scheduler_service run`: the scheduler service, embedded or an operator's."""

import logging
import signal
import sys
import threading
from pathlib import Path

import click

from jupyter_schedule.core.errors import Refused
from scheduler_service.app import Service
from scheduler_service.settings import load_settings


@click.group()
def main() -> None:
    """The scheduler service: what runs beside the clock."""


@main.command()
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file; without one, the embedded default.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the ledger is; overrides the settings.")
@click.option("--until-stdin-closes", is_flag=True, help="Stop ticking when whoever started it ends.")
@click.option("--verbose", is_flag=True, help="Tell what it does, on standard error.")
def run(config: Path | None, folder: Path | None, until_stdin_closes: bool, verbose: bool) -> None:
    """Tick until stopped.  Runs that are going when it stops go on, and the next service takes them over."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = load_settings(config)
    except Refused as refusal:
        raise click.ClickException(refusal.message) from None
    service = Service(settings.model_copy(update={"folder": folder}) if folder else settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    if until_stdin_closes:
        threading.Thread(target=_stop_at_end_of_input, args=(service,), daemon=True).start()
    service.run()


def _stop_at_end_of_input(service: Service) -> None:
    sys.stdin.buffer.read()
    service.stop()


if __name__ == "__main__":
    main()
