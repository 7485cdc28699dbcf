"""The stuff that all nouns are made of: frozen values, and instants that are written in one way.

Times are aware datetimes in UTC, written `YYYY-MM-DDTHH:MM:SSZ`; durations are seconds, sizes bytes, digests lower-case
hex sha256.
"""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema


def utc(moment: datetime) -> datetime:
    """The same instant, whole seconds, in UTC.  Raises ValueError when `moment` has no zone, or isn't told in UTC."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, such as 2026-11-24T12:00:00Z")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError("a time is of the years 1 to 9999 in UTC") from None


def utc_text(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`: the one way an instant is written in interfaces and in a run's environment."""
    # strftime writes the year 999 with three digits, which nobody reads as a time again
    return f"{utc(moment).replace(tzinfo=None).isoformat()}Z"


#: with one JSON schema, so that what is sent and what is answered are one shape
UtcTime = Annotated[
    datetime,
    AfterValidator(utc),
    PlainSerializer(utc_text, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
#: texts that people write, by what they can be: a name, a line such as a pattern, the path of a file
NameText = Annotated[str, Field(max_length=255)]
LineText = Annotated[str, Field(max_length=1000)]
PathText = Annotated[str, Field(max_length=4096)]
#: a list of lines, and a list of paths
Lines = Annotated[tuple[LineText, ...], Field(max_length=1000)]
Paths = Annotated[tuple[PathText, ...], Field(max_length=10_000)]
#: an amount of money, exact; as text in JSON, where numbers are floats
Dollars = Annotated[Decimal, WithJsonSchema({"type": "string", "examples": ["12.50"]})]


class Model(BaseModel):
    """A frozen value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


#: the person whose machine it is
LOCAL_OWNER = "local"
#: characters of an owner's folder in an area: more are cut off, and a digest is put in their place
_LONGEST_FOLDER = 100


def owner_folder(owner: str) -> str:
    """The part of an address that stands for an owner: percent-encoded, one for each owner, and never a dotted one."""
    quoted = quote(owner, safe="").replace("~", "%7E")
    if quoted.startswith("."):
        quoted = f"%2E{quoted[1:]}"
    if len(quoted) <= _LONGEST_FOLDER:
        return quoted
    return f"{quoted[:_LONGEST_FOLDER]}~{hashlib.sha256(owner.encode()).hexdigest()[:32]}"


def publication_name(owner: str, name: str) -> str:
    """The folder of a schedule's results in an area: its name, below its owner's unless that is one's own machine."""
    return name if owner == LOCAL_OWNER else f"{owner_folder(owner)}/{name}"
