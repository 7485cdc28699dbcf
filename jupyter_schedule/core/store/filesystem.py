"""The filesystem of a SQLite file: a disk of this machine, or one that other machines have too.

On a network filesystem SQLite's write-ahead log can't work, as it needs memory that all processes share, and its locks
may not reach other machines: https://www.sqlite.org/useovernet.html.  So there the journal is the classic one, and one
machine at a time uses the file.  Who that is lies beside it, in a file whose age is told by the filesystem's own clock.
"""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from jupyter_schedule.core.errors import Refused

MOUNTS = Path("/proc/self/mountinfo")
#: https://www.kernel.org/doc/html/latest/filesystems/proc.html, field 9 of mountinfo
NETWORK = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "gfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "pvfs2",
        "smb2",
        "smb3",
        "smbfs",
        "virtiofs",
    ]
)
#: seconds after which a machine that didn't use the file is taken to use it no more
GONE = 60
#: seconds between two notes that we use it
RENEW = 10


@dataclass(frozen=True)
class LastUse:
    """The host that used the file last, and the seconds since then."""

    host: str
    age: float


def filesystem_of(path: Path, mountinfo: str) -> str:
    """The type of the filesystem that `path`, absolute and without links, lies on; empty when that isn't told."""
    found = ("", "")
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        if not dash:
            continue
        # spaces and the like are written as octal numbers; of two mounts on one place the later one counts
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), before.split(" ")[4])
        if path.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, after.split(" ")[0])
    return found[1]


def is_network(filesystem: str) -> bool:
    """Other machines may have it too; what runs in user space is taken to be such, overlays aside."""
    return filesystem in NETWORK or (filesystem.startswith("fuse.") and "overlay" not in filesystem)


def refusal(path: Path, mine: str, last: LastUse | None) -> Refused | None:
    """The reason why this machine may not use the file now; None when it may."""
    if last is None or last.host == mine or last.age >= GONE:
        return None
    message = (
        f"The ledger at {path} is on a network filesystem and in use on {last.host}: use it there, "
        f"or {GONE} seconds after everything there has ended.  For several machines keep it in PostgreSQL."
    )
    return Refused("store_unusable", message)


class OneHost:
    """Keeps a file on a network filesystem to one machine at a time, by a file beside it."""

    def __init__(self, ledger: Path, host: str) -> None:
        self._ledger = ledger
        self._note = ledger.with_name(ledger.name + ".host")
        self._mine = host
        self._renewed = 0.0

    def keep(self) -> None:
        """Note that we use it, now and then.  Raises Refused when another machine does."""
        if self._renewed and time.monotonic() < self._renewed + RENEW:
            return
        if (refused := refusal(self._ledger, self._mine, self._last_use())) is not None:
            raise refused
        mine = self._note.with_name(f"{self._note.name}-{self._mine}")
        mine.write_text(self._mine)
        mine.replace(self._note)
        self._renewed = time.monotonic()

    def _last_use(self) -> LastUse | None:
        """By the clock of the filesystem, which stamps a new file beside."""
        probe = self._note.with_name(f"{self._note.name}-{self._mine}")
        probe.write_text(self._mine)
        now = probe.stat().st_mtime
        try:
            return LastUse(self._note.read_text(), now - self._note.stat().st_mtime)
        except FileNotFoundError:
            return None


def on_network(path: Path) -> bool:
    """A file lies on a network filesystem, as far as this system tells: Linux does."""
    if not MOUNTS.exists():
        return False
    return is_network(filesystem_of(Path(os.path.realpath(path)), MOUNTS.read_text()))
