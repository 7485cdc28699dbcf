"""Plan the request to EC2 for one attempt: pure, and the same each time, so that asking again launches nothing.

The client token makes RunInstances idempotent only while every parameter is the same; with a subnet it holds in that
subnet's zone alone.  So all of it, the subnet included, is fixed here and frozen in the attempt's row before EC2 is
asked.  Source: "Ensuring idempotency in Amazon EC2 API requests" in the EC2 developer guide.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from scheduler_service.decide import MAX_ATTEMPTS
from scheduler_service.launchers.ec2.images import ROOT_DEVICE
from scheduler_service.launchers.ec2.settings import Ec2Settings, Region, Size

#: tags by which our machines are known again; the deployment's says whose they are, and only its ledger knows it
DEPLOYMENT_TAG = "jupyter-schedule:deployment"
#: the operator's own name for it, for policies of the account
STACK_TAG = "jupyter-schedule:stack"
RUN_TAG = "jupyter-schedule:run"
ATTEMPT_TAG = "jupyter-schedule:attempt"
#: after this instant nobody needs the machine any more
DEADLINE_TAG = "jupyter-schedule:deadline"
SCHEDULE_TAG = "jupyter-schedule:schedule"
#: of an ad-hoc worker's machine, instead of run, attempt and schedule: its row, which way it was had, and whose it is
AD_HOC_TAG = "jupyter-schedule:ad-hoc"
TURN_TAG = "jupyter-schedule:turn"
OWNER_TAG = "jupyter-schedule:owner"
#: EC2's limit for user-data, bytes before base64
USER_DATA_LIMIT = 16 * 1024


class UserDataTooLarge(ValueError):  # noqa: N818  (names the fact)
    """More than EC2 takes as user-data."""


@dataclass(frozen=True)
class MachineOption:
    """One way to get a machine of a size."""

    instance_type: str
    region: str
    subnet: str
    spot: bool


def list_options(size: Size, regions: Mapping[str, Region]) -> list[MachineOption]:
    """Every way to get a machine of this size, in the order in which they are tried.

    Region by region, and in each spot before the rest.  A zone without capacity for one type often has it for none, so
    the subnet changes before the type does.
    """
    markets = (True, False) if size.spot else (False,)
    return [
        MachineOption(instance_type, name, subnet, spot)
        for name, region in regions.items()
        for spot, instance_type, subnet in product(markets, size.instance_types, region.subnets)
    ]


def choose_option(settings: Ec2Settings, size_name: str, turn: int, lost: int | None = None) -> MachineOption:
    """The `turn`th try (from 0) at a machine of this size; after the last comes the first again.

    lost: how many machines of the run were lost so far, which says nothing of capacity.  The last attempt is on a
    machine that nobody takes back; where nobody counted, each third try is.  Raises KeyError when the operator knows no
    such size.
    """
    choices = list_options(settings.sizes[size_name], settings.regions)
    is_last = (turn % MAX_ATTEMPTS if lost is None else lost) >= MAX_ATTEMPTS - 1
    kept = [choice for choice in choices if not choice.spot]
    if is_last and len(kept) < len(choices):
        return kept[turn % len(kept)]
    return choices[turn % len(choices)]


def build_launch_parameters(
    settings: Ec2Settings,
    size_name: str,
    *,
    turn: int,
    token: str,
    user_data: str,
    tags: Mapping[str, str],
    lost: int | None = None,
    root_device: str | None = None,
) -> dict[str, Any]:
    """The whole RunInstances request as JSON, for the `turn`th try (from 0) at a machine of this size.

    lost: as `choose_option` has it.  root_device: that of the image; else the size's, else Canonical's.
    Raises KeyError when the operator knows no such size, and UserDataTooLarge.
    """
    if len(user_data.encode()) > USER_DATA_LIMIT:
        raise UserDataTooLarge(len(user_data.encode()))
    size = settings.sizes[size_name]
    offer = choose_option(settings, size_name, turn, lost)
    place = settings.regions[offer.region]
    every = {**tags, **({STACK_TAG: settings.stack} if settings.stack else {})}
    every_tag = [{"Key": key, "Value": value} for key, value in sorted(every.items())]
    encrypted = {"Encrypted": True, **({"KmsKeyId": place.disk_key} if place.disk_key else {})}
    market = {"InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}}
    return {
        "ClientToken": token,
        "MinCount": 1,
        "MaxCount": 1,
        "ImageId": size.image_id,
        "InstanceType": offer.instance_type,
        "SubnetId": offer.subnet,
        "SecurityGroupIds": list(place.security_groups),
        "IamInstanceProfile": {"Name": settings.instance_profile},
        # a machine that shuts itself down is gone; stopped, it would go on costing its disk
        "InstanceInitiatedShutdownBehavior": "terminate",
        # IMDSv2 only, and no further than this machine: nothing that relays requests gets at the role
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
            "InstanceMetadataTags": "disabled",
        },
        "BlockDeviceMappings": [
            {
                "DeviceName": root_device or size.root_device or ROOT_DEVICE,
                "Ebs": {"VolumeSize": size.disk, "VolumeType": "gp3", "DeleteOnTermination": True, **encrypted},
            }
        ],
        "UserData": base64.b64encode(user_data.encode()).decode(),
        "TagSpecifications": [{"ResourceType": kind, "Tags": every_tag} for kind in ("instance", "volume")],
        **(market if offer.spot else {}),
    }


def build_user_data(configuration: dict[str, Any]) -> str:
    """The user-data that fetches and becomes the agent.

    configuration: what `worker.bootstrap` and `worker.ec2_main` read: `region`, `objects` and `base` (addresses of the
    work storage, the second for plain HTTP), `agent` and `agent_sha256`, `token` and `role_id` (under which the
    attempt's worker writes), and `power_off_after`, the seconds after which the machine powers itself off, whatever
    hangs.
    """
    return _told(_program(), configuration)


def build_ad_hoc_user_data(configuration: dict[str, Any]) -> str:
    """The user-data that lets an ad-hoc worker's owner in.

    configuration: `login_user`, `ssh_key` (a public key, or None), and `power_off_after`, the seconds after which the
    machine first looks whether its time is over.
    """
    return _told((files("scheduler_service") / "launchers" / "ec2" / "ad_hoc.sh").read_text(), configuration)


def _told(program: str, configuration: dict[str, Any]) -> str:
    document = json.dumps(configuration, sort_keys=True).encode()
    return program.replace("@CONFIGURATION@", base64.b64encode(document).decode())


@cache
def _program() -> str:
    ours = files("scheduler_service")
    bootstrap = (ours / "worker" / "bootstrap.py").read_text()
    return (ours / "launchers" / "ec2" / "user_data.sh").read_text().replace("@BOOTSTRAP@\n", bootstrap)
