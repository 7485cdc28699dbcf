"""Names of schedules, as they stand in addresses and folders."""

import re
import unicodedata

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import NAME_PATTERN

#: characters of the beginning of an id by which a run or a worker is found, at least, and of a whole id
SHORTEST_ID = 4
WHOLE_ID = 36


def check(name: str) -> None:
    """Raise Refused `bad_name`, with a suggestion, unless `name` can be part of an address and of a folder's path."""
    if NAME_PATTERN.fullmatch(name) and ".." not in name:
        return
    suggestion = suggest(name)
    raise Refused(
        "bad_name",
        "Use at most 63 small letters, digits and - _ . for the name, a letter or digit first and last"
        + (f"; suggestion: “{suggestion}”." if suggestion else "."),
        field="name",
    )


def suggest(text: str) -> str:
    """The valid name nearest to `text`; empty when no letter or digit is left."""
    letters = (sign for sign in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(sign))
    plain = re.sub(r"[^a-z0-9._-]+", "-", "".join(letters))
    return re.sub(r"\.{2,}", ".", plain)[:63].strip("._-")
