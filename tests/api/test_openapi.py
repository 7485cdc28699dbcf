"""The document and what is served are made of the same table."""

import re
import subprocess
import sys
from typing import Any

import pytest

from jupyter_schedule.api.openapi import document
from jupyter_schedule.api.route import Route
from jupyter_schedule.api.routes import ROUTES
from jupyter_schedule.server.handlers import HANDLERS

DOCUMENT = document()


def operations() -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path.removeprefix("/")): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_is_in_the_document_and_nothing_else() -> None:
    assert set(operations()) == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_served_by_a_handler_that_has_its_method(route: Route) -> None:
    values = {"digest": "0" * 64, "path": "a/b"}
    path = "/jupyter-schedule/" + re.sub(r"\{(\w+)\}", lambda part: values.get(part[1], "x"), route.path)
    handler = next(handler for pattern, handler in HANDLERS if re.fullmatch(pattern, path))
    assert getattr(handler, route.method.lower()).__qualname__.startswith(handler.__name__)


def test_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    references = set(re.findall(r"#/components/schemas/([\w-]+)", str(DOCUMENT)))
    assert references == set(schemas)
    assert {"Form", "ScheduleResponse", "RunDetails", "PreviewResponse", "ProblemResponse"} <= references


def test_what_has_to_be_said_is_marked_so() -> None:
    edit = operations()["PATCH", "schedules/{name}"]
    needed = {parameter["name"] for parameter in edit["parameters"] if parameter.get("required")}
    assert needed == {"name", "If-Match"}
    assert all(operation["responses"]["default"] for operation in operations().values())
    assert all(operation["summary"].endswith(".") for operation in operations().values())


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))


def test_the_module_prints_the_same_document_every_time() -> None:
    command = [sys.executable, "-m", "jupyter_schedule.api.openapi"]
    first, second = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))
    assert first == second
