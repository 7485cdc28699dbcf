"""Over HTTP nothing that anybody sends is answered with 500, whatever operation it is sent to."""

import json
import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api import hostile
from tests.server.conftest import Api

#: parts of addresses and values of queries, as they go over the wire
RAW = ["%00", "%FF", "%ED%A0%80", "%2E%2E%2F%2E%2E", "%F0%9F%98%80", "a" * 5000, "%0d%0aX-Y:%20z"]
BODIES = [
    b"\xff\xfe",
    b'"\xed\xa0\x80"',
    b"NaN",
    b"[" * 3000,
    b'{"a": 1, "a": 2}',
    b'{"\\ud800": "\\u0000"}',
    b"{}",
    b"null",
]
HEADERS = [{"If-Match": "1"}, {"If-Match": "\xff"}, {"If-Match": "9" * 400}, {"Idempotency-Key": "\xff" * 300}]


def _filled(path: str, value: str) -> str:
    return re.sub(r"\{digest\}", "0" * 64, re.sub(r"\{(?:name|id|path)\}", value, path))


@pytest.mark.promise("P35")
async def test_nothing_that_is_sent_to_any_operation_is_answered_with_500(api: Api) -> None:
    await api.create()
    run = await api.run_now()
    asked = 0
    for method, path, _, query in sorted(hostile.paths(), key=lambda each: each[0] == "DELETE"):
        kind = {"Content-Type": "application/gzip" if method == "PUT" else "application/json"}
        there = path.format_map({"name": "daily", "id": run["run_id"], "path": "output/x", "digest": "0" * 64})
        sent: list[tuple[str, bytes, dict[str, str]]] = [(_filled(path, value), b"{}", {}) for value in RAW[:2]]
        sent += [(there, body, {"If-Match": "1"}) for body in BODIES[-4:] if method != "GET"]
        sent += [(f"{there}?{name}={value}", b"", {}) for name in query for value in RAW[:2]]
        for address, body, headers in sent:
            reply = await api(
                method, address, None if method == "GET" else body.decode("latin-1"), headers=kind | headers
            )
            assert reply.status < 500, (method, address, body, reply.body)
            asked += 1
    assert asked > 100
    for path in ("status", "schedules", "runs"):
        assert (await api("GET", path)).status == 200


@pytest.mark.proof("faults")
async def test_no_mixture_of_address_query_header_and_body_is_answered_with_500(api: Api) -> None:
    """Of every operation many mixtures; those that come true are read back."""
    await api.create()
    run = await api.run_now()
    texts = st.one_of(st.text(max_size=40), st.sampled_from(["\ud800", "a\0", "x" * 70_000, "../..", "daily", "{}"]))
    leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
    values = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
    fields = hostile.fields()
    mixtures: list[tuple[str, str, str, dict[str, str]]] = []

    @settings(max_examples=1500, database=None, derandomize=True, phases=[Phase.generate], deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.sampled_from(fields), values, st.sampled_from(HEADERS), st.booleans())
    def collect(field: hostile.Field, value: object, headers: dict[str, str], known: bool) -> None:
        name = "daily" if known else "a%20b"
        address = field.path.format_map({"name": name, "id": run["run_id"] if known else "0" * 36})
        mixtures.append((field.method, address, field.body(json.dumps(value), f"n{len(mixtures)}"), headers))

    collect()
    for method, address, body, headers in mixtures:
        reply = await api(method, address, body, headers={"Content-Type": "application/json"} | headers)
        assert reply.status < 500, (method, address, body[:300], reply.body)
    for path in ("status", "schedules", "runs"):
        assert (await api("GET", path)).status == 200
    for each in (await api("GET", "schedules")).body:
        assert (await api("GET", f"schedules/{each['name']}")).status == 200
        assert (await api("DELETE", f"schedules/{each['name']}")).status == 200
