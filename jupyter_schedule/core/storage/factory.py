"""The storage at an address: one contract, kept by folders (`file://`) and by S3 (`s3://bucket/prefix`).

It travels to the worker: standard library only, and boto3 where an address names S3.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from jupyter_schedule.core.storage.base import (
    NoSuchObject,
    ObjectChanged,
    ObjectExists,
    ObjectStorage,
    StorageAway,
    StorageUnusable,
    StoredObject,
    digest,
    file_digest,
    kind_of,
)
from jupyter_schedule.core.storage.local import LocalStorage
from jupyter_schedule.core.storage.s3 import S3Storage
from jupyter_schedule.core.storage.s3_address import S3Address

__all__ = [
    "LocalStorage",
    "NoSuchObject",
    "ObjectChanged",
    "ObjectExists",
    "ObjectStorage",
    "S3Address",
    "S3Storage",
    "StorageAway",
    "StorageUnusable",
    "StoredObject",
    "digest",
    "file_digest",
    "kind_of",
    "open_storage",
]


def open_storage(address: str) -> ObjectStorage:
    """The object store at `file:///var/lib/results` or `s3://bucket/prefix`; nothing is asked of it yet.

    Raises ValueError, in a sentence, for an address that names none.
    """
    parts = urlsplit(address)
    if parts.scheme == "s3":
        return S3Storage(S3Address.parse(address))
    if parts.scheme != "file":
        raise ValueError(
            f"no object store speaks {parts.scheme or address!r}; use an address such as file:///a/folder or s3://bucket"
        )
    return LocalStorage(Path(unquote(parts.path)))
