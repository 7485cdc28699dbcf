"""The expectations of a machine's image: few programs, which Ubuntu's image for clouds has."""

import shutil

from jupyter_schedule.core.errors import Refused

#: programs that a worker uses, by the Debian packages that bring them; the first are what user-data begins with
PROGRAMS = {
    "bash": "bash",
    "base64": "coreutils",
    "systemd-run": "systemd",
    "systemctl": "systemd",
    "python3": "python3-minimal",
    "ip": "iproute2",
    "useradd": "passwd",
    "tar": "tar",
    "gzip": "gzip",
    # what the scripts of a relocatable environment find their own place by
    "sh": "dash",
    "realpath": "coreutils",
    "dirname": "coreutils",
}
#: further ones, for who has an `apt.txt`
APT = {"apt-get": "apt", "dpkg": "dpkg"}


def check_image() -> None:
    """Refused("environment") when this machine's image lacks a program that a worker uses."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            sentence = f"The machine's image has no {program} (package {package}): choose Ubuntu's, or one that has it."
            raise Refused("environment", sentence)
