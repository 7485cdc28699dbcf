"""Requests without credentials: the answer that a server of objects gives to anybody."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import ObjectStorage, S3Storage

#: seconds that an answer is waited for
PATIENCE_SECONDS = 5


def anonymous_get(url: str) -> tuple[int, httpx.Headers]:
    """The status and the headers of the answer, redirects followed; 0 and none when there is no answer."""
    try:
        # only the head of the answer is wanted: an object may be large
        with httpx.stream("GET", url, timeout=PATIENCE_SECONDS, follow_redirects=True) as answer:
            return answer.status_code, answer.headers
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return 0, httpx.Headers()


def server_time(area: ObjectStorage) -> datetime | None:
    """The time by the date on its server's answers, refusals too; None for folders, and when there is no answer."""
    if not isinstance(area, S3Storage):
        return None
    try:
        return parsedate_to_datetime(
            anonymous_get(s3_clients.web_address(area.address, ""))[1].get("Date", "")
        ).astimezone(UTC)
    except (ValueError, TypeError):
        return None
