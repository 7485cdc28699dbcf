"""Text that looks like a key: a handful of patterns precise enough to stop a publication."""

import hashlib
import json
import re
from collections.abc import Iterator

_FIXED = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{34,}",
    "an OpenAI or Anthropic key": r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}",
    "a password in an address": r"\b[a-z][a-z0-9+]{1,20}://[^\s:/@\"'{}$<>]{1,80}:[^\s:/@\"'{}$<>]{3,80}@",
}
_PATTERNS = {what: re.compile(pattern) for what, pattern in _FIXED.items()}
_ASSIGNED = re.compile(
    r"(?:password|passwd|pwd|secret|token|api_?key|access_?key)[\"']?\]?\s*(?:=|:)\s*[rbu]?([\"'])([^\"'\s]{6,200})\1",
    re.IGNORECASE,
)
#: what people write in place of a secret
_PLACEHOLDER = re.compile(r"[<{$%*]|x{4}|\.\.\.|your|change|example|dummy|secret$|password$|token$", re.IGNORECASE)


def find_keys(text: str) -> Iterator[tuple[str, int]]:
    """The keys that `text` seems to hold, each kind once with the 1-based line where it first stands, never the key."""
    for what, pattern in _PATTERNS.items():
        match = pattern.search(text)
        if match:
            yield what, text.count("\n", 0, match.start()) + 1
    for match in _ASSIGNED.finditer(text):
        if not _PLACEHOLDER.search(match[2]):
            yield "a password or token", text.count("\n", 0, match.start()) + 1
            return


def digest_patterns() -> str:
    """The sha256 of all that `find_keys` looks for: a verdict holds for as long as it is the same."""
    every = [*sorted(_PATTERNS.items()), ("assigned", _ASSIGNED), ("placeholder", _PLACEHOLDER)]
    told = [(what, pattern.pattern, int(pattern.flags)) for what, pattern in every]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
