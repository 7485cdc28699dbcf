"""Rights follow effects: the right that a request needs beside the one that its method asks for.

Whoever records, changes or starts a schedule has code run, as whoever starts a kernel or a terminal does; so each of
these needs `execute` on the resource `schedules`.  What isn't known to run nothing needs it.
"""

import re

#: requests that change something, or keep it, and have nothing run
_RUN_NOTHING = (
    ("POST", "preview"),
    ("PUT", "bundles(/[^/]+)?"),
    ("DELETE", "schedules/[^/]+"),
    ("POST", "schedules/[^/]+/pause"),
    ("DELETE", "schedules/[^/]+/backfill"),
    ("POST", "runs/[^/]+/cancel"),
    ("POST", "runs/[^/]+/approve"),
    ("POST", "ad-hoc-workers/[^/]+/stop"),
)
#: requests that may take seconds, since they read files and notebooks
_SLOW = (
    ("POST", "preview"),
    ("POST", "schedules"),
    ("PATCH", "schedules/[^/]+"),
    ("GET", "schedules/[^/]+/difference.*"),
)


#: of them those that an operator may ask for about what is another's: they keep it from running, or remove it
_END_OR_REMOVE = (
    ("DELETE", "schedules/[^/]+"),
    ("POST", "schedules/[^/]+/pause"),
    ("DELETE", "schedules/[^/]+/backfill"),
    ("POST", "runs/[^/]+/cancel"),
    ("POST", "ad-hoc-workers/[^/]+/stop"),
)


def changes_nothing(method: str) -> bool:
    """True of a request that only looks."""
    return method in {"GET", "HEAD", "OPTIONS"}


def ends_or_removes(method: str, path: str) -> bool:
    """True of a request that keeps something from running, or removes it.  path: below the prefix."""
    return _is_among(_END_OR_REMOVE, method, path)


def needs_execute(method: str, path: str) -> bool:
    """True when code can run by the request.  path: below the prefix."""
    return not changes_nothing(method) and not _is_among(_RUN_NOTHING, method, path)


def is_slow(method: str, path: str) -> bool:
    """True when a request may take as long as the files that it names are large."""
    return _is_among(_SLOW, method, path)


def _is_among(patterns: tuple[tuple[str, str], ...], method: str, path: str) -> bool:
    return any(method == verb and re.fullmatch(pattern, path.rstrip("/")) for verb, pattern in patterns)
