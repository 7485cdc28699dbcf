"""An archive of Debian packages for machines: what an image lacks for some of them, served as a folder."""

import hashlib
import os
import subprocess
from pathlib import Path

from tests.bare_machine.image import CACHE, INDEX_PORT, SUITE
from tests.bare_machine.network import HERE


def missing_archive() -> str | None:
    """Why none can be had here; None when one can: apt of the image's own release finds out what that lacks."""
    released = Path("/etc/os-release")
    if not released.exists() or f"VERSION_CODENAME={SUITE}" not in released.read_text():
        return f"needs a Debian {SUITE}, whose apt finds the packages of the image"
    return None


def package_archive(image: Path, *names: str) -> Path:
    """A folder that `http.server` serves as a flat archive, with these and all that they need; kept."""
    status = image / "var/lib/dpkg/status"
    wanted = "\n".join((*names, status.read_text()))
    made = CACHE / f"debs-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    if not made.exists():
        half = CACHE / f"{made.name}-{os.getpid()}"
        (half / "partial").mkdir(parents=True)
        apt = ["apt-get", "-qq", "-y", "-o", f"Dir::State::status={status}", "-o", f"Dir::Cache::archives={half}/"]
        apt += ["-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "--no-install-recommends"]
        subprocess.run([*apt, "install", "--download-only", *names], check=True, timeout=900, capture_output=True)
        (half / "Packages").write_text("\n".join(map(_listed, sorted(half.glob("*.deb")))))
        half.rename(made)
    return made


def from_here(layer: Path) -> Path:
    """A layer over the image whose apt asks for packages here, and nowhere else."""
    (layer / "etc/apt").mkdir(parents=True, exist_ok=True)
    (layer / "etc/apt/sources.list").write_text(f"deb [trusted=yes] http://{HERE}:{INDEX_PORT}/ ./\n")
    return layer


def _listed(package: Path) -> str:
    """Its paragraph in the archive's list."""
    told = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True, text=True).stdout
    content = package.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return f"{told.rstrip()}\nFilename: ./{package.name}\nSize: {len(content)}\nSHA256: {digest}\n"
