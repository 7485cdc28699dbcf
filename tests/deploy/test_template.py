"""The template is well-formed, its policies say what its README claims, and its first program is one."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
import yaml
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from jupyter_schedule.core.user_service import systemd_unit
from scheduler_service.launchers.ec2.launch_plan import AD_HOC_TAG, DEADLINE_TAG, DEPLOYMENT_TAG, STACK_TAG
from scheduler_service.settings import load_settings
from tests.deploy.template import (
    FILLED,
    TEMPLATE,
    as_list,
    filled,
    parameters,
    resources,
    role_statements,
    statements,
    worker_statements,
)
from tests.s3_servers import S3Server


def test_cfn_lint_finds_nothing() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    linted = subprocess.run([lint, "--template", TEMPLATE], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_it_has_no_yaml_aliases_as_cloudformation_reads_none() -> None:
    assert not any(isinstance(token, yaml.AliasToken) for token in yaml.scan(TEMPLATE.read_text()))


def test_no_bucket_knows_access_lists_and_only_one_may_be_public() -> None:
    buckets = {name: each["Properties"] for name, each in resources().items() if each["Type"] == "AWS::S3::Bucket"}
    assert len(buckets) == 3
    for name, properties in buckets.items():
        assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        blocked = properties["PublicAccessBlockConfiguration"]
        assert blocked["BlockPublicAcls"]
        assert blocked["IgnorePublicAcls"]
        assert blocked["RestrictPublicBuckets"] == (name != "PublicBucket")


def test_what_readers_have_outlives_the_stack_and_a_deployment_that_fails_leaves_nothing() -> None:
    """A bucket that a failed first deployment left would block the second."""
    kept = [name for name, each in resources().items() if each["Type"] == "AWS::S3::Bucket"]
    for name in [*kept, "PublicPolicy"]:
        assert resources()[name]["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert resources()[name]["UpdateReplacePolicy"] == "Retain", name


def test_a_stack_can_go_with_the_ledgers_disk_mounted_and_come_again_with_full_buckets() -> None:
    """An attachment is undone before the machine ends, and waits for the disk; a bucket that is there can't be made."""
    kinds = {each["Type"] for each in resources().values()}
    assert "AWS::EC2::VolumeAttachment" not in kinds
    assert [each["VolumeId"] for each in resources()["Service"]["Properties"]["Volumes"]] == [{"Fn": ["Ref", "Ledger"]}]
    made = {name for name, each in resources().items() if each.get("Condition") == "NewBuckets"}
    assert made == {"WorkBucket", "PrivateBucket", "PublicBucket", "PublicPolicy"}
    # nothing else asks what was made for its name, but a policy that is made with it
    text = TEMPLATE.read_text()
    assert not re.search(r"\$\{(Work|Private|Public)Bucket[.}]", text)
    assert not re.search(r"GetAtt (Work|Private|Public)Bucket", text)
    [never] = [each for each in statements("PublicPolicy").values() if each["Effect"] == "Deny"]
    assert never["Principal"] == "*"
    assert never["Condition"]["ArnEquals"]["aws:PrincipalArn"]["Fn"][1].endswith(":role/${NamePrefix}-worker")


def test_a_deployment_waits_until_the_service_says_that_it_ticks() -> None:
    assert resources()["Service"]["CreationPolicy"] == {"ResourceSignal": {"Count": 1, "Timeout": "PT15M"}}


def test_no_package_is_installed_by_its_name_from_an_index() -> None:
    program = first_program()
    assert "apt-get" not in program
    assert re.findall(r"pip. install (.*?)'", program, re.DOTALL)
    assert all("--no-index" in call for call in re.findall(r"pip. install (.*?)'", program, re.DOTALL))
    assert "Default" not in parameters()["Wheels"]
    assert "Default" not in parameters()["WheelsSha256"]


def test_what_the_service_reaches_is_encrypted_storage_mail_and_a_database_that_were_asked_for() -> None:
    rules = resources()["ServiceGroup"]["Properties"]["SecurityGroupEgress"]
    under = {rule["Fn"][1][1]["FromPort"]: rule["Fn"][1][0] for rule in rules if "Fn" in rule}
    assert under == {5432: "HasDatabase", 465: "HasMail", 587: "HasMail"}
    assert {rule["FromPort"] for rule in rules if "Fn" not in rule} == {80, 443}


def test_a_key_of_ones_own_encrypts_all_but_what_is_public() -> None:
    encrypted = {
        name: "HasKey" in str(each["Properties"]["BucketEncryption"])
        for name, each in resources().items()
        if each["Type"] == "AWS::S3::Bucket"
    }
    assert encrypted == {"WorkBucket": True, "PrivateBucket": True, "PublicBucket": False}
    assert "HasKey" in str(resources()["Ledger"]["Properties"]["KmsKeyId"])
    [disk] = resources()["Service"]["Properties"]["BlockDeviceMappings"]
    assert "HasKey" in str(disk["Ebs"]["KmsKeyId"])


def test_the_service_may_ask_for_spot_with_all_that_such_a_launch_touches() -> None:
    (launch,) = [each for each in role_statements("ServiceRole") if each["Sid"] == "LaunchWith"]
    assert any(part["Fn"][1].endswith(":spot-instances-request/*") for part in launch["Resource"])


def test_every_bucket_ends_uploads_that_were_left_behind() -> None:
    for each in resources().values():
        if each["Type"] == "AWS::S3::Bucket":
            rules = each["Properties"]["LifecycleConfiguration"]["Rules"]
            assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_no_rule_of_a_bucket_removes_what_the_services_retention_keeps() -> None:
    expiring = {
        rule["Prefix"]
        for each in resources().values()
        if each["Type"] == "AWS::S3::Bucket"
        for rule in each["Properties"]["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    }
    assert expiring == {"briefs/"}


def test_an_update_of_the_stack_looks_no_image_up_and_so_replaces_no_machine() -> None:
    asked = parameters()["Image"]
    assert asked["Type"] == "AWS::EC2::Image::Id"
    assert "Default" not in asked
    assert resources()["Service"]["Properties"]["ImageId"] == {"Fn": ["Ref", "Image"]}


def test_everybody_may_do_one_thing_in_one_bucket() -> None:
    for policy in ("WorkPolicy", "PrivatePolicy", "PublicPolicy"):
        allowed = [
            each["Action"]
            for each in statements(policy).values()
            if each["Effect"] == "Allow" and each["Principal"] == "*"
        ]
        assert allowed == (["s3:GetObject"] if policy == "PublicPolicy" else [])


def test_a_worker_writes_under_its_own_user_id_and_gates_only() -> None:
    allowed = [each["Resource"]["Fn"][1] for each in role_statements("WorkerRole") if "s3:PutObject" in each["Action"]]
    assert allowed == [
        "arn:${AWS::Partition}:s3:::${NamePrefix}-work/workers/${!aws:userid}/*",
        "arn:${AWS::Partition}:s3:::${NamePrefix}-work/gates/*",
    ]


def test_a_worker_may_do_nothing_but_files_and_what_the_data_role_may() -> None:
    actions = {action for each in role_statements("WorkerRole") for action in as_list(each["Action"])}
    files = {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"}
    assert actions == files | {"sts:AssumeRole", "kms:Decrypt", "kms:GenerateDataKey"}


def test_nobody_may_do_everything_and_only_looking_is_allowed_everywhere() -> None:
    for role in ("ServiceRole", "WorkerRole", "AdHocRole", "DataRole", "AnalystRole"):
        for each in role_statements(role):
            if each["Effect"] == "Deny":
                continue
            actions = as_list(each["Action"])
            assert not [action for action in actions if "*" in action]
            looks = all(
                action.partition(":")[2].startswith(("Describe", "GetServiceQuota", "GetProducts", "GetEbs"))
                for action in actions
            )
            # a key has statements of its own
            assert looks == (each["Resource"] == "*") or actions[0].startswith("kms:"), each["Sid"]
            assert each["Resource"] != "*" or looks, each["Sid"]


def test_the_service_ends_and_launches_tagged_machines_only_and_gives_away_the_workers_role_only() -> None:
    may = {each["Sid"]: each for each in role_statements("ServiceRole")}
    ours = {"StringEquals": {f"aws:ResourceTag/{STACK_TAG}": {"Fn": ["Ref", "NamePrefix"]}}}
    assert may["EndOursOnly"]["Condition"] == may["ReadConsolesOfOurs"]["Condition"] == ours
    launch = may["LaunchOursOnly"]["Condition"]
    assert launch["Null"] == {f"aws:RequestTag/{tag}": "false" for tag in (DEPLOYMENT_TAG, DEADLINE_TAG)}
    assert launch["StringEquals"] == {
        f"aws:RequestTag/{STACK_TAG}": {"Fn": ["Ref", "NamePrefix"]},
        "ec2:MetadataHttpTokens": "required",
    }
    assert may["GiveWorkersTheirRole"]["Resource"] == {"Fn": ["GetAtt", "WorkerRole.Arn"]}


def test_a_machine_to_develop_on_lets_session_manager_in_and_may_nothing_else() -> None:
    (managed,) = resources()["AdHocRole"]["Properties"]["ManagedPolicyArns"]
    assert managed["Fn"][1].endswith("policy/AmazonSSMManagedInstanceCore")
    assert {each["Effect"] for each in role_statements("AdHocRole")} == {"Deny"}


def test_the_service_gives_it_that_role_and_changes_no_tag_but_its_deadline() -> None:
    may = {each["Sid"]: each for each in role_statements("ServiceRole")}
    assert may["GiveAdHocWorkersTheirs"]["Resource"] == {"Fn": ["GetAtt", "AdHocRole.Arn"]}
    assert may["ExtendOursOnly"]["Condition"] == {
        "Null": {f"aws:ResourceTag/{AD_HOC_TAG}": "false"},
        "StringEquals": {f"aws:ResourceTag/{STACK_TAG}": {"Fn": ["Ref", "NamePrefix"]}},
        "ForAllValues:StringEquals": {"aws:TagKeys": [DEADLINE_TAG]},
    }


# -- the service's machine

NAMES = {
    "Ledger": "vol-0a1b",
    "Wheels": "acme-releases/jupyter-schedule/1.0.tar",
    "WheelsSha256": "0" * 64,
    "NamePrefix": "acme",
    "AWS::StackName": "jupyter-schedule",
    "AWS::URLSuffix": "amazonaws.com",
    "DiskKey": 'disk_key = "arn:aws:kms:eu-west-1:111122223333:key/1"',
    "AWS::Region": "eu-west-1",
    "SubnetList": 'subnet-1", "subnet-2',
    "DataRoles": 'data = "arn:aws:iam::111122223333:role/acme-data"',
    "WorkerGroup": "sg-1",
    "AdHocGroup": "sg-2",
    "AdHocProfile": "acme-ad-hoc",
    "WorkerProfile": "acme-worker",
    "WorkerRole.RoleId": "AROAWORKER",
}


def first_program() -> str:
    template = resources()["Service"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Sub"][0]
    text: str = filled({"Fn": ["Sub", template]}, **NAMES)
    return text


def document(end: str) -> str:
    """A file that the program writes."""
    return first_program().partition(f"<<'{end}'\n")[2].partition(f"{end}\n")[0]


def test_the_services_first_program_is_bash_and_small_enough(tmp_path: Path) -> None:
    program = first_program()
    assert "${" not in program
    assert len(program.encode()) < 16 * 1024
    subprocess.run(["bash", "-n"], input=program, text=True, check=True)


def test_the_services_settings_are_such(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(document("SETTINGS"))
    settings = load_settings(tmp_path / "service.toml")
    assert settings.ec2
    assert (settings.ec2.subnets, settings.ec2.default_size) == (("subnet-1", "subnet-2"), "small")
    assert settings.ec2.ad_hoc
    assert (settings.ec2.ad_hoc.security_groups, settings.ec2.ad_hoc.instance_profile) == (("sg-2",), "acme-ad-hoc")
    assert (settings.ec2.stack, settings.ec2.disk_key) == ("acme", "arn:aws:kms:eu-west-1:111122223333:key/1")
    assert settings.ec2.data_roles == {"data": "arn:aws:iam::111122223333:role/acme-data"}
    public = quote("https://acme-public.s3.eu-west-1.amazonaws.com/", safe="")
    assert settings.storage.public == f"s3://acme-public?region=eu-west-1&public={public}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_services_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = tmp_path / "jupyter-schedule.service"
    unit.write_text(re.sub(r"/opt/jupyter-schedule/bin/python", sys.executable, document("UNIT")))
    said = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    # an older systemd says that it leaves this one aside
    said_of_it = [line for line in said.stderr.splitlines() if unit.name in line and "DelegateSubgroup" not in line]
    assert said_of_it == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_services_unit_is_as_shut_in_as_its_readme_says(tmp_path: Path) -> None:
    unit = tmp_path / "jupyter-schedule.service"
    unit.write_text(document("UNIT"))
    told = re.search(r"rates the unit ([\d.]+), “OK”", (TEMPLATE.parent / "README.md").read_text())
    assert told
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={float(told[1]) * 10:.0f}", str(unit)]
    rated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout[-300:]


def test_every_unit_that_is_shipped_leaves_the_runs_of_its_machine_alone_when_the_service_restarts() -> None:
    """Runs are children of the service's own process, which an upgrade ends."""
    installed = systemd_unit(["x"], {}).partition("[Service]")[2].partition("[Install]")[0]
    shipped = re.findall(r"\[Service\](.*?)\[Install\]", TEMPLATE.read_text(), re.DOTALL)
    assert shipped
    for unit in [installed, *shipped]:
        lines = {line.strip() for line in unit.splitlines()}
        assert {"KillMode=process", "Delegate=yes", "DelegateSubgroup=service"} <= lines
        # what is private to a service is removed when that stops
        assert "PrivateTmp=yes" not in lines


# -- on a real server


def policy(name: str, bucket: str, principals: dict[str, str]) -> str:
    names = FILLED | principals | {f"{name.removesuffix('Policy')}Bucket": bucket}
    document: dict[str, Any] = filled(resources()[name]["Properties"]["PolicyDocument"], **names)
    # these tests speak plain HTTP
    document["Statement"] = [each for each in document["Statement"] if each["Sid"] != "OnlyEncryptedConnections"]
    return json.dumps(document)


def may(call: Any, **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as problem:
        if problem.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return False
    return True


def anybody(server: S3Server) -> Any:
    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.session.Session(region_name=server.region).client("s3", endpoint_url=server.endpoint, config=config)


@pytest.mark.s3
def test_everybody_reads_what_is_public_and_nobody_lists_or_writes(seaweedfs: S3Server) -> None:
    bucket = seaweedfs.bucket("policy-public")
    admin, public = seaweedfs.client(), anybody(seaweedfs)
    admin.put_object(Bucket=bucket, Key="daily/latest.json", Body=b"{}")
    assert not may(public.get_object, Bucket=bucket, Key="daily/latest.json")

    admin.put_bucket_policy(Bucket=bucket, Policy=policy("PublicPolicy", bucket, {}))
    assert may(public.get_object, Bucket=bucket, Key="daily/latest.json")
    assert not may(public.list_objects_v2, Bucket=bucket)
    assert not may(public.put_object, Bucket=bucket, Key="daily/latest.json", Body=b"")
    assert not may(public.delete_object, Bucket=bucket, Key="daily/latest.json")


def of_session(server: S3Server, name: str, statements: list[dict[str, Any]]) -> Any:
    """A client with the credentials of a session that may do that."""
    made = server.session(name, statements)
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    session = boto3.session.Session(**keys, aws_session_token=made["Token"], region_name=server.region)
    return session.client("s3", endpoint_url=server.endpoint, config=config)


@pytest.mark.s3
def test_a_worker_writes_under_its_own_prefix_only_and_lists_nothing(seaweedfs: S3Server) -> None:
    bucket, public = seaweedfs.bucket("policy-work"), seaweedfs.bucket("policy-public")
    admin = seaweedfs.client()
    worker = of_session(seaweedfs, "i-1", worker_statements(bucket, "AROA:i-1"))
    for key in ("bundles/a.tar.gz", "agents/a.tar.gz", "briefs/t", "workers/AROA:i-2/t/result"):
        admin.put_object(Bucket=bucket, Key=key, Body=b"")

    assert may(worker.put_object, Bucket=bucket, Key="workers/AROA:i-1/t/heartbeat", Body=b"")
    assert may(worker.get_object, Bucket=bucket, Key="bundles/a.tar.gz")
    assert may(worker.get_object, Bucket=bucket, Key="agents/a.tar.gz")
    assert may(worker.get_object, Bucket=bucket, Key="briefs/t")
    assert not may(worker.put_object, Bucket=bucket, Key="briefs/t", Body=b"")
    assert not may(worker.put_object, Bucket=bucket, Key="workers/AROA:i-2/t/heartbeat", Body=b"")
    assert not may(worker.get_object, Bucket=bucket, Key="workers/AROA:i-2/t/result")
    assert not may(worker.put_object, Bucket=bucket, Key="bundles/a.tar.gz", Body=b"")
    assert not may(worker.delete_object, Bucket=bucket, Key="workers/AROA:i-1/t/heartbeat")
    assert not may(worker.list_objects_v2, Bucket=bucket)
    assert not may(worker.put_object, Bucket=public, Key="x", Body=b"")


@pytest.mark.s3
def test_what_the_service_does_with_files_is_allowed_to_it_and_nothing_else(seaweedfs: S3Server) -> None:
    buckets = {name: seaweedfs.bucket(f"policy-{name.lower()}") for name in ("Work", "Private", "Public")}
    names = FILLED | {f"{name}Bucket": bucket for name, bucket in buckets.items()}
    files = [each for each in role_statements("ServiceRole") if each["Sid"] in {"Files", "Lists"}]
    service = of_session(seaweedfs, "service", filled(files, **names))
    for bucket in buckets.values():
        assert may(service.put_object, Bucket=bucket, Key="service/x", Body=b"")
        assert may(service.get_object, Bucket=bucket, Key="service/x")
        assert may(service.list_objects_v2, Bucket=bucket)
        assert may(service.delete_object, Bucket=bucket, Key="service/x")
    assert not may(service.put_object, Bucket=seaweedfs.bucket("of-others"), Key="x", Body=b"")
    assert not may(service.put_bucket_policy, Bucket=buckets["Work"], Policy="{}")


@pytest.mark.s3
def test_nobody_writes_a_gate_unconditionally(seaweedfs: S3Server) -> None:
    """That a conditional write is let through can't be tried here: this server doesn't know `s3:if-none-match`."""
    bucket = seaweedfs.bucket("policy-gates")
    # a bucket's policy holds for identities of the server alone
    admin, worker = seaweedfs.client(), seaweedfs.client("nobody")
    allowed = [each for each in worker_statements(bucket, "AROA:i-1") if each["Action"] != ["sts:AssumeRole"]]
    principals = {"AWS": "arn:aws:iam::000000000000:user/nobody"}
    without = {"Version": "2012-10-17", "Statement": [each | {"Principal": principals} for each in allowed]}
    whole = json.loads(policy("WorkPolicy", bucket, {}))
    whole["Statement"] += without["Statement"]

    admin.put_bucket_policy(Bucket=bucket, Policy=json.dumps(without))
    assert may(worker.put_object, Bucket=bucket, Key="gates/a", Body=b"")
    admin.put_bucket_policy(Bucket=bucket, Policy=json.dumps(whole))
    assert not may(worker.put_object, Bucket=bucket, Key="gates/a", Body=b"")
