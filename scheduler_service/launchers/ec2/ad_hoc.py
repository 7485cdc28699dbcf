"""Machines of EC2 for ad-hoc workers: as those of runs, but with a network and a role of their own, and no agent.

Each carries its deadline as a tag, which it reads itself before it powers off, so that an extension reaches it.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from jupyter_schedule.core.models import AdHocWorker, utc_text
from scheduler_service.launchers.ad_hoc import AdHocHost, AdHocMachine, AdHocPlan
from scheduler_service.launchers.base import LaunchRefused
from scheduler_service.launchers.ec2.images import RootDevices
from scheduler_service.launchers.ec2.launch_plan import (
    AD_HOC_TAG,
    DEADLINE_TAG,
    DEPLOYMENT_TAG,
    OWNER_TAG,
    TURN_TAG,
    build_ad_hoc_user_data,
    build_launch_parameters,
    list_options,
)
from scheduler_service.launchers.ec2.machines import SETTLING, Ec2Machine, RegionMachines, run_instance
from scheduler_service.launchers.ec2.prices import Prices
from scheduler_service.launchers.ec2.reaper import read_deadline
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)

#: what EC2 calls an end that came from the machine itself
FROM_INSIDE = "Client.InstanceInitiatedShutdown"


class Ec2AdHoc(AdHocHost):
    """Those of one deployment; it goes on ending them when the settings don't allow any more."""

    def __init__(
        self,
        regions: Mapping[str, RegionMachines],
        settings: Ec2Settings,
        *,
        now: Callable[[], datetime],
        prices: Prices,
        roots: RootDevices | None = None,
    ) -> None:
        self._regions = regions
        self._settings = settings
        self._now = now
        self._prices = prices
        self._roots = roots or RootDevices({name: each.ec2 for name, each in regions.items()})

    def plan(self, worker: AdHocWorker, turn: int) -> AdHocPlan | None:
        allowed, settings = self._settings.ad_hoc, self._settings.for_ad_hoc
        if allowed is None:
            raise LaunchRefused("Ad-hoc workers aren't allowed any more: the settings have no part [ec2.ad_hoc].")
        if worker.size not in settings.sizes:
            known = ", ".join(settings.sizes)
            raise LaunchRefused(f"There is no machine size called {worker.size} any more. Ask for one of {known}.")
        size = settings.sizes[worker.size]
        ways = list_options(size, settings.regions)
        if turn >= len(ways):
            return None
        request = build_launch_parameters(
            settings,
            worker.size,
            turn=turn,
            token=f"{worker.id}-{turn}",
            root_device=self._roots.of(size, ways[turn].region),
            user_data=build_ad_hoc_user_data(
                {
                    "login_user": allowed.login_user,
                    "ssh_key": worker.ssh_key,
                    "power_off_after": max(int((worker.deadline - self._now()).total_seconds()), 1),
                }
            ),
            tags={
                "Name": f"jupyter-schedule ad-hoc {worker.id[:8]}",
                DEPLOYMENT_TAG: self._regions[settings.region].deployment,
                OWNER_TAG: worker.owner,
                DEADLINE_TAG: utc_text(worker.deadline),
                **_names(worker.id, turn),
            },
        )
        # it reads its deadline there
        request["MetadataOptions"]["InstanceMetadataTags"] = "enabled"
        hourly = self._prices.hourly(
            settings.region, ways[turn].instance_type, size.disk, has_address=settings.public_ipv4
        )
        told = {"launch": request, "region": settings.region, "login_user": allowed.login_user}
        return AdHocPlan(told, hourly)

    def launch(self, worker: AdHocWorker) -> str | None:
        assert worker.parameters is not None, "a launch is frozen before it is asked for"
        instance = run_instance(self._machines(worker), worker.parameters["launch"], _names(worker.id, worker.turn))
        log.info(logfmt("ad_hoc_launched", worker=worker.id, instance=instance))
        return instance

    def see(self, worker: AdHocWorker) -> AdHocMachine | None:
        if worker.parameters is None:
            return None
        machines = self._machines(worker)
        try:
            known = machines.all()
        except (ClientError, BotoCoreError) as problem:
            raise OSError(f"EC2 doesn't show its machines: {problem}") from None
        if worker.instance is None:
            mine = _names(worker.id, worker.turn)
            return next((_shown(machine) for machine in known.values() if machine.has(mine)), None)
        if worker.instance in known:
            return _shown(known[worker.instance])
        if machines.unseen_for(worker.instance) < SETTLING:
            return None
        # gone for so long that it isn't shown any more
        return AdHocMachine(worker.instance, lives=False, runs=False)

    def extend(self, worker: AdHocWorker) -> None:
        machines, tag = self._machines(worker), {"Key": DEADLINE_TAG, "Value": utc_text(worker.deadline)}
        try:
            machines.ec2.create_tags(Resources=[worker.instance], Tags=[tag])
        except (ClientError, BotoCoreError) as problem:
            raise OSError(f"{worker.instance} couldn't be told its new end: {problem}") from None
        machines.forget()

    def terminate(self, worker: AdHocWorker) -> None:
        if worker.instance is not None:
            self._machines(worker).terminate(worker.instance)

    def _machines(self, worker: AdHocWorker) -> RegionMachines:
        """Those of its region.  Raises OSError when the settings don't have it any more."""
        region: str = (worker.parameters or {}).get("region", "")
        if region not in self._regions:
            raise OSError(f"The settings have lost the region {region} of an ad-hoc worker: add it to ec2.elsewhere.")
        return self._regions[region]


def _names(worker_id: str, turn: int) -> dict[str, Any]:
    """The tags that no other machine has."""
    return {AD_HOC_TAG: worker_id, TURN_TAG: str(turn)}


def _shown(machine: Ec2Machine) -> AdHocMachine:
    return AdHocMachine(
        machine.id,
        lives=machine.lives,
        runs=machine.state == "running",
        address=machine.address,
        deadline=read_deadline(machine),
        ended_by=machine.ended_by,
        ended_itself=machine.ended_by == FROM_INSIDE,
    )
