"""The shared server: the API's handlers, a sign of life, and nothing else.

It is a Tornado application of its own and no Jupyter server, so it has neither kernels, files nor terminals to be kept
from anybody.  Nobody is known to it by a cookie: who asks says so by a token in a header, so no page that a browser
has open can ask for anything in somebody's name.
"""

import asyncio
import json
import logging
import re
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server.auth import AllowAllAuthorizer
from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.core.config import IdentitySource, read_config
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import Host
from jupyter_schedule.core.models import LOCAL_OWNER
from jupyter_schedule.core.store.services import read_service_health
from jupyter_schedule.server.backend import Backend
from jupyter_schedule.server.handlers import (
    BACKEND,
    HANDLERS,
    ON_BEHALF,
    PREFIX,
    REMEMBERED,
    Handler,
    OnBehalf,
    OpenedHandler,
)
from jupyter_schedule.server.idempotency import IdempotencyCache
from jupyter_schedule.server.relay import BASE_HEADER
from jupyter_schedule.server.rights import changes_nothing, ends_or_removes
from jupyter_schedule.shared_server.hub import HubIdentity
from jupyter_schedule.shared_server.identity import Identity, Person, Role
from jupyter_schedule.shared_server.tokens import TokenFile, TokenIdentity

log = logging.getLogger(__name__)

#: the folder below the ledger's that paths are relative to; nothing is ever in it
NO_FILES = "no-files"
#: a path on the server that asks, and never another's
_BASE = re.compile(r"/(?!/)[\w./~%@+-]*/jupyter-schedule/|/jupyter-schedule/", re.ASCII)
_CREDENTIALS = re.compile(r"(?:token|bearer)\s+(\S+)\s*", re.IGNORECASE)
_ONLY_LOOKS = "Your token only lets you look. Ask whoever runs this server for one that may change things."
_NO_FILES_HERE = (
    "The server that you share has no files of yours: schedule the notebook from your own Jupyter server, or send its "
    "code tarball."
)


@dataclass
class KnownUser(User):
    """A person as Jupyter's handlers know users."""

    person: Person | None = None


class PeopleProvider(IdentityProvider):
    """Jupyter's seam for who asks, by a token in a header and nothing else."""

    def __init__(self, identity: Identity) -> None:
        super().__init__()
        self._identity = identity

    async def get_user(self, handler: Any) -> KnownUser | None:
        """The person; asked for anew before anything is changed."""
        given = _CREDENTIALS.fullmatch(handler.request.headers.get("Authorization", ""))
        if given is None:
            return None
        person = await self._identity.find_person(given[1], anew=not changes_nothing(handler.request.method))
        return None if person is None else KnownUser(person.name, person=person)

    def is_token_authenticated(self, handler: Any) -> bool:
        """A token is all that there is, so nothing is to be feared of a browser's cookies."""
        del handler
        return True

    def should_check_origin(self, handler: Any) -> bool:
        """Likewise."""
        del handler
        return False


class AliveHandler(RequestHandler):
    """Tells anybody that the process answers."""

    def get(self) -> None:
        """As JSON."""
        self.finish({"alive": True})


class ReadyHandler(RequestHandler):
    """Tells anybody whether requests can be carried out and what is due is started, with no word about anything."""

    async def get(self) -> None:
        """503 as long as the ledger can't be asked, or no service ticks."""
        backend: Backend = self.settings[BACKEND]

        def look(context: ApiContext) -> bool:
            return read_service_health(context.paths, context.operations.store).is_working

        ledger, ticking = False, False
        # whatever it is, it isn't ready; the log says more where it is asked for something
        with suppress(Exception):
            ticking = await backend.ask(look)
            ledger = True
        self.set_status(200 if ticking else 503)
        self.finish({"ready": ticking, "ledger": ledger, "ticking": ticking})


class NothingHere(RequestHandler):
    """Answers for every other address."""

    def prepare(self) -> None:
        """As JSON, whatever is asked."""
        self.set_status(404)
        self.set_header("Connection", "close")
        self.set_header("Content-Type", "application/json")
        error = {"code": "no_such_route", "message": "There is nothing at this address."}
        self.finish(json.dumps({"error": error}))


def find_on_behalf(handler: Handler) -> OnBehalf:
    """The owner of what a request is about, and who asks: oneself, or with `owner` in the query somebody else.

    Raises Refused `no_such_owner` for what is another's, and `forbidden` for what the person's role doesn't have.
    """
    person = handler.current_user.person
    owner = handler.get_query_argument("owner", person.name)
    method, path = str(handler.request.method), handler.below
    if not changes_nothing(method) and not person.role.includes(Role.OWNER):
        raise Refused("forbidden", _ONLY_LOOKS)
    if owner != person.name and not person.role.includes(Role.OPERATOR):
        raise Refused("no_such_owner", f"There is nobody called “{owner}” whose schedules you may look at.")
    if owner != person.name and not changes_nothing(method) and not ends_or_removes(method, path):
        message = f"An operator may look at what is another's, and end it. For the rest, ask {owner}."
        raise Refused("forbidden", message)
    base = handler.request.headers.get(BASE_HEADER, "")
    return OnBehalf(owner, person.name, base if _BASE.fullmatch(base) else None)


def make_application(context: ApiContext, identity: Identity, base_url: str) -> Application:
    """The application, with every route that it has.  base_url: what all addresses begin with, as `/`."""
    base = re.escape(base_url.rstrip("/"))
    routes: list[Any] = [(base + pattern, each) for pattern, each in HANDLERS if each is not OpenedHandler]
    provider = PeopleProvider(identity)
    ours: dict[str, Any] = {
        BACKEND: Backend(lambda: context, lambda *_: _NoWatch()),
        REMEMBERED: IdempotencyCache(),
        ON_BEHALF: find_on_behalf,
    }
    return Application(
        [(f"{base}/healthz", AliveHandler), (f"{base}/readyz", ReadyHandler), *routes],
        default_handler_class=NothingHere,
        **ours,
        base_url=base_url,
        identity_provider=provider,
        authorizer=AllowAllAuthorizer(identity_provider=provider),
        # it is the proxy before it that has a name
        allow_remote_access=True,
        cookie_secret=secrets.token_bytes(32),
    )


def open_context(folder: Path, base_url: str) -> ApiContext:
    """The context in which all people's requests are carried out.  Raises Refused, also without `[server]`."""
    if read_config(folder).server is None:
        message = (
            f"{folder / 'service.toml'} has no table [server]: write one, and nobody asks but by way of the server."
        )
        raise Refused("settings_wrong", message)
    paths = DataPaths(folder)
    paths.make_private()
    root = folder / NO_FILES
    root.mkdir(exist_ok=True, mode=0o500)
    address = f"{quote(base_url.rstrip('/'), safe='/%')}{PREFIX}"
    host = Host(kept_by="the people who ask", bring=_no_files)
    context = ApiContext.open(paths, root, address=address, many=True, host=host)
    # their results aren't below any owner, so one of them may lie where another person's belong
    if context.operations.store.schedules.count(owner=LOCAL_OWNER):
        context.close()
        message = f"The ledger in {folder} has schedules of one person's own machine: give the server another folder."
        raise Refused("settings_wrong", message)
    return context


def open_identity(folder: Path) -> Identity:
    """Whoever vouches for people, by the settings.  Raises Refused."""
    config = read_config(folder).server
    if config is not None and config.identity is IdentitySource.JUPYTERHUB:
        return HubIdentity.open()
    return TokenIdentity(TokenFile(folder))


async def serve(application: Application, ip: str, port: int, started: Callable[[int], object]) -> None:
    """Answer until SIGTERM or SIGINT; `started` is told the port.  Raises OSError when that is taken."""
    over = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, over.set)
    server = HTTPServer(application)
    sockets = bind_sockets(port, ip)
    server.add_sockets(sockets)
    started(sockets[0].getsockname()[1])
    await over.wait()
    server.stop()
    await server.close_all_connections()
    await asyncio.to_thread(application.settings[BACKEND].close)


class _NoWatch:
    """Nobody listens for changes here."""

    def stop(self) -> None:
        """Nothing is watched."""


def _no_files(notebook: str, folder: Path) -> None:
    del notebook, folder
    raise Refused("no_files_here", _NO_FILES_HERE, "notebook")
