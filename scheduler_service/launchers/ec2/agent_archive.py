"""The agent as a fresh machine gets it: our modules that travel and boto3, which is pure Python, in one archive.

The same sources give the same bytes, so an archive is stored once and named by its digest.
"""

import gzip
import io
import tarfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

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
