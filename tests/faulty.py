"""A proxy before an S3 server that fails as a test says: refuses, breaks off, loses answers, or lets all by."""

import http.client
import threading
import time
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
    #: 301: the bucket is somewhere else
    OTHER_REGION = "PermanentRedirect"
    #: it happens, and half of the answer's body arrives
    TRUNCATED = "truncated"
    #: it happens, and nobody is told
    LOST = "lost"
    #: the connection is closed before anything happens
    CLOSED = "closed"
    #: it happens, and the answer doesn't come as long as anybody waits for it
    SILENT = "silent"
    #: it happens, half of the answer's body arrives, and the rest doesn't as long as anybody waits for it
    STALLED = "stalled"
    #: it happens, and the answer's body arrives in many small pieces, each a moment after the other
    SLOW = "slow"


STATUS = {
    Fault.SLOW_DOWN: 503,
    Fault.INTERNAL: 500,
    Fault.CONFLICT: 409,
    Fault.PRECONDITION: 412,
    Fault.EXPIRED: 400,
    Fault.OTHER_REGION: 301,
}


#: pieces of a slow body, and seconds between two of them
PIECES, MOMENT = 20, 0.1


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
    # head and body go apart, and the second wouldn't wait for the first to be acknowledged
    disable_nagle_algorithm = True
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
        if fault in {Fault.LOST, Fault.SILENT}:
            self.close_connection = True
            self.keep_waiting(fault)
            return
        self.send_response_only(answer.status)
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(content))
        for name, value in answer.headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if fault in {Fault.TRUNCATED, Fault.STALLED} and len(content) > 1:
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            self.keep_waiting(fault)
        elif fault is Fault.SLOW:
            for first in range(0, len(content), piece := -(-len(content) // PIECES) or 1):
                time.sleep(MOMENT)
                self.wfile.write(content[first : first + piece])
        else:
            self.wfile.write(content)

    def keep_waiting(self, fault: Fault) -> None:
        """Until who asked has had enough, and closes the connection."""
        if fault in {Fault.SILENT, Fault.STALLED}:
            self.connection.recv(1)
