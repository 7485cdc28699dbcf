"""Signed paths: the right to read one run's files, or one publication's, for ten minutes, in the path itself.

A page that a run wrote has an origin of its own, from which a browser sends no cookie.  Below a signed path it needs
none: its pictures, scripts and downloads are found beside it, and nothing else of the server's is.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from jupyter_schedule.core import clock

#: seconds for which a signed path opens
OPEN_FOR = 600
#: what pages below a signed path may do: run their scripts, save files, open tabs; never ask any server, and never with
#: `allow-same-origin`, by which they would have Jupyter's origin and all its rights
POLICY = "sandbox allow-scripts allow-downloads allow-popups; connect-src 'none'"
_TICKET = re.compile(r"([0-9]{1,12})-([\w-]{43})", re.ASCII)


class SignedPaths:
    """The signed paths of one server, which opens none of those that it signed before it was started."""

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self._key = secrets.token_bytes(32)
        self._now = now

    def sign(self, kind: str, name: str, path: str) -> str:
        """The path of a file, below the API's: of a run (`runs`, its id) or of a publication (`publications`)."""
        expires = str(int(self._now().timestamp()) + OPEN_FOR)
        return f"opened/{expires}-{self._signature(expires, kind, name)}/{kind}/{quote(name, safe='')}/{quote(path)}"

    def opens(self, ticket: str, kind: str, name: str) -> bool:
        """True while `ticket` opens the files of that run or publication."""
        found = _TICKET.fullmatch(ticket)
        if found is None:
            return False
        expires, signature = found.groups()
        known = self._signature(expires, kind, name)
        return hmac.compare_digest(signature, known) and self._now().timestamp() < int(expires)

    def _signature(self, *parts: str) -> str:
        text = "\n".join(map(quote, parts)).encode()
        return urlsafe_b64encode(hmac.digest(self._key, text, "sha256")).decode().rstrip("=")
