"""The API over HTTP, at a running Jupyter server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx

from jupyter_schedule.api.validation import check_request
from jupyter_schedule.core.errors import Refused

#: seconds to connect, and to wait for an answer: a bundle may be a gigabyte
TIMEOUT = httpx.Timeout(10, read=600)
PREFIX = "jupyter-schedule/"


class HttpTransport:
    """Asks the Jupyter server at `url`, which may be an address copied from a browser, token and all.

    token: the server's, sent in a header only.
    proxies: whether the environment's proxies count; for a server on this machine they don't.
    """

    def __init__(
        self, url: str, token: str = "", *, proxies: bool = True, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url, token_in_url = _base_url(url)
        token = token or token_in_url
        headers = {"Authorization": f"token {token}"} if token else {}
        try:
            self._http = httpx.Client(
                base_url=self.url, headers=headers, timeout=TIMEOUT, trust_env=proxies, transport=transport
            )
        except httpx.InvalidURL:
            raise _bad_url(url) from None

    def __repr__(self) -> str:
        return f"OverHttp({self.url!r})"

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        if_version: int | None = None,
    ) -> Any:
        """The answer as JSON.  Raises Refused with what the server said, or why it said nothing."""
        check_request({"path": path}, query or {}, body)
        return self._send(method, PREFIX + path, body=body, query=query, if_version=if_version)

    def ask_page(self, path: str, *, query: Mapping[str, str] | None = None) -> tuple[list[Any], int]:
        """Some of a list, and how many there are in all."""
        check_request({"path": path}, query or {}, None)
        answer = self._request("GET", PREFIX + path, params=query)
        items = self._json(answer)
        total = answer.headers.get("Total-Count", "")
        return items, int(total) if total.isdecimal() else len(items)

    def upload_bundle(self, digest: str, packed: Path) -> None:
        """Send a tarball in pieces.  Raises Refused."""
        with packed.open("rb") as content:
            headers = {"Content-Type": "application/gzip"}
            self._request("PUT", f"{PREFIX}bundles/{digest}", content=content, headers=headers)

    def download_bundle(self, digest: str, destination: Path) -> None:
        """Write a bundle that the server keeps to a file, in pieces.  Raises Refused."""
        try:
            with self._http.stream("GET", f"{PREFIX}bundles/{digest}", follow_redirects=True) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self._refusal(answer)
                with destination.open("wb") as file:
                    for piece in answer.iter_raw():
                        file.write(piece)
        except httpx.HTTPError:
            raise self._unreachable("doesn't answer") from None

    def session_path(self, kernel_id: str) -> str | None:
        """The notebook that uses the kernel now, relative to the server's root; None when the server doesn't know."""
        for session in self._send("GET", "api/sessions"):
            if session.get("kernel", {}).get("id") == kernel_id and session.get("type") == "notebook":
                # A shared document's path begins with its drive.
                return str(session["path"]).removeprefix("RTC:")
        return None

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        if_version: int | None = None,
    ) -> Any:
        headers = {"If-Match": str(if_version)} if if_version is not None else {}
        if body is not None:
            headers |= _JSON
        return self._json(self._request(method, path, json=body, params=query, headers=headers))

    def _request(self, method: str, path: str, **how: Any) -> httpx.Response:
        """The server's answer when it did what was asked.  Raises Refused."""
        # httpx resolves dots, and the token must not get to another part of the server that way.
        if ".." in path.split("/"):
            raise Refused("bad_path", f"No part of an address can be “..”: {path}.")
        try:
            answer = self._http.request(method, path, **how)
        except httpx.TimeoutException:
            raise self._unreachable("took too long to answer") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise self._unreachable("doesn't answer") from None
        if not answer.is_success:
            raise self._refusal(answer)
        return answer

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise self._unreachable("answered with something else than JSON") from None

    def _unreachable(self, how: str) -> Refused:
        return Refused("server_unreachable", f"The Jupyter server at {self.url} {how}. See whether it runs, and retry.")

    def _refusal(self, answer: httpx.Response) -> Refused:
        try:
            error = answer.json()["error"]
            return Refused(str(error["code"]), str(error["message"]), error.get("field"))
        except (ValueError, KeyError, TypeError):
            pass
        if answer.status_code in {302, 401, 403}:
            return Refused("not_signed_in", f"The Jupyter server at {self.url} doesn't know the token. Sign in again.")
        if answer.status_code == 404:
            return Refused(
                "not_installed",
                f"The Jupyter server at {self.url} has no jupyter-schedule. "
                "Install it there with `pip install jupyter-schedule`, and restart the server.",
            )
        return Refused(
            "server_failed", f"The Jupyter server at {self.url} failed with {answer.status_code}: see its log."
        )


_JSON = {"Content-Type": "application/json"}


def _base_url(url: str) -> tuple[str, str]:
    """The server's base URL, ending in `/`, and the token that stands in the address."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise _bad_url(url) from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise _bad_url(url)
    path = parts.path
    for page in ("/lab", "/tree", "/notebooks"):
        before, found, after = path.partition(page)
        if found and after[:1] in {"", "/"}:
            path = before
    base = urlunsplit((parts.scheme, parts.netloc, path.rstrip("/") + "/", "", ""))
    return base, parse_qs(parts.query).get("token", [""])[0]


def _bad_url(url: str) -> Refused:
    shown = url.partition("?")[0]  # what follows may be a token
    return Refused("bad_url", f"Write the server's address such as http://localhost:8888/, not “{shown}”.", "url")
