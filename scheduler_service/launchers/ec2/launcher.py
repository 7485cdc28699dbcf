"""The launcher of EC2: RunInstances with a token of ours, one description for all polls, EC2's word on each error."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from jupyter_schedule.core.models import Attempt, Reason, Run, Spec, utc_text
from scheduler_service.launchers.base import Handle, Launcher, LaunchRefused, NoCapacity, WorkerState
from scheduler_service.launchers.ec2.answers import Meaning, configuration_sentence, meaning_of
from scheduler_service.launchers.ec2.launch_plan import (
    ATTEMPT_TAG,
    DEADLINE_TAG,
    DEPLOYMENT_TAG,
    RUN_TAG,
    SCHEDULE_TAG,
    launch_parameters,
)
from scheduler_service.launchers.ec2.machines import Machine, Machines
from scheduler_service.launchers.ec2.reaper import to_reap
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.ec2.user_data import user_data
from scheduler_service.launchers.ec2.work_area import WorkArea

log = logging.getLogger(__name__)

#: a machine that EC2 doesn't show yet may exist for this long after it was asked for
SETTLING = timedelta(minutes=10)
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
        ec2: Any,
        machines: Machines,
        settings: Ec2Settings,
        *,
        work_area: WorkArea,
        now: Callable[[], datetime],
    ) -> None:
        """ec2: a client of the region."""
        self._ec2 = ec2
        self._machines = machines
        self._settings = settings
        self._work_area = work_area
        self._now = now

    def environment(self) -> Mapping[str, str]:
        """Nothing: a machine has what it installs."""
        return {}

    def plan(self, run: Run, spec: Spec, *, number: int, token: str, deadline: datetime) -> dict[str, Any]:
        configuration = {
            **self._work_area.configuration(),
            "region": self._settings.region,
            "role_id": self._settings.role_id,
            "token": token,
            "power_off_after": int((deadline - self._now()).total_seconds()),
        }
        tags = {
            "Name": f"jupyter-schedule {run.schedule}",
            DEPLOYMENT_TAG: self._machines.deployment,
            SCHEDULE_TAG: run.schedule,
            RUN_TAG: run.id,
            ATTEMPT_TAG: str(number),
            DEADLINE_TAG: utc_text(deadline),
        }
        size = spec.size or self._settings.default_size
        if size not in self._settings.sizes:
            known = ", ".join(self._settings.sizes)
            raise LaunchRefused(f"There is no machine size called {size}. Edit the schedule and pick one of {known}.")
        text = user_data(configuration)
        request = launch_parameters(self._settings, size, turn=number - 1, token=token, user_data=text, tags=tags)
        # the analyst's own kernel stays at home: a fresh machine makes the environment that the bundle pins
        return {"launch": request, "kernel": None, "objects": configuration["objects"]}

    def launch(self, attempt: Attempt) -> Handle:
        parameters = dict(attempt.parameters)
        request: dict[str, Any] = parameters.pop("launch")
        self._work_area.put_brief(attempt.token, parameters)
        try:
            answer = self._ec2.run_instances(**request)
        except (NoCredentialsError, PartialCredentialsError) as problem:
            raise LaunchRefused(f"The service has no AWS credentials ({problem}).", Reason.CONFIG) from None
        except ClientError as problem:
            return self._understand(problem, attempt)
        except BotoCoreError as problem:
            # no answer: a machine may have started all the same, and the same token finds it
            raise OSError(f"EC2 didn't answer: {problem}") from None
        self._machines.forget()
        instance = answer["Instances"][0]["InstanceId"]
        log.info("action=machine_launched run=%s attempt=%d instance=%s", attempt.run_id, attempt.number, instance)
        return self._handle(instance)

    def poll(self, attempt: Attempt) -> WorkerState:
        if attempt.handle is None:
            return WorkerState.UNKNOWN
        if attempt.handle["instance"] is None:
            return WorkerState.GONE
        try:
            machine = self._machines.all().get(attempt.handle["instance"])
        except (ClientError, BotoCoreError) as problem:
            log.warning("action=describe_failed problem=%s", problem)
            return WorkerState.UNREACHABLE
        if machine is None:
            # EC2 is eventually consistent: not shown yet, or gone so long that it isn't shown any more
            settling = self._now() < attempt.created_at + SETTLING
            return WorkerState.UNREACHABLE if settling else WorkerState.GONE
        return WorkerState.ALIVE if machine.lives else WorkerState.GONE

    def terminate(self, attempt: Attempt) -> None:
        if attempt.handle and attempt.handle["instance"]:
            self._terminate(attempt.handle["instance"])

    def discard(self, attempt: Attempt) -> None:
        self.terminate(attempt)

    def reap(self, attempt_of: Callable[[str, int], Attempt | None]) -> None:
        for reaped in to_reap(self._machines.look().values(), attempt_of, self._now()):
            log.warning("action=reap instance=%s ground=%s", reaped.machine.id, reaped.ground.name.lower())
            self._terminate(reaped.machine.id)

    def close(self) -> None:
        self._ec2.close()

    def _terminate(self, instance: str) -> None:
        """Idempotent, and silent about a machine that is gone.  Raises OSError."""
        try:
            self._ec2.terminate_instances(InstanceIds=[instance])
        except ClientError as problem:
            if problem.response["Error"]["Code"] != "InvalidInstanceID.NotFound":
                raise OSError(f"{instance} couldn't be terminated: {problem}") from None
        except BotoCoreError as problem:
            raise OSError(f"{instance} couldn't be terminated: {problem}") from None
        self._machines.forget()

    def _handle(self, instance: str) -> Handle:
        return {"instance": instance, "identity": f"{self._settings.role_id}:{instance}"}

    def _understand(self, problem: ClientError, attempt: Attempt) -> Handle:
        """The handle in spite of an error, or the exception that says what the error means."""
        code, message = problem.response["Error"]["Code"], problem.response["Error"].get("Message", "")
        match meaning_of(code, problem.response["ResponseMetadata"]["HTTPStatusCode"]):
            case Meaning.LATER:
                raise OSError(f"EC2 can't launch now ({code})") from None
            case Meaning.NO_CAPACITY:
                where = f"{attempt.parameters['launch']['InstanceType']} in {attempt.parameters['launch']['SubnetId']}"
                raise NoCapacity(f"EC2 has no capacity for {where} ({code}).") from None
            case Meaning.ALREADY_OVER:
                return _OVER
            case Meaning.MISMATCH:
                log.error("action=token_mismatch run=%s attempt=%d", attempt.run_id, attempt.number)
                return self._known_by_tags(attempt)
            case Meaning.CONFIGURATION:
                raise LaunchRefused(configuration_sentence(code, message), Reason.CONFIG) from None

    def _known_by_tags(self, attempt: Attempt) -> Handle:
        """The machine that an earlier request with this attempt's token started."""
        mine = {RUN_TAG: attempt.run_id, ATTEMPT_TAG: str(attempt.number)}
        for machine in self._machines.look().values():
            if _has(machine, mine):
                return self._handle(machine.id)
        raise OSError("EC2 knows the token with other parameters, and shows no machine of it yet")


def _has(machine: Machine, tags: Mapping[str, str]) -> bool:
    return all(machine.tags.get(key) == value for key, value in tags.items())
