"""Ad-hoc workers: machines that people ask for to develop on.  They execute no attempt, and end by their deadline."""

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jupyter_schedule.core.costs import billed, price_of
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import MACHINE_AD_HOC_STATUSES, AdHocStatus, AdHocWorker, utc

#: hours that one lives at most, and after which an extended one ends at the latest
MOST_HOURS = 24
#: OpenSSH's kinds of public keys: https://man.openbsd.org/sshd#AUTHORIZED_KEYS_FILE_FORMAT
_KINDS = frozenset(
    {
        *("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
        *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
    }
)
#: characters of a key; RSA's with 16,384 bits has 2,800
_LONGEST_KEY = 4000


def at_work(workers: Iterable[AdHocWorker]) -> Mapping[str, int]:
    """By launcher, how many of these have a machine, or are about to."""
    return Counter(worker.launcher for worker in workers if worker.status in MACHINE_AD_HOC_STATUSES)


def ended(worker: AdHocWorker, status: AdHocStatus, message: str, at: datetime) -> AdHocWorker:
    """The worker when it is over, with what its machine cost up to `at`, if it had one."""
    told: dict[str, Any] = {"status": status, "message": message, "ended_at": utc(at)}
    if worker.instance is not None and worker.launched_at is not None:
        seconds = billed((at - worker.launched_at).total_seconds())
        told["machine_seconds"] = seconds
        told["cost"] = None if worker.hourly is None else price_of(seconds, worker.hourly)
    return worker.model_copy(update=told)


def public_key(text: str) -> str:
    """An OpenSSH public key without its comment.  Raises Refused `bad_key`; a private key is never repeated."""
    kind, _, rest = text.strip().partition(" ")
    body = rest.strip().partition(" ")[0]
    if "PRIVATE KEY" in text:
        raise _bad_key("That is a private key, which stays with you: give the file beside it that ends in .pub.")
    if "\n" in text.strip() or len(text) > _LONGEST_KEY or kind not in _KINDS or not _is_body(kind, body):
        raise _bad_key("That isn't an OpenSSH public key: give a file such as ~/.ssh/id_ed25519.pub.")
    return f"{kind} {body}"


def _is_body(kind: str, body: str) -> bool:
    """A key's body begins with the length and the name of its kind: RFC 4253, section 6.6."""
    try:
        content = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return False
    named = len(kind).to_bytes(4) + kind.encode()
    return content.startswith(named) and len(content) > len(named)


def _bad_key(message: str) -> Refused:
    return Refused("bad_key", message, "ssh_key")
