"""The images: Ubuntu's own for clouds, and a minimal Debian that boots sooner, built once and kept.

Ubuntu's is made of its archive's task for such images, with the packages that Canonical's has.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bare_machine.network import HERE

SUITE = "bookworm"
#: its Python is 3.9.2
OLDER_SUITE = "bullseye"
#: nothing that Ubuntu's own image for clouds lacks: `tests/bare_machine/ubuntu-noble.txt` lists what that has
PACKAGES = ("systemd", "systemd-sysv", "dbus", "cloud-init", "git", "xz-utils", "python3", "curl", "ca-certificates",
            "iproute2")  # fmt: skip
UBUNTU_SUITE = "noble"
UBUNTU_PACKAGES = ("systemd-sysv", "cloud-init", "cloud-image^", "python3", "git", "xz-utils", "curl",
                   "ca-certificates", "iproute2")  # fmt: skip
#: mmdebstrap knows the archive of a suite; Debian knows no key of Ubuntu's, and what is made here serves no one
UNSIGNED = ('--aptopt=Acquire::AllowInsecureRepositories "true"', '--aptopt=APT::Get::AllowUnauthenticated "true"')
#: names of packages: the task `cloud-image` of that archive, the essential ones, and what they depend on
TASK = Path(__file__).with_name("ubuntu-noble.txt")
#: of Ubuntu: waits for a network that systemd would have to set up
NEVER_ONLINE = "systemd-networkd-wait-online.service"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter-schedule-tests"
#: cloud-init asks a container for no DMI, and without it never for a token: it says what EC2's hardware says
DMI = """

def read_dmi_data(key):
    return {"system-uuid": "ec2e1916-9099-7caf-fd21-012345abcdef",
            "system-serial-number": "ec2e1916-9099-7caf-fd21-012345abcdef"}.get(key)
"""
CLOUD_INIT = """datasource_list: [Ec2]
datasource: {Ec2: {strict_id: false, max_wait: 30, timeout: 5}}
network: {config: disabled}
ssh_deletekeys: false
"""
#: where machines find packages, when a test serves some
INDEX_PORT = 8377
PIP = f"[global]\nindex-url = http://{HERE}:{INDEX_PORT}/\ntrusted-host = {HERE}\n"


def missing() -> str | None:
    """Why no bare machine can be had here; None when one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    absent = [program for program in ("mmdebstrap", "systemd-nspawn", "ip") if shutil.which(program) is None]
    return f"needs {', '.join(absent)} (Debian: mmdebstrap, systemd-container, iproute2)" if absent else None


def debian_image(folder: Path) -> Path:
    """The root folder of the Debian, unpacked into `folder`; machines lie over it and never write to it."""
    _unpack(_built("machine", SUITE, "minbase", PACKAGES), folder)
    # nobody answers DHCP here: cloud-init needn't wait
    (folder / "usr/sbin/dhclient").unlink()
    return _at_home_here(folder)


def ubuntu_image(folder: Path) -> Path:
    """The same of Ubuntu's image for clouds."""
    options = ("--components=main,universe", *UNSIGNED)
    made = _built("machine", UBUNTU_SUITE, "minbase", UBUNTU_PACKAGES, options)
    _unpack(made, folder)
    (folder / "usr/sbin/dhcpcd").unlink()
    (folder / "etc/systemd/system" / NEVER_ONLINE).symlink_to("/dev/null")
    return _at_home_here(folder)


def _at_home_here(folder: Path) -> Path:
    """Let it find this net's metadata, as it finds EC2's there, and its packages."""
    (folder / "etc/cloud/cloud.cfg.d/99_here.cfg").write_text(CLOUD_INIT)
    with (folder / "usr/lib/python3/dist-packages/cloudinit/dmi.py").open("a") as module:
        module.write(DMI)
    resolver = folder / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    # nobody answers DNS here
    resolver.write_text("nameserver 127.0.0.1\n")
    (folder / "etc/pip.conf").write_text(PIP)
    return folder


def list_packages(root: Path) -> set[str]:
    """The names of the Debian packages that are installed below `root`."""
    parts = (root / "var/lib/dpkg/status").read_text().split("\n\n")
    installed = (part for part in parts if "\nStatus: install ok installed\n" in part)
    return {part.partition("Package: ")[2].partition("\n")[0] for part in installed}


def older_python(folder: Path) -> Path:
    """A layer over the image whose `python3` is the one of an older Debian, in that Debian's own files.

    A whole older Debian would do no more here: what runs of the agent there is one program in that Python.
    """
    root = folder / "opt" / OLDER_SUITE
    root.mkdir(parents=True)
    made = _built("python", OLDER_SUITE, "extract", ("python3",))
    _unpack(made, root)
    python = folder / "usr/local/bin/python3"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec chroot /opt/{OLDER_SUITE} /usr/bin/python3 "$@"\n')
    python.chmod(0o755)
    return folder


def _unpack(made: Path, folder: Path) -> None:
    subprocess.run(["tar", "-x", "-f", made, "-C", folder, "--exclude=./dev/*"], check=True, timeout=300)


def _built(
    name: str,
    suite: str,
    variant: str,
    packages: tuple[str, ...],
    options: tuple[str, ...] = (),
) -> Path:
    listed = hashlib.sha256(" ".join((variant, *packages)).encode()).hexdigest()[:8]
    made = CACHE / f"{suite}-{name}-{listed}.tar"
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        half = made.with_name(f"{os.getpid()}-{made.name}")
        include = f"--include={','.join(packages)}"
        command = ["mmdebstrap", "--quiet", f"--variant={variant}", include, *options, suite, str(half)]
        subprocess.run(command, check=True, timeout=1800)
        half.rename(made)
    return made
