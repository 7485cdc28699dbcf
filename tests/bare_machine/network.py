"""A net of network namespaces: a gateway with the metadata address, machines behind it, and this machine's end of it.

Machines reach the metadata address and what listens at `HERE`, and nothing else.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: this machine's address in the net: what a test serves to machines listens here
HERE = "10.77.0.1"
_GATEWAY = f"js-gateway-{os.getpid()}"


def ip(*arguments: str, inside: str | None = None) -> None:
    """Run `ip`, in a namespace if one is named.  Raises CalledProcessError."""
    where = ["-n", inside] if inside else []
    subprocess.run(["ip", *where, *arguments], check=True, capture_output=True, text=True)


def in_gateway(*command: str) -> list[str]:
    """The command that runs `command` where the metadata address is."""
    return ["ip", "netns", "exec", _GATEWAY, *command]


def left() -> list[str]:
    """Namespaces of ours that are still there."""
    listed = subprocess.run(["ip", "netns"], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in listed.splitlines() if str(os.getpid()) in line.split()[0].split("-")]


@contextmanager
def network() -> Iterator[None]:
    """The net without machines; its namespace and this machine's end go with it.  One at a time on one machine."""
    with Path("/run/lock/jupyter-schedule-net").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _network():
            yield


@contextmanager
def _network() -> Iterator[None]:
    # of a session that was killed
    subprocess.run(["ip", "link", "delete", "js-here"], check=False, capture_output=True)
    ip("netns", "add", _GATEWAY)
    try:
        ip("link", "add", "js-here", "type", "veth", "peer", "name", "uplink", "netns", _GATEWAY)
        ip("addr", "add", f"{HERE}/24", "dev", "js-here")
        ip("link", "set", "js-here", "up")
        ip("route", "add", "10.77.0.0/16", "via", "10.77.0.2", "dev", "js-here")
        ip("link", "set", "lo", "up", inside=_GATEWAY)
        ip("link", "set", "uplink", "up", inside=_GATEWAY)
        ip("addr", "add", "10.77.0.2/24", "dev", "uplink", inside=_GATEWAY)
        ip("addr", "add", "169.254.169.254/32", "dev", "lo", inside=_GATEWAY)
        subprocess.run(in_gateway("sysctl", "-q", "net.ipv4.ip_forward=1"), check=True)
        yield
    finally:
        # a namespace goes when the kernel finds the time, and this end must be gone before the next is made
        subprocess.run(["ip", "link", "delete", "js-here"], check=False, capture_output=True)
        ip("netns", "delete", _GATEWAY)


@contextmanager
def machine_network(number: int, *, way_out: bool = True) -> Iterator[tuple[str, str]]:
    """A machine's namespace and its address; without a way out it reaches the metadata address alone."""
    name, address, gateway = f"js-{os.getpid()}-{number}", f"10.77.{number}.2", f"10.77.{number}.1"
    ip("netns", "add", name)
    try:
        ip("link", "add", f"m{number}", "netns", _GATEWAY, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", f"{gateway}/24", "dev", f"m{number}", inside=_GATEWAY)
        ip("link", "set", f"m{number}", "up", inside=_GATEWAY)
        ip("link", "set", "lo", "up", inside=name)
        ip("link", "set", "eth0", "up", inside=name)
        ip("addr", "add", f"{address}/24", "dev", "eth0", inside=name)
        ip("route", "add", "default" if way_out else "169.254.169.254/32", "via", gateway, inside=name)
        yield name, address
    finally:
        ip("netns", "delete", name)
