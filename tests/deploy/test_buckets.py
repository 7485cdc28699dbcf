"""The buckets' template is well-formed, and its policies say what its README claims."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.s3_servers import S3Server

TEMPLATE = Path(__file__).parents[2] / "deploy" / "aws" / "buckets.yaml"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short functions as `{"Fn": [name, argument]}`."""


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.ScalarNode)
    return {"Fn": [name, loader.construct_scalar(node)]}


_Loader.add_multi_constructor("!", _function)


def resources() -> dict[str, Any]:
    made: dict[str, Any] = yaml.load(TEMPLATE.read_text(), _Loader)["Resources"]
    return made


def statements(policy: str) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in resources()[policy]["Properties"]["PolicyDocument"]["Statement"]}


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


def test_every_bucket_ends_uploads_that_were_left_behind() -> None:
    for each in resources().values():
        if each["Type"] == "AWS::S3::Bucket":
            rules = each["Properties"]["LifecycleConfiguration"]["Rules"]
            assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_everybody_may_do_one_thing_in_one_bucket() -> None:
    for policy in ("WorkPolicy", "PrivatePolicy", "PublicPolicy"):
        allowed = [
            each["Action"]
            for each in statements(policy).values()
            if each["Effect"] == "Allow" and each["Principal"] == "*"
        ]
        assert allowed == (["s3:GetObject"] if policy == "PublicPolicy" else [])


def test_a_worker_writes_under_its_own_user_id_and_gates_only() -> None:
    allowed = [
        each["Resource"]["Fn"][1]
        for each in statements("WorkPolicy").values()
        if each["Effect"] == "Allow" and "Worker" in json.dumps(each["Principal"]) and "s3:PutObject" in each["Action"]
    ]
    assert allowed == ["${WorkBucket.Arn}/workers/${!aws:userid}/*", "${WorkBucket.Arn}/gates/*"]


# -- on a real server


def filled(policy: str, bucket: str, principals: dict[str, Any], userid: str = "") -> str:
    """The policy as CloudFormation would hand it over, with what this server doesn't know written out."""
    arn = f"arn:aws:s3:::{bucket}"

    def plain(value: Any) -> Any:
        match value:
            case {"Fn": ["Sub", text]}:
                shown = text.replace("${!aws:userid}", userid)
                return shown.replace(f"${{{policy.removesuffix('Policy')}Bucket.Arn}}", arn)
            case {"Fn": ["GetAtt", _]}:
                return arn
            case {"Fn": ["Ref", name]}:
                return principals[name]
            case dict():
                return {key: plain(each) for key, each in value.items()}
            case list():
                return [plain(each) for each in value]
        return value

    document = plain(resources()[policy]["Properties"]["PolicyDocument"])
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

    nobody = "arn:aws:iam::111122223333:role/none"
    principals = {"ServiceRoleArn": nobody, "WorkerRoleArn": nobody}
    admin.put_bucket_policy(Bucket=bucket, Policy=filled("PublicPolicy", bucket, principals))
    assert may(public.get_object, Bucket=bucket, Key="daily/latest.json")
    assert not may(public.list_objects_v2, Bucket=bucket)
    assert not may(public.put_object, Bucket=bucket, Key="daily/latest.json", Body=b"")
    assert not may(public.delete_object, Bucket=bucket, Key="daily/latest.json")


WORKER = "arn:aws:iam::000000000000:user/nobody"


@pytest.mark.s3
def test_a_worker_writes_under_its_own_prefix_only_and_lists_nothing(seaweedfs: S3Server) -> None:
    bucket = seaweedfs.bucket("policy-work")
    admin, worker = seaweedfs.client(), seaweedfs.client("nobody")
    admin.put_object(Bucket=bucket, Key="bundles/a.tar.gz", Body=b"")
    principals = {"ServiceRoleArn": "arn:aws:iam::111122223333:role/service", "WorkerRoleArn": WORKER}
    admin.put_bucket_policy(Bucket=bucket, Policy=filled("WorkPolicy", bucket, principals, "AROA:i-1"))

    assert may(worker.put_object, Bucket=bucket, Key="workers/AROA:i-1/t/heartbeat", Body=b"")
    assert may(worker.get_object, Bucket=bucket, Key="bundles/a.tar.gz")
    assert not may(worker.put_object, Bucket=bucket, Key="workers/AROA:i-2/t/heartbeat", Body=b"")
    assert not may(worker.get_object, Bucket=bucket, Key="workers/AROA:i-2/t/heartbeat")
    assert not may(worker.put_object, Bucket=bucket, Key="bundles/a.tar.gz", Body=b"")
    assert not may(worker.delete_object, Bucket=bucket, Key="workers/AROA:i-1/t/heartbeat")
    assert not may(worker.list_objects_v2, Bucket=bucket)


@pytest.mark.s3
def test_nobody_writes_a_gate_unconditionally(seaweedfs: S3Server) -> None:
    """That a conditional write is let through can't be tried here: this server doesn't know `s3:if-none-match`."""
    bucket = seaweedfs.bucket("policy-gates")
    admin, worker = seaweedfs.client(), seaweedfs.client("nobody")
    principals = {"ServiceRoleArn": "arn:aws:iam::111122223333:role/service", "WorkerRoleArn": WORKER}
    whole = filled("WorkPolicy", bucket, principals)
    without = json.loads(whole)
    without["Statement"] = [each for each in without["Statement"] if each["Sid"] != "GatesAreWrittenOnce"]

    admin.put_bucket_policy(Bucket=bucket, Policy=json.dumps(without))
    assert may(worker.put_object, Bucket=bucket, Key="gates/a", Body=b"")
    admin.put_bucket_policy(Bucket=bucket, Policy=whole)
    assert not may(worker.put_object, Bucket=bucket, Key="gates/a", Body=b"")
