"""`python -m scheduler_service check` with `[ec2]`: what the account lacks, with its mend, and nothing launched."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.models import ServiceQuotasBackend

from jupyter_schedule.core import clock
from scheduler_service.admin import check_aws
from scheduler_service.admin.check_aws import _boundaries, _disk_key, _image, check_account
from scheduler_service.launchers.ec2.launch_plan import DEPLOYMENT_TAG
from scheduler_service.launchers.ec2.prices import load_prices
from scheduler_service.launchers.ec2.settings import AdHocSettings, Region, Size
from tests.doubles.ec2 import client_error
from tests.s3_servers import variables
from tests.scheduler_service.admin.account import TRUST, Account, moto_account
from tests.scheduler_service.launchers.ec2.machines import SETTINGS


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in variables().items():
        monkeypatch.setenv(name, value)
    with moto_account() as made:
        yield made


def test_an_account_as_it_should_be_has_nothing_wrong_and_gets_no_machine(account: Account) -> None:
    found = account.check()
    assert [finding.text for finding in found if not finding.right] == []
    assert any("size small could start in us-east-1: t3.medium in subnet-" in finding.text for finding in found)
    assert account.machines() == 0


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"subnets": ("subnet-absent",)}, ("InvalidSubnetID.NotFound", "Name subnets of this region")),
        ({"security_groups": ("sg-absent",)}, ("InvalidGroup.NotFound", "Name security groups")),
        ({"instance_profile": "absent"}, ("NoSuchEntity", "Name an instance profile of this account")),
        ({"role_id": "AROAOTHER"}, ("role_id is AROAOTHER: set it to the first",)),
    ],
)
def test_what_does_not_exist_is_named_with_its_mend(
    account: Account, changes: dict[str, Any], sentences: tuple[str, ...]
) -> None:
    said = account.wrong(**changes)
    assert [sentence for sentence in sentences if sentence not in said] == []


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"instance_types": ("t99.huge",)}, ("InvalidInstanceType", "Name instance types that this region has")),
        ({"image": "ami-absent"}, ("InvalidAMIID", "Leave image out for Ubuntu LTS")),
        ({"image": "resolve:ssm:/no/such"}, ("SSM has no such parameter",)),
    ],
)
def test_a_size_that_cannot_be_had_is_named_with_its_mend(
    account: Account, changes: dict[str, Any], sentences: tuple[str, ...]
) -> None:
    said = account.wrong(sizes={"small": account.size(**changes)})
    assert [sentence for sentence in sentences if sentence not in said] == []


@pytest.mark.parametrize(
    ("shown", "size", "sentence"),
    [
        ({"RootDeviceName": "/dev/xvda"}, {}, 'set root_device = "/dev/xvda" in the size'),
        ({"RootDeviceName": "/dev/xvda"}, {"root_device": "/dev/xvda"}, None),
        ({"RootDeviceName": "/dev/sda1"}, {"root_device": "/dev/xvda"}, "that disk would be a second, empty one"),
        ({"Architecture": "arm64"}, {}, "It is for arm64, and the size's architecture is amd64"),
        ({"Architecture": "arm64"}, {"architecture": "arm64"}, None),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 64}}]}, {}, "It needs 64 GiB"),
        (None, {}, "EC2 shows no image ami-1 there"),
    ],
)
def test_an_image_that_does_not_fit_its_size_is_told_with_its_mend(
    shown: dict[str, Any] | None, size: dict[str, Any], sentence: str | None
) -> None:
    class Ec2:
        def describe_images(self, **_: Any) -> dict[str, Any]:
            return {"Images": [] if shown is None else [{"ImageId": "ami-1", **shown}]}

    asked = Size(instance_types=("t3.medium",), hardware="2 cores", image="ami-1", **size)
    found = _image(SETTINGS, "eu-west-1", Ec2(), asked, clock.now())
    assert found.right == (sentence is None)
    assert (sentence or "") in found.text


def test_types_that_cannot_run_the_image_are_told(account: Account) -> None:
    said = account.wrong(sizes={"small": account.size(instance_types=("m6g.large",))})
    assert "m6g.large can't run programs for amd64: name other types, or set the size's architecture." in said


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("UnauthorizedOperation", "Allow it to the service's role: deploy/aws has the statements."),
        ("InvalidKeyPair.NotFound", "Name a key of this region"),
        ("VcpuLimitExceeded", "Ask for a higher quota of vCPUs, or lower max_machines."),
    ],
)
def test_what_a_dry_run_is_refused_for_is_said(account: Account, code: str, sentence: str) -> None:
    account.shim.faults_before.append(code)
    said = account.wrong()
    assert f"({code})" in said
    assert sentence in said


def test_the_key_of_disks_is_tried_where_it_is_not_amazons_own(account: Account) -> None:
    kms = account.client("kms")
    made = kms.create_key()["KeyMetadata"]
    right = f"ec2: disks in us-east-1 can be encrypted with the key {made['Arn']}"
    assert not any("encrypted with" in finding.text for finding in account.check())
    [finding] = [each for each in account.check(disk_key=made["Arn"]) if each.text.startswith(right)]
    assert finding.right
    kms.disable_key(KeyId=made["KeyId"])
    assert f"{right}: NO. It is Disabled: enable it, or name another as disk_key." in account.wrong(
        disk_key=made["Arn"]
    )
    away = "arn:aws:kms:us-east-1:1:key/away"
    said = account.wrong(disk_key=away)
    assert "KMS refused the request (NotFoundException)" in said
    assert "Name a key of this region by its ARN" in said


@pytest.mark.parametrize(("code", "right"), [("DryRunOperationException", True), ("AccessDeniedException", False)])
def test_a_key_that_the_role_may_not_use_is_told_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, code: str, *, right: bool
) -> None:
    class Kms:
        def describe_key(self, **_: Any) -> dict[str, Any]:
            return {"KeyMetadata": {"KeyState": "Enabled"}}

        def generate_data_key_without_plaintext(self, *, DryRun: bool, **_: Any) -> None:  # noqa: N803  (boto3's)
            assert DryRun
            raise client_error(code, "no identity-based policy allows it", 400)

    class Ec2:
        def get_ebs_default_kms_key_id(self) -> dict[str, str]:
            return {"KmsKeyId": "arn:aws:kms:eu-west-1:1:key/default"}

    monkeypatch.setattr(check_aws, "make_client", lambda *_: Kms())
    [finding] = _disk_key(SETTINGS, "eu-west-1", Ec2(), clock.now())
    assert finding.right == right
    assert "arn:aws:kms:eu-west-1:1:key/default" in finding.text
    assert right or "Allow it to the service's role, in the key's own policy too" in finding.text


def test_a_role_that_may_end_machines_of_others_is_told_so_and_none_ends(account: Account) -> None:
    image = account.ec2.describe_images()["Images"][0]["ImageId"]
    account.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    said = account.wrong()
    assert f"Allow ec2:TerminateInstances only where aws:ResourceTag/{DEPLOYMENT_TAG} is set." in said
    [machine] = account.ec2.describe_instances()["Reservations"][0]["Instances"]
    assert machine["State"]["Name"] == "running"


@pytest.mark.parametrize("answer", ["RequestLimitExceeded", "EndpointConnectionError"])
def test_whether_machines_of_others_are_safe_is_not_known_when_ec2_does_not_say(
    account: Account, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    image = account.ec2.describe_images()["Images"][0]["ImageId"]
    account.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    problem = (
        EndpointConnectionError(endpoint_url="https://ec2")
        if answer == "EndpointConnectionError"
        else client_error(answer, "Slow down", 503)
    )

    class Silent:
        def __getattr__(self, name: str) -> Any:
            return getattr(account.ec2, name)

        def terminate_instances(self, **_: Any) -> None:
            raise problem

    [*_, last] = _boundaries(SETTINGS, "us-east-1", Silent(), clock.now())
    assert not last.right
    assert last.text.startswith("ec2: machines of others in us-east-1 can't be ended: NO. It isn't known. EC2 ")


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """vCPUs that the account may have, by the quota's code; moto knows none of EC2's."""
    allowed: dict[str, float] = {}

    def get(_: object, service_code: str, quota_code: str) -> dict[str, Any]:
        assert service_code == "ec2"
        if quota_code not in allowed:
            raise NoSuchResource
        return {"QuotaCode": quota_code, "Value": allowed[quota_code]}

    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", get)
    return allowed


@pytest.mark.parametrize(
    ("kind", "code", "needed"),
    [("t3.medium", "L-1216C47A", 40), ("g4dn.xlarge", "L-DB2E81BA", 80), ("p4d.24xlarge", "L-417A185B", 1920)],
)
def test_the_machines_that_may_live_at_once_are_held_against_the_quota_of_their_family(
    account: Account, quota: dict[str, float], kind: str, code: str, needed: int
) -> None:
    sizes = {"small": account.size(instance_types=(kind,))}
    right = f"ec2: 20 machines of type {kind} are within the quota in us-east-1"
    quota[code] = needed
    assert right in [finding.text for finding in account.check(sizes=sizes) if finding.right]
    quota[code] = needed - 1
    said = account.wrong(sizes=sizes)
    assert f"{right}: NO. They need {needed} vCPUs, and it is {needed - 1}." in said
    assert "Ask for a higher quota, or lower max_machines." in said


def test_a_quota_that_cannot_be_read_is_not_guessed(account: Account, quota: dict[str, float]) -> None:
    assert not any("quota" in finding.text for finding in account.check())


def test_where_no_price_is_known_it_is_said_with_what_that_means_and_its_mend(account: Account) -> None:
    elsewhere = {"eu-west-1": Region(subnets=("subnet-1",), security_groups=("sg-1",))}
    said = account.wrong(elsewhere=elsewhere)
    assert "what machines cost in eu-west-1 is known, as of 2026-01-19: NO, not of small." in said
    assert "no cap counts them: run prices --refresh" in said
    assert "cost in us-east-1 is known, as of 2026-01-19: NO" not in said


def test_a_clock_that_is_20_minutes_wrong_is_named(account: Account) -> None:
    found = check_account(account.settings, clock.now() + timedelta(minutes=20), load_prices())
    assert "differs from Amazon's by" in "".join(finding.text for finding in found if not finding.right)


def test_without_credentials_there_is_one_line(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    [only] = [finding for finding in account.check() if not finding.right]
    assert "There are no AWS credentials: give this machine a role" in only.text


class TestAdHoc:
    def allowed(self, account: Account, **changes: Any) -> AdHocSettings:
        role = account.client("iam").create_role(RoleName="ad-hoc", AssumeRolePolicyDocument=TRUST)["Role"]
        account.client("iam").create_instance_profile(InstanceProfileName="ad-hoc")
        account.client("iam").add_role_to_instance_profile(InstanceProfileName="ad-hoc", RoleName=role["RoleName"])
        right = {"security_groups": account.settings.security_groups, "instance_profile": "ad-hoc"}
        return AdHocSettings(**right | changes)

    def test_what_it_needs_is_there_and_nothing_is_launched(self, account: Account) -> None:
        found = [each for each in account.check(ad_hoc=self.allowed(account)) if each.text.startswith("ec2.ad_hoc")]
        assert [each.right for each in found] == [True, True, True]
        assert account.machines() == 0

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"instance_profile": "worker"}, "It is the workers'. Whoever works there could do what workers may"),
            ({"instance_profile": "absent"}, "NoSuchEntity"),
            ({"security_groups": ("sg-absent",)}, "InvalidGroup.NotFound"),
        ],
    )
    def test_what_is_wrong_is_named(self, account: Account, changes: dict[str, Any], sentence: str) -> None:
        assert sentence in account.wrong(ad_hoc=self.allowed(account, **changes))

    def test_types_that_do_not_hear_of_an_extension_are_named(self, account: Account) -> None:
        old = {"small": account.size(instance_types=("t2.medium",))}
        said = account.wrong(ad_hoc=self.allowed(account), sizes=old)
        assert "t2.medium isn't on the Nitro system" in said
