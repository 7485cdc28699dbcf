"""The addresses of storages, which are parsed and spelt without opening one: `file:///a/folder`, `s3://bucket/prefix`.

An address is whole, wherever it travels to.  In one of S3 `?region=`, `?endpoint=` (for servers other than Amazon's)
and `?public=` (the base of the addresses that everybody can read) follow the prefix; in one of a folder that a web
server shows, `?public=` follows.  Credentials never do:
they come from where they always do on the machine that needs them.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_WORDS = ("region", "endpoint", "public")


@dataclass(frozen=True)
class FolderAddress:
    """A folder on this machine."""

    folder: Path
    #: ends in `/`; where a web server shows the folder to everybody
    public: str | None = None

    @classmethod
    def parse(cls, address: str) -> Self:
        """Raises ValueError, in a sentence."""
        parts = urlsplit(address)
        if not parts.path.startswith("/") or parts.netloc not in {"", "localhost"}:
            raise ValueError("the address of a folder is its whole path, such as file:///a/folder")
        public = dict(parse_qsl(parts.query)).get("public")
        if public is not None and not _is_web(public):
            raise ValueError("public must be an address that starts with https:// or http://, without a password")
        return cls(Path(unquote(parts.path)), None if public is None else f"{public.rstrip('/')}/")

    def __str__(self) -> str:
        told = "" if self.public is None else f"?{urlencode({'public': self.public})}"
        return f"file://{quote(str(self.folder.absolute()))}{told}"

    def url(self, key: str) -> str:
        """The address of an object, or of all that a prefix ending in `/` holds: everybody's, where there is one."""
        if self.public is not None:
            return self.public + quote(key)
        return f"file://{quote(str(self.folder.absolute()))}/{quote(key)}"


@dataclass(frozen=True)
class S3Address:
    """A part of a bucket; `prefix` is empty or ends in `/`."""

    bucket: str
    prefix: str = ""
    region: str | None = None
    endpoint: str | None = None
    #: ends in `/`; stands for the prefix
    public: str | None = None

    @classmethod
    def parse(cls, address: str) -> Self:
        """Raises ValueError, in a sentence that doesn't repeat what may be a secret."""
        parts = urlsplit(address)
        if "@" in parts.netloc:
            raise ValueError("an address of S3 holds no credentials; give them to the account that runs the service")
        if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc):
            raise ValueError(f"{parts.netloc!r} isn't the name of a bucket; use an address such as s3://bucket/prefix")
        prefix = unquote(parts.path).strip("/")
        if any(part in {"", ".", ".."} for part in prefix.split("/") if prefix):
            raise ValueError(f"{prefix!r} isn't a prefix; use an address such as s3://bucket/prefix")
        words = dict(parse_qsl(parts.query))
        if unknown := set(words) - set(_WORDS):
            raise ValueError(f"an address of S3 can end in {', '.join(_WORDS)}, not in {', '.join(sorted(unknown))}")
        for name in ("endpoint", "public"):
            if name in words and not _is_web(words[name]):
                raise ValueError(f"{name} must be an address that starts with https:// or http://, without a password")
        public = words.get("public")
        return cls(
            bucket=parts.netloc,
            prefix=f"{prefix}/" if prefix else "",
            region=words.get("region"),
            endpoint=words.get("endpoint"),
            public=f"{public.rstrip('/')}/" if public else None,
        )

    def __str__(self) -> str:
        words = {name: value for name in _WORDS if (value := getattr(self, name)) is not None}
        return self.plain + (f"?{urlencode(words)}" if words else "")

    def url(self, key: str) -> str:
        """The address of an object, or of all that a prefix ending in `/` holds: everybody's, where there is one."""
        if self.public is not None:
            return self.public + quote(key)
        return f"s3://{self.bucket}/{quote(self.prefix + key)}"

    @property
    def plain(self) -> str:
        """The address as people know it, without what follows the `?`."""
        return f"s3://{self.bucket}/{quote(self.prefix)}".rstrip("/")


def parse_address(address: str) -> FolderAddress | S3Address:
    """The value of `file:///var/lib/results` or `s3://bucket/prefix`.  Raises ValueError, in a sentence, for others."""
    parts = urlsplit(address)
    if parts.scheme == "s3":
        return S3Address.parse(address)
    if parts.scheme != "file":
        raise ValueError(
            f"no object store speaks {parts.scheme or address!r}; use an address such as file:///a/folder or s3://bucket"
        )
    return FolderAddress.parse(address)


def _is_web(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
