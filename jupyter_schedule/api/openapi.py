"""The API as an OpenAPI document, made of routes and shapes: `python -m jupyter_schedule.api.openapi` prints it."""

import json
import re
from typing import Any

from pydantic import TypeAdapter

from jupyter_schedule import __version__
from jupyter_schedule.api.responses import ProblemResponse
from jupyter_schedule.api.route import Route
from jupyter_schedule.api.routes import ROUTES

REF = "#/components/schemas/{model}"
#: what is carried out once, however often it is sent with the same Idempotency-Key
_ONCE = {("POST", "schedules"), ("POST", "schedules/{name}/clone"), ("POST", "ad-hoc-workers")}
READER = {"reader": "the zone in which the person reads, an IANA name"}


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    adapters = [
        (route, mode, adapter)
        for route in ROUTES
        for mode, adapter in (("validation", route.body_type), ("serialization", route.answer_type))
        if (route.body if mode == "validation" else route.shape) is not None
    ]
    problem = TypeAdapter(ProblemResponse)
    inputs: list[Any] = [((route.method + route.path), mode, adapter) for route, mode, adapter in adapters]
    schemas, definitions = TypeAdapter.json_schemas([*inputs, ("problem", "serialization", problem)], ref_template=REF)
    for route in ROUTES:
        paths.setdefault(f"/{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter-schedule", "version": __version__},
        "servers": [{"url": "/jupyter-schedule", "description": "below the base URL of a Jupyter server"}],
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {})},
    }


def _operation(route: Route, schemas: Any) -> dict[str, Any]:
    key = route.method + route.path
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "parameters": _parameters(route),
        "responses": {
            str(route.status): _answered(route, schemas),
            "default": {
                "description": "Refused, with a sentence that says what to do.",
                "content": {"application/json": {"schema": schemas["problem", "serialization"]}},
            },
        },
    }
    if route.body is not None:
        body = {"application/json": {"schema": schemas[key, "validation"]}}
        operation["requestBody"] = {"required": True, "content": body}
    if route.method == "PUT":
        operation["requestBody"] = {"required": True, "content": {"application/gzip": {}}}
    return operation


def _answered(route: Route, schemas: Any) -> dict[str, Any]:
    if route.shape is None:
        return {"description": "The file.", "content": {"application/octet-stream": {}}}
    schema = schemas[route.method + route.path, "serialization"]
    done = {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    total = {"Total-Count": {"description": "how many there are in all", "schema": {"type": "integer"}}}
    return done | ({"headers": total} if route.paged else {})


def _parameters(route: Route) -> list[dict[str, Any]]:
    text = {"type": "string"}
    parts = re.findall(r"\{(\w+)\}", route.path)
    query = (READER if route.carry_out else {}) | dict(route.query)
    headers = [("If-Match", True, "the version that the edit is based on, in quotes")] if route.needs_version else []
    if (route.method, route.path) in _ONCE:
        headers.append(("Idempotency-Key", False, "a text of your own; sent again with it, it is carried out once"))
    return [
        *({"name": name, "in": "path", "required": True, "schema": text} for name in parts),
        *({"name": name, "in": "query", "description": what, "schema": text} for name, what in query.items()),
        *(
            {"name": name, "in": "header", "required": needed, "description": what, "schema": text}
            for name, needed, what in headers
        ),
    ]


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^a-z]+", "_", route.path).strip("_")
    return f"{route.method.lower()}_{words}"


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, sort_keys=True))
