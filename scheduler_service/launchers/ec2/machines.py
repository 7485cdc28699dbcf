"""Our machines as EC2 shows them: one paged description serves every poll of a few seconds."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from jupyter_schedule.core.models import Reason
from scheduler_service.launchers.base import LaunchRefused, NoCapacity, WorkerEnd
from scheduler_service.launchers.ec2.errors import (
    ErrorKind,
    classify_error,
    describe_configuration_error,
    describe_end,
    explains_itself,
)
from scheduler_service.launchers.ec2.launch_plan import DEPLOYMENT_TAG
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)

#: seconds for which a description is good enough for a poll
FRESH = 5.0
#: machines in one page of a description
PAGE = 200
#: seconds for which a machine that EC2 doesn't show may exist all the same
SETTLING = 600
#: ends of machines that are remembered
_KEPT_ENDS = 500
#: what a machine is in while it may still run code or cost money
LIVING = frozenset({"pending", "running", "shutting-down", "stopping", "stopped"})


@dataclass(frozen=True)
class Ec2Machine:
    """One of our machines."""

    id: str
    state: str
    tags: Mapping[str, str]
    launched_at: datetime
    #: why EC2 says it ended, such as `Server.SpotInstanceTermination`; empty while it lives
    ended_by: str = ""
    #: its own words for that, and what says when
    ended_as: str = ""
    transition: str = ""
    #: where it is reached from the internet, None when it isn't
    address: str | None = None

    @property
    def lives(self) -> bool:
        """True when it may still run code, or costs money."""
        return self.state in LIVING

    def has(self, tags: Mapping[str, str]) -> bool:
        """True when it carries all of these."""
        return all(self.tags.get(key) == value for key, value in tags.items())


class RegionMachines:
    """The machines of one deployment in one region, looked at no more often than every few seconds."""

    def __init__(self, ec2: Any, deployment: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.ec2 = ec2
        self.deployment = deployment
        self._clock = clock
        self._seen: dict[str, Ec2Machine] = {}
        self._looked_at: float | None = None
        #: what the last look was answered, when it showed nothing
        self._away: ClientError | BotoCoreError | None = None
        #: when machines were launched from here, or looked for in vain
        self._looked_for: dict[str, float] = {}
        #: of machines that are over, the newest last
        self._ends: dict[str, WorkerEnd] = {}

    def all(self) -> dict[str, Ec2Machine]:
        """By id.  Raises what EC2 raises, or has just raised."""
        if self._looked_at is None or self._clock() - self._looked_at >= FRESH:
            self.look()
        elif self._away is not None:
            raise self._away
        return self._seen

    def look(self) -> dict[str, Ec2Machine]:
        """The same, as they are now."""
        looked_at = self._clock()
        try:
            self._seen = {machine.id: machine for machine in self._describe()}
        except (ClientError, BotoCoreError) as problem:
            self._looked_at, self._away = looked_at, problem
            raise
        self._looked_at, self._away = looked_at, None
        for machine in self._seen.values():
            if not machine.lives:
                self._looked_for.pop(machine.id, None)
        return self._seen

    def unseen_for(self, instance: str) -> float:
        """Seconds since this was first asked of a machine: it was launched, or looked for in vain.

        By a clock that nobody sets: who launched it may have had another time of day.
        """
        return self._clock() - self._looked_for.setdefault(instance, self._clock())

    def end_of(self, machine: Ec2Machine) -> WorkerEnd:
        """The end of a machine that is over; its console is read once, where EC2 itself doesn't tell why."""
        if machine.id not in self._ends:
            console = "" if explains_itself(machine.ended_by) else self._console(machine.id)
            end = describe_end(machine.ended_by, machine.ended_as, machine.transition, console)
            while len(self._ends) >= _KEPT_ENDS:
                del self._ends[next(iter(self._ends))]
            self._ends[machine.id] = end
        return self._ends[machine.id]

    def _console(self, instance: str) -> str:
        """The last of what it printed, which EC2 keeps for an hour; empty where that isn't to be had."""
        try:
            return str(self.ec2.get_console_output(InstanceId=instance).get("Output") or "")
        except (ClientError, BotoCoreError) as problem:
            log.info(logfmt("console_unread", instance=instance, message=problem))
            return ""

    def forget(self) -> None:
        """Look again at the next question, since something has changed."""
        self._looked_at = None

    def terminate(self, instance: str) -> None:
        """Idempotent, and silent about a machine that is gone.  Raises OSError."""
        try:
            self.ec2.terminate_instances(InstanceIds=[instance])
        except ClientError as problem:
            if problem.response["Error"]["Code"] != "InvalidInstanceID.NotFound":
                raise OSError(f"{instance} couldn't be terminated: {problem}") from None
        except BotoCoreError as problem:
            raise OSError(f"{instance} couldn't be terminated: {problem}") from None
        self.forget()

    def _describe(self) -> Iterator[Ec2Machine]:
        mine = [{"Name": f"tag:{DEPLOYMENT_TAG}", "Values": [self.deployment]}]
        pages = self.ec2.get_paginator("describe_instances")
        for page in pages.paginate(Filters=mine, PaginationConfig={"PageSize": PAGE}):
            for reservation in page["Reservations"]:
                for machine in map(_machine, reservation["Instances"]):
                    # nobody else's is ever touched, whatever a server makes of a filter
                    if machine.tags.get(DEPLOYMENT_TAG) == self.deployment:
                        yield machine


def _machine(instance: Mapping[str, Any]) -> Ec2Machine:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    reason = instance.get("StateReason") or {}
    return Ec2Machine(
        instance["InstanceId"],
        instance["State"]["Name"],
        tags,
        instance["LaunchTime"],
        ended_by=reason.get("Code") or "",
        ended_as=reason.get("Message") or "",
        transition=instance.get("StateTransitionReason") or "",
        address=instance.get("PublicIpAddress") or None,
    )


def run_instance(machines: RegionMachines, request: dict[str, Any], tags: Mapping[str, str]) -> str | None:
    """The id of the machine that this request starts, or started before; None when that lived and is gone.

    tags: those of the request that no other machine has.
    Raises LaunchRefused when it never will, NoCapacity, and OSError when the same request may succeed later.
    """
    try:
        answer = machines.ec2.run_instances(**request)
    except (NoCredentialsError, PartialCredentialsError) as problem:
        raise LaunchRefused(f"The service has no AWS credentials ({problem}).", Reason.CONFIG) from None
    except ClientError as problem:
        return _understood(problem, machines, request, tags)
    except BotoCoreError as problem:
        # no answer: a machine may have started all the same, and the same token finds it
        raise OSError(f"EC2 didn't answer: {problem}") from None
    machines.forget()
    instance: str = answer["Instances"][0]["InstanceId"]
    machines.unseen_for(instance)
    return instance


def _understood(
    problem: ClientError, machines: RegionMachines, request: dict[str, Any], tags: Mapping[str, str]
) -> str | None:
    """The machine in spite of an error, or the exception that says what the error means."""
    code, message = problem.response["Error"]["Code"], problem.response["Error"].get("Message") or ""
    match classify_error(code, problem.response["ResponseMetadata"]["HTTPStatusCode"]):
        case ErrorKind.LATER:
            raise OSError(f"EC2 can't launch now ({code})") from None
        case ErrorKind.NO_CAPACITY:
            where = f"{request['InstanceType']} in {request['SubnetId']}"
            raise NoCapacity(f"EC2 has no capacity for {where} ({code}).") from None
        case ErrorKind.ALREADY_OVER:
            return None
        case ErrorKind.MISMATCH:
            log.error(logfmt("token_mismatch", token=request["ClientToken"]))
            for machine in machines.look().values():
                if machine.has(tags):
                    return machine.id
            raise OSError("EC2 knows the token with other parameters, and shows no machine of it yet")
        case ErrorKind.CONFIGURATION:
            raise LaunchRefused(describe_configuration_error(code, message), Reason.CONFIG) from None
