"""Reading the tar stream inside a gzip file that anybody may have made: bounded, and every byte counted and hashed.

Headers are parsed by `tarfile`, one record at a time; nothing is kept but the member at hand.  Every size is checked
against what is allowed before anything is read.  Standard library and, where it is installed, isal: this module travels
to the worker.
"""

import gzip
import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import quote_name, size_text

_GzipFile = gzip.GzipFile
_DAMAGE: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error)
try:
    from isal import igzip, igzip_lib
except ImportError:
    pass  # no wheel for this machine: zlib reads the same bytes, at a third of the speed
else:
    _GzipFile = igzip.IGzipFile  # type: ignore[misc]
    _DAMAGE += (igzip_lib.IsalError,)  # type: ignore[operator]  # its stub takes the class for an instance

BLOCK = 1 << 20
RECORD = tarfile.BLOCKSIZE
#: bytes of a name and folders above each other: well below what file systems and the kernel take
LONGEST_NAME, LONGEST_PART, DEEPEST = 1024, 255, 100
#: bytes of the extended headers of one archive, all of them together
MOST_HEADERS = 16 << 20
HOW_TO_MAKE = "Make it with: tar czf NAME.tar.gz FOLDER"
#: first bytes of what people take for a .tar.gz
_OTHER_FORMATS = {
    b"PK": "a zip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
}
_UNWANTED = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@dataclass(frozen=True)
class ArchiveLimits:
    """The most that an archive may hold."""

    #: bytes after decompression
    total: int = 2 << 30
    #: files, folders (also those that only their content implies) and links
    entries: int = 10_000
    #: decompressed bytes for each compressed byte
    ratio: int = 200
    #: bytes up to which the ratio doesn't matter: a table of zeros is no attack
    harmless: int = 100_000_000

    def allowance(self, packed: int) -> int:
        """The number of bytes that an archive of `packed` bytes may decompress to."""
        return min(self.total, max(self.harmless, self.ratio * packed))


class MemberKind(StrEnum):
    """The kinds of an archive's entries."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True)
class ArchiveMember:
    """An entry of an archive.  `path` is relative, posix, without `.` and `..`; `size` is 0 but for files."""

    path: str
    kind: MemberKind
    size: int = 0
    #: 0o644 or 0o755
    mode: int = 0o644
    #: where a link points, as written in it
    target: str = ""


class ArchiveStream:
    """The decompressed bytes of an archive, counted against its allowance and hashed as they are read."""

    def __init__(self, stream: gzip.GzipFile, name: str, packed: int, limits: ArchiveLimits) -> None:
        self.name = name
        self.hash = hashlib.sha256()
        self._stream = stream
        self._left = limits.allowance(packed)
        self._too_big = (
            f"{name} unpacks to more than {size_text(limits.total)}: leave large files out."
            if self._left == limits.total
            else f"{name} unpacks to more than {limits.ratio} times its own size: it isn't an ordinary archive."
        )

    def read(self, size: int) -> bytes:
        """At most `size` bytes, b"" at the end."""
        try:
            data = self._stream.read(size)
        except _DAMAGE as problem:
            raise Refused(
                "archive_unreadable",
                f"{self.name} is damaged or incomplete ({problem}): make or upload it again.",
            ) from None
        self._left -= len(data)
        if self._left < 0:
            self.refuse_size()
        self.hash.update(data)
        return data

    def exactly(self, size: int) -> bytes:
        """`size` bytes, Refused when the archive ends before."""
        return b"".join(self.blocks(size))

    def blocks(self, size: int) -> Iterator[bytes]:
        """`size` bytes in blocks, Refused when the archive ends before or when that much isn't allowed."""
        if size > self._left:
            self.refuse_size()
        while size:
            data = self.read(min(size, BLOCK))
            if not data:
                raise Refused("archive_unreadable", f"{self.name} ends in the middle: make or upload it again.")
            size -= len(data)
            yield data

    def refuse_size(self) -> NoReturn:
        raise Refused("archive_too_big", self._too_big)


@contextmanager
def open_archive(path: Path, limits: ArchiveLimits) -> Iterator[ArchiveStream]:
    try:
        if not path.is_file():
            raise Refused("archive_unreadable", f"{path} isn't a file: give the path of a .tar.gz.")
        packed = path.open("rb")
    except OSError as problem:
        raise Refused("archive_unreadable", f"{path} can't be opened: {problem.strerror}.") from None
    with packed:
        _check_format(packed.read(RECORD), path.name)
        packed.seek(0)
        with _GzipFile(fileobj=packed, mode="rb") as stream:
            yield ArchiveStream(stream, path.name, os.fstat(packed.fileno()).st_size, limits)


def _check_format(start: bytes, name: str) -> None:
    if start.startswith(b"\x1f\x8b"):
        return
    what = next((text for magic, text in _OTHER_FORMATS.items() if start.startswith(magic)), "not gzip-compressed")
    if start[257:262] == b"ustar":
        what = "a tar file without compression"
    raise Refused("archive_unreadable", f"{name} is {what if start else 'empty'}, not a .tar.gz. {HOW_TO_MAKE}")


def read_members(source: ArchiveStream) -> Iterator[tuple[ArchiveMember, Iterator[bytes]]]:
    """Each member with the blocks of its content, which are gone once the next one is asked for."""
    empty = True
    headers = MOST_HEADERS
    while (block := source.exactly(RECORD)).count(0) < RECORD:
        extended: dict[str, str] = {}
        info = _header(block, source.name)
        while info.type in {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}:
            headers -= RECORD + info.size
            if headers < 0:
                refuse_unsafe(f"{source.name} has huge extended headers. {HOW_TO_MAKE}")
            body = source.exactly(_padded(info.size))[: info.size]
            extended |= _extension(info.type, body, source.name)
            info = _header(source.exactly(RECORD), source.name)
        member = _member(info, extended)
        empty = empty and not member.path
        if member.kind is MemberKind.FILE:
            content = source.blocks(member.size)
            yield member, content
            for _ in content:
                pass
            source.exactly(_padded(member.size) - member.size)
        elif member.path:
            yield member, iter(())
    while rest := source.read(BLOCK):
        if rest.count(0) < len(rest):
            refuse_unsafe(f"{source.name} goes on after its end, as joined archives do. {HOW_TO_MAKE}")
    if empty:
        raise Refused("archive_unreadable", f"{source.name} holds no files. {HOW_TO_MAKE}")


def _padded(size: int) -> int:
    return size + -size % RECORD


def _header(block: bytes, name: str) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as problem:
        raise Refused(
            "archive_unreadable",
            f"{name} isn't a tar archive inside, or is damaged ({problem}). {HOW_TO_MAKE}",
        ) from None
    if info.size < 0:
        refuse_unsafe(f"{name} has an entry of negative size. {HOW_TO_MAKE}")
    return info


def _extension(kind: bytes, body: bytes, name: str) -> dict[str, str]:
    """An extended header's facts about the member after it: its path, linkpath, size, and whether it is sparse."""
    if kind == tarfile.XGLTYPE:
        return {}
    text = body.rstrip(b"\0").decode("utf-8", "surrogateescape")
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": text}
    if kind == tarfile.GNUTYPE_LONGLINK:
        return {"linkpath": text}
    return _pax_records(body, name)


def _pax_records(body: bytes, name: str) -> dict[str, str]:
    """The records `LENGTH KEY=VALUE\\n` that decide what a member is; its times, owners and labels are left behind."""
    found = {}
    start = 0
    while start < len(body):
        length, _, _ = body[start : start + 12].partition(b" ")
        end = start + int(length) if length.isdigit() else 0
        if not start + len(length) + 3 <= end <= len(body):
            raise Refused("archive_unreadable", f"{name} has a damaged extended header. {HOW_TO_MAKE}")
        key, _, value = body[start + len(length) + 1 : end - 1].partition(b"=")
        if key in {b"path", b"linkpath", b"size", b"GNU.sparse.major", b"GNU.sparse.map", b"GNU.sparse.size"}:
            found[key.decode()] = value.decode("utf-8", "surrogateescape")
        start = end
    return found


def _member(info: tarfile.TarInfo, extended: dict[str, str]) -> ArchiveMember:
    written = extended.get("path", info.name)
    if info.type in _UNWANTED or any(key.startswith("GNU.sparse.") for key in extended):
        what = _UNWANTED.get(info.type, "a sparse file")
        refuse_unsafe(f"{quote_name(written)} is {what}: only files, folders and relative links are accepted.")
    path = clean_name(written)
    if info.isdir() or (info.isreg() and written.endswith("/")):
        return ArchiveMember(path, MemberKind.FOLDER, mode=0o755)
    if not path:
        refuse_unsafe(f"An entry has no name. {HOW_TO_MAKE}")
    if info.issym():
        return ArchiveMember(path, MemberKind.LINK, target=extended.get("linkpath", info.linkname))
    if not info.isreg():
        refuse_unsafe(
            f"{quote_name(written)} is of an unknown kind: only files, folders and relative links are accepted."
        )
    size = extended.get("size", str(info.size))
    if not (size.isascii() and size.isdigit() and len(size) < 20):
        refuse_unsafe(f"{quote_name(written)} has a size that isn't a number. {HOW_TO_MAKE}")
    return ArchiveMember(path, MemberKind.FILE, int(size), 0o755 if info.mode & stat.S_IXUSR else 0o644)


def check_text(name: str) -> None:
    if "\0" in name:
        refuse_unsafe(f"{quote_name(name)} contains a NUL character: rename it.")
    try:
        name.encode()
    except UnicodeEncodeError:
        refuse_unsafe(f"The name {quote_name(name)} isn't written in UTF-8: rename it.")


def clean_name(name: str) -> str:
    """`name` without `.`, doubled and trailing slashes; "" for the root.  Refused when it could leave its folder."""
    if name.startswith("/"):
        refuse_unsafe(f"{quote_name(name)} is an absolute path: only paths relative to the archive are accepted.")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        refuse_unsafe(f"{quote_name(name)} contains “..”, which could lead outside the folder: leave it out.")
    check_text(name)
    clean = "/".join(parts)
    longest = max((len(part.encode()) for part in parts), default=0)
    if len(clean.encode()) > LONGEST_NAME or longest > LONGEST_PART or len(parts) > DEEPEST:
        refuse_unsafe(f"The name {quote_name(name)} is too long or too deep: shorten it.")
    return clean


def refuse_unsafe(message: str) -> NoReturn:
    raise Refused("archive_unsafe", message)
