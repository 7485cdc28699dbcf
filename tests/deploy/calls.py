"""Calls of boto3 as they are made, and what each asks IAM for.

Source: "Actions, resources, and condition keys" of each service in the Service Authorization Reference.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from botocore.client import BaseClient

from tests.deploy.policies import Asked, is_key, keys_of

ACCOUNT = "111122223333"
FROM_SSM = "resolve:ssm:"
#: of S3: what an operation on an object, or on a bucket, is called in a policy
OF_OBJECTS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "DeleteObject": "DeleteObject",
    "CopyObject": "PutObject",
    "UploadPartCopy": "PutObject",
}
OF_BUCKETS = {
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
}
#: operations that ask for nothing of a resource's
PLAIN = {
    ("ec2", "DescribeInstances"): "ec2:DescribeInstances",
    ("ec2", "DescribeInstanceTypes"): "ec2:DescribeInstanceTypes",
    ("ec2", "DescribeImages"): "ec2:DescribeImages",
    ("ec2", "DescribeSecurityGroups"): "ec2:DescribeSecurityGroups",
    ("ec2", "DescribeSubnets"): "ec2:DescribeSubnets",
    ("ec2", "DescribeRouteTables"): "ec2:DescribeRouteTables",
    ("ec2", "GetEbsDefaultKmsKeyId"): "ec2:GetEbsDefaultKmsKeyId",
    ("pricing", "GetProducts"): "pricing:GetProducts",
    ("service-quotas", "GetServiceQuota"): "servicequotas:GetServiceQuota",
}


@dataclass(frozen=True)
class Call:
    """One call of boto3."""

    service: str
    operation: str
    region: str
    parameters: dict[str, Any]


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Every call that is made meanwhile, answered or not."""
    made: list[Call] = []
    whole = BaseClient._make_api_call

    def noting(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made.append(Call(client.meta.service_model.service_name, operation, client.meta.region_name, dict(parameters)))
        return whole(client, operation, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", noting):
        yield made


def asked_by(call: Call, tags_of: dict[str, dict[str, str]] | None = None) -> list[Asked]:
    """All that IAM is asked for a call.  tags_of: the tags of the instances that it names."""
    found = list(_asked(call, tags_of or {}))
    everywhere = {"aws:RequestedRegion": call.region, "aws:SecureTransport": "true"}
    return [_known(Asked(each.action, each.resource, {**everywhere, **each.context})) for each in found]


def _known(asked: Asked) -> Asked:
    """With those keys only that Amazon puts into such a request."""
    known = keys_of(asked.action, asked.resource)
    return Asked(
        asked.action, asked.resource, {key: value for key, value in asked.context.items() if is_key(key, known)}
    )


def _asked(call: Call, tags_of: dict[str, dict[str, str]]) -> Iterator[Asked]:
    match call.service, call.operation:
        case "sts", "GetCallerIdentity":
            # whoever has credentials may
            return
        case "ec2", "RunInstances":
            yield from _launch(call)
        case "ec2", "TerminateInstances" | "GetConsoleOutput":
            for instance in call.parameters.get("InstanceIds") or [call.parameters["InstanceId"]]:
                tags = tags_of.get(instance, {})
                context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
                yield Asked(f"ec2:{call.operation}", _ec2(call, f"instance/{instance}"), context)
        case "iam", "GetInstanceProfile":
            name = call.parameters["InstanceProfileName"]
            yield Asked("iam:GetInstanceProfile", f"arn:aws:iam::{ACCOUNT}:instance-profile/{name}")
        case "ssm", "GetParameters":
            for name in call.parameters["Names"]:
                yield _parameter(call, name)
        case "kms", operation:
            yield Asked(f"kms:{operation}", call.parameters["KeyId"])
        case "s3", _:
            yield from _files(call)
        case known:
            yield Asked(PLAIN[known])


def _launch(call: Call) -> Iterator[Asked]:
    asked = call.parameters
    profile = asked.get("IamInstanceProfile", {}).get("Name")
    tags = {
        tag["Key"]: tag["Value"] for each in asked.get("TagSpecifications", []) for tag in each["Tags"]
    }  # the same for all that is tagged
    context = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    context["ec2:InstanceType"] = asked["InstanceType"]
    context["ec2:MetadataHttpTokens"] = asked.get("MetadataOptions", {}).get("HttpTokens", "optional")
    if profile:
        context["ec2:InstanceProfile"] = f"arn:aws:iam::{ACCOUNT}:instance-profile/{profile}"
        yield Asked(
            "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{profile}", {"iam:PassedToService": "ec2.amazonaws.com"}
        )
    image = asked["ImageId"]
    if image.startswith(FROM_SSM):
        yield _parameter(call, image.removeprefix(FROM_SSM))
        image = "ami-0a1b"
    yield Asked("ec2:RunInstances", f"arn:aws:ec2:{call.region}::image/{image}", context)
    for part in ("instance/*", "network-interface/*", "volume/*", f"subnet/{asked['SubnetId']}"):
        yield Asked("ec2:RunInstances", _ec2(call, part), context)
    for group in asked["SecurityGroupIds"]:
        yield Asked("ec2:RunInstances", _ec2(call, f"security-group/{group}"), context | {"ec2:SecurityGroupID": group})
    for each in asked.get("TagSpecifications", []):
        created = context | {"ec2:CreateAction": "RunInstances"}
        yield Asked("ec2:CreateTags", _ec2(call, f"{each['ResourceType']}/*"), created)


def _ec2(call: Call, part: str) -> str:
    return f"arn:aws:ec2:{call.region}:{ACCOUNT}:{part}"


def _parameter(call: Call, name: str) -> Asked:
    """A public one, which belongs to no account."""
    return Asked("ssm:GetParameters", f"arn:aws:ssm:{call.region}::parameter{name}")


def _files(call: Call) -> Iterator[Asked]:
    asked = call.parameters
    bucket = f"arn:aws:s3:::{asked['Bucket']}"
    if call.operation in OF_BUCKETS:
        yield Asked(f"s3:{OF_BUCKETS[call.operation]}", bucket)
        return
    if call.operation == "DeleteObjects":
        for each in asked["Delete"]["Objects"]:
            yield Asked("s3:DeleteObject", f"{bucket}/{each['Key']}")
        return
    condition = {"s3:if-none-match": asked["IfNoneMatch"]} if "IfNoneMatch" in asked else {}
    yield Asked(f"s3:{OF_OBJECTS[call.operation]}", f"{bucket}/{asked['Key']}", condition)
    if source := asked.get("CopySource"):
        yield Asked("s3:GetObject", f"arn:aws:s3:::{source['Bucket']}/{source['Key']}")
