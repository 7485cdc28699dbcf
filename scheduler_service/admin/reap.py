"""`reap`: an operator's own look at the machines of the deployment, which ends those that nobody needs.

The service does the same every minute; this is for when it is dead, and for whoever wants to know first.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from jupyter_schedule.core.models import utc_text
from jupyter_schedule.core.text import listed
from scheduler_service.admin.check import open_existing_ledger
from scheduler_service.launchers.ad_hoc import FindAdHocWorker, find_no_worker
from scheduler_service.launchers.ec2.client import open_regions
from scheduler_service.launchers.ec2.errors import describe_error
from scheduler_service.launchers.ec2.launch_plan import AD_HOC_TAG, OWNER_TAG, SCHEDULE_TAG
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.reaper import FindAttempt, Orphan, OrphanReason, forecast_orphans
from scheduler_service.settings import Settings


@dataclass(frozen=True)
class ReapLine:
    """One line, and whether it tells of something that went wrong."""

    text: str
    wrong: bool = False
    #: what it tells of, and what happened to that: `stays`, `would_end`, `ended`, `failed`; None of a line about all
    region: str | None = None
    machine: str | None = None
    action: str | None = None


@contextmanager
def open_machines(settings: Settings) -> Iterator[tuple[Mapping[str, RegionMachines], FindAttempt, FindAdHocWorker]]:
    """The deployment's machines by region, and its ledger's attempts and ad-hoc workers.  Raises Refused."""
    machines = settings.machines
    with open_existing_ledger(settings.places) as store:
        yield open_regions(machines, store.secret()), store.runs.get_attempt, store.ad_hoc.get


def end_orphans(
    regions: Mapping[str, RegionMachines],
    find_attempt: FindAttempt,
    now: datetime,
    *,
    dry_run: bool,
    find_ad_hoc: FindAdHocWorker = find_no_worker,
) -> Iterator[ReapLine]:
    """End, region by region, the machines that have to go; a line for each machine that lives.

    dry_run: only say so.
    """
    lives = ends = 0
    away: list[str] = []
    for region, machines in regions.items():
        try:
            found = forecast_orphans(machines.look().values(), find_attempt, find_ad_hoc)
        except (ClientError, BotoCoreError) as problem:
            yield ReapLine(
                f"{region}: its machines can't be seen. {describe_error(problem, now)}", wrong=True, region=region
            )
            away.append(region)
            continue
        lives += len(found)
        for orphan in sorted(found, key=lambda each: each.at):
            what = f"{region}  {orphan.machine.id}  {_whose(orphan)}"
            if now < orphan.at:
                yield _told(f"stays    {what}: {_until(orphan)}", region, orphan, "stays")
                continue
            ends += 1
            if dry_run:
                yield _told(f"would go {what}: {orphan.reason.value}", region, orphan, "would_end")
            else:
                yield _ended(machines, orphan, region, what)
    seen = [region for region in regions if region not in away]
    if not seen:
        yield ReapLine("No region could be looked at, so machines may be there all the same.")
        return
    unseen = f" {listed(away)} couldn't be looked at." if away else ""
    yield ReapLine(f"{_machines(lives)} of this deployment in {listed(seen)}; {ends} to end.{unseen}")


def _told(text: str, region: str, orphan: Orphan, action: str, *, wrong: bool = False) -> ReapLine:
    return ReapLine(text, wrong=wrong, region=region, machine=orphan.machine.id, action=action)


def _ended(machines: RegionMachines, orphan: Orphan, region: str, what: str) -> ReapLine:
    try:
        machines.terminate(orphan.machine.id)
    except OSError as problem:
        return _told(f"FAILED   {what}: {problem}", region, orphan, "failed", wrong=True)
    return _told(f"ended    {what}: {orphan.reason.value}", region, orphan, "ended")


def _until(orphan: Orphan) -> str:
    if orphan.reason is OrphanReason.PAST_DEADLINE:
        return f"at work until {utc_text(orphan.at)} at the latest"
    return f"{orphan.reason.value}; in quarantine until {utc_text(orphan.at)}"


def _whose(orphan: Orphan) -> str:
    tags = orphan.machine.tags
    whose = (
        f"ad-hoc worker of {tags.get(OWNER_TAG)}" if AD_HOC_TAG in tags else tags.get(SCHEDULE_TAG, "of no schedule")
    )
    return f"{whose}, since {utc_text(orphan.machine.launched_at)}"


def _machines(count: int) -> str:
    return f"{count} machine{'' if count == 1 else 's'}"
