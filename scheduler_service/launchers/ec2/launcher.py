"""The launcher of EC2: RunInstances with a token of ours, one description for all polls, EC2's word on each error."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from jupyter_schedule.core.models import Attempt, LauncherInfo, MachineSize, Reason, Run, Spec, utc_text
from scheduler_service.launchers.ad_hoc import FindAdHocWorker, find_no_worker
from scheduler_service.launchers.base import Handle, Launcher, LaunchRefused, WorkerEnd, WorkerState
from scheduler_service.launchers.ec2.ad_hoc import Ec2AdHoc
from scheduler_service.launchers.ec2.errors import describe_error
from scheduler_service.launchers.ec2.images import RootDevices
from scheduler_service.launchers.ec2.launch_plan import (
    ATTEMPT_TAG,
    DEADLINE_TAG,
    DEPLOYMENT_TAG,
    RUN_TAG,
    SCHEDULE_TAG,
    UserDataTooLarge,
    build_launch_parameters,
    build_user_data,
    choose_option,
)
from scheduler_service.launchers.ec2.machines import SETTLING, Ec2Machine, RegionMachines, run_instance
from scheduler_service.launchers.ec2.prices import Prices, load_prices
from scheduler_service.launchers.ec2.reaper import find_orphans
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.ec2.work_storage import WorkStorage
from scheduler_service.logfmt import logfmt
from scheduler_service.quotas import MachineHourQuota
from scheduler_service.worker.task import LaunchPlan, frozen_region, frozen_task

log = logging.getLogger(__name__)

#: of a token whose machine lived and is gone already: there is nothing to poll
_OVER: Handle = {"instance": None, "identity": "none"}


class Ec2Launcher(Launcher):
    """A fresh machine for each attempt.

    A handle has its `instance`, None for one that is known to be over, and the `identity` under which it writes.
    """

    identity = ""
    #: boot, Debian packages and all
    starts_within = 600

    def __init__(
        self,
        regions: Mapping[str, RegionMachines],
        settings: Ec2Settings,
        *,
        work_storage: WorkStorage,
        now: Callable[[], datetime],
        prices: Prices | None = None,
        roots: RootDevices | None = None,
    ) -> None:
        """regions: the deployment's machines in each region of the settings.  prices: else the shipped ones.

        roots: of the sizes' images, else those that are named by their ids.
        """
        self._prices = prices or load_prices()
        self._regions = regions
        self._settings = settings
        self.hours = MachineHourQuota(settings.max_machine_hours, settings.max_machine_hours_per_owner)
        self._work_storage = work_storage
        self._now = now
        #: by region that doesn't answer, why
        self._away: dict[str, str] = {}
        self._roots = roots or RootDevices({name: each.ec2 for name, each in regions.items()})
        self.ad_hoc = Ec2AdHoc(regions, settings, now=now, prices=self._prices, roots=self._roots)

    def environment(self) -> Mapping[str, str]:
        """Nothing: a machine has what it installs."""
        return {}

    def describe(self, name: str) -> LauncherInfo:
        sizes = (
            MachineSize(name=size, hardware=about.hardware, hourly=self._prices.dearest(about, self._settings.regions))
            for size, about in self._settings.sizes.items()
        )
        terms = self._settings.ad_hoc.allowance if self._settings.ad_hoc else None
        roles = tuple(self._settings.data_roles)
        return LauncherInfo(name=name, paid=True, sizes=tuple(sizes), data_roles=roles, ad_hoc=terms)

    def plan(
        self, run: Run, spec: Spec, *, number: int, token: str, deadline: datetime, lost: int | None = None
    ) -> LaunchPlan:
        configuration = {
            **self._work_storage.configuration(),
            "role_id": self._settings.role_id,
            "token": token,
            "power_off_after": int((deadline - self._now()).total_seconds()),
        }
        tags = {
            "Name": f"jupyter-schedule {run.schedule}",
            DEPLOYMENT_TAG: self._regions[self._settings.region].deployment,
            SCHEDULE_TAG: run.schedule,
            RUN_TAG: run.id,
            ATTEMPT_TAG: str(number),
            DEADLINE_TAG: utc_text(deadline),
        }
        size = spec.size or self._settings.default_size
        if size not in self._settings.sizes:
            known = ", ".join(self._settings.sizes)
            raise LaunchRefused(f"There is no machine size called {size}. Edit the schedule and pick one of {known}.")
        text = build_user_data(configuration)
        turn = number - 1
        offer = choose_option(self._settings, size, turn, lost)
        try:
            request = build_launch_parameters(
                self._settings,
                size,
                turn=turn,
                token=token,
                user_data=text,
                tags=tags,
                lost=lost,
                root_device=self._roots.of(self._settings.sizes[size], offer.region),
            )
        except UserDataTooLarge as problem:
            message = f"What a machine is told has {problem} bytes, and EC2 takes 16 KiB: shorten storage.work."
            raise LaunchRefused(message, Reason.CONFIG) from None
        hourly = self._prices.hourly(
            offer.region,
            offer.instance_type,
            self._settings.sizes[size].disk,
            has_address=self._settings.regions[offer.region].public_ipv4,
        )
        # the analyst's own kernel stays at home: a fresh machine makes the environment that the bundle pins
        changes = {"kernel": None, "objects": configuration["objects"], "data_role": self._data_role(spec)}
        return LaunchPlan(
            launch=request,
            region=offer.region,
            paid=True,
            hourly=None if hourly is None else str(hourly),
            task_changes=changes,
        )

    def _data_role(self, spec: Spec) -> str | None:
        """The ARN of the role that the schedule asks for.  Raises LaunchRefused when the operator has no such."""
        allowed = self._settings.data_roles
        if spec.data_role is not None and spec.data_role not in allowed:
            known = f"pick one of {', '.join(allowed)}" if allowed else "ask the operator for one"
            raise LaunchRefused(f"There is no data role called {spec.data_role}. Edit the schedule and {known}.")
        return None if spec.data_role is None else allowed[spec.data_role]

    def launch(self, attempt: Attempt) -> Handle:
        task, request = frozen_task(attempt.parameters), LaunchPlan.of(attempt.parameters).launch
        assert request is not None, "a launch is frozen before it is asked for"
        self._work_storage.put_task(attempt.token, task)
        machines = self._machines_of(attempt)
        if machines is None:
            raise LaunchRefused("The settings have lost this run's region: add it to ec2.elsewhere.", Reason.CONFIG)
        mine = {RUN_TAG: attempt.run_id, ATTEMPT_TAG: str(attempt.number)}
        instance = run_instance(machines, request, mine)
        if instance is None:
            return _OVER
        log.info(logfmt("machine_launched", run=attempt.run_id, attempt=attempt.number, instance=instance))
        return self._handle(instance)

    def poll(self, attempt: Attempt) -> WorkerState:
        if attempt.handle is None:
            return WorkerState.UNKNOWN
        if attempt.handle["instance"] is None:
            return WorkerState.GONE
        machines = self._machines_of(attempt)
        seen = None if machines is None else self._seen(machines.all, self._region_of(attempt))
        if machines is None or seen is None:
            return WorkerState.UNREACHABLE
        machine = seen.get(attempt.handle["instance"])
        if machine is None:
            # EC2 is eventually consistent: not shown yet, or gone so long that it isn't shown any more
            unseen = machines.unseen_for(attempt.handle["instance"])
            return WorkerState.UNREACHABLE if unseen < SETTLING else WorkerState.GONE
        return WorkerState.ALIVE if machine.lives else replace(WorkerState.GONE, end=machines.end_of(machine))

    def explain_end(self, attempt: Attempt) -> WorkerEnd | None:
        machines, instance = self._machines_of(attempt), (attempt.handle or {}).get("instance")
        if machines is None or instance is None:
            return None
        machine = (self._seen(machines.all, self._region_of(attempt)) or {}).get(instance)
        return None if machine is None or machine.lives else machines.end_of(machine)

    def terminate(self, attempt: Attempt) -> None:
        machines = self._machines_of(attempt)
        if machines and attempt.handle and attempt.handle["instance"]:
            machines.terminate(attempt.handle["instance"])

    def discard(self, attempt: Attempt) -> None:
        self.terminate(attempt)
        if attempt.worker is not None:
            share = attempt.parameters.get("share") or attempt.parameters["bundle"]
            try:
                self._work_storage.keep_environments(attempt.worker, attempt.token, share)
            except OSError as problem:
                # the next run makes them once more
                log.warning(logfmt("environments_not_kept", run=attempt.run_id, message=problem))
        self._work_storage.remove_task(attempt.token)

    def reap(
        self, find_attempt: Callable[[str, int], Attempt | None], find_ad_hoc: FindAdHocWorker = find_no_worker
    ) -> None:
        living: list[OSError] = []
        for region, machines in self._regions.items():
            seen = self._seen(machines.look, region) or {}
            for orphan in find_orphans(seen.values(), find_attempt, self._now(), find_ad_hoc):
                log.warning(logfmt("reap", instance=orphan.machine.id, region=region, reason=orphan.reason.name))
                try:
                    machines.terminate(orphan.machine.id)
                except OSError as problem:
                    # what is left costs money too
                    living.append(problem)
        if living:
            raise living[0]

    def close(self) -> None:
        for machines in self._regions.values():
            machines.ec2.close()

    def _machines_of(self, attempt: Attempt) -> RegionMachines | None:
        """Those of the attempt's region; None when the settings don't have it any more."""
        return self._regions.get(self._region_of(attempt))

    def _region_of(self, attempt: Attempt) -> str:
        return frozen_region(attempt.parameters) or self._settings.region

    def _seen(self, look: Callable[[], dict[str, Ec2Machine]], region: str) -> dict[str, Ec2Machine] | None:
        """Look at the machines; None while EC2 doesn't answer, which is logged once, and again for another reason."""
        try:
            seen = look()
        except (ClientError, BotoCoreError) as problem:
            # not its words, which have numbers that change
            kind = problem.response["Error"]["Code"] if isinstance(problem, ClientError) else type(problem).__name__
            if self._away.get(region) != kind:
                self._away[region] = kind
                log.warning(logfmt("ec2_away", region=region, message=describe_error(problem, self._now())))
            return None
        if self._away.pop(region, None) is not None:
            log.warning(logfmt("ec2_back", region=region))
        return seen

    def _handle(self, instance: str) -> Handle:
        return {"instance": instance, "identity": f"{self._settings.role_id}:{instance}"}
