"""What the service really asks of Amazon is allowed to its role by the template, and what nobody should ask isn't."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from jupyter_schedule.core import clock
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import LocalStorage, open_storage
from scheduler_service.admin.check import check_storage
from scheduler_service.admin.check_aws import check_account
from scheduler_service.admin.migrate_storage import copy_objects, list_missing
from scheduler_service.launchers.ec2.client import make_client, open_ec2
from scheduler_service.launchers.ec2.launch_plan import DEADLINE_TAG, DEPLOYMENT_TAG, STACK_TAG
from scheduler_service.launchers.ec2.prices import fetch_prices, load_prices
from scheduler_service.launchers.ec2.settings import Region
from scheduler_service.worker.task import freeze
from tests.deploy.calls import ACCOUNT, Call, asked_by, recorded
from tests.deploy.policies import Asked, is_key, keys_of, may
from tests.deploy.template import FILLED, as_list, filled, role_statements, statements
from tests.factories import make_attempt, make_run, make_schedule, make_spec, make_task
from tests.s3_servers import S3Server, variables
from tests.scheduler_service.admin.account import moto_account
from tests.scheduler_service.admin.test_check import storage_on
from tests.scheduler_service.test_on_s3 import deployment

RUN = make_run(make_schedule())
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
NAMES: dict[str, Any] = FILLED | {
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
    "WorkBucket": "work-bucket",
    "PrivateBucket": "private-bucket",
    "PublicBucket": "public-bucket",
    "AWS::StackId": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/acme/1",
    "Wheels": "acme-releases/0.1.0.tar",
    "Key": KEY,
    "WorkerRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/worker",
    "WorkerProfile.Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/worker",
    "WorkerGroup": "sg-1",
    "AdHocRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/ad-hoc",
    "AdHocProfile.Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/ad-hoc",
    "AdHocGroup": "sg-ad-hoc",
    "FurtherRegions": ["eu-west-1", "eu-central-1"],
    "FurtherSecurityGroups": ["sg-further"],
    "DataBucket": "weather",
    "!aws:userid": "${aws:userid}",
}
OURS = {DEPLOYMENT_TAG: "d1", STACK_TAG: "acme", DEADLINE_TAG: "2026-11-23T14:00:00Z"}


def rights(role: str, **names: Any) -> list[dict[str, Any]]:
    """What the role may, and what the buckets' own policies deny to everybody."""
    own = role_statements(role)
    denied = [each for policy in ("WorkPolicy", "PrivatePolicy", "PublicPolicy") for each in statements(policy).values()
              if each["Effect"] == "Deny" and each["Principal"] == "*"]  # fmt: skip
    made: list[dict[str, Any]] = filled([*own, *denied], **NAMES | names)
    return made


def refused(role: str, calls: list[Call], tags_of: dict[str, dict[str, str]] | None = None, **names: Any) -> set[str]:
    """What the role may not of that."""
    allowed = rights(role, **names)
    asked = [each for call in calls for each in asked_by(call, tags_of)]
    return {f"{each.action} {each.resource} {json.dumps(each.context)}" for each in asked if not may(allowed, each)}


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[list[Call], dict[str, Any]]]:
    """Every call of the launcher, the reaper, `check` and `prices`, with machines in two regions; and names."""
    for name, value in variables().items():
        monkeypatch.setenv(name, value)
    s3_clients.forget()
    with moto_account() as account:
        account.client("s3").create_bucket(Bucket="work-bucket")
        further = make_client(account.settings, "ec2", "eu-west-1")
        there = Region(
            subnets=(further.describe_subnets()["Subnets"][0]["SubnetId"],),
            security_groups=(further.describe_security_groups()["SecurityGroups"][0]["GroupId"],),
        )
        by_name = "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
        sizes = {"small": account.size(spot=True), "named": account.size(image=by_name)}
        settings = account.settings.model_copy(
            update={"elsewhere": {"eu-west-1": there}, "sizes": sizes, "stack": "acme"}
        )
        work = f"s3://work-bucket/x?endpoint={account.endpoint}&region=us-east-1"
        account.ec2.run_instances(ImageId=account.size().image, MinCount=1, MaxCount=1)
        with recorded() as calls:
            list(check_account(settings, clock.now(), load_prices()))
            with suppress(ClientError, BotoCoreError):
                fetch_prices(make_client(settings, "pricing", "us-east-1"), settings, date(2026, 11, 25))
            launcher = open_ec2(settings, work, b"secret", clock.now)
            # spot, then what is paid in full, then both elsewhere
            for number in (1, 2, 3, 4):
                spec, deadline = make_spec(size="small"), clock.now() + timedelta(hours=2)
                plan = launcher.plan(RUN, spec, number=number, token=f"t{number}", deadline=deadline)
                frozen = freeze(make_task(run_id=RUN.id), plan)
                attempt = make_attempt(RUN, number, parameters=frozen, token=f"t{number}", launcher="ec2")
                handle = launcher.launch(attempt)
                known = attempt.model_copy(update={"handle": handle})
                launcher.poll(known)
                launcher.terminate(known)
                launcher.discard(known)
            launcher.reap(lambda *_: None)
        groups = {"WorkerGroup": settings.security_groups[0], "FurtherSecurityGroups": list(there.security_groups)}
        yield calls, groups
    s3_clients.forget()


def test_all_that_is_asked_of_ec2_and_beside_it_is_allowed_in_every_region(
    launched: tuple[list[Call], dict[str, Any]],
) -> None:
    calls, groups = launched
    made = {(call.service, call.operation, call.region) for call in calls}
    assert {
        ("ec2", "RunInstances", "us-east-1"),
        ("ec2", "RunInstances", "eu-west-1"),
        ("ec2", "TerminateInstances", "eu-west-1"),
        ("ec2", "DescribeInstances", "us-east-1"),
        ("ssm", "GetParameters", "us-east-1"),
        ("iam", "GetInstanceProfile", "us-east-1"),
        ("pricing", "GetProducts", "us-east-1"),
        ("service-quotas", "GetServiceQuota", "us-east-1"),
        ("s3", "PutObject", "us-east-1"),
        ("s3", "DeleteObject", "us-east-1"),
    } <= made
    # `check` tries, dry, to end a machine of others, which is to be refused
    tried = [call for call in calls if call.operation != "TerminateInstances" or "DryRun" not in call.parameters]
    ours = {each: OURS for call in tried for each in call.parameters.get("InstanceIds", [])}
    assert refused("ServiceRole", tried, ours, **groups) == set()
    [dry] = [call for call in calls if call not in tried]
    assert refused("ServiceRole", [dry], {}, **groups)


@pytest.mark.s3
def test_all_that_is_done_with_files_is_allowed(
    seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By boto3 alone, whose calls can be seen."""
    monkeypatch.setattr(s3_clients, "_mover", lru_cache(lambda *_: None))
    storage = storage_on(seaweedfs)
    with recorded() as calls:
        list(check_storage(storage, clock.now()))
        engine = deployment(tmp_path / "team", storage)
        told = engine.operations.storage
        assert told.work
        assert told.private
        engine.objects = engine.operations.context.objects = open_storage(told.work)
        engine.script("told", 'echo 1 > "$OUTPUT_DIR/a.csv"; head -c 20000000 /dev/zero > "$OUTPUT_DIR/large"',
                      publication_base=told.private)  # fmt: skip
        with engine.service():
            run = engine.ended(engine.run("told"))
        assert run.publication, run.message
    assert {"PutObject", "GetObject", "DeleteObject", "CopyObject", "ListObjectsV2"} <= {c.operation for c in calls}
    assert refused("ServiceRole", calls) == set()


@pytest.mark.s3
def test_all_that_analysts_do_with_files_is_allowed_to_their_role(
    seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They schedule, look at what their runs printed and left, and read their results."""
    monkeypatch.setattr(s3_clients, "_mover", lru_cache(lambda *_: None))
    area = seaweedfs.bucket("analysts")
    engine = deployment(tmp_path / "team", storage_on(seaweedfs, work=f"s3://{area}"))
    told = engine.operations.storage
    assert told.work
    assert told.private
    engine.objects = engine.operations.context.objects = open_storage(told.work)
    with recorded() as calls:
        engine.script("theirs", 'echo seen; echo 1 > "$OUTPUT_DIR/a.csv"', publication_base=told.private)
    with engine.service():
        run = engine.ended(engine.run("theirs"))
    with recorded() as read:
        assert "seen" in engine.log(run)
        assert [each.key for each in open_storage(told.private).list("theirs/data/")] == ["theirs/data/a.csv"]
        assert open_storage(told.private).get("theirs/data/a.csv") == b"1\n"
    assert {"PutObject", "GetObject", "ListObjectsV2"} <= {call.operation for call in [*calls, *read]}
    assert refused("AnalystRole", [*calls, *read], WorkBucket=area) == set()


@pytest.mark.s3
def test_a_migration_to_the_templates_bucket_is_allowed_by_that_buckets_own_policy(
    seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(s3_clients, "_mover", lru_cache(lambda *_: None))
    former = LocalStorage(tmp_path / "former")
    former.put("gates/t1", b"{}")
    former.put("bundles/0.tar.gz", b"code")
    work = seaweedfs.objects("work")
    with recorded() as calls:
        copy_objects(former, work, list_missing(former, work))
    assert (work.get("gates/t1"), work.get("bundles/0.tar.gz")) == (b"{}", b"code")
    assert refused("ServiceRole", calls) == set()


# -- what nobody should ask


def tags_of(named: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in named.items()]


LAUNCH = {
    "ImageId": "ami-0a1b",
    "InstanceType": "m7i.large",
    "SubnetId": "subnet-1",
    "SecurityGroupIds": ["sg-1"],
    "IamInstanceProfile": {"Name": "worker"},
    "MetadataOptions": {"HttpTokens": "required"},
    "TagSpecifications": [{"ResourceType": kind, "Tags": tags_of(OURS)} for kind in ("instance", "volume")],
}


def launch(region: str = "us-east-1", **changes: Any) -> Call:
    return Call("ec2", "RunInstances", region, LAUNCH | changes)


def test_a_launch_of_ours_is_allowed_so_that_each_refusal_below_has_one_cause() -> None:
    assert refused("ServiceRole", [launch()]) == set()
    assert refused("ServiceRole", [launch("eu-west-1", SecurityGroupIds=["sg-further"])]) == set()


@pytest.mark.parametrize(
    "call",
    [
        launch(TagSpecifications=[]),
        launch(TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": DEPLOYMENT_TAG, "Value": "d1"}]}]),
        launch(TagSpecifications=[{"ResourceType": "instance", "Tags": tags_of({**OURS, STACK_TAG: "beta"})}]),
        launch(MetadataOptions={}),
        launch(IamInstanceProfile={"Name": "admin"}),
        launch(IamInstanceProfile={}),
        launch(SecurityGroupIds=["sg-open"]),
        launch("eu-west-1", SecurityGroupIds=["sg-open"]),
        launch("sa-east-1", SecurityGroupIds=["sg-further"]),
    ],
    ids=[
        "untagged",
        "no deadline",
        "another deployment",
        "old metadata",
        "another role",
        "no role",
        "another group",
        "there too",
        "elsewhere",
    ],
)
def test_a_launch_that_is_not_of_a_worker_is_refused(call: Call) -> None:
    assert refused("ServiceRole", [call])


def test_without_further_regions_there_are_none() -> None:
    nowhere: dict[str, Any] = {"FurtherRegions": [""], "FurtherSecurityGroups": [""]}
    assert refused("ServiceRole", [launch()], **nowhere) == set()
    assert refused("ServiceRole", [launch("eu-west-1", SecurityGroupIds=["sg-further"])], **nowhere)


def test_machines_of_others_are_neither_ended_nor_tagged_to_be_ended_then() -> None:
    end = Call("ec2", "TerminateInstances", "us-east-1", {"InstanceIds": ["i-1"]})
    assert refused("ServiceRole", [end], {"i-1": OURS}) == set()
    assert refused("ServiceRole", [end], {"i-1": {"Name": "somebody's"}})
    # nor those of another deployment in the account
    assert refused("ServiceRole", [end], {"i-1": {**OURS, STACK_TAG: "beta"}})
    tag = {"aws:RequestedRegion": "us-east-1", f"aws:RequestTag/{DEPLOYMENT_TAG}": "d1"}
    asked = Asked("ec2:CreateTags", f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-1", tag)
    assert not may(rights("ServiceRole"), asked)


SERVICE, WORKER, DATA, ANALYST = "ServiceRole", "WorkerRole", "DataRole", "AnalystRole"
ROLES = f"arn:aws:iam::{ACCOUNT}:role"
SAFELY = {"aws:SecureTransport": "true", "aws:userid": "AROAWORKER:i-1"}
ONCE = SAFELY | {"s3:if-none-match": "*"}
BY_WORKER = {"aws:PrincipalArn": f"{ROLES}/acme-worker"}


@pytest.mark.parametrize(
    ("role", "asked", "allowed"),
    [
        (SERVICE, Asked("iam:PassRole", f"{ROLES}/worker", {"iam:PassedToService": "ec2.amazonaws.com"}), True),
        (SERVICE, Asked("iam:PassRole", f"{ROLES}/worker", {"iam:PassedToService": "lambda.amazonaws.com"}), False),
        (SERVICE, Asked("iam:PassRole", f"{ROLES}/admin", {"iam:PassedToService": "ec2.amazonaws.com"}), False),
        (SERVICE, Asked("sts:AssumeRole", f"{ROLES}/acme-data"), False),
        (SERVICE, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/gates/t", ONCE), True),
        (SERVICE, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/gates/t", SAFELY), False),
        (SERVICE, Asked("s3:GetObject", "arn:aws:s3:::work-bucket/x", {"aws:SecureTransport": "false"}), False),
        (SERVICE, Asked("s3:DeleteObject", "arn:aws:s3:::of-others/x", SAFELY), False),
        (SERVICE, Asked("s3:PutBucketPolicy", "arn:aws:s3:::public-bucket", SAFELY), False),
        (SERVICE, Asked("ec2:StopInstances", f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-1"), False),
        (WORKER, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/workers/AROAWORKER:i-1/t/result", SAFELY), True),
        (WORKER, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/workers/AROAWORKER:i-2/t/result", SAFELY), False),
        (WORKER, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/gates/t", ONCE), True),
        (WORKER, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/gates/t", SAFELY), False),
        (WORKER, Asked("s3:ListBucket", "arn:aws:s3:::work-bucket", SAFELY), False),
        (WORKER, Asked("s3:GetObject", "arn:aws:s3:::private-bucket/x", SAFELY), False),
        (WORKER, Asked("sts:AssumeRole", f"{ROLES}/acme-data"), True),
        (WORKER, Asked("sts:AssumeRole", f"{ROLES}/acme-service"), False),
        (WORKER, Asked("iam:PassRole", f"{ROLES}/worker", {"iam:PassedToService": "ec2.amazonaws.com"}), False),
        (SERVICE, Asked("s3:GetObject", "arn:aws:s3:::acme-releases/0.1.0.tar", SAFELY), True),
        (SERVICE, Asked("s3:PutObject", "arn:aws:s3:::acme-releases/0.1.0.tar", SAFELY), False),
        (SERVICE, Asked("cloudformation:SignalResource", NAMES["AWS::StackId"]), True),
        (SERVICE, Asked("cloudformation:SignalResource", NAMES["AWS::StackId"].replace("acme", "beta")), False),
        (SERVICE, Asked("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}), True),
        (SERVICE, Asked("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"}), False),
        (SERVICE, Asked("kms:Decrypt", KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"}), True),
        (SERVICE, Asked("kms:Decrypt", KEY), False),
        (WORKER, Asked("kms:GenerateDataKey", KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"}), True),
        (WORKER, Asked("kms:Decrypt", KEY), False),
        (WORKER, Asked("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}), False),
        (WORKER, Asked("s3:PutObject", "arn:aws:s3:::public-bucket/x", SAFELY | BY_WORKER), False),
        (ANALYST, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/bundles/x.tar.gz", SAFELY), True),
        (ANALYST, Asked("s3:GetObject", "arn:aws:s3:::private-bucket/daily/latest.json", SAFELY), True),
        (ANALYST, Asked("s3:PutObject", "arn:aws:s3:::public-bucket/daily/latest.json", SAFELY), False),
        (ANALYST, Asked("s3:DeleteObject", "arn:aws:s3:::work-bucket/bundles/x.tar.gz", SAFELY), False),
        (ANALYST, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/gates/t", ONCE), False),
        (ANALYST, Asked("s3:GetObject", "arn:aws:s3:::work-bucket/briefs/t", SAFELY), False),
        (ANALYST, Asked("s3:PutObject", "arn:aws:s3:::work-bucket/workers/AROAWORKER:i-1/t/result", SAFELY), False),
        (ANALYST, Asked("ec2:RunInstances", f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/*"), False),
        (ANALYST, Asked("iam:PassRole", f"{ROLES}/worker", {"iam:PassedToService": "ec2.amazonaws.com"}), False),
        (DATA, Asked("s3:GetObject", "arn:aws:s3:::weather/2026.csv", SAFELY), True),
        (DATA, Asked("s3:PutObject", "arn:aws:s3:::weather/2026.csv", SAFELY), False),
        (DATA, Asked("s3:GetObject", "arn:aws:s3:::work-bucket/briefs/t", SAFELY), False),
    ],
)  # fmt: skip
def test_each_role_does_its_own_and_nothing_of_the_others(role: str, asked: Asked, *, allowed: bool) -> None:
    assert may(rights(role), asked) == allowed


def test_every_condition_asks_for_what_amazon_puts_into_such_a_request() -> None:
    """A key that isn't there makes a permission that is never given, or a denial that never comes."""
    unknown = {
        f"{role} {each['Sid']} {key}"
        for role in (SERVICE, WORKER, DATA, ANALYST)
        for each in filled(role_statements(role), **NAMES)
        for keys in each.get("Condition", {}).values()
        for key in keys
        for action in as_list(each["Action"])
        for resource in as_list(each["Resource"])
        if not is_key(key, keys_of(action, resource))
    }
    assert unknown == set()
