"""Requests made up from the OpenAPI document by schemathesis, right and wrong ones, against a server that lives."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from jupyter_schedule.api.openapi import document
from tests.ui.lab import Lab

OPERATIONS = [(path, method) for path, methods in document()["paths"].items() for method in methods]
#: requests of an operation, of each of the two kinds
REQUESTS = 25


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("fuzz"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def schema() -> Any:
    """The API, as schemathesis reads it."""
    # imported here: it takes longer than all other tests of this folder do to be collected
    import schemathesis

    @schemathesis.serializer("application/gzip")
    def serialize_bytes(_: object, value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode(errors="replace")

    return schemathesis.openapi.from_dict(document())


@pytest.mark.proof("faults")
@pytest.mark.promise("P35")
@pytest.mark.parametrize("kind", ["positive", "negative"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_is_a_fault_of_ours(lab: Lab, schema: Any, path: str, method: str, kind: str) -> None:
    """Each is answered, below 500, and what the operation has a body for gets one."""
    from schemathesis.generation import GenerationMode

    operation = schema[path][method]
    answers: Counter[int] = Counter()
    bodies = 0

    @seed(1)
    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=GenerationMode(kind)))
    def ask(case: Any) -> None:
        nonlocal bodies
        address = f"{lab.base}jupyter-schedule"
        response = case.call(base_url=address, headers={"Authorization": f"token {lab.token}"}, timeout=60)
        assert response.status_code < 500, (case.as_curl_command(), response.text)
        answers[response.status_code] += 1
        bodies += bool(case.body)

    try:
        ask()
    except Unsatisfiable:
        # nothing of it can be wrong, or only what isn't found by chance, such as a digest that is none
        assert kind == "negative"
    else:
        assert answers.total() > 0
        assert bodies > 0 or not operation.body
