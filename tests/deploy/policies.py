"""What IAM would answer: a request judged by policies, as far as the template's use what policies can say.

Whatever they use and this doesn't know is an error, so that nothing is passed over.
Source: "Policy evaluation logic" and "IAM JSON policy elements: Condition operators" in the IAM user guide.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from tests.deploy.template import as_list

#: keys that are the action's and not a resource's, by the action: the list has only the latter
KEYS_OF_ACTIONS = {
    "ec2:CreateTags": {"ec2:CreateAction"},
    "iam:PassRole": {"iam:PassedToService"},
    "iam:CreateServiceLinkedRole": {"iam:AWSServiceName"},
    "s3:PutObject": {"s3:if-none-match"},
    "kms:CreateGrant": {"kms:GrantIsForAWSResource"},
    "kms:Decrypt": {"kms:ViaService"},
    "kms:GenerateDataKey": {"kms:ViaService"},
    "kms:ReEncryptFrom": {"kms:ViaService"},
    "kms:ReEncryptTo": {"kms:ViaService"},
}
#: keys that every request has
KEYS_OF_ALL = frozenset({"aws:PrincipalArn", "aws:RequestedRegion", "aws:SecureTransport", "aws:userid"})
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Asked:
    """One thing that a call asks IAM for: a call of EC2 asks for several."""

    action: str
    resource: str = "*"
    #: by the names of the context's keys
    context: Mapping[str, str] = field(default_factory=dict)


def may(statements: Iterable[Mapping[str, Any]], asked: Asked) -> bool:
    """Whether one of them allows it, and none denies it."""
    effects = {each["Effect"] for each in statements if _speaks_of(each, asked)}
    return effects == {"Allow"}


def _speaks_of(statement: Mapping[str, Any], asked: Asked) -> bool:
    if unknown := set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}:
        raise AssertionError(unknown)
    actions = [action.lower() for action in as_list(statement["Action"])]
    resources = [_with_variables(resource, asked.context) for resource in as_list(statement["Resource"])]
    return (
        any(fnmatchcase(asked.action.lower(), action) for action in actions)
        and any(fnmatchcase(asked.resource, resource) for resource in resources)
        and all(
            _OPERATORS[operator](asked.context.get(key), [str(value) for value in as_list(wanted)])
            for operator, conditions in statement.get("Condition", {}).items()
            for key, wanted in conditions.items()
        )
    )


def _with_variables(text: str, context: Mapping[str, str]) -> str:
    """A variable without a value matches nothing."""
    return _VARIABLE.sub(lambda found: context.get(found[1], "\0"), text)


_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "Null": lambda value, wanted: wanted == [str(value is None).lower()],
    "StringEquals": lambda value, wanted: value in wanted,
    "StringNotEquals": lambda value, wanted: value not in wanted,
    "ArnEquals": lambda value, wanted: value is not None and any(fnmatchcase(value, each) for each in wanted),
    "Bool": lambda value, wanted: value in wanted,
}


# -- what Amazon lists for each action, which cfn-lint carries


def keys_of(action: str, resource: str) -> set[str]:
    """The keys that a condition may ask for: `aws:RequestTag/${TagKey}` stands for every tag."""
    service, _, name = action.partition(":")
    listed = _listed()[service]
    kinds = listed["Actions"][name.lower()].get("Resources", [])
    fitting = [listed["Resources"][kind] for kind in kinds if _fits(resource, listed["Resources"][kind])]
    assert fitting or not kinds or resource == "*", f"{action} knows no {resource}"
    keys = {key for each in fitting for key in each.get("ConditionKeys", [])}
    return keys | KEYS_OF_ACTIONS.get(action, set()) | KEYS_OF_ALL


def is_key(key: str, known: set[str]) -> bool:
    """Whether it is one of the keys, which may be of a tag."""
    return key in known or f"{key.partition('/')[0]}/${{TagKey}}" in known


def _fits(resource: str, kind: Mapping[str, Any]) -> bool:
    """By what is behind the service: our ARNs may have `*` in the region."""
    tail = resource.split(":", 5)[-1]
    return any(re.fullmatch(form.split(":", 5)[-1], tail) for form in kind["ARNFormats"])


@cache
def _listed() -> dict[str, Any]:
    listed: dict[str, Any] = json.loads((files("cfnlint.data.AdditionalSpecs") / "Policies.json").read_text())
    return listed
