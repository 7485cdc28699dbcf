"""What EC2 really answered, kept without anything of the account it was asked in, and held against the double.

A recording is a list of calls of one test, in their order.  What is kept of one is chosen, not what is left out: names
of states, codes and types, and what the contract's own tests made up.  Ids are numbered anew, the same for the same.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from scheduler_service.launchers.ec2.launch_plan import DEPLOYMENT_TAG
from tests.doubles.ec2 import Ec2Double

FOLDER = Path(__file__).with_name("recordings")
#: keys whose text says nothing of an account, or is made up by the tests
KEPT = frozenset({
    "Code", "InstanceType", "ClientToken", "UserData", "Key", "ResourceType", "HttpTokens", "HttpEndpoint",
    "InstanceMetadataTags", "InstanceInitiatedShutdownBehavior", "MarketType", "SpotInstanceType", "VolumeType",
    "DeviceName", "Architecture", "VirtualizationType",
})  # fmt: skip
#: what a name may be that is kept, beside those of our own tags
STATES = frozenset({"pending", "running", "shutting-down", "terminated", "stopping", "stopped"})
_ID = re.compile(r"([a-z]{1,8})-[0-9a-f]{6,}")
_PUBLIC_IMAGE = "resolve:ssm:/aws/service/"
#: operations that the double knows: what boto3 calls each
OPERATIONS = {"RunInstances": "run_instances", "TerminateInstances": "terminate_instances"}


class _Scrubber:
    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def of(self, value: Any, key: str = "") -> Any:
        """The same in shape."""
        match value:
            case dict():
                ours = str(value.get("Key", value.get("Name", ""))).removeprefix("tag:").startswith("jupyter-schedule:")
                return {
                    name: each if ours and name in {"Value", "Values"} else self.of(each, name)
                    for name, each in value.items()
                    if name != "ResponseMetadata"
                }
            case list():
                return [self.of(each, key) for each in value]
            case datetime():
                return "a time"
            case str() if key in KEPT or value.startswith(_PUBLIC_IMAGE):
                return value
            case str() if key == "Name" and (value in STATES or value.startswith("tag:jupyter-schedule:")):
                return value
            case str() if found := _ID.fullmatch(value):
                return self._ids.setdefault(value, f"{found[1]}-{len(self._ids) + 1}")
            case str():
                return "a text"
        return value


@contextmanager
def recording(path: Path) -> Iterator[None]:
    """Write every call of EC2 that is made meanwhile to that file."""
    calls: list[dict[str, Any]] = []
    scrubber = _Scrubber()
    whole = BaseClient._make_api_call

    def noting(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        request = dict(parameters)
        try:
            answer = whole(client, operation, parameters)
        except ClientError as problem:
            status = problem.response["ResponseMetadata"]["HTTPStatusCode"]
            outcome: dict[str, Any] = {"error": problem.response["Error"]["Code"], "status": status}
            raise
        else:
            outcome = {"answer": scrubber.of(answer)}
            return answer
        finally:
            if client.meta.service_model.service_name == "ec2" and operation in {*OPERATIONS, "DescribeInstances"}:
                calls.append({"operation": operation, "request": scrubber.of(request), **outcome})

    with mock.patch.object(BaseClient, "_make_api_call", noting):
        yield
    path.write_text(json.dumps(calls, indent=1) + "\n")


def differences(calls: list[dict[str, Any]]) -> list[str]:
    """What the double answers otherwise than it was recorded: another error, another machine, another shape."""
    double = Ec2Double()
    #: of machines: as recorded, and the double's
    known: dict[str, str] = {}
    return [
        f"{number}: {call['operation']} {told}"
        for number, call in enumerate(calls)
        for told in _compared(call, double, known)
    ]


def _compared(call: dict[str, Any], double: Ec2Double, known: dict[str, str]) -> Iterator[str]:
    wanted = call.get("error")
    try:
        answer = _asked(call, double, known)
    except ClientError as problem:
        if problem.response["Error"]["Code"] != wanted:
            yield f"is refused with {problem.response['Error']['Code']} and not {wanted}"
        return
    if wanted:
        yield f"is answered and not refused with {wanted}"
        return
    yield from _not_in(answer, call["answer"], call["operation"])
    if call["operation"] == "RunInstances":
        machine, recorded = answer["Instances"][0]["InstanceId"], call["answer"]["Instances"][0]["InstanceId"]
        if known.setdefault(recorded, machine) != machine:
            yield "gives another machine"
        double.boot(machine)


def _asked(call: dict[str, Any], double: Ec2Double, known: dict[str, str]) -> dict[str, Any]:
    request = call["request"]
    if call["operation"] == "DescribeInstances":
        mine = [each for each in request.get("Filters", []) if each["Name"] == f"tag:{DEPLOYMENT_TAG}"]
        return next(double.paginate(mine, {"PageSize": 1000}))
    if call["operation"] == "TerminateInstances":
        request = {"InstanceIds": [known.get(each, each) for each in request["InstanceIds"]]}
    answer: dict[str, Any] = getattr(double, OPERATIONS[call["operation"]])(**request)
    return answer


def _not_in(ours: Any, recorded: Any, where: str) -> Iterator[str]:
    """What of our answer EC2's doesn't have, or has as something else; lists are judged by their first."""
    match ours, recorded:
        case dict(), dict():
            for name, value in ours.items():
                if name not in recorded:
                    yield f"has {where}.{name}, which EC2 hasn't"
                else:
                    yield from _not_in(value, recorded[name], f"{where}.{name}")
        case list(), list():
            if ours and recorded:
                yield from _not_in(ours[0], recorded[0], where)
        case datetime(), "a time":
            return
        case _ if type(ours) is not type(recorded):
            yield f"has {where} as {type(ours).__name__} and EC2 as {type(recorded).__name__}"
