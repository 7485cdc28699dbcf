"""The token that a server is asked with from a terminal, and where it comes from."""

from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.client import terminal
from jupyter_schedule.client.discovery import Server
from jupyter_schedule.client.terminal import connect_terminal
from jupyter_schedule.core.errors import Refused
from tests.transports import STATUS, Told

URL = "http://team.example:8888/"
OF_ANOTHER = {"JUPYTER_TOKEN": "of-another-server"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that servers are asked with; they know only `right`."""
    tokens: list[str] = []

    def transport(url: str, token: str, **_: Any) -> Told:
        tokens.append(token)
        unknown = Refused("not_signed_in", "The server doesn't know the token.")
        return Told({"GET status": STATUS if token == "right" else unknown})

    monkeypatch.setattr(terminal, "HttpTransport", transport)
    monkeypatch.setattr(terminal, "running_servers", lambda _: [Server(url=URL, token="right", root=Path("/home"))])
    return tokens


@pytest.mark.parametrize("address", [URL, f"{URL}lab", "http://TEAM.example:8888"])
def test_a_server_of_this_machine_is_asked_with_the_token_that_it_left(sent: list[str], address: str) -> None:
    connect_terminal(address, Path.cwd(), ask=None, environ=OF_ANOTHER)
    assert sent == ["right"]


def test_any_other_server_is_asked_with_the_variable_s_and_then_with_what_is_typed(sent: list[str]) -> None:
    connect_terminal("http://other.example/", Path.cwd(), ask=None, environ={"JUPYTER_TOKEN": "right"})
    connect_terminal("http://other.example/", Path.cwd(), ask=lambda _: "right", environ={})
    assert sent == ["right", "", "right"]
    with pytest.raises(Refused, match="set JUPYTER_TOKEN"):
        connect_terminal("http://other.example/", Path.cwd(), ask=lambda _: "", environ={})


@pytest.mark.parametrize(
    "address", [f"{URL}?token=secret", f"{URL}lab/tree/a.ipynb?reset&token=secret", f"{URL}?token="]
)
def test_a_token_is_never_an_option_and_nobody_is_asked_with_one(sent: list[str], address: str) -> None:
    with pytest.raises(Refused) as caught:
        connect_terminal(address, Path.cwd(), ask=lambda _: "right", environ=OF_ANOTHER)
    assert (caught.value.code, caught.value.field, sent) == ("bad_url", "server", [])
    assert "JUPYTER_TOKEN" in caught.value.message
    assert "secret" not in caught.value.message
