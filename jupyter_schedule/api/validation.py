"""Requests as they come in: JSON taken apart, checked for what can't be kept, and given the shape of their route."""

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jupyter_schedule.api.requests import Form, Frequency
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Notify, Policies
from jupyter_schedule.core.storable import MOST_DIGITS, check_storable
from jupyter_schedule.core.text import printable_name, unwritable_character

#: bytes of a body, which `check_storable` counts as characters
LARGEST_BODY = 32_000_000
#: what can be said in a form, for whoever misspells it
_NAMES = sorted({*Form.model_fields, *Frequency.model_fields, *Policies.model_fields, *Notify.model_fields})


def parse_body(data: bytes) -> Any:
    """The JSON of a body as plain values, None of an empty one.  Raises Refused `invalid`, `too_large`."""
    if not data:
        return None
    if len(data) > LARGEST_BODY:
        raise Refused("too_large", "That is more than one request may say. Say less, or put it into a file.")
    try:
        return json.loads(data, object_pairs_hook=_entries, parse_int=_whole_number)
    except (ValueError, RecursionError):
        raise Refused("invalid", "The body isn't JSON.") from None


def check_request(parts: Mapping[str, str], query: Mapping[str, str], body: Any) -> None:
    """All that a request says, in its path, its query and its body, can be kept and told again.

    Raises Refused `invalid` with the field that can't, and `too_large`.
    """
    check_storable(parts)
    check_storable(query)
    if isinstance(body, Mapping):
        check_storable(body)
    else:
        check_storable({"body": body})


def validated(body: Any, shape: TypeAdapter[Any]) -> Any:
    """The body of a request as its shape.  Raises Refused `invalid` with the field that is wrong."""
    try:
        return shape.validate_python(body)
    except ValidationError as problem:
        raise as_refused(problem) from None


def as_refused(problem: ValidationError) -> Refused:
    """The first thing that is wrong, as one sentence about its field."""
    first = problem.errors(include_url=False)[0]
    names = [str(part) for part in first["loc"]]
    where = printable_name(".".join(names))
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(names[-1], _NAMES, n=1)
        hint = f"did you mean “{close[0]}”?" if close else "leave it out."
        return Refused("unknown_key", f"There is no “{where}” here: {hint}", printable_name(names[-1]))
    if names and names[-1] == "timeout_minutes":
        return Refused("bad_timeout", "Between 1 and 1,440.", "timeout_minutes")
    limits = first.get("ctx", {})
    match first["type"]:
        case "string_unicode":
            said = f"{unwritable_character(str(first['input']))}. Leave that out."
        case "string_too_long":
            said = f"has {len(first['input']):,} characters. At most {limits['max_length']:,} are taken."
        case "too_long":
            said = f"has {limits['actual_length']:,} entries. At most {limits['max_length']:,} are taken."
        case _:
            said = f"{first['msg'].removeprefix('Value error, ').removeprefix('Input should be ')}."
            return Refused("invalid", f"{where or 'The body'}: should be {said}" if names else said, _field(names))
    return Refused("invalid", f"{where or 'The body'}: {said}", _field(names))


def _field(names: list[str]) -> str | None:
    known = [name for name in names if not name.isdigit()]
    return known[-1] if known else None


def _entries(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object's entries; of two with one name nobody can tell which one was meant."""
    entries: dict[str, Any] = {}
    for name, value in pairs:
        if name in entries:
            shown = printable_name(name)
            raise Refused("invalid", f"{shown}: is there twice. Say it once.", shown)
        entries[name] = value
    return entries


def _whole_number(digits: str) -> int | float:
    """A number with more digits than are read becomes one that `check_storable` refuses, by the name of its field."""
    return int(digits) if len(digits) <= MOST_DIGITS + 1 else math.inf
