"""A role for data, which user code has while the machine's own is closed to it.

The agent assumes it and hands its credentials out on an address of this machine, which Amazon's libraries know for
containers: they ask again whenever those credentials near their end.
Source: "Container credential provider" in the AWS SDKs and Tools reference guide.
"""

import json
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jupyter_schedule.core.errors import Refused

#: credentials that end sooner aren't handed out any more
RENEWED_BEFORE = timedelta(minutes=10)
PATH = "/data-role"


class CredentialsServer:
    """One role for one run; listens until the agent ends."""

    def __init__(self, arn: str, assume: Callable[[], dict[str, Any]], now: Callable[[], datetime]) -> None:
        """assume: what STS's AssumeRole answers as `Credentials`, or OSError with its word for why not.

        Raises Refused when the role can't be assumed.
        """
        self._arn = arn
        self._assume = assume
        self._now = now
        self._token = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        try:
            self._credentials = assume()
        except OSError as problem:
            sentence = f"The data role can't be assumed ({problem}): the operator has to see whether workers may."
            raise Refused("environment", sentence) from None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True, name="data-role").start()

    def environment(self) -> dict[str, str]:
        """By which Amazon's libraries find it."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._server.server_port}{PATH}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self._token,
        }

    def answer(self, path: str, token: str) -> bytes | None:
        """The credentials as a container has them; None for who doesn't have the token."""
        if path != PATH or not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        with self._lock:
            if self._credentials["Expiration"] - self._now() < RENEWED_BEFORE:
                self._credentials = self._assume()
            made = self._credentials
        return json.dumps(
            {
                "RoleArn": self._arn,
                "AccessKeyId": made["AccessKeyId"],
                "SecretAccessKey": made["SecretAccessKey"],
                "Token": made["SessionToken"],
                "Expiration": made["Expiration"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        ).encode()


def _handler(role: CredentialsServer) -> type[BaseHTTPRequestHandler]:
    class CredentialsHandler(BaseHTTPRequestHandler):
        """One request."""

        def do_GET(self) -> None:
            try:
                body = role.answer(self.path, self.headers.get("Authorization", ""))
            except OSError:
                self.send_error(503)
                return
            if body is None:
                self.send_error(403)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return CredentialsHandler
