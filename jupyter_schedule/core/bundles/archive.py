"""The content of a `.tar.gz` that anybody may have made, and its files on disk, without trusting a byte of it.

Accepted are regular files, folders and relative symlinks that stay inside; everything else is refused with a sentence.
Sizes are bytes, digests the lower-case hex sha256 of the whole tar stream, as `gzip -dc X | sha256sum` prints it.
Standard library and `tarstream` only: this module travels to the worker.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_schedule.core.bundles.tarstream import (
    DEEPEST,
    ArchiveLimits,
    ArchiveMember,
    MemberKind,
    check_text,
    open_archive,
    read_members,
    refuse_unsafe,
)
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import quote_name

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: links followed on the way to one file, as on Linux
MOST_HOPS = 40


def inspect(path: Path, limits: ArchiveLimits | None = None) -> tuple[str, tuple[ArchiveMember, ...]]:
    """Digest and members of the archive at `path`, read once to its end; Refused when `unpack` would refuse it."""
    tree = ArchiveTree(limits or ArchiveLimits())
    found: dict[str, ArchiveMember] = {}
    with open_archive(path, tree.limits) as source:
        for member, _ in read_members(source):
            tree.add(member)
            found[member.path] = member
    tree.check_links()
    return source.hash.hexdigest(), tuple(found.values())


def unpack(path: Path, into: Path, limits: ArchiveLimits | None = None, expected_digest: str | None = None) -> None:
    """Put the files of the archive at `path` into the new or empty folder `into`, or refuse and leave it empty.

    Files get mode 0644 or 0755 and belong to whoever unpacks; links are made last.  With `expected_digest`, an archive
    of another content is Refused("bundle_changed").
    """
    if into.is_dir() and any(into.iterdir()):
        raise Refused("not_empty", f"{into} isn't empty: unpack into a new folder.")
    into.mkdir(parents=True, exist_ok=True)
    try:
        with refuse_full_disk(into):
            digest = _unpack(path, into, limits or ArchiveLimits())
        if expected_digest not in {None, digest}:
            raise Refused("bundle_changed", f"{path.name} isn't what was recorded: make the bundle again.")
    except BaseException:
        _clear(into)
        raise


@contextmanager
def refuse_full_disk(folder: Path) -> Iterator[None]:
    """Refused("disk_full") in place of the OSError of a disk or quota that is full."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in FULL:
            raise
        raise Refused("disk_full", f"No space left in {folder}: free some and try again.") from problem


@dataclass
class ArchiveTree:
    """The entries seen so far, which must fit together: one kind for each name, and links that stay inside.

    Refusing a name that is both a link and something else is what keeps files from being written through links.
    """

    limits: ArchiveLimits
    entries: int = 0
    kinds: dict[str, MemberKind] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    _ends: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, member: ArchiveMember) -> list[str]:
        """Take `member` in; the folders that this made necessary, outermost first."""
        parts = member.path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        folders = [folder for folder in above if self._claim(folder, MemberKind.FOLDER)]
        self.entries += 1 + len(folders)
        if self.entries > self.limits.entries:
            raise Refused("archive_too_big", f"More than {self.limits.entries:,} files and folders: leave some out.")
        if self._claim(member.path, member.kind) and member.kind is MemberKind.FOLDER:
            folders.append(member.path)
        if member.kind is MemberKind.LINK:
            self.links[member.path] = member.target
        return folders

    def _claim(self, path: str, kind: MemberKind) -> bool:
        known = self.kinds.get(path)
        if known not in {None, kind}:
            refuse_unsafe(f"{quote_name(path)} is both a {known} and a {kind}: keep one of them.")
        self.kinds[path] = kind
        return known is None

    def check_links(self) -> None:
        """Refused when a link is absolute, runs in a circle or leads outside, directly or through other links."""
        for link in self.links:
            self.end(link)

    def end(self, link: str, hops: int = 1) -> tuple[str, ...]:
        """Parts of the path that `link` leads to in the end, () for the root."""
        if link in self._ends:
            return self._ends[link]
        target = self.links[link]
        if hops > MOST_HOPS:
            refuse_unsafe(
                f"The link {quote_name(link)} leads to itself or through more than {MOST_HOPS} others: leave it out."
            )
        if target.startswith("/") or not target or target.count("/") > DEEPEST:
            refuse_unsafe(
                f"The link {quote_name(link)} to {quote_name(target)} isn't a relative path: "
                "make it one or leave it out."
            )
        check_text(target)
        here = link.split("/")[:-1]
        for part in target.split("/"):
            if part in {"", "."}:
                continue
            if part == "..":
                if not here:
                    refuse_unsafe(f"The link {quote_name(link)} leads outside, to {quote_name(target)}: leave it out.")
                here.pop()
                continue
            here.append(part)
            if (reached := "/".join(here)) in self.links:
                here = list(self.end(reached, hops + 1))
        self._ends[link] = tuple(here)
        return self._ends[link]


def _unpack(path: Path, into: Path, limits: ArchiveLimits) -> str:
    """Everything but the emptiness of `into`, the digest's comparison and clearing up; the digest."""
    tree = ArchiveTree(limits)
    with open_archive(path, limits) as source:
        for member, content in read_members(source):
            for folder in tree.add(member):
                (into / folder).mkdir()
                (into / folder).chmod(0o755)
            if member.kind is MemberKind.FILE:
                _write(into / member.path, content, member.mode)
    tree.check_links()
    # No folder is made after the first link: where names differ only for us (a case-insensitive disk), a folder of a
    # link's name is found taken instead of being written through.
    for link, target in tree.links.items():
        try:
            (into / link).symlink_to(target)
        except FileExistsError:
            refuse_unsafe(f"{quote_name(link)} and another entry are the same name on this disk: keep one of them.")
    return source.hash.hexdigest()


def _write(path: Path, content: Iterator[bytes], mode: int) -> None:
    with path.open("wb", buffering=0) as file:
        for block in content:
            written = 0
            while written < len(block):
                written += file.write(memoryview(block)[written:])
        os.fchmod(file.fileno(), mode)


def _clear(folder: Path) -> None:
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
