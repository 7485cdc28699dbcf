"""A launcher on the double, with the time in one place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_schedule.core.models import Attempt
from jupyter_schedule.core.objects import FolderObjects
from scheduler_service.launchers.ec2.launch_plan import (
    ATTEMPT_TAG,
    DEADLINE_TAG,
    DEPLOYMENT_TAG,
    RUN_TAG,
    launch_parameters,
)
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import Machines
from scheduler_service.launchers.ec2.settings import Ec2Settings, Size
from tests.doubles.ec2 import Ec2Double

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = Ec2Settings(
    region="eu-west-1",
    subnets=("subnet-a", "subnet-b"),
    security_groups=("sg-1",),
    instance_profile="worker",
    sizes={
        "small": Size(instance_types=("t3.medium", "t3a.medium"), hardware="2 cores, 4 GB"),
        "cheap": Size(instance_types=("t3.medium",), hardware="2 cores, 4 GB", spot=True),
    },
)


class Region:
    """One region of EC2, a launcher at work there, and a clock for both."""

    def __init__(self, folder: Path, **double: Any) -> None:
        self.seconds = 0.0
        self.ec2 = Ec2Double(clock=lambda: self.seconds, **double)
        self.machines = Machines(self.ec2, "d1", clock=lambda: self.seconds)
        self.objects = FolderObjects(folder)
        self.launcher = Ec2Launcher(
            self.ec2,
            self.machines,
            SETTINGS,
            self.objects,
            agent=lambda: {"agent": "a", "agent_sha256": "0"},
            now=self.now,
        )

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def attempt(self, number: int = 1, *, size: str = "small", run_id: str = "r1", user_data: str = "x") -> Attempt:
        tags = {
            DEPLOYMENT_TAG: "d1",
            RUN_TAG: run_id,
            ATTEMPT_TAG: str(number),
            DEADLINE_TAG: (START + timedelta(hours=2)).isoformat(),
        }
        token = f"{run_id}-{number}"
        launch = launch_parameters(SETTINGS, size, turn=number - 1, token=token, user_data=user_data, tags=tags)
        return Attempt(
            run_id=run_id,
            number=number,
            token=token,
            launcher="ec2",
            parameters={"run_id": run_id, "launch": launch},
            deadline=START + timedelta(hours=2),
            created_at=self.now(),
        )

    def launched(self, attempt: Attempt) -> Attempt:
        return attempt.model_copy(update={"handle": self.launcher.launch(attempt)})
