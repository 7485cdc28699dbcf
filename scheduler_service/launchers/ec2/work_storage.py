"""The work storage as machines use it: where they find the agent, and what their attempt is told.

The agent is one archive of our modules that travel and of boto3, which is pure Python.  The same sources give the same
bytes, so an archive is stored once and named by its digest.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache, cached_property
from importlib.metadata import distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

from jupyter_schedule.core.object_keys import (
    ENVIRONMENTS,
    agent_key,
    beside_brief,
    brief_key,
    kept_environments,
    worker_prefix,
)
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import NoSuchObject, S3Storage, open_storage
from scheduler_service.launchers.ec2.uv_program import describe_uv
from scheduler_service.worker.task import ExpectedOutputs, PreviousFiles, WorkerTask
from scheduler_service.worker.workspace import select_previous


class WorkStorage:
    """A part of a bucket, which a machine's role may read."""

    def __init__(self, objects: S3Storage) -> None:
        self._objects = objects

    def configuration(self) -> dict[str, Any]:
        """Describe it to a machine; the agent's archive is there by then.  Raises OSError."""
        address = self._located.address
        return {"objects": str(address), "region": address.region, "base": self._base, **self._agent, **self._uv}

    def put_task(self, token: str, task: WorkerTask) -> None:
        """Store what an attempt's agent is told; beside it, what it reads of its publication, where it has no rights.

        Raises OSError.
        """
        told = replace(
            task,
            previous=None if task.previous is None else self._previous(token, task.previous),
            expect=None if task.expect is None else self._expected(token, task.expect),
        )
        self._objects.put(brief_key(token), json.dumps(told.document(), sort_keys=True).encode())

    def remove_task(self, token: str) -> None:
        """Remove all of that.  Raises OSError."""
        beside = [stored.key for stored in self._objects.list(beside_brief(token))]
        self._objects.for_each([*beside, brief_key(token)], self._objects.delete)

    def keep_environments(self, worker: str, token: str, share: str) -> None:
        """Keep the environments that a machine made, for further runs of those who share them alone.

        A worker can't write there itself: what it made is used by no code of others.  Raises OSError.
        """
        made = worker_prefix(worker, token) + ENVIRONMENTS
        for stored in list(self._objects.list(made)):
            name = stored.key.removeprefix(made)
            with suppress(NoSuchObject):
                self._objects.copy_from(self._objects, stored.key, kept_environments(share) + name)
            self._objects.delete(stored.key)

    def _previous(self, token: str, previous: PreviousFiles) -> PreviousFiles:
        publication, place = open_storage(previous.objects), f"{beside_brief(token)}previous/"
        paths = select_previous(publication, previous)

        def copy(path: str) -> None:
            with suppress(NoSuchObject):
                self._objects.copy_from(publication, previous.prefix + path, place + path)

        self._objects.for_each(paths, copy)
        return replace(previous, objects=self.configuration()["objects"], prefix=place, paths=paths)

    def _expected(self, token: str, expect: ExpectedOutputs) -> ExpectedOutputs:
        if expect.objects is None:
            return expect
        index = f"{beside_brief(token)}data.json"
        try:
            self._objects.copy_from(open_storage(expect.objects), expect.index, index)
        except NoSuchObject:
            # nothing is published yet
            return replace(expect, objects=None)
        return replace(expect, objects=self.configuration()["objects"], index=index)

    @cached_property
    def _located(self) -> S3Storage:
        """The area with the region that its bucket is in: a machine finds none, and the settings may be wrong."""
        self._objects = S3Storage(replace(self._objects.address, region=self._objects.region()))
        return self._objects

    @property
    def _base(self) -> str:
        """The address that a key is appended to, at the host that boto3 asks."""
        return s3_clients.web_address(self._objects.address, self._objects.address.prefix)

    @cached_property
    def _uv(self) -> dict[str, object]:
        return describe_uv(self._objects)

    @cached_property
    def _agent(self) -> dict[str, str]:
        archive = build_agent_archive()
        digest = hashlib.sha256(archive).hexdigest()
        if self._objects.size(agent_key(digest)) is None:
            self._objects.put(agent_key(digest), archive)
        return {"agent": agent_key(digest), "agent_sha256": digest}


#: packages of ours, whole, and modules
OURS = ("scheduler_service.worker", "jupyter_schedule.core")
#: what makes those importable
INITS = ("scheduler_service/__init__.py", "jupyter_schedule/__init__.py")
#: boto3 and what it needs
DISTRIBUTIONS = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
#: of botocore's descriptions of services only these; the whole takes 100 MB
_DATA = ("botocore/data/", "boto3/data/")
_SERVICES = ("s3/", "sts/", "endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json")
_COMPILED = (".so", ".pyd", ".pyc")


@cache
def build_agent_archive() -> bytes:
    """A `.tar.gz` to put on PYTHONPATH once it is unpacked."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in sorted(_files()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def _files() -> Iterator[tuple[str, bytes]]:
    for name in INITS:
        package, _, module = name.partition("/")
        yield name, (files(package) / module).read_bytes()
    for name in OURS:
        yield from _below(files(name), PurePosixPath(name.replace(".", "/")))
    for name in DISTRIBUTIONS:
        for path in distribution(name).files or ():
            place = path.as_posix()
            if _is_needed(place):
                yield place, path.read_binary()


def _below(folder: Traversable, place: PurePosixPath) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _below(entry, place / entry.name)
        elif entry.is_file() and not entry.name.endswith(_COMPILED):
            yield str(place / entry.name), entry.read_bytes()


def _is_needed(place: str) -> bool:
    if place.startswith("..") or ".dist-info/" in place or place.endswith(_COMPILED):
        return False
    described = next((prefix for prefix in _DATA if place.startswith(prefix)), None)
    return described is None or place.removeprefix(described).startswith(_SERVICES)
