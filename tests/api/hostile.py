"""Every field of the OpenAPI document, and values that nobody should be able to leave in a ledger."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jupyter_schedule.api.openapi import document

DOCUMENT: dict[str, Any] = document()
#: free values go in here; a refusal names the field
FREE = "parameters"
#: what a request says at least; `<name>` stands for a name that is free
LEAST: dict[str, dict[str, Any]] = {
    "POST preview": {"notebook": "report.ipynb"},
    "POST schedules": {"form": {"notebook": "report.ipynb", "name": "<name>"}},
    "PATCH schedules/{name}": {"form": {}},
    "POST schedules/{name}/clone": {"name": "<name>", "form": {}},
    "POST schedules/{name}/pause": {},
    "POST schedules/{name}/rollback": {"version": 1},
    "POST schedules/{name}/backfill": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
    "POST runs/{id}/approve": {},
    "POST ad-hoc-workers": {},
    "POST ad-hoc-workers/{id}/extend": {},
}


class Field(NamedTuple):
    """A value that a request can have."""

    method: str
    path: str
    #: the names that lead to it in the body; `*` is an item of a list, or an entry of free values
    names: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What a refusal calls it."""
        return FREE if FREE in self.names else [name for name in self.names if name != "*"][-1]

    def body(self, text: str, name: str) -> str:
        """The JSON of a request in which the field is `text`, JSON too; `name` is a schedule's that is free."""
        whole = json.loads(json.dumps(LEAST[f"{self.method} {self.path}"]).replace("<name>", name))
        place: Any = whole
        for step, then in zip(self.names, (*self.names[1:], None), strict=True):
            fresh: Any = "<here>" if then is None else [] if then == "*" and FREE not in self.names else {}
            if isinstance(place, list):
                place.append(fresh)
                place = place[-1]
            elif then is None or not isinstance(place.get(step), dict | list):
                place[step] = fresh
                place = place[step]
            else:
                place = place[step]
        return json.dumps(whole).replace('"<here>"', text)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {'.'.join(self.names)}"


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Method, path without its first slash, and operation."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.removeprefix("/"), operation


def fields() -> list[Field]:
    """The fields of every body, those of a patch of the form among them."""
    found: list[Field] = []
    for method, path, operation in operations():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            schema = content["application/json"]["schema"]
            found += (Field(method, path, *leaf) for leaf in _leaves(schema, ()))
    return found


def paths() -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Every operation with its variable parts and what its query may say."""
    return [
        (
            method,
            path,
            tuple(re.findall(r"\{(\w+)\}", path)),
            tuple(each["name"] for each in operation["parameters"] if each["in"] == "query"),
        )
        for method, path, operation in operations()
    ]


def _leaves(schema: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    schema = _resolved(schema)
    if names and names[-1] == "form" and not schema.get("properties"):
        schema = DOCUMENT["components"]["schemas"]["Form"]
    if schema.get("properties"):
        for name, inner in schema["properties"].items():
            yield from _leaves(inner, (*names, name))
    elif schema.get("type") == "array":
        yield from _leaves(schema["items"], (*names, "*"))
    elif schema.get("type") == "object":
        yield (*names, "*"), {}
    else:
        yield names, schema


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, of one that may be null the other."""
    whole = copy.copy(schema)
    while "$ref" in whole or "anyOf" in whole:
        if "$ref" in whole:
            whole = DOCUMENT["components"]["schemas"][whole["$ref"].rpartition("/")[2]]
            continue
        kinds = [kind for kind in whole["anyOf"] if kind.get("type") != "null"]
        whole = next((kind for kind in kinds if kind.get("type") == "string"), kinds[0])
    return whole
