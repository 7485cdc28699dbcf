"""What a server of objects answers to anybody who asks without credentials."""

import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from jupyter_schedule.core.storage.factory import ObjectStorage, S3Storage

#: seconds that an answer is waited for
PATIENCE = 5


def address(area: S3Storage, key: str) -> str:
    """A key of the area's bucket, as anybody would ask the server for it."""
    place = area.address
    if place.endpoint:
        return f"{place.endpoint.rstrip('/')}/{place.bucket}/{quote(key)}"
    return f"https://{place.bucket}.s3.{place.region or 'us-east-1'}.amazonaws.com/{quote(key)}"


def answer(url: str) -> tuple[int, dict[str, str]]:
    """Status and headers; 0 when there is no answer."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as found:  # noqa: S310  (an operator's own http address)
            return found.status, dict(found.headers)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, dict(problem.headers)
    except (OSError, ValueError):
        return 0, {}


def time_at(area: ObjectStorage) -> datetime | None:
    """The time by the date on its server's answers, refusals too; None for folders, and when there is no answer."""
    if not isinstance(area, S3Storage):
        return None
    try:
        return parsedate_to_datetime(answer(address(area, ""))[1].get("Date", "")).astimezone(UTC)
    except (ValueError, TypeError):
        return None
