"""EC2 as strict as the promises need it: idempotent by client token and zone, eventually consistent, short of capacity.

It speaks like a boto3 client.  What it is strict about is what EC2's documents say and a mock lets pass: the same token
with the same parameters gives the same machine, with others a mismatch, after the machine's end `terminated`; a token
with a subnet holds in that subnet's zone alone; user-data has 16 KiB; answers get lost; machines show late,
and no more an hour after their end.
"""

import base64
import copy
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: zone of a subnet: what is before its dash
Zone = str


def client_error(code: str, message: str = "", status: int = 400) -> ClientError:
    """The exception that boto3 raises for an error answer."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "RunInstances")


@dataclass
class Instance:
    """A machine of the double."""

    id: str
    request: dict[str, Any]
    launched_at: datetime
    state: str = "pending"
    #: when a description first shows it
    shows_at: datetime = EPOCH
    reason: str = ""
    ended_at: datetime | None = None
    #: what it printed, as far as EC2 has it
    console: str = ""
    #: None of one that isn't reached from the internet
    address: str | None = None

    @property
    def tags(self) -> list[dict[str, str]]:
        for specification in self.request["TagSpecifications"]:
            if specification["ResourceType"] == "instance":
                tags: list[dict[str, str]] = specification["Tags"]
                return tags
        return []

    @property
    def user_data(self) -> str:
        return base64.b64decode(self.request["UserData"]).decode()


@dataclass
class Ec2Double:
    """The API of one region.  Faults are taken from the lists that a test fills."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: until a new machine shows in descriptions
    shows_after: timedelta = timedelta()
    #: until descriptions leave out a machine that was terminated
    forgets_after: timedelta = timedelta(hours=1)
    #: (type, subnet, spot) that have no capacity now
    empty: set[tuple[str, str, bool]] = field(default_factory=set)
    images: set[str] | None = None
    #: of every image
    root_device: str = "/dev/sda1"
    #: raised, once each, before or after the next call has its effect; a lost answer is a fault after it
    faults_before: list[Exception] = field(default_factory=list)
    faults_after: list[Exception] = field(default_factory=list)
    instances: dict[str, Instance] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    _tokens: dict[tuple[str, Zone], tuple[str, str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    # -- what boto3's client has

    def run_instances(self, **request: Any) -> dict[str, Any]:
        with_effect = self._call("run_instances")
        key = (request["ClientToken"], request["SubnetId"].partition("-")[2][:1])
        body = json.dumps(request, sort_keys=True)
        if key in self._tokens:
            before, instance_id = self._tokens[key]
            if before != body:
                raise client_error("IdempotentParameterMismatch")
            if self.instances[instance_id].state in {"terminated", "shutting-down"}:
                raise client_error("IdempotentInstanceTerminated")
            with_effect()
            return {"Instances": [self._shown(self.instances[instance_id])]}
        self._check(request)
        # what it is told later changes nothing of what was asked
        instance = Instance(f"i-{next(self._numbers):017x}", copy.deepcopy(request), self.now())
        instance.shows_at = self.now() + self.shows_after
        self.instances[instance.id] = instance
        self._tokens[key] = (body, instance.id)
        with_effect()
        return {"Instances": [self._shown(instance)]}

    def get_paginator(self, operation: str) -> "Ec2Double":
        assert operation == "describe_instances"
        return self

    def paginate(self, Filters: list[dict[str, Any]], PaginationConfig: dict[str, int]) -> Iterator[dict[str, Any]]:
        self._call("describe_instances")()
        found = [
            instance
            for instance in self.instances.values()
            if self._is_shown(instance) and all(_matches(instance, one) for one in Filters)
        ]
        size = PaginationConfig["PageSize"]
        for start in range(0, max(len(found), 1), size):
            page = [self._shown(instance) for instance in found[start : start + size]]
            yield {"Reservations": [{"Instances": [instance]} for instance in page]}

    def terminate_instances(self, InstanceIds: list[str]) -> dict[str, Any]:
        with_effect = self._call("terminate_instances")
        for instance_id in InstanceIds:
            instance = self.instances.get(instance_id)
            if instance is None or self.now() < instance.shows_at:
                raise client_error("InvalidInstanceID.NotFound")
            self.end(instance_id, "Client.UserInitiatedShutdown")
        with_effect()
        return {}

    def describe_images(self, ImageIds: list[str]) -> dict[str, Any]:
        self._call("describe_images")()
        if self.images is not None and (absent := [each for each in ImageIds if each not in self.images]):
            raise client_error("InvalidAMIID.NotFound", f"The image id '[{absent[0]}]' does not exist")
        return {"Images": [{"ImageId": each, "RootDeviceName": self.root_device} for each in ImageIds]}

    def get_console_output(self, InstanceId: str) -> dict[str, Any]:
        self._call("get_console_output")()
        instance = self.instances.get(InstanceId)
        if instance is None or not self._is_shown(instance):
            raise client_error("InvalidInstanceID.NotFound")
        # EC2 has it some time after the machine has printed it, and leaves it out until then
        return {"InstanceId": InstanceId, **({"Output": instance.console} if instance.console else {})}

    def create_tags(self, Resources: list[str], Tags: list[dict[str, str]]) -> dict[str, Any]:
        with_effect = self._call("create_tags")
        for resource in Resources:
            instance = self.instances.get(resource)
            if instance is None or self.now() < instance.shows_at:
                raise client_error("InvalidInstanceID.NotFound")
            new = {tag["Key"] for tag in Tags}
            instance.tags[:] = [*(tag for tag in instance.tags if tag["Key"] not in new), *Tags]
        with_effect()
        return {}

    def close(self) -> None:
        """Nothing is open."""

    # -- what happens to machines

    def boot(self, instance_id: str) -> None:
        """The machine runs."""
        self.instances[instance_id].state = "running"

    def end(self, instance_id: str, reason: str = "Client.InstanceInitiatedShutdown") -> None:
        """The machine is over: stopped, and costing its disk, unless it was launched to terminate.

        Whoever ends it again changes nothing.
        """
        instance = self.instances[instance_id]
        if instance.state == "terminated":
            return
        terminates = instance.request.get("InstanceInitiatedShutdownBehavior") == "terminate"
        by_itself = reason == "Client.InstanceInitiatedShutdown"
        instance.state = "stopped" if by_itself and not terminates else "terminated"
        instance.reason = reason
        if instance.state == "terminated":
            instance.ended_at = self.now()

    @property
    def living(self) -> list[Instance]:
        """What costs money now."""
        return [instance for instance in self.instances.values() if instance.state != "terminated"]

    # -- how it is strict

    def _call(self, name: str) -> Callable[[], None]:
        self.calls.append(name)
        if self.faults_before:
            raise self.faults_before.pop(0)

        def after() -> None:
            if self.faults_after:
                raise self.faults_after.pop(0)

        return after

    def _check(self, request: dict[str, Any]) -> None:
        if len(base64.b64decode(request["UserData"])) > 16 * 1024:
            raise client_error("InvalidParameterValue", "User data is limited to 16384 bytes")
        if self.images is not None and request["ImageId"] not in self.images:
            raise client_error("InvalidAMIID.NotFound", f"The image id '{request['ImageId']}' does not exist")
        spot = "InstanceMarketOptions" in request
        if (request["InstanceType"], request["SubnetId"], spot) in self.empty:
            raise client_error("InsufficientInstanceCapacity", status=500)

    def _is_shown(self, instance: Instance) -> bool:
        now = self.now()
        return now >= instance.shows_at and (instance.ended_at is None or now < instance.ended_at + self.forgets_after)

    @staticmethod
    def _shown(instance: Instance) -> dict[str, Any]:
        return {
            "InstanceId": instance.id,
            "State": {"Name": instance.state},
            "LaunchTime": instance.launched_at,
            "Tags": list(instance.tags),
            # of one that nothing ended EC2 says neither
            **_why(instance),
            **({"PublicIpAddress": instance.address} if instance.address else {}),
        }


#: what EC2 says beside a code
MESSAGES = {
    "Client.InternalError": "Client error on launch",
    "Client.VolumeLimitExceeded": "Volume limit exceeded",
    "Client.UserInitiatedShutdown": "User initiated shutdown",
    "Client.InstanceInitiatedShutdown": "Instance initiated shutdown",
    "Server.InsufficientInstanceCapacity": "Insufficient capacity available to satisfy instance request",
    "Server.SpotInstanceTermination": "Spot instance termination",
}


def _why(instance: Instance) -> dict[str, Any]:
    """StateReason and StateTransitionReason, whose time stands only where somebody ended the machine."""
    if not instance.reason:
        return {"StateTransitionReason": ""}
    told = MESSAGES.get(instance.reason, "")
    reason = {"Code": instance.reason, "Message": f"{instance.reason}: {told}" if told else instance.reason}
    by_somebody = instance.reason == "Client.UserInitiatedShutdown" and instance.ended_at is not None
    transition = f"User initiated ({instance.ended_at:%Y-%m-%d %H:%M:%S} GMT)" if by_somebody else ""
    return {"StateReason": reason, "StateTransitionReason": transition}


def lost_answer() -> Exception:
    """What boto3 raises when the answer doesn't come."""
    lost: Exception = ReadTimeoutError(endpoint_url="http://127.0.0.1")
    return lost


def _matches(instance: Instance, condition: dict[str, Any]) -> bool:
    name = condition["Name"]
    assert name.startswith("tag:"), f"the double knows no filter {name}"
    return any(tag["Key"] == name[4:] and tag["Value"] in condition["Values"] for tag in instance.tags)
