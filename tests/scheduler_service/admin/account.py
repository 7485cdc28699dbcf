"""An account of Amazon's as a service meets it: moto behind the shim, with everything that a launch names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from jupyter_schedule.core import clock
from scheduler_service.admin.check_aws import check_account
from scheduler_service.launchers.ec2.prices import load_prices
from scheduler_service.launchers.ec2.settings import Ec2Settings, Size
from scheduler_service.launchers.plugins import CheckResult
from tests.doubles.moto_shim import Shim, shimmed_moto

TRUST = '{"Version": "2012-10-17", "Statement": []}'


class Account:
    """A moto of one's own, with everything that a launch names."""

    def __init__(self, endpoint: str, shim: Shim) -> None:
        self.shim = shim
        self.endpoint = endpoint
        self.ec2 = self.client("ec2")
        self._open_network()
        iam = self.client("iam")
        role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]
        iam.create_instance_profile(InstanceProfileName="worker")
        iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
        self.settings = Ec2Settings(
            region="us-east-1",
            endpoint=endpoint,
            subnets=(self.ec2.describe_subnets()["Subnets"][0]["SubnetId"],),
            security_groups=(self.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],),
            instance_profile="worker",
            role_id=role["RoleId"],
            sizes={"small": self.size()},
        )

    def _open_network(self) -> None:
        """Let the default network lead to the internet, which moto leaves out."""
        network = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
        main = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [network]}]
        table = self.ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    def size(self, **changes: Any) -> Size:
        image = self.ec2.describe_images()["Images"][0]["ImageId"]
        return Size(**{"instance_types": ("t3.medium",), "hardware": "2 cores", "image": image} | changes)

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", endpoint_url=self.endpoint)

    def check(self, **changes: Any) -> list[CheckResult]:
        return list(check_account(self.settings.model_copy(update=changes), clock.now(), load_prices()))

    def wrong(self, **changes: Any) -> str:
        return "\n".join(finding.text for finding in self.check(**changes) if not finding.right)

    def machines(self) -> int:
        return sum(len(each["Instances"]) for each in self.ec2.describe_instances()["Reservations"])


@contextmanager
def moto_account() -> Iterator[Account]:
    """One of its own."""
    with shimmed_moto() as (endpoint, shim):
        yield Account(endpoint, shim)
