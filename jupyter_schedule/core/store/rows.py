"""Rows of the ledger as values.  One that can't be read is told as such, and keeps no other from being read.

A row is unreadable when its JSON is damaged, when it holds text that isn't valid Unicode, or when a value isn't one
that this version knows.  Who reads it gets a value that stands in for it: of a schedule one that is `broken`, of a run
one whose reason is `unreadable`, each with a sentence.  Nothing runs by a stand-in; a broken schedule can be deleted.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import RowMapping

from jupyter_schedule.core.models import (
    AdHocWorker,
    Attempt,
    Reason,
    Run,
    RunStatus,
    Schedule,
    ScheduleState,
    Spec,
    Trigger,
    UnreadableSpec,
    Version,
)
from jupyter_schedule.core.text import printable_name

#: half of a character that UTF-16 writes as two
_HALF = re.compile("[\ud800-\udfff]")
#: stands in for what says how something is due: never
_NEVER = {"once": "1970-01-01T00:00:00Z"}
#: what is told of a run or an attempt instead of what can't be read; other columns have no JSON, and no list of values
_OF_RUNS: dict[str, Any] = {"status": RunStatus.FAILED, "trigger": Trigger.MANUAL, "publication": None, "release": None}
_OF_ATTEMPTS: dict[str, Any] = {"parameters": {}, "handle": None, "outcome": None}


class UnreadableJson:
    """The value of a column whose JSON can't be read; no model takes it."""

    def __init__(self, why: str) -> None:
        self.why = why


def load_json(text: str | bytes) -> Any:
    """The value of a column; UnreadableJson when there is none, or when an answer couldn't tell it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return UnreadableJson("its JSON is damaged")
    # halves of characters can only be there as escapes
    has_escape = b"\\ud" in text if isinstance(text, bytes) else "\\ud" in text
    return UnreadableJson("it holds text that isn't valid Unicode") if has_escape and _has_half(value) else value


def dump_json(value: Any) -> str:
    """The text of a column.  Raises ValueError for what couldn't be read again, so that nothing is recorded."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return json.dumps(value, allow_nan=False)


def read_schedule(row: RowMapping) -> Schedule:
    """A schedule with its spec; one that can't be read is `broken`, and what of it can be read is told."""
    try:
        return Schedule(**row)
    except ValidationError as problem:
        why = _why(row, problem)
    deleted = row["state"] == ScheduleState.DELETED
    known = {name: row[name] for name in ("id", "name", "owner", "version", "timing_rev", "cursor")}
    known |= {name: row[name] for name in ("created_at", "changed_at", "changed_by")}
    return Schedule(
        **known,
        state=ScheduleState.DELETED if deleted else ScheduleState.BROKEN,
        spec=_stand_in(f"{_told('schedule', why)} Delete it, and schedule it again."),
        next_due=None,
    )


def read_version(row: RowMapping) -> Version:
    """A version of a schedule; the spec of one that can't be read stands in for it."""
    try:
        return Version(**row)
    except ValidationError as problem:
        sentence = f"{_told('version', _why(row, problem))} Edit the schedule, so that it has another one."
        return Version(**{**row, "spec": _stand_in(sentence)})


def read_spec(value: Any) -> Spec:
    """The spec of a version; one that can't be read stands in for it."""
    try:
        return Spec.model_validate(value)
    except ValidationError as problem:
        why = _why_not(value, problem)
        return _stand_in(f"{_told('version', why)} Edit the schedule, so that it has another one.")


def read_run(row: Mapping[Any, Any]) -> Run:
    """A run; one that can't be read has the reason `unreadable`, and what of it can be read is told."""
    try:
        return Run(**row)
    except ValidationError as problem:
        sentence = _told("run", _why(row, problem))
        known = {**row, **_otherwise(problem, _OF_RUNS)}
    return Run(**known | {"reason": Reason.UNREADABLE, "message": sentence})


def read_attempt(row: RowMapping) -> Attempt:
    """An attempt; one that can't be read has no parameters, and no worker can be started or found by it."""
    try:
        return Attempt(**row)
    except ValidationError as problem:
        return Attempt(**{**row, **_otherwise(problem, _OF_ATTEMPTS)})


def read_ad_hoc(row: RowMapping) -> AdHocWorker:
    """An ad-hoc worker; one that can't be read can't be reached."""
    try:
        return AdHocWorker(**row)
    except ValidationError as problem:
        return AdHocWorker(**{**row, **_otherwise(problem, {"parameters": None})})


def read_details(value: Any) -> dict[str, Any]:
    """The facts of a notification; none when they can't be read, as the run itself is told all the same."""
    return value if isinstance(value, dict) else {}


def _otherwise(problem: ValidationError, known: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `known` for the columns that are wrong."""
    wrong = {error["loc"][0] for error in problem.errors(include_url=False, include_input=False) if error["loc"]}
    return {name: value for name, value in known.items() if name in wrong}


def _stand_in(sentence: str) -> UnreadableSpec:
    return UnreadableSpec.model_validate(
        {
            "sentence": sentence,
            "timing": _NEVER,
            "bundle": "0" * 64,
            "publication_base": "file:///unreadable",
            "visibility": "none",
        }
    )


def _why(row: Mapping[Any, Any], problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False)[0]
    return _why_not(row.get(str(first["loc"][0])) if first["loc"] else None, problem)


def _why_not(column: Any, problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_input=False)[0]
    if isinstance(column, UnreadableJson):
        return column.why
    return f"{printable_name('.'.join(map(str, first['loc'])))} isn't as this version knows it"


def _told(what: str, why: str) -> str:
    return f"The record of this {what} can't be read: {why}."


def _has_half(value: Any) -> bool:
    """True if a text in it, or a key, isn't valid Unicode."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            if _HALF.search(each):
                return True
        elif isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            left += each
    return False
