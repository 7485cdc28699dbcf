"""Where files and publications go when not to folders, as an operator set it for every door and the service.

The settings are `service.toml` in the folder with the ledger.  Without `[areas]` in it everything is in folders.
"""

import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Visibility
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectStorage, S3Address, open_storage

#: the settings, in the folder with the ledger
SETTINGS = "service.toml"
#: the folder under the root that a person's publications go to
PUBLISHED = "published"


class StorageConfig(BaseModel):
    """Addresses as `file:///a/folder` or `s3://bucket/prefix`; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the work area: bundles, and what workers write
    work: str | None = None
    #: publications that not everybody can read
    private: str | None = None
    #: publications that everybody can read; without it nothing can be public
    public: str | None = None
    #: the address of the public area for everybody, such as `https://results.example.org/`
    public_base: str | None = None
    #: of the buckets, where it isn't the one of the machine's own settings
    region: str | None = None
    #: of a server that speaks as S3 does; none is Amazon's
    endpoint: str | None = None
    #: files that one run may publish: each costs requests
    most_files: int = Field(default=10_000, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Each address gets what is said once for all."""
        if not isinstance(given, dict):
            return given
        common = {name: given.get(name) for name in ("region", "endpoint")}
        whole = dict(given)
        for name in ("work", "private", "public"):
            address = given.get(name)
            if isinstance(address, str):
                public = {"public": given.get("public_base")} if name == "public" else {}
                whole[name] = _completed(address, common | public)
        return whole

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.public is None:
            if self.public_base is not None:
                raise ValueError("public_base is the address of a public area: set public too")
            return self
        if not self.public.startswith("s3:"):
            raise ValueError("public must be an address such as s3://bucket/prefix")
        if S3Address.parse(self.public).public is None:
            raise ValueError("a public area needs public_base, the address at which everybody reads it")
        for name in ("work", "private"):
            other = getattr(self, name)
            if other is not None and _overlap(self.public, other):
                raise ValueError(f"public and {name} must be apart: what is in one would be in the other")
        return self

    @property
    def can_be_public(self) -> bool:
        """Whether an operator has set up a public area."""
        return self.public is not None

    def base(self, visibility: Visibility, root: Path | None, otherwise: str) -> str:
        """Where publications with that visibility go; without a setting, to a folder under `root`, or `otherwise`."""
        if visibility == Visibility.PUBLIC and self.public is not None:
            return self.public
        if self.private is not None:
            return self.private
        return LocalStorage(root).url(PUBLISHED) if root is not None else otherwise

    def all_of(self, base: str) -> list[ObjectStorage]:
        """The areas in which something of one name may stand; `base` is where it stands without a setting."""
        return [open_storage(address) for address in (self.private or base, self.public) if address is not None]


#: without settings
FOLDERS = StorageConfig()


def areas_in(folder: Path) -> StorageConfig:
    """What the settings in that folder say.  Raises Refused, in a sentence, when they can't be used."""
    path = folder / SETTINGS
    if not path.exists():
        return FOLDERS
    try:
        return StorageConfig.model_validate(read_settings(path).get("areas", {}))
    except ValidationError as problem:
        raise wrong_settings(path, problem, "areas.") from None


def store_in(folder: Path) -> str | None:
    """The address of a ledger that many share, if the settings in that folder name one.  Raises Refused."""
    path = folder / SETTINGS
    named = read_settings(path).get("store") if path.exists() else None
    return None if named is None else str(named)


def read_settings(path: Path) -> dict[str, Any]:
    """The TOML in a file.  Raises Refused `settings_unreadable`, `settings_malformed`."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as problem:
        raise Refused("settings_unreadable", f"{path} can't be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Refused("settings_malformed", f"{path} isn't TOML: {problem}.") from None


def wrong_settings(path: Path, problem: ValidationError, within: str = "") -> Refused:
    """A sentence for each thing that is wrong; what was written there isn't repeated, as it may be a password."""
    errors = problem.errors(include_input=False, include_url=False)
    wrong = (f"{(within + '.'.join(map(str, error['loc']))).rstrip('.')}: {_wrong(error)}" for error in errors)
    return Refused("settings_wrong", f"{path}: {'; '.join(wrong)}.")


def _wrong(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    return error["msg"].removeprefix("Value error, ")


def _completed(address: str, common: dict[str, str | None]) -> str:
    if not address.startswith("s3:"):
        open_storage(address)
        return address
    parsed = S3Address.parse(address)
    own = {name: value for name in common if (value := getattr(parsed, name)) is not None}
    made = S3Address(**{"bucket": parsed.bucket, "prefix": parsed.prefix} | common | own)
    # checked as a whole, since what is said once for all may be wrong too
    return str(S3Address.parse(str(made)))


def _overlap(one: str, other: str) -> bool:
    if not other.startswith("s3:"):
        return False
    first, second = S3Address.parse(one), S3Address.parse(other)
    same = (first.bucket, first.endpoint) == (second.bucket, second.endpoint)
    return same and (first.prefix.startswith(second.prefix) or second.prefix.startswith(first.prefix))
