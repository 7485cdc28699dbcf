"""HTTP: who asks and whether they may, then one question to the API, then JSON or a file.

Nothing here is heavy to import, and nothing blocks the event loop: the API is asked in threads.
"""

import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from html import escape
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.iostream import StreamClosedError

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.server.backend import Backend
from jupyter_schedule.server.idempotency import IdempotencyCache
from jupyter_schedule.server.rights import is_slow, needs_execute
from jupyter_schedule.server.signed_paths import POLICY, SignedPaths

if TYPE_CHECKING:
    from jupyter_schedule.api.context import ApiContext
    from jupyter_schedule.api.files import OpenFile
    from jupyter_schedule.api.route import ApiResponse
    from jupyter_schedule.server.relay import Relay

BACKEND = "jupyter_schedule_backend"
REMEMBERED = "jupyter_schedule_remembered"
SIGNED_PATHS = "jupyter_schedule_signed_paths"
ON_BEHALF = "jupyter_schedule_on_behalf"
RELAY = "jupyter_schedule_relay"
#: what all addresses have before their own part
PREFIX = "/jupyter-schedule/"
#: bytes of a file that are sent at once
CHUNK = 256 * 1024
#: bytes that an uploaded tarball may have
LARGEST_BUNDLE = 2 * 1024**3
#: shown by a browser; anything else is saved
INLINE = {
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
SAVED = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".ipynb": "application/x-ipynb+json",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
#: bytes of a body of JSON, which is a form at most
LARGEST_JSON = 1_000_000
SHORT_BODY_BYTES = 64 * 1024  # of one that is read to its end although it is refused
#: codes of refusals that HTTP itself makes
CODES = {403: "forbidden", 404: "no_such_route", 405: "wrong_method", 413: "too_large"}
SENTENCES = {
    403: "You aren't signed in, or may not do this: sign in again.",
    404: "There is nothing at this address.",
    413: "That is too large to be sent: a request in JSON has 1 MB at most.",
}
#: of a signed path that ran out, was changed, or is of a server that was started anew since
NOT_OPEN = "This address opens for ten minutes: open the file again from Jupyter."
HUB_AWAY = "The Hub at {hub} doesn't answer, so nobody can say who you are. Nothing was changed: try again in a moment."
T = TypeVar("T")
BROKEN = "Something went wrong on the server, and it isn't your fault. Its log says more under the id {id}."


class OnBehalf(NamedTuple):
    """The owner of the things that a request is about, and the person who asks."""

    owner: str
    actor: str
    #: the path of the API on the server that asks for them; None where they ask by themselves
    base: str | None = None


class Handler(APIHandler):
    """The base of every route: errors are `{"error": {"code", "message", "field"?}}`, without a traceback."""

    auth_resource = "schedules"
    #: None where the server is one person's, whose requests all are
    on_behalf: "OnBehalf | None" = None

    async def prepare(self) -> None:  # type: ignore[override]
        """Find out who asks, and about whose things."""
        await super().prepare()
        find = self.settings.get(ON_BEHALF)
        if find is not None and self.current_user and not self._finished:
            self.on_behalf = find(self)
        if self.relay is not None and self.current_user and not self._finished:
            self.relay.check_user(self.current_user.username)

    async def check_first(self, check: "Callable[[], Awaitable[None]]") -> bool:
        """Check before a body is taken; False where a refusal follows a short one, since unread bytes reset."""
        try:
            await check()
        except (web.HTTPError, Refused) as caught:
            problem, length = caught, self.request.headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > SHORT_BODY_BYTES:
                raise

            async def answer(*_: object) -> None:
                raise problem

            # Tornado asks for it by this name, once the body is there
            setattr(self, str(self.request.method).lower(), answer)
            return False
        return True

    async def ask(self, question: "Callable[[ApiContext], T]", *, slow: bool = False) -> T:
        """The answer to a question about the things that the request is about."""
        who = self.on_behalf
        if who is None:
            return await self.backend.ask(question, slow=slow)
        return await self.backend.ask(lambda context: question(context.of(*who)), slow=slow)

    @property
    def relay(self) -> "Relay | None":
        """The way to a shared server; None where the ledger is asked here."""
        return cast("Relay | None", self.settings.get(RELAY))

    @property
    def backend(self) -> Backend:
        """The way to the API."""
        return cast("Backend", self.settings[BACKEND])

    async def carry_out(self, method: str, path: str) -> None:
        """Ask the API, and send its answer or its refusal."""
        try:
            answer = await self._ask(method, path)
        except Refused as refused:
            await self.refuse(refused)
        else:
            self.set_status(answer.status)
            if answer.total is not None:
                self.set_header("Total-Count", str(answer.total))
            await self.finish(answer.content)

    async def _ask(self, method: str, path: str) -> "ApiResponse":
        body, quoted, relay = self._json_body(), self.below, self.relay
        # what isn't UTF-8 is refused where everything is, by the name of its field
        arguments = self.request.query_arguments.items()
        query = {name: values[-1].decode(errors="surrogateescape").strip() for name, values in arguments}
        if_version = self._if_version()

        def ask(context: "ApiContext") -> "ApiResponse":
            # It takes most of a second to import: in this thread, and not at the server's start.
            from jupyter_schedule.api.routes import answer  # noqa: PLC0415
            from jupyter_schedule.api.validation import parse_body  # noqa: PLC0415

            said = parse_body(body)
            return answer(context, method, quoted, body=said, query=query, if_version=if_version)

        key = self.request.headers.get("Idempotency-Key")
        slow = is_slow(method, quoted)
        if relay is not None:
            headers = dict(self.request.headers)
            return await self.backend.do_slowly(
                lambda: relay.ask(method, quoted, body=body, query=query, headers=headers)
            )
        if key is None or method != "POST":
            return await self.ask(ask, slow=slow)
        remembered = cast("IdempotencyCache[ApiResponse]", self.settings[REMEMBERED])
        # a key is its sender's own
        whole = json.dumps([self.on_behalf, path, key])
        return await remembered.once(whole, self.request.body, lambda: self.ask(ask, slow=slow))

    @property
    def below(self) -> str:
        """The path below the prefix as it came: a slash within a part of it is still quoted."""
        return str(self.request.path).removeprefix(self.base_url.rstrip("/") + PREFIX)

    def _json_body(self) -> bytes:
        if not self.request.body:
            return b""
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused("not_json", "The body must be JSON, sent as application/json.")
        return self.request.body

    def _if_version(self) -> int | None:
        text = self.request.headers.get("If-Match", "").removeprefix("W/").strip('"')
        if text and not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refused("changed_elsewhere", "If-Match must be the number of a version.")
        return int(text) if text else None

    async def refuse(self, refused: Refused) -> None:
        """Answer with a refusal."""
        if self._headers_written:
            return

        self.set_status(refused.status)
        await self.finish(_problem(refused.code, refused.message, refused.field))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what nobody expected, with the id that the answer names."""
        if isinstance(value, Refused):
            self.log.info("action=request_refused code=%s path=%s", value.code, self.request.path)
            return
        if isinstance(value, web.HTTPError):
            super().log_exception(typ, value, tb)
            return
        self._failure = uuid4().hex[:8]
        self.log.error(
            "action=request_failed id=%s path=%s", self._failure, self.request.path, exc_info=(typ, value, tb)
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer for HTTP, for the login, or for a fault of ours."""
        # Tornado closes a connection on which the body is still to come, and leaves it to us to say so
        self.set_header("Connection", "close")
        _, problem, _ = kwargs.get("exc_info", (None, None, None))
        if isinstance(problem, Refused):
            self.set_status(problem.status)
            self.finish(_problem(problem.code, problem.message, problem.field))
            return
        hub = os.environ.get("JUPYTERHUB_API_URL")
        if status_code >= 500 and isinstance(problem, web.HTTPError) and hub:
            # nothing of ours answers so: it is the Hub's way of saying that it couldn't be asked
            self.set_status(503)
            self.finish(_problem("identity_away", HUB_AWAY.format(hub=hub), None))
            return
        if status_code >= 500:
            message = BROKEN.format(id=getattr(self, "_failure", "-"))
        else:
            message = SENTENCES.get(status_code, f"{HTTPStatus(status_code).phrase}.")
        self.finish(_problem(CODES.get(status_code, "refused" if status_code < 500 else "broken"), message, None))


@web.stream_request_body
class JsonHandler(Handler):
    """Everything that is asked and answered in JSON."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse a body by its length, before a byte of it is taken."""
        if not await self.check_first(super().prepare):
            return
        length = self.request.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_JSON:
            raise web.HTTPError(413)
        # one that doesn't tell its length is cut off there
        self.request.connection.set_max_body_size(LARGEST_JSON)  # type: ignore[union-attr]

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece."""
        self.request.body += chunk

    async def carry_out(self, method: str, path: str) -> None:
        """Ask the API, if who asks may have code run where that is what it does."""
        if needs_execute(method, path) and not await self._may_execute():
            raise web.HTTPError(403)
        await super().carry_out(method, path)

    async def _may_execute(self) -> bool:
        may = self.authorizer.is_authorized(self, self.current_user, "execute", self.auth_resource)
        return bool(await ensure_async(may))

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        """Look; changes nothing."""
        if path == "openapi.json":
            await self.finish(await self.backend.do(_openapi))
            return
        await self.carry_out("GET", path)

    @web.authenticated
    @authorized
    async def post(self, path: str) -> None:
        """Make something, or have something done."""
        await self.carry_out("POST", path)

    @web.authenticated
    @authorized
    async def patch(self, path: str) -> None:
        """Change something."""
        await self.carry_out("PATCH", path)

    @web.authenticated
    @authorized
    async def delete(self, path: str) -> None:
        """Remove something."""
        await self.carry_out("DELETE", path)


class FileHandler(Handler):
    """Files that runs left: never with the rights of a page of Jupyter's, whatever is in them."""

    #: types of files that aren't shown by themselves, beside those that are saved
    PARTS: ClassVar[dict[str, str]] = {}

    @property
    def content_security_policy(self) -> str:
        """No scripts, no forms, an origin of its own."""
        return "sandbox; frame-ancestors 'self'"

    def open_in_browser(self, kind: str, name: str, path: str) -> bool:
        """Send a browser that will show the file to its signed path; False for what is saved, and for programs."""
        signed_in = self.request.headers.get("Authorization", "").partition(" ")[0].lower() in {"token", "bearer"}
        if signed_in or self._is_saved(path):
            return False
        signed_paths = cast("SignedPaths", self.settings[SIGNED_PATHS])
        self.set_header("Cache-Control", "no-store")
        self.redirect(self.base_url + PREFIX[1:] + signed_paths.sign(kind, name, path))
        return True

    async def send(self, open_it: "Callable[[ApiContext], OpenFile]", below: str) -> None:
        """Send a file in pieces, or where to get it.  below: its path below the prefix, quoted."""
        relay = self.relay
        try:
            if relay is not None:
                found = await self.backend.do(relay.open_file, below, {"download": "1"})
            else:
                found = await self.ask(open_it)
        except Refused as refused:
            await self.refuse(refused)
            return
        if found.link is not None:
            # the browser gets it by itself, from an origin that isn't Jupyter's
            self.redirect(found.link)
            return
        with closing(found.stream):
            kind = self._head(found.name, found.size)
            try:
                while piece := await self.backend.do(found.stream.read, CHUNK):
                    self.write(piece)
                    await self.flush()
                await self.finish(set_content_type=kind)
            except StreamClosedError:
                self.log.debug("action=download_left path=%s", self.request.path)

    def _head(self, name: str, size: int | None) -> str:
        suffix = PurePosixPath(name).suffix.lower()
        kind = INLINE.get(suffix) or SAVED.get(suffix) or self.PARTS.get(suffix, "application/octet-stream")
        disposition = "attachment" if self._is_saved(name) else "inline"
        self.set_header("Content-Type", kind)
        if size is not None:
            self.set_header("Content-Length", str(size))
        self.set_header("Content-Disposition", f"{disposition}; filename*=UTF-8''{quote(name, safe='')}")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "private, no-cache")
        return kind

    def _is_saved(self, name: str) -> bool:
        suffix = PurePosixPath(name).suffix.lower()
        return suffix not in INLINE or self.get_query_argument("download", "") == "1"


class RunFileHandler(FileHandler):
    """A file of a run: `output/…`, `report/…`, `live/notebook`."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, path: str) -> None:
        """The file."""
        if not self.open_in_browser("runs", run_id, path):
            await self.send(_run_file(run_id, path), self.below)


class ArchiveHandler(FileHandler):
    """All files of a run, packed while they are sent."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """The archive."""

        def open_it(context: "ApiContext") -> "OpenFile":
            from jupyter_schedule.api.files import open_archive  # noqa: PLC0415  (as above)

            return open_archive(context, run_id)

        await self.send(open_it, self.below)


class PublicationHandler(FileHandler):
    """A published file; of the publication itself its page."""

    @web.authenticated
    @authorized
    async def get(self, name: str, path: str | None = None) -> None:
        """The file, or the page."""
        if path is None:
            self.redirect(f"{self.request.path}/")
        elif path.endswith("/"):
            # folders have no listing of their own: the page lists what there is
            self.redirect("../" * path.count("/"))
        elif not self.open_in_browser("publications", name, path or "index.html"):
            await self.send(_published_file(name, path or "index.html"), _published_path(name, path))


class OpenedHandler(FileHandler):
    """Files below a signed path, for pages that may run scripts because nothing of Jupyter's is theirs.

    Neither a cookie nor a token is read, and none is set.
    """

    #: what pages are made of beside what a browser shows by itself
    PARTS: ClassVar[dict[str, str]] = {
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".wasm": "application/wasm",
        ".woff": "font/woff",
        ".woff2": "font/woff2",
        ".ttf": "font/ttf",
        ".otf": "font/otf",
    }

    @property
    def content_security_policy(self) -> str:
        """Scripts, and an origin of its own."""
        return POLICY

    async def prepare(self) -> None:  # type: ignore[override]
        """Ask nobody who they are."""
        self.current_user = self._jupyter_current_user = None
        if not self.check_host():
            raise web.HTTPError(403)

    @allow_unauthenticated
    async def get(self, ticket: str, kind: str, name: str, path: str) -> None:
        """The file, or why it isn't open."""
        self.set_header("Referrer-Policy", "no-referrer")
        # a page's modules and fonts are asked for in the name of its origin, which is "null"
        self.set_header("Access-Control-Allow-Origin", "null")
        signed_paths = cast("SignedPaths", self.settings[SIGNED_PATHS])
        if not signed_paths.opens(ticket, kind, name):
            self.set_status(403)
            await self.finish(_page_of(NOT_OPEN), set_content_type="text/html; charset=utf-8")
        elif kind == "publications" and path.endswith("/"):
            self.redirect("../" * path.count("/"))
        elif kind == "publications":
            await self.send(_published_file(name, path or "index.html"), _published_path(name, path))
        else:
            await self.send(_run_file(name, path), f"runs/{quote(name, safe='')}/files/{quote(path)}")

    async def refuse(self, refused: Refused) -> None:
        """Answer with a refusal that a person reads."""
        self.set_status(refused.status)
        await self.finish(_page_of(refused.message), set_content_type="text/html; charset=utf-8")


@web.stream_request_body
class BundleHandler(FileHandler):
    """A tarball, received piece by piece into a file, and kept when it is what its name says, if it has one."""

    _folder: "tempfile.TemporaryDirectory[str] | None" = None
    _received = 0

    async def prepare(self) -> None:  # type: ignore[override]
        """Check who sends, before a single byte is kept."""
        if not await self.check_first(self._check_sender) or self.request.method != "PUT":
            return
        self.request.connection.set_max_body_size(LARGEST_BUNDLE)  # type: ignore[union-attr]
        self._folder = await self.backend.do(tempfile.TemporaryDirectory, prefix="jupyter-schedule-")
        self._file = await self.backend.do((Path(self._folder.name) / "bundle.tar.gz").open, "wb")

    async def _check_sender(self) -> None:
        await super().prepare()
        if self.request.method != "PUT":
            return
        # authenticated and authorized below come after the body
        may = self.current_user and self.authorizer.is_authorized(self, self.current_user, "write", self.auth_resource)
        if not await ensure_async(may):
            raise web.HTTPError(403)
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in {"application/gzip", "application/x-gzip"}:
            raise Refused("not_json", "A tarball is sent as application/gzip.")
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > LARGEST_BUNDLE:
            message = f"A tarball has {LARGEST_BUNDLE // 1024**3} GiB at most: leave some files out."
            raise Refused("archive_too_big", message)

    async def data_received(self, chunk: bytes) -> None:
        """Keep a piece."""
        if self._folder is not None and not self._finished:
            await self.backend.do(self._file.write, chunk)

    @web.authenticated
    @authorized
    async def get(self, digest: str | None = None) -> None:
        """The tarball."""
        if digest is None:
            raise web.HTTPError(405)

        def open_it(context: "ApiContext") -> "OpenFile":
            from jupyter_schedule.api.files import open_bundle  # noqa: PLC0415  (as above)

            return open_bundle(context, digest)

        await self.send(open_it, self.below)

    @web.authenticated
    @authorized
    async def put(self, digest: str | None = None) -> None:
        """Keep the tarball; one that came without a digest is named by the answer."""
        await self.backend.do(self._file.close)
        packed = Path(self._file.name)

        def receive(context: "ApiContext") -> bytes:
            from jupyter_schedule.api.context import guarded  # noqa: PLC0415  (as above)
            from jupyter_schedule.api.files import receive_bundle  # noqa: PLC0415

            with guarded(context.paths):
                return receive_bundle(context, digest, packed).model_dump_json().encode()

        relay = self.relay
        try:
            if relay is not None:
                answer = await self.backend.do_slowly(lambda: relay.send_bundle(digest, packed))
                self.set_status(answer.status)
                await self.finish(answer.content)
                return
            content = await self.ask(receive, slow=True)
        except Refused as refused:
            await self.refuse(refused)
        else:
            self.set_status(201)
            await self.finish(content)

    def on_finish(self) -> None:
        """Leave nothing behind, however it ended."""
        super().on_finish()
        self._clear()

    def on_connection_close(self) -> None:
        """The sender went away."""
        super().on_connection_close()
        self._clear()

    def _clear(self) -> None:
        if self._folder is not None:
            self._file.close()
            self._folder.cleanup()
            self._folder = None


HANDLERS: list[tuple[str, type[Handler]]] = [
    (r"/jupyter-schedule/bundles(?:/([0-9a-f]{64}))?", BundleHandler),
    (r"/jupyter-schedule/runs/([^/]+)/files/(.+)", RunFileHandler),
    (r"/jupyter-schedule/runs/([^/]+)/archive", ArchiveHandler),
    (r"/jupyter-schedule/publications/([^/]+)(?:/(.*))?", PublicationHandler),
    (r"/jupyter-schedule/opened/([^/]+)/(runs|publications)/([^/]+)/(.*)", OpenedHandler),
    (r"/jupyter-schedule/(.*)", JsonHandler),
]


def _run_file(run_id: str, path: str) -> "Callable[[ApiContext], OpenFile]":
    def open_it(context: "ApiContext") -> "OpenFile":
        from jupyter_schedule.api.files import open_run_file  # noqa: PLC0415  (as above)

        return open_run_file(context, run_id, path)

    return open_it


def _published_file(name: str, path: str) -> "Callable[[ApiContext], OpenFile]":
    def open_it(context: "ApiContext") -> "OpenFile":
        from jupyter_schedule.api.files import open_published  # noqa: PLC0415  (as above)

        return open_published(context, name, path)

    return open_it


def _published_path(name: str, path: str | None) -> str:
    return f"publications/{quote(name, safe='')}/{quote(path or 'index.html')}"


def _page_of(sentence: str) -> str:
    """A page with a sentence on it."""
    style = "color-scheme: light dark; font: 1rem system-ui, sans-serif; margin: 2rem"
    return f'<!doctype html><html lang="en" style="{style}"><title>{escape(sentence)}</title><p>{escape(sentence)}</p>'


def _problem(code: str, message: str, field: str | None) -> str:
    return json.dumps({"error": {"code": code, "message": message} | ({"field": field} if field else {})})


def _openapi() -> str:
    from jupyter_schedule.api.openapi import document  # noqa: PLC0415  (as above)

    return json.dumps(document())
