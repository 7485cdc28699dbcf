"""A bundle runs in an empty Debian: python3, a package index and nothing of ours."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from tests.core.bundles.wrapped import code, notebook, write_bundle

SUITE = "bookworm"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter-schedule-tests"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
#: what makes this machine's package index reachable from inside
HANDED_IN = ("/etc/resolv.conf", "/etc/pip.conf", str(CERTIFICATES))


def missing() -> str | None:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    return None if shutil.which("mmdebstrap") else "needs mmdebstrap"


pytestmark = [
    pytest.mark.bare,
    pytest.mark.proof("machines"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]


@pytest.fixture(scope="session")
def debian() -> Path:
    """A minimal Debian with python3 and ca-certificates; made once and kept for the next session."""
    made = CACHE / f"{SUITE}.tar"
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        half = made.with_name(f"{made.stem}-{os.getpid()}.tar")
        command = ["mmdebstrap", "--quiet", "--variant=apt", "--include=python3,ca-certificates", SUITE, str(half)]
        subprocess.run(command, check=True, timeout=900)
        half.rename(made)
    return made


@pytest.fixture(scope="module")
def machine(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root folder of an empty Debian, with this machine's way to its package index."""
    root = tmp_path_factory.mktemp("debian")
    subprocess.run(["tar", "-x", "-f", debian, "-C", root, "--exclude=./dev/*"], check=True, timeout=300)
    for name in HANDED_IN:
        if Path(name).exists():
            inside = root / name[1:]
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.unlink(missing_ok=True)
            shutil.copyfile(name, inside)
    yield root
    shutil.rmtree(root)


def inside(machine: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """A Bash command in the machine, in namespaces of its own, so that all that it started ends with it."""
    indexes = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "HTTPS_PROXY", "https_proxy")
    kept = {name: os.environ[name] for name in indexes if name in os.environ}
    mounts = f"mount --rbind /dev '{machine}/dev' && mount -t proc proc '{machine}/proc'"
    script = f"{mounts} && exec chroot '{machine}' /bin/bash -c \"$0\""
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", script, command],
        env={**kept, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "PIP_CERT": str(CERTIFICATES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


def tarball(folder: Path) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()


CHECK = """
import importlib.util, os, subprocess
assert importlib.util.find_spec("jupyter_schedule") is None
assert importlib.util.find_spec("papermill") is None
import six
subprocess.run(["jq", "--version"], check=True)
open(os.path.join(os.environ["OUTPUT_DIR"], "result.txt"), "w").write(os.environ["DATA_DATE"] + day)
"""


def test_a_bundle_runs_in_an_empty_debian(machine: Path, tmp_path: Path) -> None:
    """`tar xzf` and `./run.sh`: packages installed, outputs and report there; the second time nothing is fetched."""
    cells = notebook(code("day = ''", "parameters"), code(CHECK))
    bundle = write_bundle(tmp_path / "bundle", cells, path="my analysis/é.ipynb", parameters={"day": "NO"})
    (bundle / ".wrapper" / "requirements.txt").write_text("ipykernel\nsix\n")
    (bundle / "apt.txt").write_text("# tools\n\njq")
    (machine / "root" / "x.tar.gz").write_bytes(tarball(bundle))

    first = inside(machine, "cd /root && mkdir run && cd run && tar xzf ../x.tar.gz && ./run.sh")
    assert first.returncode == 0, first.stdout
    work = machine / "root" / "run"
    assert (work / "my analysis" / "output" / "result.txt").read_text().endswith("NO")
    assert (work / "report" / "é.ipynb").exists()
    assert (work / "report" / "é.html").exists()
    assert "No module named" in inside(machine, "python3 -c 'import jupyter_schedule'").stdout

    again = inside(machine, "cd / && PIP_NO_INDEX=1 /root/run/run.sh")
    assert again.returncode == 0, again.stdout
    assert "making" not in again.stdout
    assert "installing" not in again.stdout


def test_packages_that_cannot_be_had_end_with_69(machine: Path, tmp_path: Path) -> None:
    """One sentence on the log's last line and in failure.json."""
    bundle = write_bundle(tmp_path / "bundle", notebook())
    (bundle / ".wrapper" / "requirements.txt").write_text("ipykernel==0.0.0\n")
    shutil.copytree(bundle, machine / "root" / "without")
    done = inside(machine, "/root/without/run.sh")
    assert done.returncode == 69, done.stdout
    assert done.stdout.splitlines()[-1].startswith("run.sh: Packages of the kernel environment, pinned for")
    assert '"kind": "environment"' in (machine / "root" / "without" / "report" / "failure.json").read_text()
