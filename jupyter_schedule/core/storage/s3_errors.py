"""The errors of S3 and of its library, as exceptions with one sentence each.

No sentence repeats what the server wrote: an error about a signature holds what was signed, tokens included.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jupyter_schedule.core.storage.addresses import S3Address
from jupyter_schedule.core.storage.base import NoSuchObject, StorageAway, StorageUnusable

#: the session's credentials are over; new ones may be there already
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"}
_UNKNOWN_CREDENTIALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthFailure", "UnrecognizedClientException"}
_OTHER_REGION = {
    "PermanentRedirect", "TemporaryRedirect", "301", "307", "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
}  # fmt: skip
_NOT_NOW = 500


class PreconditionFailed(Exception):  # noqa: N818  (an answer, not a fault)
    """The object isn't, or is, what the condition of a write said."""


class Conflict(Exception):  # noqa: N818  (an answer, not a fault)
    """Somebody else was writing the same object: ask again."""


@contextmanager
def translated(address: S3Address, key: str = "", action: str = "use") -> Iterator[None]:
    """Raise what the library raised as one of ours.  `action`: what was tried, such as `s3:PutObject`."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415  (core loads no cloud SDK unless S3 is used)
    from botocore import exceptions as said  # noqa: PLC0415  (as above)

    try:
        yield
    except said.ClientError as problem:
        raise exception_of(problem.response, address, key, action) from None
    except (
        said.ConnectionError,
        said.HTTPClientError,
        said.IncompleteReadError,
        said.FlexibleChecksumError,
        said.ResponseStreamingError,
    ):
        where = address.endpoint or "Amazon S3"
        sentence = f"{where} can't be reached, or breaks off: see whether it is up, and reachable from here."
        raise StorageAway(sentence) from None
    except (said.NoCredentialsError, said.PartialCredentialsError, said.ProfileNotFound):
        raise StorageUnusable(
            "No credentials for S3 were found: give the account that runs this a role, a profile in ~/.aws, or the "
            "variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from None
    except (said.CredentialRetrievalError, said.MetadataRetrievalError, said.SSOError, said.TokenRetrievalError):
        sentence = "The credentials for S3 can't be fetched just now: log in again, or look at the role."
        raise StorageAway(sentence) from None
    except (said.BotoCoreError, Boto3Error) as problem:
        sentence = f"The settings for {address.plain} can't be used by the library for S3 ({type(problem).__name__})."
        raise StorageUnusable(sentence) from None


def exception_of(response: Mapping[str, Any], address: S3Address, key: str, action: str) -> Exception:
    """The exception that a refusal of S3 means."""
    code = code_of(response)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return StorageUnusable(f"There is no bucket {address.bucket}: make it, or correct its name in the settings.")
    if code in {"NoSuchKey", "NoSuchUpload"} or (status == 404 and code in {"404", "NotFound", ""}):
        return NoSuchObject(key)
    if code == "PreconditionFailed" or status == 412:
        return PreconditionFailed(key)
    if code in {"ConditionalRequestConflict", "OperationAborted"} or status == 409:
        return Conflict(key)
    if status >= _NOT_NOW or code in {"SlowDown", "RequestTimeout", "Throttling", "RequestLimitExceeded"}:
        return StorageAway(f"S3 asks for patience ({code or status}): it is tried again.")
    return StorageUnusable(_sentence(code, status, address, action))


def code_of(response: Mapping[str, Any]) -> str:
    """The word that S3 gives what is wrong."""
    return str(response.get("Error", {}).get("Code", ""))


def _sentence(code: str, status: int, address: S3Address, action: str) -> str:
    if code in EXPIRED:
        return "The credentials for S3 have expired: log in again, or let the account that runs this have a role."
    if code in _UNKNOWN_CREDENTIALS:
        return f"S3 doesn't know the credentials that it was given ({code}): correct them where this runs."
    if code in _OTHER_REGION:
        return (
            f"The bucket {address.bucket} is in another region than {address.region or 'the default one'}: set region."
        )
    if code == "RequestTimeTooSkewed":
        return "This machine's clock differs from that of S3 by more than 15 minutes: set it right."
    if code == "EntityTooLarge":
        return "S3 takes no object of that size."
    if status in {401, 403}:
        return f"The role or user that runs this may not {action} in {address.plain}: allow it in its policy."
    return f"S3 refused to {action} in {address.plain} ({code or status})."
