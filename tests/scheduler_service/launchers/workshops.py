"""Every launcher there is, each at work on something real enough, behind one way to ask for what the contract needs."""

import signal
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Attempt
from jupyter_schedule.testing import Workshop
from scheduler_service.launchers.base import Launcher, WorkerState
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.local import OWNER, LocalLauncher
from scheduler_service.launchers.plugins import LauncherContext
from scheduler_service.launchers.slurm import SlurmLauncher, SlurmSettings
from scheduler_service.worker import processes
from scheduler_service.worker.processes import Process
from scheduler_service.worker.task import freeze
from tests.doubles.ec2 import client_error, lost_answer
from tests.doubles.moto_shim import Shim, shimmed_moto
from tests.engine import eventually
from tests.factories import make_attempt, make_run, make_schedule, make_spec, make_task
from tests.scheduler_service.launchers.ec2.machines import SETTINGS, FakeWorkStorage, Region, attempt_on
from tests.slurm import Cluster

RUN = make_run(make_schedule())
#: an agent that works until somebody asks it to end
AGENT = ("sleep", "3601")


class LocalWorkshop(Workshop):
    """Processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[LocalLauncher] = []

    def launcher(self) -> Launcher:
        self._made.append(LocalLauncher(self._folder, agent=AGENT))
        return self._made[-1]

    def attempt(self, number: int = 1) -> Attempt:
        return make_attempt(RUN, number, parameters=make_task(run_id=RUN.id, attempt=number).document())

    def living(self) -> int:
        return len(self._workers())

    def end(self) -> None:
        """Leave no process."""
        for worker in self._workers():
            processes.send(worker, signal.SIGKILL)
        for made in self._made:
            for child in made._children.values():
                child.wait()
            made.close()

    def _workers(self) -> list[Process]:
        ours = {made._owner for made in self._made}
        marked = [pid for pid, value in processes.list_marked(OWNER) if value.partition(":")[0] in ours]
        return [process for process in map(processes.read, marked) if process and process.alive]


class SlurmWorkshop(Workshop):
    """Jobs of a real cluster, in which the agent does nothing."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self._cluster = cluster
        agent = folder / "agent"
        agent.write_text(f"#!/bin/sh\nexec {' '.join(AGENT)}\n")
        agent.chmod(0o755)
        self.settings = SlurmSettings(folder=folder / "shared", python=agent)
        self._context = LauncherContext(folder, str(folder), str(folder).encode(), clock.now, lambda: None)

    def launcher(self) -> SlurmLauncher:
        return SlurmLauncher(self.settings, self._context, self._cluster.command)

    def attempt(self, number: int = 1) -> Attempt:
        spec = make_spec(launcher="slurm")
        plan = self.launcher().plan(RUN, spec, number=number, token="t", deadline=clock.now())
        task = make_task(run_id=RUN.id, attempt=number)
        return make_attempt(RUN, number, launcher="slurm", parameters=freeze(task, plan))

    def launched(self, number: int = 1, *, by: Launcher | None = None) -> Attempt:
        """Slurm looks for a node a moment after the job was handed in."""
        attempt = super().launched(number, by=by)
        eventually(lambda: self.launcher().poll(attempt) != WorkerState.QUEUED, what="its start")
        return attempt

    def living(self) -> int:
        return len(self._cluster.jobs("PENDING", "RUNNING", "COMPLETING"))

    def end(self) -> None:
        """Leave no job."""
        self._cluster.command("scancel", "--user=root")
        eventually(lambda: self.living() == 0, what="the end of all jobs")


class Ec2Workshop(Workshop):
    """EC2, in whatever way."""

    @abstractmethod
    def changed(self, attempt: Attempt, user_data: str) -> Attempt:
        """The attempt, asking for something else with its token."""


class CloudWorkshop(Ec2Workshop):
    """One that a test may make short of capacity, deaf, or lose answers."""

    @abstractmethod
    def be_empty(self) -> None:
        """Have no capacity for the first offer."""

    @abstractmethod
    def fail_before(self, code: str) -> None:
        """Answer the next call with that error, without its effect."""

    @abstractmethod
    def lose_answer(self) -> None:
        """Let the next call have its effect and its answer get lost."""


class DoubleWorkshop(CloudWorkshop):
    """The strict double."""

    def __init__(self) -> None:
        self.region = Region()

    def launcher(self) -> Launcher:
        machines = RegionMachines(self.region.ec2, "d1", clock=lambda: self.region.seconds)
        return Ec2Launcher({SETTINGS.region: machines}, SETTINGS, work_storage=FakeWorkStorage(), now=self.region.now)

    def attempt(self, number: int = 1) -> Attempt:
        return self.region.attempt(number)

    def living(self) -> int:
        return len(self.region.ec2.living)

    def after_quarantine(self) -> None:
        self.region.seconds += 16 * 60

    def be_empty(self) -> None:
        self.region.ec2.empty.add(("t3.medium", "subnet-a", False))

    def fail_before(self, code: str) -> None:
        self.region.ec2.faults_before.append(client_error(code, status=503))

    def lose_answer(self) -> None:
        self.region.ec2.faults_after.append(lost_answer())

    def changed(self, attempt: Attempt, user_data: str) -> Attempt:
        return self.region.attempt(attempt.number, user_data=user_data)


class MotoWorkshop(CloudWorkshop):
    """moto behind the shim, by HTTP."""

    def __init__(self, endpoint: str, shim: Shim) -> None:
        self._endpoint = endpoint
        self._shim = shim
        self._ahead = timedelta()
        self._begun = clock.now()
        ec2 = self._ec2 = self._client()
        iam = boto3.client("iam", region_name="us-east-1", endpoint_url=endpoint)
        iam.create_instance_profile(InstanceProfileName="worker")
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        size = SETTINGS.sizes["small"].model_copy(update={"image": ec2.describe_images()["Images"][0]["ImageId"]})
        self._settings: Ec2Settings = SETTINGS.model_copy(
            update={
                "region": "us-east-1",
                "subnets": tuple(subnets[:2]),
                "security_groups": (ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],),
                "sizes": {"small": size},
            }
        )

    def _client(self) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client("ec2", region_name="us-east-1", endpoint_url=self._endpoint, config=config)

    @property
    def _times(self) -> dict[str, Any]:
        return {"created_at": self._begun, "deadline": self._begun + timedelta(hours=2)}

    def _now(self) -> datetime:
        return clock.now() + self._ahead

    def launcher(self) -> Launcher:
        machines = RegionMachines(self._client(), "d1", clock=lambda: time.monotonic() + self._ahead.total_seconds())
        return Ec2Launcher({"us-east-1": machines}, self._settings, work_storage=FakeWorkStorage(), now=self._now)

    def attempt(self, number: int = 1) -> Attempt:
        return attempt_on(self._settings, number, **self._times)

    def living(self) -> int:
        running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        return sum(len(each["Instances"]) for each in self._ec2.describe_instances(Filters=running)["Reservations"])

    def after_quarantine(self) -> None:
        self._ahead += timedelta(minutes=16)

    def be_empty(self) -> None:
        self._shim.empty.add(("t3.medium", self._settings.subnets[0]))

    def fail_before(self, code: str) -> None:
        self._shim.faults_before.append(code)

    def lose_answer(self) -> None:
        self._shim.faults_after.append("InternalError")

    def changed(self, attempt: Attempt, user_data: str) -> Attempt:
        return attempt_on(self._settings, attempt.number, **self._times, user_data=user_data)


@contextmanager
def moto_workshop() -> Iterator[MotoWorkshop]:
    """One of its own."""
    with shimmed_moto() as (endpoint, shim):
        yield MotoWorkshop(endpoint, shim)
