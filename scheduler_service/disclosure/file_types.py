"""From bytes to text: what kind of file it is, by its first bytes and never by its name; never more than a limit."""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any, cast

#: bytes that are looked at to say what a file is
SAMPLE = 1 << 16
_NAMED = {
    b"PK\x03\x04": "a ZIP archive or office document",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a database",
    b"\x28\xb5\x2f\xfd": "compressed in a way that isn't read here",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
    b"\x80\x04\x95": "a Python pickle",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"RIFF": "sound, film or a picture that isn't read here",
    b"II*\0": "a picture that isn't read here",
    b"MM\0*": "a picture that isn't read here",
}
_CONTROL = bytes(code for code in range(0x20) if code not in b"\t\n\r\f\x1b")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


class Unreadable(Exception):  # noqa: N818  (an answer, not a fault)
    """Nobody can say what is in the file.  Its text is a phrase: `it is a PDF`."""


class BoundedStream(io.RawIOBase):
    """A stream that gives at most `limit` bytes and then raises Unreadable, whatever it is unpacked from."""

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self._source = source
        self._left = limit
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        filled = 0
        while filled < len(buffer):
            try:
                block = self._source.read(len(buffer) - filled)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as problem:
                raise Unreadable("it is damaged") from problem
            if not block:
                break
            self._left -= len(block)
            if self._left < 0:
                raise Unreadable(f"it is larger than {self._limit >> 20} MiB")
            buffer[filled : filled + len(block)] = block
            filled += len(block)
        return filled


def bound_stream(source: IO[bytes], limit: int) -> io.BufferedReader:
    """The source with a look ahead of `SAMPLE` bytes, and with a limit."""
    return io.BufferedReader(BoundedStream(source, limit), SAMPLE)


class _WholeStream(io.RawIOBase):
    """Unpacks streams one after the other, and is damaged when anything else follows them."""

    def __init__(self, source: IO[bytes], make: Callable[[], Any], magic: bytes) -> None:
        self._source = source
        self._make = make
        self._magic = magic
        self._unpack = make()
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while True:
            if self._unpack.eof:
                rest = self._unpack.unused_data or self._waiting or self._source.read(SAMPLE)
                if not rest:
                    return 0
                if not rest.startswith(self._magic):
                    raise OSError("something else follows what is compressed")
                self._unpack, self._waiting = self._make(), rest
            if self._unpack.needs_input and not self._waiting:
                self._waiting = self._source.read(SAMPLE)
                if not self._waiting:
                    raise EOFError("it ends too early")
            piece, self._waiting = self._unpack.decompress(self._waiting, len(buffer)), b""
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)


def _open_gzip(stream: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(stream))


def _open_bzip2(stream: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_WholeStream(stream, bz2.BZ2Decompressor, b"BZh"))


def _open_xz(stream: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_WholeStream(stream, lzma.LZMADecompressor, b"\xfd7zXZ"))


_OPENERS: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": _open_gzip,
    b"BZh": _open_bzip2,
    b"\xfd7zXZ\x00": _open_xz,
}


def decompress(head: bytes, stream: IO[bytes]) -> IO[bytes] | None:
    """Open what a compressed file holds; None when it isn't compressed."""
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return opener(stream)
    return None


def packed_names(head: bytes) -> list[str]:
    """The name and the remark that a gzip file may begin with (RFC 1952, section 2.3)."""
    if not head.startswith(b"\x1f\x8b") or len(head) < 10:
        return []
    place = 10
    if head[3] & 4:
        place += 2 + int.from_bytes(head[10:12], "little")
    texts = [head[10:place]] if place > 12 else []
    for flag in (8, 16):
        if head[3] & flag:
            end = head.find(b"\0", place)
            texts.append(head[place : end if end >= 0 else None])
            place = len(head) if end < 0 else end + 1
    return [text.decode("latin-1") for text in texts]


def detect_encoding(head: bytes) -> str:
    """Return the encoding of the text that begins so.  Raises Unreadable when it isn't text."""
    named = next((what for magic, what in _NAMED.items() if head.startswith(magic)), None)
    if named or head[257:262] == b"ustar":
        raise Unreadable(f"it is {named or 'an archive'}")
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding if encoding != "utf-16" or _is_wide(head) else _refuse()
    if b"\0" in head:
        return _wide(head)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the sample may end in the middle of a letter
    except UnicodeDecodeError:
        return _one_byte(head)
    return "utf-8" if _is_plain(head) else _refuse()


def _is_wide(head: bytes) -> bool:
    """True where a text behind a mark of UTF-16 has a sign of Latin script, as lines of every language have."""
    return len(head) < 4 or 0 in head[2:]


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: every other byte of Western text is zero."""
    half = len(head) // 2
    if head[1::2].count(0) > 0.6 * half and head[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if head[::2].count(0) > 0.6 * half and head[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return _refuse()


def _one_byte(head: bytes) -> str:
    western = len(head) - len(head.translate(None, bytes(range(0x80, 0x100))))
    return "cp1252" if _is_plain(head) and western < 0.3 * len(head) else _refuse()


def _is_plain(head: bytes) -> bool:
    """True when it has hardly any control characters."""
    return len(head) - len(head.translate(None, _CONTROL)) <= len(head) / 500


def _refuse() -> str:
    raise Unreadable("it isn't text, nor a picture, and of no kind that is known here")
