"""Ad-hoc workers: machines that people ask for to develop on.  They execute no attempt, and end by their deadline."""

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from jupyter_schedule.core.costs import billed, price_of
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Model, UtcTime, utc

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


class AdHocStatus(StrEnum):
    """Where an ad-hoc worker is.  Operations insert `asked`; only the service moves it on."""

    ASKED = "asked"
    LAUNCHING = "launching"
    READY = "ready"
    #: somebody asked for its end
    STOPPED = "stopped"
    #: its time was over, or it was ended from elsewhere
    ENDED = "ended"
    #: there never was one to work on
    FAILED = "failed"

    @property
    def live(self) -> bool:
        """Whether there may be a machine."""
        return self in LIVE


LIVE = (AdHocStatus.ASKED, AdHocStatus.LAUNCHING, AdHocStatus.READY)


class AdHocWorker(Model):
    """A machine for developing: who asked for it, where it is, and until when."""

    id: str
    owner: str
    launcher: str
    size: str
    #: for people, such as `2 cores, 8 GB`
    hardware: str = ""
    #: dollars for an hour of it; before its launch the most that it can be, None where no price is known
    hourly: Decimal | None = None
    #: whom it lets in by SSH: a public key; None for nobody
    ssh_key: str | None = None
    status: AdHocStatus = AdHocStatus.ASKED
    #: one sentence for a person
    message: str | None = None
    created_at: UtcTime
    #: when it ends; an extension moves it
    deadline: UtcTime
    #: which of the ways to get a machine of its size is being tried, from 0
    turn: int = 0
    #: what is asked of the launcher, frozen before it is asked, and how the machine is reached
    parameters: dict[str, Any] | None = None
    #: the machine, as the launcher calls it; None until it answered
    instance: str | None = None
    address: str | None = None
    launched_at: UtcTime | None = None
    #: who asked for its end, None when nobody did
    stopped_by: str | None = None
    ended_at: UtcTime | None = None
    #: how long the machine lived, and the dollars that it cost
    machine_seconds: int | None = None
    cost: Decimal | None = None
    #: grows with every change: who changes what it read earlier changes nothing
    revision: int = 0

    @property
    def connect(self) -> tuple[str, ...]:
        """The commands that get into it, the shortest way first; empty while it can't be reached."""
        if self.status is not AdHocStatus.READY or self.parameters is None:
            return ()
        session = f"aws ssm start-session --region {self.parameters['region']} --target {self.instance}"
        if self.ssh_key is None or self.address is None:
            return (session,)
        return (f"ssh {self.parameters['login_user']}@{self.address}", session)


def at_work(workers: Iterable[AdHocWorker]) -> Mapping[str, int]:
    """By launcher, how many of these have a machine, or are about to."""
    return Counter(worker.launcher for worker in workers if worker.status in {AdHocStatus.LAUNCHING, AdHocStatus.READY})


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
