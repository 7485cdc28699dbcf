"""Who gets messages in tests: a mail server and a webhook, both real, and as bad as a test wants them."""

import asyncio
import email
import email.policy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

#: in addresses of channels; nobody but the receiver may see it
PASSWORD = "canary-pass-7731"
TOKEN = "canary-token-9952"


@dataclass
class Mailbox:
    """What a mail server took."""

    port: int = 0
    #: what it answers to a message
    answer: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def address(self) -> str:
        """For Apprise."""
        return f"mailto://robot:{PASSWORD}@127.0.0.1:{self.port}/?from=robot@here.test&to=ann@here.test&mode=insecure"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        del server, session
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.answer


class AnyPort(Controller):
    """A server on whatever port is free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server that knows one user."""
    mailbox = Mailbox()

    def known(server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: Any) -> AuthResult:
        right = isinstance(said, LoginPassword) and said.password == PASSWORD.encode()
        return AuthResult(success=right)

    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, authenticator=known, auth_require_tls=False)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class Hook:
    """What a webhook was told."""

    port: int = 0
    status: int = 200
    #: as long as it isn't set, nobody is answered
    answers: threading.Event = field(default_factory=threading.Event)
    #: requests that have come in, answered or not
    asked: int = 0
    got: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """For Apprise."""
        return f"json://127.0.0.1:{self.port}/{TOKEN}"

    @property
    def bodies(self) -> list[str]:
        """The messages alone."""
        return [told["message"] for _, told in self.got]

    @property
    def numbers(self) -> list[str]:
        """Of the messages, by the header."""
        return [headers["X-Message-Id"] for headers, _ in self.got]


@contextmanager
def webhook() -> Iterator[Hook]:
    """A webhook that answers."""
    hook = Hook()
    hook.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.asked += 1
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.answers.wait()
            hook.got.append((dict(self.headers), body))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hook
    finally:
        hook.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
