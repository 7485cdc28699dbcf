"""A launcher on the double, with the time in one place."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_schedule.core.models import Attempt
from scheduler_service.launchers.ec2.launch_plan import (
    ATTEMPT_TAG,
    DEADLINE_TAG,
    DEPLOYMENT_TAG,
    RUN_TAG,
    build_launch_parameters,
)
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.settings import Ec2Settings, Size
from scheduler_service.launchers.ec2.work_storage import WorkStorage
from scheduler_service.worker.task import LaunchPlan, WorkerTask, freeze
from tests.doubles.ec2 import Ec2Double
from tests.factories import make_task

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = Ec2Settings(
    region="eu-west-1",
    subnets=("subnet-a", "subnet-b"),
    security_groups=("sg-1",),
    instance_profile="worker",
    role_id="AROAWORKER",
    sizes={
        "small": Size(instance_types=("t3.medium", "t3a.medium"), hardware="2 cores, 4 GB"),
        "cheap": Size(instance_types=("t3.medium",), hardware="2 cores, 4 GB", spot=True),
    },
)


class FakeWorkStorage(WorkStorage):
    """Remembers what attempts are told."""

    def __init__(self) -> None:
        self.tasks: dict[str, WorkerTask] = {}

    def configuration(self) -> dict[str, str]:
        return {"objects": "s3://work", "base": "https://work/", "agent": "agents/0.tar.gz", "agent_sha256": "0"}

    def put_task(self, token: str, task: WorkerTask) -> None:
        self.tasks[token] = task

    def remove_task(self, token: str) -> None:
        self.tasks.pop(token, None)

    def keep_environments(self, worker: str, token: str, share: str) -> None:
        """Nothing was made here."""


class Region:
    """One region of EC2, a launcher at work there, and a clock for both."""

    def __init__(self, settings: Ec2Settings = SETTINGS, **double: Any) -> None:
        self.seconds = 0.0
        self.ec2 = Ec2Double(now=self.now, **double)
        self.machines = RegionMachines(self.ec2, "d1", clock=lambda: self.seconds)
        self.work_area = FakeWorkStorage()
        self.launcher = Ec2Launcher(
            {settings.region: self.machines}, settings, work_storage=self.work_area, now=self.now
        )

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def attempt(self, number: int = 1, *, size: str = "small", run_id: str = "r1", user_data: str = "x") -> Attempt:
        return attempt_on(SETTINGS, number, size=size, run_id=run_id, user_data=user_data, created_at=self.now())

    def launched(self, attempt: Attempt) -> Attempt:
        return attempt.model_copy(update={"handle": self.launcher.launch(attempt)})


def attempt_on(
    settings: Ec2Settings,
    number: int,
    *,
    created_at: datetime = START,
    deadline: datetime = START + timedelta(hours=2),
    size: str = "small",
    run_id: str = "r1",
    user_data: str = "x",
    deployment: str = "d1",
) -> Attempt:
    """An attempt of the deployment at run `run_id`, the same each time."""
    tags = {
        DEPLOYMENT_TAG: deployment,
        RUN_TAG: run_id,
        ATTEMPT_TAG: str(number),
        DEADLINE_TAG: deadline.isoformat(),
    }
    token = f"{run_id}-{number}"
    launch = build_launch_parameters(settings, size, turn=number - 1, token=token, user_data=user_data, tags=tags)
    return Attempt(
        run_id=run_id,
        number=number,
        token=token,
        launcher="ec2",
        parameters=freeze(
            make_task(run_id=run_id, attempt=number, token=token),
            LaunchPlan(launch=launch, region=settings.region, paid=True),
        ),
        deadline=deadline,
        created_at=created_at,
    )
