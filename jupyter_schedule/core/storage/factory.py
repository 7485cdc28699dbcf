"""Where files live: one contract, kept by folders (`file://`) and by S3 (`s3://bucket/prefix`).

It travels to the worker: standard library only, and boto3 where an address names S3.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from jupyter_schedule.core.storage.base import (
    NoSuchObject,
    ObjectChanged,
    ObjectExists,
    Objects,
    ObjectsAway,
    ObjectsUnusable,
    Stored,
    digest,
    file_digest,
    kind_of,
)
from jupyter_schedule.core.storage.local import FolderObjects
from jupyter_schedule.core.storage.s3 import S3Objects
from jupyter_schedule.core.storage.s3_address import S3Address

__all__ = [
    "FolderObjects",
    "NoSuchObject",
    "ObjectChanged",
    "ObjectExists",
    "Objects",
    "ObjectsAway",
    "ObjectsUnusable",
    "S3Address",
    "S3Objects",
    "Stored",
    "digest",
    "file_digest",
    "kind_of",
    "open_objects",
]


def open_objects(address: str) -> Objects:
    """The object store at `file:///var/lib/results` or `s3://bucket/prefix`; nothing is asked of it yet.

    Raises ValueError, in a sentence, for an address that names none.
    """
    parts = urlsplit(address)
    if parts.scheme == "s3":
        return S3Objects(S3Address.parse(address))
    if parts.scheme != "file":
        raise ValueError(
            f"no object store speaks {parts.scheme or address!r}; use an address such as file:///a/folder or s3://bucket"
        )
    return FolderObjects(Path(unquote(parts.path)))
