"""A real account of Amazon's, only where somebody names the settings of one: see docs/real-account.md.

Its machines do nothing but wait, and end themselves after ten minutes, whatever becomes of this process.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Attempt
from scheduler_service.launchers.base import Launcher, WorkerState
from scheduler_service.launchers.ec2.client import make_client
from scheduler_service.launchers.ec2.launch_plan import DEPLOYMENT_TAG
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.settings import load_settings
from tests.doubles.recorded import FOLDER, recording
from tests.engine import eventually
from tests.scheduler_service.launchers.ec2.machines import FakeWorkStorage, attempt_on
from tests.scheduler_service.launchers.workshops import Ec2Workshop

#: names the settings of a service whose account the contract is tried in
VARIABLE = "JUPYTER_SCHEDULE_REAL_ACCOUNT"
USER_DATA = "#!/bin/bash\nsystemd-run --on-active=600 systemctl poweroff --force --force\n"


def is_named() -> bool:
    """Whether there is one."""
    return VARIABLE in os.environ


class RealWorkshop(Ec2Workshop):
    """The first region and the first type of the first size of the settings."""

    #: EC2 takes a while to end a machine
    patience = 600.0

    def __init__(self, settings: Ec2Settings) -> None:
        size = settings.sizes[settings.default_size]
        once = size.model_copy(update={"instance_types": size.instance_types[:1], "spot": False, "disk": 8})
        self._settings = settings.model_copy(update={"sizes": {"small": once}, "elsewhere": {}})
        self._ec2 = make_client(settings, "ec2", settings.region)
        #: a deployment of its own: nobody else's machines are seen, and no service ends these
        self._deployment = f"contract-{uuid4().hex[:12]}"
        self._begun = clock.now()
        self._ahead = timedelta()

    def launcher(self) -> Launcher:
        regions = {self._settings.region: self._machines()}
        return Ec2Launcher(regions, self._settings, work_storage=FakeWorkStorage(), now=self._now)

    def attempt(self, number: int = 1) -> Attempt:
        return self._attempt(number, USER_DATA)

    def launched(self, number: int = 1, *, by: Launcher | None = None) -> Attempt:
        """The attempt when EC2 shows its machine, which it does some time after it launched it."""
        known = super().launched(number, by=by)
        eventually(lambda: self._is_shown(known), what="the machine in a description", patience=self.patience)
        return known

    def changed(self, attempt: Attempt, user_data: str) -> Attempt:
        return self._attempt(attempt.number, f"{USER_DATA}# {user_data}\n")

    def living(self) -> int:
        return sum(machine.state in {"pending", "running"} for machine in self._machines().look().values())

    def after_quarantine(self) -> None:
        self._ahead += timedelta(minutes=16)

    def before_another_look(self) -> None:
        """An account has so many descriptions a second."""
        time.sleep(3)

    def end(self) -> None:
        """Leave no machine, and see that none is left."""
        for machine in self._machines().look().values():
            self._machines().terminate(machine.id)

        def over() -> bool:
            self.before_another_look()
            return not any(machine.lives for machine in self._machines().look().values())

        eventually(over, what="the end of every machine", patience=self.patience)

    def _attempt(self, number: int, user_data: str) -> Attempt:
        deadline = self._begun + timedelta(hours=2)
        made = attempt_on(
            self._settings,
            number,
            created_at=self._begun,
            deadline=deadline,
            run_id=self._deployment,
            user_data=user_data,
            deployment=self._deployment,
        )
        assert DEPLOYMENT_TAG in str(made.parameters)
        return made

    def _machines(self) -> RegionMachines:
        return RegionMachines(self._ec2, self._deployment)

    def _is_shown(self, attempt: Attempt) -> bool:
        self.before_another_look()
        return self.launcher().poll(attempt) is not WorkerState.UNREACHABLE

    def _now(self) -> datetime:
        return clock.now() + self._ahead


@contextmanager
def real_workshop(test: str) -> Iterator[RealWorkshop]:
    """The account that is named; what it answers to this test is recorded."""
    settings = load_settings(Path(os.environ[VARIABLE])).ec2
    assert settings, f"the settings that {VARIABLE} names have no part [ec2]"
    made = RealWorkshop(settings)
    with recording(FOLDER / f"{test}.json"):
        try:
            yield made
        finally:
            made.end()
