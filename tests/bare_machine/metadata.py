"""A program: IMDSv2 at 169.254.169.254 for every machine of a test's net; each is known by the address it asks from.

Its argument is a folder with one JSON document a machine, named by its address: a map from paths to texts.  Without a
token, or with another's, it answers 401, as a machine with `HttpTokens=required` finds it.
"""

import http.server
import json
import secrets
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
TOKENS: dict[str, str] = {}


class Metadata(http.server.BaseHTTPRequestHandler):
    """One request."""

    def do_PUT(self) -> None:
        if not self.path.endswith("/api/token") or not self.headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
            self._answer(400)
            return
        token = TOKENS.setdefault(self.client_address[0], secrets.token_urlsafe(32))
        self._answer(200, token)

    def do_GET(self) -> None:
        address = self.client_address[0]
        if address not in TOKENS or self.headers.get("X-aws-ec2-metadata-token") != TOKENS[address]:
            self._answer(401)
            return
        tree: dict[str, str] = json.loads((FOLDER / f"{address}.json").read_text())
        # the first part is a version such as `latest`
        path = self.path.lstrip("/").partition("/")[2].rstrip("/")
        if path in tree:
            self._answer(200, tree[path])
            return
        inside = f"{path}/" if path else ""
        below = [name.removeprefix(inside) for name in tree if name.startswith(inside)]
        names = {name.partition("/")[0] + ("/" if "/" in name else "") for name in below}
        self._answer(200 if names else 404, "\n".join(sorted(names)))

    def _answer(self, status: int, text: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("169.254.169.254", 80), Metadata).serve_forever()
