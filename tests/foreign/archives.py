"""Source archives of other people's packages, by version and digest, and an environment for the notebooks in them.

Both come through uv from whatever index this machine is configured for, and are kept for the next session.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uv

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter-schedule-tests"
LISTED = Path(__file__).with_name("notebooks.toml")
#: seconds for one step that needs the index
PATIENCE = 240


class Away(Exception):  # noqa: N818  (a state, not a fault)
    """The index can't be reached, or hasn't what is listed."""


class Archive(NamedTuple):
    """A source archive with notebooks."""

    name: str
    version: str
    sha256: str
    #: by path inside the archive's folder, how nbclient ends it there: `ok`, or an exception's name
    notebooks: dict[str, str]


def list_archives() -> list[Archive]:
    """The archives that are listed."""
    return [Archive(**each) for each in tomllib.loads(LISTED.read_text())["archive"]]


def fetch_archive(archive: Archive) -> Path:
    """The folder of its content.  Raises Away."""
    folder = CACHE / f"archive-{archive.sha256[:16]}"
    with _alone(folder):
        if not folder.exists():
            half = folder.with_name(f"{folder.name}-half")
            packed = half.with_suffix(".tar.gz")
            packed.write_bytes(_download(archive))
            with tarfile.open(packed) as tar:
                tar.extractall(half, filter="data")
            packed.unlink()
            half.rename(folder)
    [content] = folder.iterdir()
    return content


def make_environment() -> Path:
    """The Python of an environment with the packages that the notebooks are run with.  Raises Away."""
    packages = tomllib.loads(LISTED.read_text())["packages"]
    digest = hashlib.sha256("\n".join([*packages, sys.version]).encode()).hexdigest()[:16]
    folder = CACHE / f"foreign-{digest}"
    with _alone(folder):
        if not (folder / "made").exists():
            _run([uv.find_uv_bin(), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
            python = str(folder / "bin" / "python")
            _run([uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python, *packages])
            (folder / "made").touch()
    return folder / "bin" / "python"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Several processes of a test session want the same."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(archive: Archive) -> bytes:
    wanted = f"{archive.name}=={archive.version}"
    options = ["--quiet", "--no-deps", "--no-header", "--format", "pylock.toml", "-"]
    locked = tomllib.loads(_run([uv.find_uv_bin(), "pip", "compile", *options], wanted))
    source = locked["packages"][0].get("sdist")
    if source is None or source["hashes"]["sha256"] != archive.sha256:
        raise Away(f"the index has no source archive of {wanted} with the listed digest")
    try:
        with urllib.request.urlopen(source["url"], timeout=PATIENCE) as answer:
            data: bytes = answer.read()
    except OSError as problem:
        raise Away(f"{wanted}: {problem}") from None
    assert hashlib.sha256(data).hexdigest() == archive.sha256
    return data


def _run(command: list[str], stdin: str = "") -> str:
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise Away("the index takes too long") from None
    if done.returncode:
        raise Away(f"uv can't get what is listed: {done.stderr.strip()[-300:]}")
    return done.stdout
