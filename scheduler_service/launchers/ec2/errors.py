"""Classify EC2's errors by what they mean for an attempt: pure.

The codes are those of "Error codes for the Amazon EC2 API".
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError


class ErrorKind(Enum):
    """The kind of an error, by what has to be done after it."""

    #: the same request may succeed later: same token, same parameters
    LATER = auto()
    #: this offer has no machine: leave the attempt, try the next offer with a new token
    NO_CAPACITY = auto()
    #: somebody has to change the settings or the account first
    CONFIGURATION = auto()
    #: the token's machine lived and is gone
    ALREADY_OVER = auto()
    #: the token belongs to another request: never ask again, find the machine by its tags
    MISMATCH = auto()


_NO_CAPACITY = frozenset({
    "InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientReservedInstanceCapacity",
    "InsufficientCapacity", "InsufficientFreeAddressesInSubnet", "InstanceLimitExceeded", "VcpuLimitExceeded",
    "MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow", "VolumeLimitExceeded", "Unsupported",
})  # fmt: skip
_LATER = frozenset({
    "RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException", "ResourceCountExceeded",
    "RequestThrottled", "Unavailable", "ServiceUnavailable", "InternalError", "InternalFailure", "RequestExpired",
    "RequestTimeout", "ExpiredToken", "RequestResourceCountExceeded", "IdempotentInstanceInProgress",
})  # fmt: skip
#: seconds by which a clock may differ: at five minutes EC2 takes no signature
MOST_SKEW = 120
#: which setting an error is about, by the beginning of its code
_ABOUT = (
    ("InvalidAMI", "the image"),
    ("InvalidParameterValue", "a setting"),
    ("InvalidParameterCombination", "the combination of settings"),
    ("InvalidInstanceType", "the instance type"),
    ("InvalidSubnet", "the subnet"),
    ("InvalidGroup", "the security group"),
    ("InvalidSecurityGroup", "the security group"),
    ("InvalidKeyPair", "the key"),
    ("InvalidIamInstanceProfile", "the instance profile"),
    ("UnauthorizedOperation", "a permission"),
    ("AuthFailure", "the credentials"),
    ("SignatureDoesNotMatch", "the credentials"),
    ("InvalidClientTokenId", "the credentials"),
    ("OptInRequired", "the account"),
    ("PendingVerification", "the account"),
    ("Blocked", "the account"),
)


def classify_error(code: str, http_status: int) -> ErrorKind:
    """Return the kind of an error code.  An unknown one of a 5xx may pass; any other needs a person."""
    if code == "IdempotentInstanceTerminated":
        return ErrorKind.ALREADY_OVER
    if code == "IdempotentParameterMismatch":
        return ErrorKind.MISMATCH
    if code in _NO_CAPACITY:
        return ErrorKind.NO_CAPACITY
    if code in _LATER or http_status >= 500 or http_status == 429:
        return ErrorKind.LATER
    return ErrorKind.CONFIGURATION


def describe_configuration_error(code: str, message: str) -> str:
    """Name the thing that an operator has to look at, in one sentence; EC2's own words at its end, cut short.

    An encoded authorization message is left out: it may tell what a policy says.
    """
    return f"{_words(code, message)} Run `python -m scheduler_service check`, which says how to mend it."


def _words(code: str, message: str) -> str:
    about = next((what for prefix, what in _ABOUT if code.startswith(prefix)), "the request")
    words = message.partition("Encoded authorization failure message")[0].strip().rstrip(".")[:200]
    return f"EC2 refused {about} ({code}): {words}."


def describe_error(problem: ClientError | BotoCoreError, now: datetime) -> str:
    """Explain anything that boto3 raises, with the way to mend it.  now: this machine's time."""
    if isinstance(problem, NoCredentialsError | PartialCredentialsError):
        return "There are no AWS credentials: give this machine a role, or its account a profile in ~/.aws."
    if not isinstance(problem, ClientError):
        return f"EC2 doesn't answer: {problem}"
    code, message = problem.response["Error"]["Code"], problem.response["Error"].get("Message") or ""
    dated = read_time(problem.response["ResponseMetadata"])
    skew = (now - dated).total_seconds() if dated else 0
    if abs(skew) > MOST_SKEW:
        return f"This machine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'} ({code}): set it by NTP."
    return _words(code, message)


def read_time(metadata: Mapping[str, Any]) -> datetime | None:
    """Return the time of an answer, or an error's; None without a date.  metadata: as boto3 has it."""
    date = metadata.get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(date) if date else None
