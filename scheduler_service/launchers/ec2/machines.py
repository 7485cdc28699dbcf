"""Our machines as EC2 shows them: one paged description serves every poll of a few seconds."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduler_service.launchers.ec2.launch_plan import DEPLOYMENT_TAG

#: seconds for which a description is good enough for a poll
FRESH = 5.0
#: machines in one page of a description
PAGE = 200
#: what a machine is in while it may still run code or cost money
LIVING = frozenset({"pending", "running", "shutting-down", "stopping", "stopped"})


@dataclass(frozen=True)
class Machine:
    """One of our machines."""

    id: str
    state: str
    tags: Mapping[str, str]
    launched_at: datetime
    #: why EC2 says it ended, such as `Server.SpotInstanceTermination`; empty while it lives
    ended_by: str = ""

    @property
    def lives(self) -> bool:
        """Whether it may still run code, or costs money."""
        return self.state in LIVING


class Machines:
    """The machines of one deployment in one region, looked at no more often than every few seconds."""

    def __init__(self, ec2: Any, deployment: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ec2 = ec2
        self.deployment = deployment
        self._clock = clock
        self._seen: dict[str, Machine] = {}
        self._looked_at: float | None = None

    def all(self) -> dict[str, Machine]:
        """By id.  Raises what EC2 raises."""
        if self._looked_at is None or self._clock() - self._looked_at >= FRESH:
            self.look()
        return self._seen

    def look(self) -> dict[str, Machine]:
        """The same, as they are now."""
        looked_at = self._clock()
        self._seen = {machine.id: machine for machine in self._describe()}
        self._looked_at = looked_at
        return self._seen

    def forget(self) -> None:
        """Look again at the next question, since something has changed."""
        self._looked_at = None

    def _describe(self) -> Iterator[Machine]:
        mine = [{"Name": f"tag:{DEPLOYMENT_TAG}", "Values": [self.deployment]}]
        pages = self._ec2.get_paginator("describe_instances")
        for page in pages.paginate(Filters=mine, PaginationConfig={"PageSize": PAGE}):
            for reservation in page["Reservations"]:
                yield from map(_machine, reservation["Instances"])


def _machine(instance: Mapping[str, Any]) -> Machine:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    reason = instance.get("StateReason", {}).get("Code", "")
    return Machine(instance["InstanceId"], instance["State"]["Name"], tags, instance["LaunchTime"], reason)
