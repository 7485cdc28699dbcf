"""Classify EC2's errors by what they mean for an attempt: pure.

The codes are those of "Error codes for the Amazon EC2 API".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from scheduler_service.launchers.base import WorkerEnd


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


def _words(code: str, message: str, service: str = "EC2") -> str:
    about = next((what for prefix, what in _ABOUT if code.startswith(prefix)), "the request")
    words = message.partition("Encoded authorization failure message")[0].strip().rstrip(".")[:200]
    return f"{service} refused {about} ({code}): {words}."


@dataclass(frozen=True)
class _EndReason:
    """The meaning of a code by which EC2 says why a machine ended."""

    words: str
    is_final: bool = False
    is_shortage: bool = False


#: the codes of StateReason: "Troubleshoot instance launch issues", "StateReason" in the EC2 API reference
_END_REASONS = {
    "Client.InternalError": _EndReason(
        "EC2 couldn't start its machine, most often as the service may not use the key of KMS that its disk is "
        "encrypted with: allow kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext and kms:DescribeKey "
        "on that key",
        is_final=True,
    ),
    "Client.InvalidSnapshot.NotFound": _EndReason(
        "The snapshot that its machine's image is made of is gone: name another image", is_final=True
    ),
    "Client.VolumeLimitExceeded": _EndReason(
        "The account has as many disks as it may have in that region: ask for a higher quota of EBS, or remove some",
        is_shortage=True,
    ),
    "Server.InsufficientInstanceCapacity": _EndReason("EC2 had no room for its machine", is_shortage=True),
    "Server.SpotInstanceTermination": _EndReason("EC2 took its spot machine back"),
    "Server.SpotInstanceShutdown": _EndReason("EC2 took its spot machine back"),
    "Server.ScheduledStop": _EndReason("EC2 had to take its machine out of service"),
    "Server.InternalError": _EndReason("Something broke in EC2 while its machine started or ran"),
    "Client.UserInitiatedShutdown": _EndReason("Somebody ended its machine"),
    "Client.InstanceInitiatedShutdown": _EndReason("Its machine shut itself down before the run was over"),
}
#: what a code says that says nothing of why
_SHUT_ITSELF_DOWN = frozenset({"", "Client.InstanceInitiatedShutdown"})
#: of a machine's console, what our own programs print there; the last such line is their last word
_OWN_WORD = re.compile(r"jupyter-schedule(?:\[\d+\])?: (.*\S)")
#: what a machine's console says of what another machine wouldn't mend, and the sentence for it; an empty one says that
#: the machine's own last word tells it
_FINAL_WORDS = (
    (r"jupyter-schedule: refused: (.*\S)", "{0}"),
    (
        r"\bpython3: (?:command )?not found",
        "Its machine's image has no Python: choose Ubuntu's, or one that has 3.11 or newer",
    ),
    (
        r"not been booted with systemd|\bsystemd-run: (?:command )?not found",
        "Its machine's image starts by another init than systemd: choose Ubuntu's, or one that has systemd",
    ),
    (r"No space left on device", "Its machine's disk is full: give the size a larger disk, or choose a smaller image"),
    (
        r"can't be fetched: .*RequestTimeTooSkewed",
        "Its machine's clock is wrong by more than 15 minutes, so that S3 refuses it: choose an image that sets it",
    ),
    (
        r"can't be fetched: .*(?:PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint)",
        "The bucket of the work area is in another region than the service takes it for: set storage.region",
    ),
    (
        r"can't be fetched: .*(?:kms:|KMS)",
        "The workers' role may not use the key of KMS that the work area is encrypted with: allow it kms:Decrypt and "
        "kms:GenerateDataKey",
    ),
    (
        r"can't be fetched: .*(?:HTTP Error 403|NoSuchBucket)",
        "S3 refuses the agent to the workers' role: let the role of instance_profile read the work area, as deploy/aws "
        "has it",
    ),
    (r"can't be fetched: .*(?:urlopen error|timed out|unreachable)", ""),
)
_ENDED = "the agent ended with code"
#: what cloud-init and the kernel put before a line
_STAMP = re.compile(r"^\[[ \d.]+\] (?:cloud-init\[\d+\]: )?")
#: lines of a console that are kept
LAST_LINES = 60
#: `User initiated (2026-11-23 12:34:56 GMT)`
_TRANSITION = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


def explains_itself(code: str) -> bool:
    """True when a machine's end needs no look at what the machine said."""
    return code not in _SHUT_ITSELF_DOWN


def describe_end(code: str, message: str, transition: str, console: str = "") -> WorkerEnd:
    """Describe a machine's end by EC2's StateReason, its StateTransitionReason, and the machine's own last word.

    console: what it printed; empty where that isn't known.
    """
    known = _END_REASONS.get(code)
    # EC2 repeats the code before its words
    said = message.removeprefix(code).lstrip(": ").strip().rstrip(".")[:200]
    if known is None:
        words = f"EC2 ended its machine{f', and says: {said}' if said else ''}" if code else "Its machine ended"
        known = _EndReason(words)
    told = f" ({code})" if code else ""
    own = [found[1] for line in console.splitlines() if (found := _OWN_WORD.search(line))]
    # what user-data adds at the very end tells nothing where there is anything before it
    own = [words for words in own if not words.startswith(_ENDED)] or own
    last_word = f" Its last word was: {own[-1].rstrip('.')}." if own and not explains_itself(code) else ""
    final = None if explains_itself(code) else find_final_word(console)
    return WorkerEnd(
        f"{final}{told}." if final else f"{known.words}{told}.{last_word}",
        at=read_transition(transition),
        is_final=known.is_final or final is not None,
        is_shortage=known.is_shortage,
        log="\n".join(_STAMP.sub("", line) for line in console.splitlines()[-LAST_LINES:]),
    )


def find_final_word(console: str) -> str | None:
    """Return the sentence for what a machine said that another one wouldn't mend, without its full stop.

    It is empty where the machine's own last word tells it, None where there is no such thing.  Of what went wrong with
    fetching the agent only the last counts, since that is tried again.
    """
    lines = console.splitlines()
    fetching = [line for line in lines if "can't be fetched: " in line]
    for words, sentence in _FINAL_WORDS:
        among = fetching[-1:] if words.startswith("can't be fetched") else lines
        if found := next(filter(None, (re.search(words, line) for line in among)), None):
            return sentence.format(*(each.rstrip(".") for each in found.groups()))
    return None


def read_transition(text: str) -> datetime | None:
    """Return the time in a StateTransitionReason; None when it has none, as of most machines that ended themselves."""
    found = _TRANSITION.search(text)
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if found else None


def read_code(problem: ClientError | BotoCoreError) -> str:
    """Return the code of an error; empty for one that isn't an answer, and for an answer of something else than EC2."""
    return str(problem.response.get("Error", {}).get("Code") or "") if isinstance(problem, ClientError) else ""


def describe_error(problem: ClientError | BotoCoreError, now: datetime, service: str = "EC2") -> str:
    """Explain anything that boto3 raises, with the way to mend it.  now: this machine's time; service: who did."""
    if isinstance(problem, NoCredentialsError | PartialCredentialsError):
        return "There are no AWS credentials: give this machine a role, or its account a profile in ~/.aws."
    if not isinstance(problem, ClientError):
        return f"{service} doesn't answer: {problem}"
    if not (code := read_code(problem)):
        return f"What answers isn't {service}: correct the endpoint in the settings."
    message = problem.response["Error"].get("Message") or ""
    dated = read_time(problem.response["ResponseMetadata"])
    skew = (now - dated).total_seconds() if dated else 0
    if abs(skew) > MOST_SKEW:
        return f"This machine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'} ({code}): set it by NTP."
    return _words(code, message, service)


def read_time(metadata: Mapping[str, Any]) -> datetime | None:
    """Return the time of an answer, or an error's; None without a date.  metadata: as boto3 has it."""
    date = metadata.get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(date) if date else None
