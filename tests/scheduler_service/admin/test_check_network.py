"""What `check` says of ways out and quotas, by what EC2 shows of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from scheduler_service.admin.check_network import check_quotas, check_ways_out, quota_code
from scheduler_service.launchers.ec2.settings import Region
from tests.doubles.ec2 import client_error
from tests.scheduler_service.launchers.ec2.machines import SETTINGS

PLACE = Region(subnets=("subnet-a",), security_groups=("sg-1",))
OWN = [{"SubnetId": "subnet-a"}]
MAIN = [{"Main": True}]
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
ENDPOINT = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"}


def everywhere(state: str = "active", **by: str) -> dict[str, str]:
    return {"DestinationCidrBlock": "0.0.0.0/0", "State": state, **by}


class Network:
    """Speaks like boto3's client of EC2; knows one subnet, and some tables of its network and of another."""

    def __init__(self, tables: list[tuple[list[dict[str, Any]], list[dict[str, str]]]], *, public: bool) -> None:
        self.tables = [
            {"VpcId": "vpc-1", "Associations": links, "Routes": [LOCAL, *routes]} for links, routes in tables
        ]
        self.public = public
        self.allowed = True

    def describe_subnets(self, SubnetIds: list[str]) -> dict[str, Any]:  # noqa: N803  (boto3's)
        if not self.allowed:
            raise client_error("UnauthorizedOperation", "", 403)
        return {
            "Subnets": [{"SubnetId": each, "VpcId": "vpc-1", "MapPublicIpOnLaunch": self.public} for each in SubnetIds]
        }

    def get_paginator(self, operation: str) -> "Network":
        assert operation == "describe_route_tables"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        other = {"VpcId": "vpc-2", "Associations": MAIN, "Routes": [everywhere(NatGatewayId="nat-other")]}
        yield {"RouteTables": [other]}
        yield {"RouteTables": self.tables}


@pytest.mark.parametrize(
    ("tables", "public", "said"),
    [
        ([(OWN, [everywhere(NatGatewayId="nat-1")])], False, "have a way to S3"),
        ([(MAIN, [everywhere(TransitGatewayId="tgw-1")])], False, "have a way to S3"),
        ([(OWN, [everywhere(GatewayId="igw-1")])], True, "by a public IPv4 address of their own, which is paid for"),
        ([(OWN, [everywhere(GatewayId="igw-1")])], False, "NO. It leads to the internet, and machines there get no"),
        ([(OWN, [everywhere(GatewayId="igw-1"), ENDPOINT])], False, "alone: packages can't be had there"),
        ([(OWN, [ENDPOINT])], False, "alone: packages can't be had there"),
        ([(OWN, [])], True, "NO. It has no route out"),
        # the table of its own counts, whatever the main one has
        ([(MAIN, [everywhere(NatGatewayId="nat-1")]), (OWN, [])], False, "NO. It has no route out"),
        # its NAT gateway is gone
        ([(OWN, [everywhere("blackhole", NatGatewayId="nat-1")])], False, "NO. It has no route out"),
        ([], False, "NO. It has no route out"),
    ],
)
def test_a_subnet_without_a_way_out_is_told_with_its_mend(tables: Any, public: bool, said: str) -> None:
    (found,) = check_ways_out(PLACE, "eu-west-1", Network(tables, public=public))
    assert found.text.startswith("ec2: machines in subnet-a (eu-west-1) have a way to S3")
    assert said in found.text
    assert found.right == ("NO." not in said)


def test_where_routes_may_not_be_looked_at_nothing_is_guessed() -> None:
    network = Network([], public=False)
    network.allowed = False
    assert list(check_ways_out(PLACE, "eu-west-1", network)) == []


@pytest.mark.parametrize(
    ("kind", "in_full", "spot"),
    [
        ("t3.medium", "L-1216C47A", "L-34B43A08"),
        ("im4gn.large", "L-1216C47A", "L-34B43A08"),
        ("g5.xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("p4d.24xlarge", "L-417A185B", "L-7212CCBC"),
        ("x2idn.16xlarge", "L-7295265B", "L-E3A00192"),
        ("inf2.xlarge", "L-1945791B", "L-B5D1601B"),
        ("trn1.2xlarge", "L-2C3B7624", "L-6B0D517C"),
        ("hpc7a.96xlarge", "L-F7808C92", None),
    ],
)
def test_the_quota_is_that_of_the_types_family_by_type_and_by_spot(kind: str, in_full: str, spot: str | None) -> None:
    assert (quota_code(kind, spot=False), quota_code(kind, spot=True)) == (in_full, spot)


def test_spot_and_what_is_paid_in_full_are_each_held_against_their_own_quota() -> None:
    """And of the types that share one, the largest counts."""

    class Account:
        def describe_instance_types(self, **_: Any) -> dict[str, Any]:
            cores = {"t3.medium": 2, "t3a.medium": 4}
            return {"InstanceTypes": [{"InstanceType": k, "VCpuInfo": {"DefaultVCpus": v}} for k, v in cores.items()]}

        def get_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:  # noqa: N803  (boto3's)
            assert ServiceCode == "ec2"
            return {"Quota": {"Value": {"L-1216C47A": 80, "L-34B43A08": 39}[QuotaCode]}}

    in_full, spot = check_quotas(SETTINGS, "eu-west-1", Account(), Account())
    assert (in_full.right, in_full.text) == (
        True,
        "ec2: 20 machines of type t3a.medium are within the quota in eu-west-1",
    )
    assert not spot.right
    assert spot.text == (
        "ec2: 20 spot machines of type t3.medium are within the quota in eu-west-1: NO. They need 40 vCPUs, and it is "
        "39. Ask for a higher quota, or lower max_machines."
    )


@pytest.mark.parametrize(
    ("public", "counted", "wrong"), [(True, True, False), (True, False, True), (False, False, False)]
)
def test_an_address_that_machines_get_and_no_estimate_counts_is_told(
    *, public: bool, counted: bool, wrong: bool
) -> None:
    network = Network([(OWN, [everywhere(GatewayId="igw-1"), ENDPOINT])], public=public)
    found = check_ways_out(PLACE.model_copy(update={"public_ipv4": counted}), "eu-west-1", network)
    said = [finding.text for finding in found if not finding.right]
    assert bool(said) == wrong
    assert all("take public_ipv4 = false out" in text for text in said)
