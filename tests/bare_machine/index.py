"""A package index for machines: the wheels that a bundle and its runner name, fetched once and served as a folder."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uv

from jupyter_schedule.core.bundles.wrapper.render import RUNNER_REQUIREMENTS
from tests.bare_machine.image import CACHE, INDEX_PORT
from tests.bare_machine.network import HERE

#: of the Debian, and of Ubuntu
DEBIAN_PYTHON = "3.11.2"
UBUNTU_PYTHON = "3.12.3"


def package_index(requirements: str, python: str = DEBIAN_PYTHON) -> Path:
    """A folder that `http.server` serves as a simple index (PEP 503); kept for the next session."""
    wanted = f"{requirements}\n{RUNNER_REQUIREMENTS}\n{python}\n"
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:16]
    made = CACHE / f"index-{digest}"
    if not made.exists():
        half = CACHE / f"index-{digest}-{os.getpid()}"
        (half / "wheels").mkdir(parents=True)
        for number, text in enumerate(filter(None, (requirements, RUNNER_REQUIREMENTS))):
            _fetch(text, half / f"{number}.txt", half / "wheels", python)
        for wheel in (half / "wheels").iterdir():
            project = half / re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
            project.mkdir(exist_ok=True)
            wheel.rename(project / wheel.name)
        half.rename(made)
    return made


def with_package(index: Path, folder: Path, name: str, *, python: str) -> Path:
    """The same index in `folder`, with an empty package that needs such a Python."""
    for project in index.iterdir():
        (folder / project.name).symlink_to(project)
    (folder / name).mkdir()
    described = f"{name.replace('-', '_')}-1.0"
    with zipfile.ZipFile(folder / name / f"{described}-py3-none-any.whl", "w") as wheel:
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Python: {python}\n"
        wheel.writestr(f"{described}.dist-info/METADATA", about)
        wheel.writestr(f"{described}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{described}.dist-info/RECORD", "")
    return folder


def with_pythons(indexes: Sequence[Path], folder: Path, debian: Path) -> Path:
    """All of these indexes in `folder`, beside the Debian's Python as a build that uv fetches: see docs/ec2.md."""
    for wheel in (wheel for index in indexes for wheel in index.glob("*/*.whl")):
        place = folder / wheel.parent.name / wheel.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to(wheel)
    pythons = folder / "pythons"
    pythons.mkdir()
    packed = pythons / "python.tar.gz"
    with tarfile.open(packed, "w:gz", compresslevel=1) as archive:
        archive.add(debian / "usr/bin/python3.11", "python/bin/python3.11")
        # a link to a file of the system's, which uv takes nowhere
        left_out = {"lib/python3.11/sitecustomize.py"}
        archive.add(
            debian / "usr/lib/python3.11",
            "python/lib/python3.11",
            filter=lambda entry: None if entry.name.removeprefix("python/") in left_out else entry,
        )
    build = {
        "name": "cpython", "arch": {"family": "x86_64", "variant": None}, "os": "linux", "libc": "gnu", "major": 3,
        "minor": 11, "patch": 2, "prerelease": "", "url": f"http://{HERE}:{INDEX_PORT}/pythons/{packed.name}",
        "sha256": hashlib.sha256(packed.read_bytes()).hexdigest(), "variant": None, "build": "20260101",
    }  # fmt: skip
    (pythons / "downloads.json").write_text(json.dumps({"cpython-3.11.2-linux-x86_64-gnu": build}))
    return folder


@contextmanager
def serving(index: Path) -> Iterator[None]:
    """Machines find packages in it."""
    command = [sys.executable, "-m", "http.server", "--bind", HERE, "--directory", str(index), str(INDEX_PORT)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


def _fetch(requirements: str, listed: Path, wheels: Path, python: str) -> None:
    listed.write_text(requirements)
    # what the machine's Python is meant to get, which may be another one than ours
    plain = ["--quiet", "--no-deps", "--no-header", "--no-annotate", "--python-version", python]
    resolved = subprocess.run(
        [uv.find_uv_bin(), "pip", "compile", *plain, str(listed)], check=True, capture_output=True, text=True
    )
    listed.write_text(resolved.stdout)
    pip = [uv.find_uv_bin(), "run", "--quiet", "--no-project", "--python", sys.executable, "--with", "pip", "python"]
    minor = ".".join(python.split(".")[:2])
    platforms = [f"--platform={tag}_x86_64" for tag in ("manylinux2014", "manylinux_2_17", "manylinux_2_28")]
    theirs = ["--python-version", minor, *platforms, "--only-binary=:all:"]
    into = ["--quiet", "--no-deps", "-r", str(listed)]
    done = subprocess.run(
        [*pip, "-m", "pip", "download", *theirs, "--dest", str(wheels), *into], check=False, timeout=900
    )
    if done.returncode:
        # something comes as source alone: one by one, that one built here
        for line in resolved.stdout.split("\n"):
            if not line.strip() or line.startswith("#"):
                continue
            one = ["--quiet", "--no-deps", line.partition(";")[0].strip()]
            fetched = subprocess.run(
                [*pip, "-m", "pip", "download", *theirs, "--dest", str(wheels), *one], check=False, timeout=900
            )
            if fetched.returncode:
                subprocess.run([*pip, "-m", "pip", "wheel", "--wheel-dir", str(wheels), *one], check=True, timeout=900)
