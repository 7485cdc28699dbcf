"""A proxy before an S3 server that fails as a test says: refuses, breaks off, loses answers, or lets all by."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Fault(Enum):
    """What becomes of a request."""

    #: 503 before anything happens
    SLOW_DOWN = "SlowDown"
    #: 500 before anything happens
    INTERNAL = "InternalError"
    #: 409: somebody else is writing
    CONFLICT = "ConditionalRequestConflict"
    #: 412, whether it is so or not
    PRECONDITION = "PreconditionFailed"
    #: 400: the session's credentials are over
    EXPIRED = "ExpiredToken"
    #: it happens, and half of the answer's body arrives
    TRUNCATED = "truncated"
    #: it happens, and nobody is told
    LOST = "lost"
    #: the connection is closed before anything happens
    CLOSED = "closed"


STATUS = {
    Fault.SLOW_DOWN: 503,
    Fault.INTERNAL: 500,
    Fault.CONFLICT: 409,
    Fault.PRECONDITION: 412,
    Fault.EXPIRED: 400,
}


@dataclass
class Faulty:
    """The proxy: `decide` is given method and path of every request."""

    endpoint: str = ""
    decide: Callable[[str, str], Fault | None] = lambda method, path: None
    #: what happened, in order
    seen: list[tuple[str, str, Fault | None]] = field(default_factory=list)

    def faults(self) -> int:
        """How many requests failed."""
        return sum(fault is not None for _, _, fault in self.seen)


@contextmanager
def faulty(target: str) -> Iterator[Faulty]:
    """A proxy before the server at `target`."""
    proxy = Faulty()

    class Handler(_Handler):
        faulty = proxy
        server_address = urlsplit(target).netloc

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """A client that went away is no fault of the test's."""

    server = Server(("127.0.0.1", 0), Handler)
    proxy.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: Faulty
    server_address: str

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.faulty.decide(self.command, self.path)
        self.faulty.seen.append((self.command, self.path, fault))
        if fault is Fault.CLOSED:
            self.close_connection = True
        elif fault in STATUS:
            self.refuse(fault)
        else:
            self.forward(body, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815  (names that the library wants)

    def refuse(self, fault: Fault) -> None:
        said = f"<?xml version='1.0'?><Error><Code>{fault.value}</Code><Message>as asked</Message></Error>".encode()
        self.send_response(STATUS[fault])
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", "0" if self.command == "HEAD" else str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    def forward(self, body: bytes, fault: Fault | None) -> None:
        connection = http.client.HTTPConnection(self.server_address)
        try:
            # as it came, since names of headers and the host are part of what was signed
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "expect":
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if fault is Fault.LOST:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(content))
        for name, value in answer.headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if fault is Fault.TRUNCATED and len(content) > 1:
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content)
