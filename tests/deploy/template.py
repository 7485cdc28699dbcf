"""The CloudFormation template as data, and its policies as CloudFormation would hand them over."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parents[2] / "deploy" / "aws" / "jupyter-schedule.yaml"
#: the account and the prefix of names that the template is given
FILLED = {"AWS::Partition": "aws", "AWS::AccountId": "111122223333", "NamePrefix": "acme"}
#: its buckets, by what follows the prefix in their names
BUCKETS = {"WorkBucket": "work", "PrivateBucket": "results", "PublicBucket": "public"}
#: what it calls the data role then
DATA_ROLE = "arn:aws:iam::111122223333:role/acme-data"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short functions as `{"Fn": [name, argument]}`."""


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return {"Fn": [name, loader.construct_scalar(node)]}
        case yaml.SequenceNode():
            return {"Fn": [name, loader.construct_sequence(node, deep=True)]}
    raise AssertionError(node)


_Loader.add_multi_constructor("!", _function)


def resources() -> dict[str, Any]:
    """What the template makes, by the template's names."""
    made: dict[str, Any] = _read(TEMPLATE.read_text())["Resources"]
    return made


def parameters() -> dict[str, Any]:
    """What it asks for."""
    asked: dict[str, Any] = _read(TEMPLATE.read_text())["Parameters"]
    return asked


@cache
def _read(text: str) -> dict[str, Any]:
    made: dict[str, Any] = yaml.load(text, _Loader)
    return made


def statements(policy: str) -> dict[str, dict[str, Any]]:
    """Of a bucket's policy, by their names."""
    return {each["Sid"]: each for each in resources()[policy]["Properties"]["PolicyDocument"]["Statement"]}


def role_statements(role: str) -> list[dict[str, Any]]:
    """Of a role's own policies, those that hold only under a condition of the template included."""
    documents = [_in_any_case(policy)["PolicyDocument"] for policy in resources()[role]["Properties"]["Policies"]]
    return [_in_any_case(each) for document in documents for each in document["Statement"]]


def _in_any_case(value: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = value["Fn"][1][1] if "Fn" in value else value
    return made


def filled(value: Any, **names: Any) -> Any:
    """The same with what stands for these names put in, the names of its buckets as well; no condition holds."""
    match value:
        case {"Fn": [function, argument]}:
            return _called(function, argument, names)
        case dict():
            return {key: filled(each, **names) for key, each in value.items()}
        case list():
            return [filled(each, **names) for each in value]
    return value


def _called(function: str, argument: Any, names: dict[str, Any]) -> Any:
    match function:
        case "Sub":
            return _substituted(argument, names)
        case "GetAtt" | "Ref":
            return names[argument]
        case "Join":
            return argument[0].join(filled(argument[1], **names))
        case "Split":
            return filled(argument[1], **names).split(argument[0])
        case "If":
            return filled(argument[2], **names)
    raise AssertionError(function)


def _substituted(text: str, names: dict[str, Any]) -> str:
    for bucket, part in BUCKETS.items():
        if bucket in names:
            text = text.replace("${NamePrefix}-" + part, names[bucket])
    for name, replacement in names.items():
        text = text.replace("${" + name + "}", str(replacement))
    return text


def worker_statements(work: str, userid: str) -> list[dict[str, Any]]:
    """What the worker with this user id may do; work: the bucket, and the prefix if there is one."""
    names = FILLED | {"WorkBucket": work, "!aws:userid": userid}
    # the server has no keys of KMS
    without_key = [each for each in role_statements("WorkerRole") if each["Sid"] != "EncryptFiles"]
    found: list[dict[str, Any]] = filled(without_key, **names)
    # the server knows lists only
    return [each | {name: as_list(each[name]) for name in ("Action", "Resource")} for each in found]


def as_list(value: Any) -> list[Any]:
    """A list of what may stand alone."""
    return value if isinstance(value, list) else [value]
