"""The relay to a shared server: what needs this server's files happens here, and everything else there.

It asks with the token of the person whose server this is, which is read anew each time, as a Hub gives another one at
every start.  Bundles are made here and sent by their digests.
"""

import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import httpx

from jupyter_schedule.core.errors import Refused

if TYPE_CHECKING:
    from jupyter_schedule.api.files import OpenFile
    from jupyter_schedule.api.requests import Form
    from jupyter_schedule.api.route import ApiResponse
    from jupyter_schedule.core.host import Host
    from jupyter_schedule.core.storage.factory import LocalStorage

#: seconds to connect, and to wait for an answer: a bundle may be a gigabyte
TIMEOUT = httpx.Timeout(10, read=60, write=600)
#: the variable with the token, unless a Hub gave one
TOKEN = "JUPYTER_SCHEDULE_TOKEN"  # noqa: S105  (the variable's name)
#: the header by which it says where its person finds files: the path of its own API
BASE_HEADER = "Jupyter-Schedule-Base"
#: headers that say something to the API
_PASSED_ON = ("Content-Type", "If-Match", "Idempotency-Key")
_FILE_NAME = re.compile(r"filename\*=UTF-8''([^;]+)")
#: requests that may need files, beside a preview
_EDIT = re.compile(r"schedules/([^/]+)(/clone)?")


class Relay:
    """One person's way to the shared server at `url`."""

    def __init__(
        self,
        url: str,
        root: Path,
        base: str,
        find_host: "Callable[[], Host]",
        *,
        environ: Mapping[str, str] = os.environ,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """root: the folder that paths are relative to.  base: the path of the API on this server, where files are."""
        self._url = url.rstrip("/") + "/"
        self._root = root
        self._find_host = find_host
        self._environ = environ
        self._http = httpx.Client(
            base_url=f"{self._url}jupyter-schedule/",
            headers={BASE_HEADER: base},
            timeout=TIMEOUT,
            transport=transport,
        )
        #: bundles that the server has been sent
        self._sent: set[str] = set()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def check_user(self, name: str) -> None:
        """Raise Refused `forbidden` unless that is the person whose server this is: the token is theirs alone."""
        own = self._environ.get("JUPYTERHUB_USER", name)
        if name != own:
            message = f"This is {own}'s server, and what it asks for is {own}'s: schedule from your own."
            raise Refused("forbidden", message)

    def ask(
        self, method: str, below: str, *, body: bytes, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> "ApiResponse":
        """The shared server's answer to a request, refusals among them.  below: the path below the prefix, quoted.

        Raises Refused for what is wrong with the files here, and `shared_server_away`.
        """
        from jupyter_schedule.api.forms import of_form  # noqa: PLC0415  (most of a second: not at the server's start)
        from jupyter_schedule.api.route import ApiResponse  # noqa: PLC0415

        known = {name: headers[name] for name in _PASSED_ON if name in headers}
        try:
            if (method, below) == ("GET", "kernels"):
                return ApiResponse(200, self._kernels())
            if (method, below) == ("POST", "preview"):
                return self._preview(body, query, known)
            if method in {"POST", "PATCH"} and (below == "schedules" or _EDIT.fullmatch(below)):
                body = self._with_bundle(below, body)
        except Refused as refused:
            raise of_form(refused) from None
        return self._pass_on(method, below, body, query, known)

    def send_bundle(self, digest: str | None, packed: Path) -> "ApiResponse":
        """Send a tarball in pieces; one without a digest is named by the answer."""
        below = "bundles" if digest is None else f"bundles/{digest}"
        with packed.open("rb") as content:
            headers = {"Content-Type": "application/gzip"}
            return self._pass_on("PUT", below, content, {}, headers)

    def open_file(self, below: str, query: Mapping[str, str]) -> "OpenFile":
        """A file, read from the shared server piece by piece.  Raises Refused with what it says."""
        from jupyter_schedule.api.files import OpenFile  # noqa: PLC0415  (as above)

        with self._told():
            request = self._http.build_request("GET", _checked(below), params=query, headers=self._credentials())
            answer = self._http.send(request, stream=True)
        if answer.has_redirect_location:
            answer.close()
            return OpenFile("", None, io.BytesIO(), link=answer.headers["Location"])
        if not answer.is_success:
            with self._told():
                answer.read()
            error = self._error_of(answer)
            raise Refused(error["code"], error["message"], error.get("field"))
        found = _FILE_NAME.search(answer.headers.get("Content-Disposition", ""))
        name = unquote(found[1]) if found else unquote(below.rpartition("/")[2])
        size = answer.headers.get("Content-Length", "")
        return OpenFile(name, int(size) if size.isdecimal() else None, io.BufferedReader(_Pieces(answer)))

    def _pass_on(
        self, method: str, below: str, body: Any, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> "ApiResponse":
        from jupyter_schedule.api.route import ApiResponse  # noqa: PLC0415  (as above)

        with self._told():
            answer = self._http.request(
                method, _checked(below), content=body or None, params=query, headers={**headers, **self._credentials()}
            )
        if not answer.is_success:
            self._error_of(answer)
        total = answer.headers.get("Total-Count", "")
        return ApiResponse(answer.status_code, answer.content, int(total) if total.isdecimal() else None)

    def _preview(self, body: bytes, query: Mapping[str, str], headers: Mapping[str, str]) -> "ApiResponse":
        """The preview: its files are looked at here, the rest there."""
        from pydantic import TypeAdapter  # noqa: PLC0415  (as above)

        from jupyter_schedule.api.previewing import look_at_files  # noqa: PLC0415
        from jupyter_schedule.api.requests import Form  # noqa: PLC0415
        from jupyter_schedule.api.validation import parse_body, validated  # noqa: PLC0415

        form = validated(parse_body(body), TypeAdapter(Form))
        if form.notebook is None:
            return self._pass_on("POST", "preview", body, query, headers)
        with _scratch() as objects:
            look = look_at_files(form, self._root, self._find_host(), objects)
            self._send(look.bundle, objects)
        answer = self._pass_on("POST", "preview", body, {**query, "bundle": look.bundle or ""}, headers)
        if answer.status != 200:
            return answer
        told = json.loads(answer.content)
        here = json.loads(TypeAdapter(dict[str, Any]).dump_json(look.seen))
        problems = [problem.model_dump(mode="json") for problem in look.problems]
        problems += [problem for problem in told["problems"] if problem not in problems]
        nothing = {"bundle": None, "size": 0} if problems else {}
        return answer._replace(content=json.dumps(told | here | nothing | {"problems": problems}).encode())

    def _with_bundle(self, below: str, body: bytes) -> bytes:
        """The body with the bundle of the files that it needs, which is sent before it."""
        from pydantic import TypeAdapter  # noqa: PLC0415  (as above)

        from jupyter_schedule.api.forms import patched  # noqa: PLC0415
        from jupyter_schedule.api.requests import CloneSchedule, CreateSchedule, EditSchedule, Form  # noqa: PLC0415
        from jupyter_schedule.api.validation import parse_body, validated  # noqa: PLC0415

        said = parse_body(body)
        if below == "schedules":
            creation = validated(said, TypeAdapter(CreateSchedule))
            form = creation.form if creation.bundle is None else None
        else:
            name, clones = _EDIT.fullmatch(below).groups()  # type: ignore[union-attr]
            edit = validated(said, TypeAdapter(CloneSchedule if clones else EditSchedule))
            form = None
            if edit.rebundle and edit.bundle is None:
                known = self._pass_on("GET", f"schedules/{name}", b"", {}, {})
                if known.status != 200:
                    return body
                form = patched(validated(json.loads(known.content)["form"], TypeAdapter(Form)), edit.form)
        if form is None or form.notebook is None or form.tarball is not None:
            return body
        return json.dumps(said | {"bundle": self._bundle(form)}).encode()

    def _bundle(self, form: "Form") -> str:
        """The digest of what the form's files are now, which the server has by then."""
        from jupyter_schedule.api.forms import request_of  # noqa: PLC0415  (as above)
        from jupyter_schedule.api.previewing import SOME_TIMING  # noqa: PLC0415
        from jupyter_schedule.core.bundles.packaging import build_bundle  # noqa: PLC0415

        with _scratch() as objects:
            request = request_of(form, SOME_TIMING, self._root)
            digest = build_bundle(request, self._root, objects, host=self._find_host()).spec.bundle
            self._send(digest, objects)
        return digest

    def _send(self, digest: str | None, objects: "LocalStorage") -> None:
        from jupyter_schedule.core.object_keys import bundle_key  # noqa: PLC0415  (as above)

        if digest is None or digest in self._sent:
            return
        with tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as scratch:
            packed = Path(scratch) / "bundle.tar.gz"
            objects.fetch(bundle_key(digest), packed)
            answer = self.send_bundle(digest, packed)
        if answer.status >= 400:
            error = json.loads(answer.content)["error"]
            raise Refused(error["code"], error["message"], error.get("field"))
        self._sent.add(digest)

    def _kernels(self) -> bytes:
        from pydantic import TypeAdapter  # noqa: PLC0415  (as above)

        from jupyter_schedule.api.presenter import present_kernels  # noqa: PLC0415

        return TypeAdapter(list[Any]).dump_json(present_kernels(self._find_host()))

    def _credentials(self) -> dict[str, str]:
        token = self._environ.get(TOKEN) or self._environ.get("JUPYTERHUB_API_TOKEN", "")
        if not token:
            message = (
                f"The shared server at {self._url} wants a token of yours: set {TOKEN} where this server is started."
            )
            raise Refused("forbidden", message)
        return {"Authorization": f"token {token}"}

    def _error_of(self, answer: httpx.Response) -> dict[str, Any]:
        """The API's own refusal.  Raises Refused `shared_server_away` for what something in between says."""
        try:
            error = answer.json()["error"]
            return {"code": str(error["code"]), "message": str(error["message"]), "field": error.get("field")}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._away(f"answers with {answer.status_code}") from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL):
            raise self._away("doesn't answer") from None

    def _away(self, how: str) -> Refused:
        message = f"The shared server at {self._url} {how}. What you typed is kept here: try again in a moment."
        return Refused("shared_server_away", message)


class _Pieces(io.RawIOBase):
    """The bytes of an answer, as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self._answer = answer
        self._pieces = answer.iter_bytes()
        self._left = b""

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill the buffer as far as a piece goes; 0 at the end."""
        while not self._left:
            try:
                piece = next(self._pieces, None)
            except httpx.HTTPError as problem:
                raise OSError(str(problem)) from None
            if piece is None:
                return 0
            self._left = piece
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        """Let go of the connection."""
        self._answer.close()
        super().close()


@contextmanager
def _scratch() -> "Iterator[LocalStorage]":
    """A storage for a bundle until it is sent."""
    from jupyter_schedule.core.storage.factory import LocalStorage  # noqa: PLC0415  (as above)

    with tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as folder:
        yield LocalStorage(Path(folder))


def _checked(below: str) -> str:
    """The path, or Refused `bad_path`: dots would lead the token to something else."""
    if ".." in unquote(below).split("/"):
        raise Refused("bad_path", f"No part of an address can be “..”: {quote(below)}.")
    return below
