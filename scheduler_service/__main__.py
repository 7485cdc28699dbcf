"""`python -m scheduler_service run`: the scheduler service, embedded or an operator's."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import click

from jupyter_schedule.core import clock
from jupyter_schedule.core.account import account_of
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import LOCAL_OWNER, Visibility, publication_name
from jupyter_schedule.core.storage.factory import open_storage, open_work
from jupyter_schedule.core.text import listed, quoted, size_text
from scheduler_service.admin.check import (
    check_channels,
    check_launchers,
    check_owner,
    check_service,
    check_storage,
    check_withdrawals,
    open_existing_ledger,
)
from scheduler_service.admin.check_aws import check_account, format_prices, refresh_prices, size_prices
from scheduler_service.admin.migrate_storage import check_code, check_idle, copy_objects, list_missing, plan_migration
from scheduler_service.admin.ownership import open_ownership
from scheduler_service.admin.reap import end_orphans, open_machines
from scheduler_service.launchers.ec2.prices import load_prices
from scheduler_service.publishing.unpublish import unpublish_deleted
from scheduler_service.retention.prune import Pruner, describe_plan
from scheduler_service.service import Service
from scheduler_service.settings import Settings, load_settings, show_to_doors

#: what the log of a Jupyter server says
NOT_IN_JUPYTER = (
    "Many share this ledger, so no scheduler service runs inside a Jupyter server: start "
    "`python -m scheduler_service run` beside it, or `jupyter schedule service install` once."
)


class OperatorCommand(click.Command):
    """A command that answers what it refuses in one sentence, with `--json` as an object, and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (Refused, OSError, ValueError) as problem:
            code, message = (
                (problem.code, problem.message) if isinstance(problem, Refused) else ("system", str(problem))
            )
            if ctx.params.get("as_json"):
                _echo_json({"error": {"code": code, "message": message}})
            else:
                click.echo(f"Error: {message}", err=True)
            ctx.exit(2)


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--config` and `--folder`."""
    folder = click.option(
        "--folder", type=click.Path(path_type=Path), help="Where the ledger is; overrides the settings."
    )
    config = click.option(
        "--config", type=click.Path(path_type=Path), help="A TOML file; without one, service.toml in the folder."
    )
    return config(folder(command))


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def _echo_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))


@click.group()
def main() -> None:
    """The scheduler service: what runs beside the clock."""


@main.command(cls=OperatorCommand)
@_settings_options
@click.option("--until-stdin-closes", is_flag=True, help="Stop ticking when whoever started it ends.")
@click.option("--embedded", is_flag=True, help="The same for a Jupyter server, and never for a ledger that many share.")
@click.option("--verbose", is_flag=True, help="Tell what it does, on standard error.")
def run(config: Path | None, folder: Path | None, until_stdin_closes: bool, embedded: bool, verbose: bool) -> None:
    """Tick until stopped.  Runs that are going when it stops go on, and the next service takes them over."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = load_settings(config, folder)
    if embedded and (settings.places.shared_store is not None or settings.server is not None):
        click.echo(f"Error: {NOT_IN_JUPYTER}", err=True)
        sys.exit(os.EX_CONFIG)
    service = Service(settings)
    if config is not None:
        show_to_doors(config, settings.folder)
    if until_stdin_closes or embedded:
        threading.Thread(target=_stop_at_the_end_of, args=(sys.stdin.fileno(), service), daemon=True).start()
    run_until_signalled(service)


@main.command("check", cls=OperatorCommand, short_help="Try what the settings name.")
@_settings_options
@click.option("--notify", metavar="CHANNEL", help="Also send a message to this channel of the settings.")
@_json_option
def check_settings(config: Path | None, folder: Path | None, notify: str | None, as_json: bool) -> None:
    """Try what the settings name, without leaving anything behind; exit code 1 when something is missing.

    Nothing is sent to any channel unless --notify names it.
    """
    settings = load_settings(config, folder)
    if notify is not None:
        _check_named(notify, tuple(settings.notifications))
    now = clock.now()
    account = check_account(settings.ec2, now, load_prices(settings.places.folder)) if settings.ec2 else ()
    looks = (
        check_service(settings.places, now),
        check_owner(settings, settings.places),
        check_code(settings.storage, settings.places),
        check_withdrawals(settings.places),
        check_storage(settings.storage, now),
        check_launchers(settings, now),
    )
    found = []
    for finding in chain(*looks, check_channels(settings.notifications, notify, now), account):
        found.append(finding)
        if not as_json:
            click.echo(f"{'ok     ' if finding.right else 'MISSING'} {finding.text}")
    if as_json:
        _echo_json([{"right": finding.right, "message": finding.text} for finding in found])
    sys.exit(0 if all(finding.right for finding in found) else 1)


@main.command("migrate-storage", cls=OperatorCommand, short_help="Copy files to another work area.")
@_settings_options
@click.option("--from", "source", metavar="ADDRESS", help="The former work area; else the folder by the ledger.")
@click.option("--dry-run", is_flag=True, help="Only say how much would be copied.")
def migrate_storage(config: Path | None, folder: Path | None, source: str | None, dry_run: bool) -> None:
    """Copy bundles and what runs left from a former work area to the one of the settings.

    The former one stays as it was; what the new one has already isn't replaced.  Broken off, ask for it once more.
    """
    settings = load_settings(config, folder)
    move = plan_migration(settings.storage, settings.places, source)
    former, work = open_storage(move.source), open_storage(move.work)
    with open_existing_ledger(settings.places) as store:
        check_idle(store)
        objects = list_missing(former, work)
        if not dry_run:
            copy_objects(former, work, objects)
    count = f"{len(objects):,} object{'s' * (len(objects) != 1)}, {size_text(sum(each.size for each in objects))}"
    click.echo(f"{'Would copy' if dry_run else 'Copied'} {count}, to {move.work}.")


@main.command("reap", cls=OperatorCommand, short_help="End machines that nobody needs.")
@_settings_options
@click.option("--dry-run", is_flag=True, help="Only say which machines would be ended, and why.")
@_json_option
def reap_machines(config: Path | None, folder: Path | None, dry_run: bool, as_json: bool) -> None:
    """End this deployment's machines that nobody needs, in every region of the settings; others are never touched.

    A machine goes when its deadline has passed, or when nobody needs it and it is 15 minutes old.  Exit code 1 when a
    region couldn't be looked at, or a machine not be ended.
    """
    settings = load_settings(config, folder)
    if not dry_run:
        _check_owner(settings)
    with open_machines(settings) as (regions, find_attempt, find_ad_hoc):
        found = []
        for told in end_orphans(regions, find_attempt, clock.now(), dry_run=dry_run, find_ad_hoc=find_ad_hoc):
            found.append(told)
            if not as_json:
                click.echo(told.text)
    if as_json:
        _echo_json([asdict(told) for told in found])
    sys.exit(1 if any(told.wrong for told in found) else 0)


@main.command("claim", cls=OperatorCommand, short_help="Let a restored ledger own the work area.")
@_settings_options
def claim_work_area(config: Path | None, folder: Path | None) -> None:
    """Let this ledger own the work area of the settings, instead of the one that it was copied from.

    For a backup that was restored elsewhere.  End the services of the former ledger first; those that are left find
    out within a minute, and keep still.
    """
    settings = load_settings(config, folder)
    with open_ownership(settings) as ownership:
        claimed = ownership.claim()
    click.echo("The work area belongs to this ledger now." if claimed else "It belonged to this ledger already.")


@main.command(cls=OperatorCommand, short_help="Tell what machines cost.")
@_settings_options
@click.option("--refresh", is_flag=True, help="Ask Amazon for today's; needs the right pricing:GetProducts.")
@_json_option
def prices(config: Path | None, folder: Path | None, refresh: bool, as_json: bool) -> None:
    """Show the price of an hour of each size, by the table that a service which starts now would use."""
    settings = load_settings(config, folder)
    for line in refresh_prices(settings, clock.now().date()) if refresh else ():
        click.echo(line, err=as_json)
    if as_json:
        _echo_json(size_prices(settings))
        return
    for line in format_prices(settings):
        click.echo(line)


@main.command(cls=OperatorCommand, short_help="Remove files whose time is over.")
@_settings_options
@click.option("--dry-run", is_flag=True, help="List what would go, with sizes, and remove nothing.")
def prune(config: Path | None, folder: Path | None, dry_run: bool) -> None:
    """Remove now the files whose time is over, as a service does once a day."""
    settings = load_settings(config, folder)
    if not dry_run:
        _check_owner(settings)
    with open_existing_ledger(settings.places) as store:
        work = open_work(settings.storage.work or settings.places.objects)
        pruning = Pruner(store, work, open_storage, settings.retention.keep, account_of(settings.places))
        plan = pruning.plan(clock.now())
        for words, size in describe_plan(plan):
            click.echo(f"{size_text(size):>8}  {words}")
        troubles = list(plan.troubles)
        if not dry_run:
            troubles += filter(None, map(pruning.remove, plan.batches()))
            pruning.remove_loose(plan.loose)
            while pruning.prune_records(clock.now()):
                pass
    for trouble in troubles:
        click.echo(trouble, err=True)
    total = size_text(sum(size for _, size in describe_plan(plan)))
    count = f"{len(plan.runs)} run{'s' * (len(plan.runs) != 1)}"
    click.echo(f"{'Would remove' if dry_run else 'Removed'} the files of {count}, {total} in all.")
    sys.exit(1 if troubles else 0)


@main.command("unpublish", cls=OperatorCommand, short_help="Take a deleted schedule's results private.")
@click.argument("name")
@click.option("--owner", default=LOCAL_OWNER, metavar="NAME", help="Whose it was, where many share the ledger.")
@_settings_options
def unpublish(name: str, owner: str, config: Path | None, folder: Path | None) -> None:
    """Move what a deleted schedule NAME published from the public area to the private one; it may be repeated."""
    settings = load_settings(config, folder)
    private = open_storage(settings.storage.base(Visibility.PRIVATE, settings.folder, ""))
    with open_existing_ledger(settings.places) as store:
        moved = unpublish_deleted(name, store, settings.storage, private, clock.now(), owner=owner)
    where = f"; they are at {private.url(f'{publication_name(owner, name)}/')}" if moved else ""
    click.echo(f"{moved:,} objects of “{name}” left the public area{where}.")


def _check_owner(settings: Settings) -> None:
    """The ledger owns the work area, or Refused says whose it is: what a copy takes for its own is the original's."""
    with open_ownership(settings) as ownership:
        ownership.check()


def _check_named(channel: str, named: tuple[str, ...]) -> None:
    """The settings name the channel, or Refused says where an operator does that."""
    if channel not in named:
        there = (
            f"Name one of {listed(named)}."
            if named
            else 'Add it under [notifications], such as team = { variable = "WORD_TO_TEAM" }.'
        )
        raise Refused("no_such_channel", f"The settings name no channel {quoted(channel)}. {there}")


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
