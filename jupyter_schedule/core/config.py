"""The part of an operator's settings that every client and the service read: the ledger, the storage, the channels.

The settings are `service.toml` in the folder with the ledger.  Without `[storage]` in it everything is in folders.
"""

import re
import tomllib
from collections.abc import Iterator, Set
from difflib import get_close_matches
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import LOCAL_OWNER, Visibility
from jupyter_schedule.core.storage.factory import FolderAddress, ObjectStorage, S3Address, open_storage, parse_address
from jupyter_schedule.core.text import listed, quoted

#: the settings, in the folder with the ledger
SETTINGS = "service.toml"
#: the folder under the root that a person's publications go to
PUBLISHED = "published"
#: the settings that the service alone reads
OF_THE_SERVICE = frozenset(
    {"folder", "max_running", "max_per_owner", "max_per_launcher", "limits", "smallest_cell", "retention"}
)
#: the group of entry points by which a package has launchers; each has a table of its name in the settings
LAUNCHERS = "jupyter_schedule.launchers"
#: what the ledger says of what the service did, and the characters of a name there
SERVICE, LONGEST_OWNER = "scheduler", 255
#: a setting that counts something: TOML tells a number from `true` and from "4", and databases take no larger one
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
#: bytes, or such as "4 GiB"; systems take no larger one
Bytes = Annotated[ByteSize, Field(le=2**50)]
#: what to write instead, by the kind of what is wrong
_INSTEAD = {
    "greater_than_equal": "write {ge} or more",
    "greater_than": "write more than {gt}",
    "less_than_equal": "write {le} or less",
    "less_than": "write less than {lt}",
    "finite_number": "write a finite number",
    "int_type": "write a whole number, without quotes",
    "int_parsing": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "float_parsing": "write a number, without quotes",
    "byte_size": 'write a number of bytes, or a size such as "4 GiB"',
    "byte_size_unit": 'write a number of bytes, or a size such as "4 GiB"',
    "bool_type": "write true or false, without quotes",
    "bool_parsing": "write true or false, without quotes",
    "string_type": "write a text in quotes",
    "string_pattern_mismatch": "write what matches {pattern}",
    "literal_error": "write {expected}",
    "path_type": "write a path in quotes",
    "dict_type": "write a table, names with a value each",
    "model_type": "write a table, names with a value each",
    "tuple_type": 'write a list, such as ["one"]',
    "list_type": 'write a list, such as ["one"]',
    "too_short": "name at least {min_length}",
    "missing": "this is needed, and isn't there: add it",
}
CHANNEL_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")


class StorageConfig(BaseModel):
    """The table `[storage]`: addresses as `/a/folder`, `file:///a/folder` or `s3://bucket/prefix`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the work area: bundles, and what workers write
    work: str | None = None
    #: publications that not everybody can read
    private: str | None = None
    #: publications that everybody can read, in a bucket or a folder that a web server shows; else nothing can be public
    public: str | None = None
    #: the address of the public area for everybody, such as `https://results.example.org/`
    public_base: str | None = None
    #: of the buckets, where it isn't the one of the machine's own settings
    region: str | None = None
    #: of a server that speaks as S3 does; none is Amazon's
    endpoint: str | None = None
    #: files that one run may publish: each costs requests
    most_files: Count = 10_000

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
        if parse_address(self.public).public is None:
            raise ValueError("a public area needs public_base, the address at which everybody reads it")
        for name in ("work", "private"):
            other = getattr(self, name)
            if other is not None and _overlap(self.public, other):
                raise ValueError(f"public and {name} must be apart: what is in one would be in the other")
        return self

    @property
    def can_be_public(self) -> bool:
        """True when an operator has set up a public area."""
        return self.public is not None

    def base(self, visibility: Visibility, root: Path | None, otherwise: str) -> str:
        """The place of publications with that visibility; without a setting a folder under `root`, or `otherwise`."""
        if visibility == Visibility.PUBLIC and self.public is not None:
            return self.public
        if self.private is not None:
            return self.private
        return FolderAddress(root).url(PUBLISHED) if root is not None else otherwise

    def all_of(self, base: str) -> list[ObjectStorage]:
        """The areas in which something of one name may stand; `base` is where it stands without a setting."""
        return [open_storage(address) for address in (self.private or base, self.public) if address is not None]


#: without settings
FOLDERS = StorageConfig()


class Channel(BaseModel):
    """The place of a channel's address, which may hold a password and so isn't in the settings themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the name of a variable in the service's environment
    variable: str | None = None
    #: a file with nothing else in it
    file: Path | None = None
    #: mail may go to another machine without encryption
    unencrypted: bool = False

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.variable is None) == (self.file is None):
            raise ValueError('name a variable or a file that holds the address, such as { variable = "WORD_TO_OPS" }')
        return self

    @property
    def place(self) -> str:
        """The words for where an operator mends it."""
        return f"the variable {self.variable}" if self.variable is not None else f"the file {self.file}"


def _check_names(channels: dict[str, Channel]) -> dict[str, Channel]:
    for name in channels:
        if not CHANNEL_NAME.fullmatch(name):
            raise ValueError(f"{quoted(name)} isn't a channel's name: use small letters, digits, - and _, such as ops")
    return channels


def check_owner(name: str) -> str:
    """The name of an owner.  Raises ValueError for one that stands for somebody else, or can't be written."""
    if name in {LOCAL_OWNER, SERVICE}:
        raise ValueError(f"{quoted(name)} stands for somebody else: choose a name of your own, such as ann")
    if not 0 < len(name) <= LONGEST_OWNER or name != name.strip() or not name.isprintable():
        raise ValueError(f"choose a name of 1 to {LONGEST_OWNER} characters, such as ann")
    return name


class IdentitySource(StrEnum):
    """Whoever says which person a token belongs to."""

    TOKENS = "tokens"
    JUPYTERHUB = "jupyterhub"


class ServerConfig(BaseModel):
    """The table `[server]`: many people share the ledger, and ask by way of one server that knows each of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: whoever says which person asks: a file of tokens, or the Hub
    identity: IdentitySource = IdentitySource.TOKENS
    #: runs may take place beside the service, under its account: everybody who may schedule trusts everybody else
    local_runs: bool = False
    #: the variables of the service's environment that runs may have
    variables: tuple[str, ...] = ()


class DeploymentConfig(BaseModel):
    """The settings that every door and the service share; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the ledger's address when it isn't a file in that folder: `postgresql://user@host/database`
    store: str | None = Field(default=None, repr=False)
    #: whose requests those are that come through this folder; a ledger that many share needs it
    owner: Annotated[str, AfterValidator(check_owner)] | None = None
    #: the server of many, where there is one
    server: ServerConfig | None = None
    #: where files and publications go when not to folders
    storage: StorageConfig = FOLDERS
    #: the channels that people can be notified by, under the names that owners pick
    notifications: Annotated[dict[str, Channel], AfterValidator(_check_names)] = Field(default_factory=dict)


def read_config(folder: Path) -> DeploymentConfig:
    """The shared part of the settings in that folder.  Raises Refused, in a sentence, when it can't be used."""
    path = folder / SETTINGS
    if not path.exists():
        return DeploymentConfig()
    given = read_settings(path)
    others = OF_THE_SERVICE
    if given.keys() - others - DeploymentConfig.model_fields.keys():
        others |= find_launchers().keys()
    try:
        config = DeploymentConfig.model_validate({name: given[name] for name in given if name not in others})
    except ValidationError as problem:
        raise wrong_settings(path, problem, DeploymentConfig, others) from None
    check_public_folder(config.storage, folder)
    return config


def find_launchers() -> dict[str, EntryPoint]:
    """The launchers of all installed packages by their names; of two with one name, the first that is found."""
    return {entry.name: entry for entry in reversed(tuple(entry_points(group=LAUNCHERS)))}


def check_public_folder(storage: StorageConfig, folder: Path) -> None:
    """Raise Refused `public_folder` when everybody would read the folder with the ledger, or a part of it."""
    if storage.public is not None and _overlap(storage.public, str(FolderAddress(folder))):
        message = f"Everybody can read storage.public, and {folder} has what nobody may: let public be another folder."
        raise Refused("public_folder", message)


def owner_of_requests(config: DeploymentConfig, paths: DataPaths) -> str:
    """The owner of requests that come through the folder: the one named there, else the person whose machine it is.

    Raises Refused `owner_needed` where many share the ledger and nobody is named: then all would be one and the same.
    Those who share it by way of a server are known to that server alone.
    """
    if config.owner is not None:
        return config.owner
    if config.server is not None:
        message = (
            f"Many share the ledger in {paths.folder} by way of a server: name it with --server, or in server_url."
        )
        raise Refused("owner_needed", message)
    if paths.shared_store is not None:
        where = paths.folder / SETTINGS
        message = f'Many share this ledger, and {where} doesn\'t say who asks: set owner there, such as owner = "ann".'
        raise Refused("owner_needed", message)
    return LOCAL_OWNER


def read_settings(path: Path) -> dict[str, Any]:
    """The TOML in a file.  Raises Refused `settings_unreadable`, `settings_malformed`."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as problem:
        raise Refused("settings_unreadable", f"{path} can't be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Refused("settings_malformed", f"{path} isn't TOML: {problem}.") from None


def wrong_settings(
    path: Path,
    problem: ValidationError,
    model: type[BaseModel],
    others: Set[str] = frozenset(),
    *,
    table: str | None = None,
) -> Refused:
    """A sentence for each thing that is wrong; what was written there isn't repeated, as it may be a password.

    others: settings beside those of `model`, which somebody else reads.  table: the one that `model` describes.
    """
    errors = problem.errors(include_input=False, include_url=False)
    places = (".".join(map(str, filter(None, (table, *e["loc"])))) for e in errors)
    each = zip(places, (_wrong(error, model, others) for error in errors), strict=True)
    wrong = (": ".join(filter(None, place_and_sentence)) for place_and_sentence in each)
    return Refused("settings_wrong", f"{path}: {'; '.join(wrong)}.")


def _wrong(error: ErrorDetails, model: type[BaseModel], others: Set[str]) -> str:
    if error["type"] in _INSTEAD:
        return _INSTEAD[error["type"]].format_map({name: _shown(bound) for name, bound in error.get("ctx", {}).items()})
    if error["type"] != "extra_forbidden":
        return error["msg"].removeprefix("Value error, ")
    *table, name = error["loc"]
    known = sorted(set(_names_in(model, table)) | (set() if table else others))
    near = get_close_matches(str(name), known, n=1)
    return f"there is no such setting, {f'the nearest is {near[0]}' if near else f'there are {listed(known)}'}"


def _shown(bound: Any) -> str:
    """A bound as people write it; only sizes have one of whole MiB."""
    if isinstance(bound, int) and bound and bound % 2**20 == 0:
        return ByteSize(bound).human_readable(separator=" ").replace(".0 ", " ")
    return f"{bound:,.15g}" if isinstance(bound, int | float) else str(bound)


def _names_in(model: type[BaseModel], table: list[int | str]) -> Iterator[str]:
    """The settings that a table has; names that an operator chose, such as a channel's, lead no deeper."""
    here = [model]
    for part in table:
        fields = [each.model_fields[str(part)] for each in here if part in each.model_fields]
        here = [inner for field in fields for inner in _models_in(field.annotation)] if fields else here
    for each in here:
        yield from each.model_fields


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _completed(address: str, common: dict[str, str | None]) -> str:
    if address.startswith("/"):
        address = FolderAddress(Path(address)).url("").removesuffix("/")
    parsed = parse_address(address)
    if isinstance(parsed, FolderAddress):
        public = parsed.public or common.get("public")
        made: FolderAddress | S3Address = FolderAddress(parsed.folder, public)
    else:
        own = {name: value for name in common if (value := getattr(parsed, name)) is not None}
        made = S3Address(**{"bucket": parsed.bucket, "prefix": parsed.prefix} | common | own)
    # checked as a whole, since what is said once for all may be wrong too
    return str(parse_address(str(made)))


def _overlap(one: str, other: str) -> bool:
    first, second = parse_address(one), parse_address(other)
    if isinstance(first, FolderAddress) and isinstance(second, FolderAddress):
        here, there = first.folder.resolve(), second.folder.resolve()
        return here.is_relative_to(there) or there.is_relative_to(here)
    if isinstance(first, FolderAddress) or isinstance(second, FolderAddress):
        return False
    same = (first.bucket, first.endpoint) == (second.bucket, second.endpoint)
    return same and (first.prefix.startswith(second.prefix) or second.prefix.startswith(first.prefix))
