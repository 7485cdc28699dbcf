"""The account that recorded a version of a schedule, proven by a key that only this account has.

Who has the credentials of a ledger that many share can write any row there, under any name.  What a service does on its
own machine, it does with all the rights of its account; so there it believes nothing but a seal: a code over the whole
version, made with the key in the folder of whoever recorded it.  HMAC with SHA-256: RFC 2104.
"""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Seal, Spec, Visibility

#: the key, in the folder that is its account's alone
KEY_FILE = "account.key"
_KEY_BYTES = 32


@dataclass(frozen=True)
class AccountKey:
    """The key of an account.  Its `name` may be told to everybody, and says nothing of the key."""

    secret: bytes = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The key in that folder, made when there is none.  Raises Refused `account_key` when it isn't ours alone."""
        path = folder / KEY_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                _make(path)
            with path.open("rb") as file:
                about = os.fstat(file.fileno())
                secret = file.read()
        except OSError as problem:
            raise Refused("account_key", f"{path} can't be used: {problem.strerror}.") from None
        if about.st_uid != os.geteuid() or about.st_mode & 0o077:
            raise Refused("account_key", f"{path} must be yours, and read by nobody else: `chmod 600` makes it so.")
        if len(secret) != _KEY_BYTES:
            raise Refused("account_key", f"{path} isn't a key of ours: put its copy back, or remove it to get another.")
        return cls(secret)

    @property
    def name(self) -> str:
        """The name of the account: the same wherever its key is."""
        return self._code(b"name")[:16]

    def seal(self, schedule_id: str, spec: Spec) -> Spec:
        """The spec as this account records it for that schedule."""
        return spec.model_copy(update={"seal": Seal(account=self.name, code=self._code(_text(schedule_id, spec)))})

    def has_sealed(self, schedule_id: str, spec: Spec) -> bool:
        """True if this account recorded that spec for that schedule, and nothing of it was changed since."""
        code = self._code(_text(schedule_id, spec))
        return spec.seal is not None and hmac.compare_digest(code.encode(), spec.seal.code.encode())

    def sign(self, document: Mapping[str, Any]) -> str:
        """The code over a JSON object."""
        return self._code(b"document" + json.dumps(document, sort_keys=True).encode())

    def has_signed(self, document: Mapping[str, Any], code: object) -> bool:
        """True if that is this account's code over the object."""
        return isinstance(code, str) and hmac.compare_digest(self.sign(document).encode(), code.encode())

    def _code(self, text: bytes) -> str:
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()


def account_of(paths: DataPaths) -> AccountKey | None:
    """The account's key where many share the ledger; None of a ledger that is one person's.  Raises Refused."""
    return AccountKey.open(paths.folder) if paths.shared_store is not None else None


def is_foreign_folder(account: AccountKey | None, schedule_id: str, spec: Spec) -> bool:
    """True if results of that version are in a folder, and not as this account recorded it: it leaves that alone."""
    in_folder = spec.visibility != Visibility.NONE and spec.publication_base.startswith("file:")
    return account is not None and in_folder and not account.has_sealed(schedule_id, spec)


def _text(schedule_id: str, spec: Spec) -> bytes:
    """The spec as it is sealed.  What is as by default is left out, so that a new setting breaks no older seal."""
    document = json.loads(spec.model_dump_json(exclude={"seal"}, exclude_defaults=True))
    return b"spec" + json.dumps([schedule_id, document], sort_keys=True).encode()


def _make(path: Path) -> None:
    """Make the key: whole or not at all, and one if several make it at once."""
    handle, name = tempfile.mkstemp(prefix=f".{KEY_FILE}-", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            return
    finally:
        made.unlink()
