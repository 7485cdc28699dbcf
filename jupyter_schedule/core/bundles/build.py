"""Files become a bundle: a deterministic `.tar.gz` and its manifest.

The same names, contents and execute bits give the same tar stream on every machine and day: names are sorted, times,
owners and everything else about a file is dropped.  The digest is over that stream, since gzip bytes differ between
libraries.  `archive` reads bundles and any other `.tar.gz`; `file_selection` chooses the files.
"""

import gzip
import hashlib
import os
import secrets
import stat
import tarfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from jupyter_schedule.core.bundles.archive import FULL, ArchiveTree, refuse_full_disk
from jupyter_schedule.core.bundles.record import CodeScanner
from jupyter_schedule.core.bundles.tarstream import BLOCK, RECORD, ArchiveLimits, ArchiveMember, MemberKind, clean_name
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.file_selection import walk_folder
from jupyter_schedule.core.models import FileEntry, Model
from jupyter_schedule.core.text import printable_name, quote_name, size_text

igzip_threaded: Any
try:
    from isal import igzip_threaded
except ImportError:  # no wheel for this machine: zlib packs the same tar stream
    igzip_threaded = None

#: what a bundle may hold when nothing else is configured; the total is of its files before packing
BUNDLE_LIMITS = ArchiveLimits(total=500_000_000)
ISAL_LEVEL, ZLIB_LEVEL = 2, 1
#: blocks that may wait to be hashed
BACKLOG = 4


class BundleManifest(Model):
    """The list of a bundle's content.  `digest` names it: sha256 of the tar stream."""

    digest: str
    #: bytes of the .tar.gz
    size: int
    #: bytes of the files in it
    unpacked_size: int
    files: tuple[FileEntry, ...]
    #: where each symlink among the files points, by its path
    links: dict[str, str]


@dataclass(frozen=True)
class _PlannedEntry:
    """One thing to pack: `content` itself, or the file `source` as it looked when the bundle was planned."""

    member: ArchiveMember
    content: bytes = b""
    source: Path | None = None
    seen: tuple[int, ...] = ()


def write_archive(
    destination: Path,
    root: Path,
    files: Sequence[str],
    generated: Mapping[str, bytes | tuple[bytes, int]],
    limits: ArchiveLimits = BUNDLE_LIMITS,
    *,
    scanner: CodeScanner | None = None,
    served: Path | None = None,
) -> BundleManifest:
    """Pack `files` (relative to `root`) and `generated` (content, or content and mode, by name) into `destination`.

    `destination` appears whole or not at all.  Relative links that stay in the bundle are kept as links; of others the
    content goes along under the link's name.  Refused, by name, for a file that is missing, no regular file,
    unreadable, outside `served`, of a generated file's name, or that changes while it is read; for more than `limits`
    allow; and for a full disk.
    scanner: gets the files that it wants, as they were packed.
    served: the folder that links may lead to, `root` or one above it; None is `root`.
    """
    real_root = Path(os.path.realpath(root))
    real_served = Path(os.path.realpath(served)) if served else real_root
    entries = _plan(real_root, real_served, files, generated, limits)
    _check_total(entries, limits)
    with _replacing(destination) as packed:
        with ThreadPoolExecutor(1, "bundle-digest") as pool, _open_compressor(packed) as stream:
            packer = _Packer(pool, stream)
            listed = [_pack(packer, entry, scanner) for entry in entries]
            packer.finish()
        packed.flush()
        size = os.fstat(packed.fileno()).st_size
        _check_ratio(entries, packer.size, size, limits)
    return BundleManifest(
        digest=packer.hash.hexdigest(),
        size=size,
        unpacked_size=sum(entry.member.size for entry in entries),
        files=tuple(file for file in listed if file),
        links={entry.member.path: entry.member.target for entry in entries if entry.member.kind is MemberKind.LINK},
    )


def _plan(
    root: Path,
    served: Path,
    files: Sequence[str],
    generated: Mapping[str, bytes | tuple[bytes, int]],
    limits: ArchiveLimits,
) -> list[_PlannedEntry]:
    """The entries to pack, by name, with everything refused that can be seen without reading a file."""
    chosen = sorted({_clean_name(name) for name in files})
    for name in chosen:
        if name in generated:
            raise Refused(
                "name_clash", f"{quote_name(name)} is a name that the bundle needs: rename your file.", "files"
            )
    followed: set[str] = set()
    while True:
        planned = [_plan_generated(_clean_name(name), value) for name, value in generated.items()]
        planned += [entry for name in chosen for entry in _plan_file(root, served, name, follow=name in followed)]
        # what is chosen by its name and through a linked folder too is one entry
        entries = sorted({entry.member.path: entry for entry in planned}.values(), key=lambda entry: entry.member.path)
        stray = _find_stray_links(entries, root, limits)
        if not stray:
            return entries
        followed |= stray


def _find_stray_links(entries: Sequence[_PlannedEntry], root: Path, limits: ArchiveLimits) -> set[str]:
    """The links that wouldn't lead to the same file in the bundle as they do here: their content goes along instead."""
    links = {entry.member.path for entry in entries if entry.member.kind is MemberKind.LINK}
    under = {path for path in links if any(entry.member.path.startswith(f"{path}/") for entry in entries)}
    if under:
        return under
    tree = ArchiveTree(limits)
    for entry in entries:
        tree.add(entry.member)
    return {link for link in tree.links if not _leads_alike(tree, link, root)}


def _leads_alike(tree: ArchiveTree, link: str, root: Path) -> bool:
    try:
        end = "/".join(tree.end(link))
    except Refused:
        return False
    real = os.path.relpath(os.path.realpath(root / link), root)
    return (end or ".") == real and (not end or end in tree.kinds)


def _clean_name(name: str) -> str:
    if clean := clean_name(name):
        return clean
    raise Refused("not_a_file", f"{quote_name(name)} is the folder itself: choose files.", "files")


def _plan_generated(path: str, value: bytes | tuple[bytes, int]) -> _PlannedEntry:
    content, mode = value if isinstance(value, tuple) else (value, 0o644)
    return _PlannedEntry(ArchiveMember(path, MemberKind.FILE, len(content), _mode(mode)), content)


def _plan_file(root: Path, served: Path, path: str, *, follow: bool) -> list[_PlannedEntry]:
    """A chosen file; with `follow` what a link leads to, under the link's name."""
    source = root / path
    try:
        status = source.lstat()
        real = Path(os.path.realpath(source, strict=True))
        found = real.stat()
    except OSError as problem:
        raise Refused("missing_file", f"{quote_name(path)} can't be found: {problem.strerror}.", "files") from None
    if not real.is_relative_to(served):
        raise Refused(
            "outside_root", f"{quote_name(path)} leads outside {served} through a link: copy the file there.", "files"
        )
    if stat.S_ISLNK(status.st_mode) and not follow:
        return [_PlannedEntry(ArchiveMember(path, MemberKind.LINK, target=os.readlink(source)))]  # noqa: PTH115  (Path would rewrite the target)
    if stat.S_ISDIR(found.st_mode) and follow:
        return list(_plan_linked_folder(source, real, served, path))
    if not stat.S_ISREG(found.st_mode):
        what = "a folder: choose the files in it" if stat.S_ISDIR(found.st_mode) else "no regular file: leave it out"
        raise Refused("not_a_file", f"{quote_name(path)} is {what}.", "files")
    return [_plan_content(path, real, found)]


def _plan_linked_folder(source: Path, real: Path, served: Path, path: str) -> Iterator[_PlannedEntry]:
    """The files of a folder that a link leads to, under the link's name, as a folder that is chosen brings them in."""
    if Path(os.path.realpath(source.parent)).is_relative_to(real):
        raise Refused("link_alone", f"{quote_name(path)} is a link to a folder that it is in: leave it out.", "files")
    for name, _ in walk_folder(served, real.relative_to(served).as_posix(), taken_only=True):
        found = Path(os.path.realpath(served / name))
        below = (served / name).relative_to(real).as_posix()
        if found.is_file():
            yield _plan_content(f"{path}/{below}", found, found.stat())


def _plan_content(path: str, real: Path, status: os.stat_result) -> _PlannedEntry:
    member = ArchiveMember(path, MemberKind.FILE, status.st_size, _mode(status.st_mode))
    return _PlannedEntry(member, source=real, seen=_fingerprint(status))


def _mode(mode: int) -> int:
    return 0o755 if mode & stat.S_IXUSR else 0o644


def _fingerprint(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _check_total(entries: Sequence[_PlannedEntry], limits: ArchiveLimits) -> None:
    total = sum(entry.member.size for entry in entries)
    if total <= limits.total:
        return
    largest = max((entry.member for entry in entries), key=lambda member: member.size)
    raise Refused(
        "bundle_too_big",
        f"{size_text(total)} is over the {size_text(limits.total)} limit. "
        f"Largest: {printable_name(largest.path)}, {size_text(largest.size)}.",
        "files",
    )


def _check_ratio(entries: Sequence[_PlannedEntry], stream: int, packed: int, limits: ArchiveLimits) -> None:
    """Refuse what couldn't be read again: `archive` refuses big archives that were packed too tightly."""
    if stream <= max(limits.harmless, limits.ratio * packed):
        return
    largest = max((entry.member for entry in entries), key=lambda member: member.size)
    raise Refused(
        "bundle_too_dense",
        f"{quote_name(largest.path)} packs to less than a {limits.ratio}th of its size, as an attack would: "
        "compress it yourself first, with gzip for instance.",
        "files",
    )


@contextmanager
def _replacing(destination: Path) -> Iterator[IO[bytes]]:
    """A file that becomes `destination` when the block ends well, and leaves nothing behind when it doesn't."""
    part = destination.with_name(f".{secrets.token_hex(8)}.part")
    with refuse_full_disk(destination.parent):
        try:
            with part.open("xb") as file:
                yield file
            part.replace(destination)
        except BaseException as problem:
            part.unlink(missing_ok=True)
            if isinstance(problem, OSError) and problem.errno not in FULL:
                raise Refused("destination", f"{destination} can't be written: {problem.strerror}.") from problem
            raise


class _Packer:
    """Pieces of a tar stream go in; they are hashed in `pool` and written to `stream`, which compresses them."""

    def __init__(self, pool: Executor, stream: IO[bytes]) -> None:
        self.hash = hashlib.sha256()
        #: bytes of the tar stream so far
        self.size = 0
        self._pool = pool
        self._stream = stream
        self._pieces: list[bytes] = []
        self._piled = 0
        self._hashing: deque[Future[None]] = deque()

    def add(self, piece: bytes) -> None:
        """Append `piece`; small ones are gathered, so that a thousand little files cost no thousand hand-overs."""
        if self._piled + len(piece) > BLOCK:
            self._flush()
        self._pieces.append(piece)
        self._piled += len(piece)

    def finish(self) -> None:
        """Append the end of the archive; `hash` counts once the pool has ended."""
        self.add(bytes(2 * RECORD))
        self._flush()

    def _flush(self) -> None:
        block = b"".join(self._pieces)
        self._pieces, self._piled = [], 0
        self.size += len(block)
        self._hashing.append(self._pool.submit(self.hash.update, block))
        self._stream.write(block)
        if len(self._hashing) > BACKLOG:
            self._hashing.popleft().result()


def _open_compressor(out: IO[bytes]) -> IO[bytes]:
    """A gzip writer onto `out` whose header holds neither a name nor a time."""
    if igzip_threaded is None:
        return cast("IO[bytes]", gzip.GzipFile("", "wb", ZLIB_LEVEL, out, mtime=0))
    threads = min(4, os.cpu_count() or 1)
    return cast("IO[bytes]", igzip_threaded.open(out, "wb", ISAL_LEVEL, threads=threads, block_size=BLOCK))


def _pack(packer: _Packer, entry: _PlannedEntry, scanner: CodeScanner | None) -> FileEntry | None:
    """Append `entry` to the stream; its line in the manifest, None for a link."""
    member = entry.member
    packer.add(_build_header(member))
    if member.kind is MemberKind.LINK:
        return None
    digest = hashlib.sha256()
    wanted = scanner if scanner is not None and scanner.wants(member.path, member.size) else None
    kept = []
    for block in [entry.content] if entry.source is None else _read_blocks(entry, entry.source):
        digest.update(block)
        packer.add(block)
        kept += [block] if wanted else []
    if wanted:
        wanted.take(member.path, b"".join(kept))
    packer.add(bytes(-member.size % RECORD))
    return FileEntry(path=member.path, size=member.size, sha256=digest.hexdigest())


def _build_header(member: ArchiveMember) -> bytes:
    """The member's header in pax format: ustar, with extended records where a name needs them."""
    info = tarfile.TarInfo(member.path)
    info.mode, info.size = member.mode, member.size
    if member.kind is MemberKind.LINK:
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, member.target
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _read_blocks(entry: _PlannedEntry, source: Path) -> Iterator[bytes]:
    """The content of `source`, Refused when it isn't what was planned, before or after reading."""
    name, left = quote_name(entry.member.path), entry.member.size
    try:
        # O_NONBLOCK: a named pipe put in the file's place must not hold us up
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb", buffering=0) as file:
            while left and _fingerprint(os.fstat(handle)) == entry.seen and (block := file.read(min(BLOCK, left))):
                left -= len(block)
                yield block
            steady = not left and _fingerprint(os.fstat(handle)) == entry.seen
    except OSError as problem:
        raise Refused("unreadable", f"{name} can't be read: {problem.strerror}.", "files") from None
    if not steady:
        raise Refused(
            "file_changed", f"{name} changed while it was read: try again when nothing writes to it.", "files"
        )
