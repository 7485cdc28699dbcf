"""Check what machines need around them: a way out of each subnet, and quotas of the account.

Each looks at what EC2 shows, and says nothing wrong of what the service's role may not look at.
Sources: "Configure route tables" in the VPC user guide; "Amazon EC2 service quotas".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scheduler_service.launchers.ec2.settings import Ec2Settings, Region
from scheduler_service.launchers.plugins import CheckResult

#: quotas of vCPUs, of machines that are paid in full and of spot, by the letters that types begin with
QUOTAS = {
    "dl": ("L-6E869C2A", "L-85EED4F7"),
    "f": ("L-74FC7D96", "L-88CF9481"),
    "g": ("L-DB2E81BA", "L-3819A6DF"),
    "vt": ("L-DB2E81BA", "L-3819A6DF"),
    "hpc": ("L-F7808C92", None),
    "inf": ("L-1945791B", "L-B5D1601B"),
    "p": ("L-417A185B", "L-7212CCBC"),
    "trn": ("L-2C3B7624", "L-6B0D517C"),
    "u": ("L-43DA4232", None),
    "x": ("L-7295265B", "L-E3A00192"),
}
#: of all others
STANDARD = ("L-1216C47A", "L-34B43A08")
_EVERYWHERE = "0.0.0.0/0"
_FAMILY = re.compile(r"[a-z]+")


def check_ways_out(place: Region, region: str, ec2: Any) -> Iterator[CheckResult]:
    """Check that what starts in each subnet reaches S3, and that an address that it gets is in the bill.

    Nothing where subnets or routes may not be looked at.
    """
    with suppress(ClientError, BotoCoreError):
        shown = ec2.describe_subnets(SubnetIds=list(place.subnets))["Subnets"]
        networks = sorted({subnet["VpcId"] for subnet in shown})
        found = ec2.get_paginator("describe_route_tables").paginate(Filters=[{"Name": "vpc-id", "Values": networks}])
        tables = [table for page in found for table in page["RouteTables"]]
        for subnet in shown:
            right = f"ec2: machines in {subnet['SubnetId']} ({region}) have a way to S3"
            wrong, remark = find_way_out(subnet, tables)
            yield CheckResult(wrong is None, f"{right}{remark}" if wrong is None else f"{right}: NO. {wrong}")
            if subnet.get("MapPublicIpOnLaunch") and not place.public_ipv4:
                counted = f"ec2: the address of machines in {subnet['SubnetId']} ({region}) is in estimates and bills"
                mend = "They get a public IPv4 address, which is paid for: take public_ipv4 = false out."
                yield CheckResult(False, f"{counted}: NO. {mend}")


def find_way_out(subnet: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> tuple[str | None, str]:
    """Return what is wrong with a subnet's routes, None when nothing is, and a remark on what they lead to.

    subnet, tables: as EC2 describes them.
    """
    routes = [each for each in _table_of(subnet, tables).get("Routes", ()) if each.get("State", "active") == "active"]
    has_endpoint = any(each.get("GatewayId", "").startswith("vpce-") for each in routes)
    out = next((each for each in routes if each.get("DestinationCidrBlock") == _EVERYWHERE), None)
    if out is not None and not out.get("GatewayId", "").startswith("igw-"):
        return None, ""
    if out is not None and subnet.get("MapPublicIpOnLaunch"):
        return None, ", by a public IPv4 address of their own, which is paid for by the hour"
    if has_endpoint:
        return None, " alone: packages can't be had there, so let environments come from an index inside"
    if out is not None:
        return (
            "It leads to the internet, and machines there get no public address: let the subnet assign one, route it "
            "through a NAT gateway, or give it a gateway endpoint for S3."
        ), ""
    return "It has no route out: give it one through a NAT gateway, or an endpoint for S3.", ""


def _table_of(subnet: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The table of its own, else the main one of its network."""
    main: Mapping[str, Any] = {}
    for table in tables:
        for link in table.get("Associations", ()):
            if link.get("SubnetId") == subnet["SubnetId"]:
                return table
            if link.get("Main") and table.get("VpcId") == subnet["VpcId"]:
                main = table
    return main


def check_quotas(settings: Ec2Settings, region: str, ec2: Any, quotas: Any) -> Iterator[CheckResult]:
    """Check that `max_machines` of each size are within the account's quotas; nothing where those can't be read."""
    asked = {
        (kind, spot)
        for size in settings.sizes.values()
        for kind in size.instance_types
        for spot in ((True, False) if size.spot else (False,))
    }
    cores: dict[str, int] = {}
    with suppress(ClientError, BotoCoreError):
        described = ec2.describe_instance_types(InstanceTypes=sorted({kind for kind, _ in asked}))["InstanceTypes"]
        cores = {each["InstanceType"]: each["VCpuInfo"]["DefaultVCpus"] for each in described}
    # of those that share a quota the largest counts
    largest: dict[tuple[str, bool], str] = {}
    for kind, spot in sorted(asked, key=lambda each: (cores.get(each[0], 0), *each)):
        if kind in cores and (code := quota_code(kind, spot=spot)):
            largest[code, spot] = kind
    for (code, spot), kind in largest.items():
        with suppress(ClientError, BotoCoreError):
            allowed = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"]
            yield _within(
                settings.max_machines, f"{'spot ' * spot}machines of type {kind}", cores[kind], allowed, region
            )


def quota_code(kind: str, *, spot: bool) -> str | None:
    """The code of the quota that machines of that type count for; None where there is none."""
    family = _FAMILY.match(kind)
    return QUOTAS.get(family[0] if family else "", STANDARD)[spot]


def _within(most: int, machines: str, cores: int, allowed: float, region: str) -> CheckResult:
    right = f"ec2: {most} {machines} are within the quota in {region}"
    needed = most * cores
    if needed <= allowed:
        return CheckResult(True, right)
    mend = "Ask for a higher quota, or lower max_machines."
    return CheckResult(False, f"{right}: NO. They need {needed} vCPUs, and it is {allowed:.0f}. {mend}")
