"""One RunInstances, as often as it takes: the machine that a client token stands for, or what EC2's error means."""

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from jupyter_schedule.core.models import Reason
from scheduler_service.launchers.base import LaunchRefused, NoCapacity
from scheduler_service.launchers.ec2.errors import ErrorKind, classify_error, describe_configuration_error
from scheduler_service.launchers.ec2.machines import RegionMachines

log = logging.getLogger(__name__)


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
            log.error("action=token_mismatch token=%s", request["ClientToken"])
            for machine in machines.look().values():
                if machine.has(tags):
                    return machine.id
            raise OSError("EC2 knows the token with other parameters, and shows no machine of it yet")
        case ErrorKind.CONFIGURATION:
            raise LaunchRefused(describe_configuration_error(code, message), Reason.CONFIG) from None
