import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from jupyter_schedule.client.http import HttpTransport
from jupyter_schedule.core.errors import Refused

Answer = Callable[[httpx.Request], httpx.Response]


def server(answer: Answer, url: str = "http://localhost:8888/base/", token: str = "secret") -> HttpTransport:
    return HttpTransport(url, token, transport=httpx.MockTransport(answer))


def refusal(answer: Answer) -> Refused:
    with pytest.raises(Refused) as caught:
        server(answer).ask("GET", "status")
    return caught.value


def always(status: int, **content: Any) -> Answer:
    return lambda request: httpx.Response(status, **content)


def test_a_request_is_json_below_the_prefix_with_the_token_in_a_header() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"fine": True})

    given = server(answer).ask("PATCH", "schedules/a", body={"form": {}}, query={"reader": "UTC"}, if_version=3)
    request = seen[0]
    assert given == {"fine": True}
    assert (request.method, str(request.url)) == (
        "PATCH",
        "http://localhost:8888/base/jupyter-schedule/schedules/a?reader=UTC",
    )
    wanted = {"authorization": "token secret", "content-type": "application/json", "if-match": "3"}
    assert {key: request.headers[key] for key in wanted} == wanted
    assert json.loads(request.content) == {"form": {}}


def test_a_refusal_comes_through_with_its_code_sentence_and_field() -> None:
    error = {"code": "name_taken", "message": "“a” is taken.", "field": "name"}
    problem = refusal(always(409, json={"error": error}))
    assert (problem.code, problem.message, problem.field) == ("name_taken", "“a” is taken.", "name")


@pytest.mark.parametrize(
    ("status", "code"), [(302, "not_signed_in"), (403, "not_signed_in"), (404, "not_installed"), (500, "server_failed")]
)
def test_what_a_server_says_that_is_not_ours_becomes_a_sentence(status: int, code: str) -> None:
    for content in ({"text": "<html>"}, {"json": {"message": "Forbidden"}}, {"json": ["x"]}):
        assert refusal(always(status, **content)).code == code


def test_a_page_instead_of_json_is_no_answer() -> None:
    assert refusal(always(200, text="<html>")).code == "server_unreachable"


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.ReadError("reset")])
def test_a_server_that_is_gone_is_named_without_the_token(fault: Exception) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise fault

    problem = refusal(answer)
    assert problem.code == "server_unreachable"
    assert "http://localhost:8888/base/" in problem.message
    assert "secret" not in problem.message


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://localhost:8888", "http://localhost:8888/"),
        ("http://localhost:8888/lab/tree/a.ipynb?token=abc", "http://localhost:8888/"),
        ("https://hub.example.org/user/ann/lab?token=abc#x", "https://hub.example.org/user/ann/"),
        ("http://h/labs/tree", "http://h/labs/"),
    ],
)
def test_an_address_from_a_browser_will_do(address: str, base: str) -> None:
    assert HttpTransport(address).url == base


@pytest.mark.parametrize(("given", "wins"), [("", "abc"), ("given", "given")])
def test_the_token_may_be_in_the_address_and_is_never_shown(given: str, wins: str) -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json=[])

    over = server(answer, "http://localhost:8888/lab?token=abc", token=given)
    over.ask("GET", "schedules")
    assert seen == [f"token {wins}"]
    assert "abc" not in repr(over)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8888/?token=abc",
        "",
        "ftp://h/",
        "http://",
        "javascript:alert(1)",
        "http://[",
        "http://h:123456/",
        "http://h\0/",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_a_token(address: str) -> None:
    with pytest.raises(Refused) as caught:
        HttpTransport(address)
    assert caught.value.code == "bad_url"
    assert "abc" not in caught.value.message


@pytest.mark.parametrize("path", ["../api/contents", "runs/../../api", ".."])
def test_no_path_leads_out_of_the_prefix(path: str) -> None:
    with pytest.raises(Refused, match="address"):
        server(always(200, json={})).ask("GET", path)


def test_the_notebook_of_a_kernel_is_what_the_server_says_now() -> None:
    sessions = [
        {"type": "console", "path": "console-1", "kernel": {"id": "k1"}},
        {"type": "notebook", "path": "a/renamed é.ipynb", "kernel": {"id": "k1"}},
        {"type": "notebook", "path": "RTC:shared.ipynb", "kernel": {"id": "k2"}},
    ]
    over = server(always(200, json=sessions))
    assert [over.session_path(kernel) for kernel in ("k1", "k2", "k3")] == ["a/renamed é.ipynb", "shared.ipynb", None]
