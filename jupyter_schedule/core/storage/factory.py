"""The storage at an address: one contract, kept by folders (`file://`) and by S3 (`s3://bucket/prefix`).

It travels to the worker: standard library only, and boto3 where an address names S3.
"""

import contextlib

from jupyter_schedule.core.storage.addresses import FolderAddress, S3Address, parse_address
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
)
from jupyter_schedule.core.storage.local import LocalStorage
from jupyter_schedule.core.storage.s3 import S3Storage

__all__ = [
    "FolderAddress",
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
    "open_storage",
    "open_work",
    "parse_address",
]


def open_storage(address: str) -> ObjectStorage:
    """The object store at `file:///var/lib/results` or `s3://bucket/prefix`; nothing is asked of it yet.

    Raises ValueError, in a sentence, for an address that names none.
    """
    parsed = parse_address(address)
    return S3Storage(parsed) if isinstance(parsed, S3Address) else LocalStorage(parsed.folder, parsed.public)


def open_work(address: str) -> ObjectStorage:
    """The work area at an address, whose folder is its account's alone.  Raises ValueError as `open_storage` does."""
    opened = open_storage(address)
    if isinstance(opened, LocalStorage):
        with contextlib.suppress(OSError):  # whoever asks of it next says what is wrong with the folder
            opened.keep_private()
    return opened
