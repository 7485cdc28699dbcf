"""The client of a terminal: straight on the ledger of this machine, or at a Jupyter server that was named."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from jupyter_schedule.client.client import Client
from jupyter_schedule.client.discovery import running_servers
from jupyter_schedule.client.http import HttpTransport
from jupyter_schedule.core.errors import Refused

#: asks a person for the token of the server at an address
AskForToken = Callable[[str], str]
#: answers of a server that doesn't know who asks
_NOT_KNOWN = {"not_signed_in", "forbidden"}
#: names of this machine, as servers write them into their addresses
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def connect_terminal(
    server: str | None,
    root: Path,
    *,
    ask: AskForToken | None,
    environ: Mapping[str, str] = os.environ,
) -> Client:
    """A client of the server at that address, else straight on the ledger, with paths relative to `root`.

    The token is the one that a server on this machine left in its file, else `JUPYTER_TOKEN`, else what `ask` is told
    when the server wants one; None asks nobody.  It is never part of the address, which shells remember.
    Raises Refused `bad_url`, `server_unreachable`, `not_signed_in`, …
    """
    if server is None:
        # its SQLAlchemy takes most of a second to load, which a question to a server needn't wait for
        from jupyter_schedule.client.in_process import InProcessTransport  # noqa: PLC0415

        return Client(InProcessTransport(root), root=root)
    if _has_token(server):
        message = (
            "Leave the token out of --server, where the shell's history would keep it: a server of this machine needs "
            "none, for another one set JUPYTER_TOKEN, or type it when you are asked."
        )
        raise Refused("bad_url", message, "server")
    here = _is_here(server)
    client = Client(HttpTransport(server, _known_token(server, environ), proxies=not here))
    try:
        client.status()
    except Refused as problem:
        client.transport.close()
        if problem.code not in _NOT_KNOWN:
            raise
        token = ask(server) if ask is not None else ""
        if not token:
            raise _wants_token(server) from None
        client = Client(HttpTransport(server, token, proxies=not here))
    return client


def _has_token(server: str) -> bool:
    try:
        return "token" in parse_qs(urlsplit(server).query, keep_blank_values=True)
    except ValueError:
        return False


def _wants_token(server: str) -> Refused:
    message = f"The Jupyter server at {server.partition('?')[0]} wants a token: set JUPYTER_TOKEN to its own."
    return Refused("not_signed_in", message)


def _known_token(server: str, environ: Mapping[str, str]) -> str:
    wanted = _address(server)
    tokens = (each.token for each in running_servers(environ) if _address(each.url) == wanted)
    return next(tokens, "") or environ.get("JUPYTER_TOKEN", "")


def _is_here(server: str) -> bool:
    try:
        return urlsplit(server).hostname in _THIS_MACHINE
    except ValueError:
        return False


def _address(url: str) -> tuple[str, int | None, str]:
    """The parts that tell servers apart: host, port, and the base URL's path; the names of this machine are one."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url, None, ""
    path = parts.path
    for page in ("/lab", "/tree", "/notebooks"):
        before, found, after = path.partition(page)
        if found and after[:1] in {"", "/"}:
            path = before
    port = port or {"http": 80, "https": 443}.get(parts.scheme)
    return "localhost" if host in _THIS_MACHINE else host, port, path.rstrip("/")
