"""The file of tokens by which people are known where there is no Hub.

A token is 32 random bytes, which nobody guesses: so of each the file has no more than its plain SHA-256, from which
nobody gets it back.  It is shown once, to the operator who makes it.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from jupyter_schedule.core import clock
from jupyter_schedule.core.config import check_owner
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import UtcTime, utc
from jupyter_schedule.shared_server.identity import Identity, Person, Role, identity_away

#: in the folder with the ledger
TOKENS = "tokens.json"
TOKEN_BYTES = 32


class TokenRecord(BaseModel):
    """The record of a token, which isn't the token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: Role
    sha256: str
    made_at: UtcTime
    #: from then on it is nobody's; None never
    expires_at: UtcTime | None = None


_RECORDS = TypeAdapter(tuple[TokenRecord, ...])


class TokenFile:
    """The tokens of a folder, its account's alone."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / TOKENS

    def read(self) -> tuple[TokenRecord, ...]:
        """All tokens, in the order in which they were made.

        Raises Refused `tokens_unusable` when the file can't be read, isn't as we wrote it, or others can read it.
        """
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
                content = file.read()
        except FileNotFoundError:
            return ()
        except OSError as problem:
            raise _unusable(self.path, f"can't be read: {problem.strerror}") from None
        if about.st_uid != os.geteuid() or about.st_mode & 0o077:
            raise _unusable(self.path, "must be yours, and read by nobody else: `chmod 600` makes it so")
        try:
            return _RECORDS.validate_json(content)
        except ValidationError:
            raise _unusable(
                self.path, "isn't a file of tokens: put its copy back, or remove it and make new ones"
            ) from (None)

    def add(self, name: str, role: Role, now: datetime, days: int | None = None) -> str:
        """A new token of that person, which nobody can be told again.  days: until it is nobody's any more.

        Raises Refused `bad_owner` for a name that nobody can have.
        """
        try:
            check_owner(name)
        except ValueError as problem:
            raise Refused("bad_owner", f"That can't be a person's name: {problem}.", "name") from None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires = None if days is None else utc(now + timedelta(days=days))
        made = TokenRecord(name=name, role=role, sha256=_digest(token), made_at=utc(now), expires_at=expires)
        with self._locked():
            self._write((*self.read(), made))
        return token

    def revoke(self, name: str) -> int:
        """Make all tokens of that person nobody's; how many there were."""
        with self._locked():
            known = self.read()
            left = tuple(each for each in known if each.name != name)
            if len(left) < len(known):
                self._write(left)
        return len(known) - len(left)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, records: tuple[TokenRecord, ...]) -> None:
        """Replace the file: whole or not at all, and read by nobody else at any moment."""
        handle, name = tempfile.mkstemp(prefix=f".{TOKENS}-", dir=self.path.parent)
        made = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_RECORDS.dump_json(records, indent=1))
                file.flush()
                os.fsync(file.fileno())
            made.replace(self.path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


class TokenIdentity(Identity):
    """Knows people by their tokens; a token that is made or revoked counts from the next request on."""

    def __init__(self, file: TokenFile, now: Callable[[], datetime] = clock.now) -> None:
        self._file = file
        self._now = now

    async def find_person(self, token: str, *, anew: bool) -> Person | None:
        del anew  # the file is read at each request
        try:
            records = self._file.read()
        except Refused as problem:
            raise identity_away("The file with the tokens", f"can't be used ({problem.message.rstrip('.')})") from None
        given, found = _digest(token), None
        for record in records:  # all of them: how long it takes says nothing of which
            if hmac.compare_digest(record.sha256, given):
                found = record
        if found is None or (found.expires_at is not None and found.expires_at <= self._now()):
            return None
        return Person(found.name, found.role)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def _unusable(path: Path, why: str) -> Refused:
    return Refused("tokens_unusable", f"{path} {why}.")
