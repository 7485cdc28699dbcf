"""Pictures, taken apart to their last byte: what is no part of the picture can't pass as one.

What isn't pixels (comments, EXIF, XMP) is given back to be looked at as text, and so is whatever reads as text where
pixels should be.  Nobody reads what is drawn.  Formats: PNG (W3C 2003), JPEG (T.81, Annex B), GIF89a, WebP (RFC 9649)
and Windows BMP.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator

from scheduler_service.disclosure.file_types import Unreadable

#: printable bytes in a row that count as text: in what describes a picture, and in its pixels, where chance makes some
_WORDS = re.compile(rb"[\x20-\x7e\t\r\n\xc3-\xf4\x80-\xbf]{6,}")
_AMONG_PIXELS = re.compile(rb"[\x20-\x7e\t\r\n]{24,}")
#: bytes that all texts of one PNG may unpack to
MOST_TEXT = 1 << 22
#: pixels of the largest picture, by which its unpacked size is known to be sane
MOST_PIXELS = 1 << 28
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_KNOWN = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB bKGD hIST pHYs sPLT tIME tEXt zTXt iTXt eXIf acTL fcTL fdAT "
    b"cICP mDCV cLLI".split()
)
_WEBP_KNOWN = frozenset([b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "])
#: sizes of the headers that a BMP may have
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
#: EXIF: where it was taken, and by whom or with which device
_GPS, _EXIF = 0x8825, 0x8769
_OF_PEOPLE = {0x013B: "its author", 0xA430: "its camera's owner", 0xA431: "its camera's number", 0x9C9D: "its author"}

#: what describes a picture, as a text each, and phrases of what its EXIF tells of a person
Described = tuple[list[str], list[str]]


def picture_kind(head: bytes) -> str | None:
    """The kind of picture that a file begins as; None when it is none.  `BM` alone may begin a text as well."""
    if head.startswith(_PNG):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return "BMP" if _begins_as_bmp(head) else None


def take_apart(kind: str, data: bytes) -> Described:
    """Return the remarks of the picture.  Raises Unreadable when anything in it isn't part of such a picture."""
    try:
        return _TAKERS[kind](data)
    except (struct.error, IndexError, zlib.error) as problem:
        raise _no_picture(kind) from problem


def _no_picture(kind: str) -> Unreadable:
    article = "an" if kind in {"SVG"} else "a"
    return Unreadable(f"it begins as {article} {kind} picture, and isn't one to its last byte")


def _begins_as_bmp(head: bytes) -> bool:
    if len(head) < 18 or not head.startswith(b"BM") or head[6:10] != b"\0\0\0\0":
        return False
    return int.from_bytes(head[14:18], "little") in _BMP_HEADERS


def _texts(data: bytes) -> list[str]:
    return [run.decode("utf-8", "replace") for run in _WORDS.findall(data)] + _wide_texts(data)


def _wide_texts(data: bytes) -> list[str]:
    """Texts in UTF-16, which Windows writes into EXIF."""
    return [run[::2].decode("ascii") for run in re.findall(rb"(?:[\x20-\x7e]\0){6,}", data)]


def _pixel_texts(data: bytes) -> list[str]:
    """Runs that read as text.  One sign again and again is a line of like pixels."""
    return [run.decode("ascii") for run in _AMONG_PIXELS.findall(data) if len(set(run)) > 8]


# -- PNG


def _take_png(data: bytes) -> Described:
    texts: list[str] = []
    told: list[str] = []
    place, unpacked, header = len(_PNG), _Pixels(), b""
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + length]
        (crc,) = struct.unpack_from(">I", data, place + 8 + length)
        if kind not in _PNG_KNOWN or len(body) != length or zlib.crc32(kind + body) != crc:
            raise _no_picture("PNG")
        place += 12 + length
        if kind == b"IHDR":
            header = body
        elif kind == b"IDAT":
            unpacked.add(body, _png_size(header))
        elif kind == b"fdAT":
            texts += _pixel_texts(body)
        elif kind == b"IEND":
            break
        elif kind == b"eXIf":
            _take_exif(body, texts, told)
        else:
            texts += _png_texts(kind, body)
    if place != len(data) or not unpacked.is_whole(_png_size(header)):
        raise _no_picture("PNG")
    return texts + unpacked.texts, told


class _Pixels:
    """A PNG's pixels, which must unpack to exactly as many bytes as its header says."""

    def __init__(self) -> None:
        self._unpack = zlib.decompressobj()
        self._size = 0
        self.texts: list[str] = []

    def add(self, body: bytes, size: int) -> None:
        while body:
            piece = self._unpack.decompress(body, 1 << 20)
            body = self._unpack.unconsumed_tail
            self._size += len(piece)
            self.texts += _pixel_texts(piece)
            if self._size > size or self._unpack.unused_data or len(self.texts) > 1000:
                raise _no_picture("PNG")

    def is_whole(self, size: int) -> bool:
        return self._unpack.eof and self._size == size


def _png_size(header: bytes) -> int:
    """Bytes that all lines of pixels have, with the filter of each; by passes when it is interlaced."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * _PNG_CHANNELS.get(colour, 4)
    if not 0 < width * height <= MOST_PIXELS:
        raise Unreadable("it is a picture that is larger than what is looked at")
    if not interlaced:
        return int(height * (1 + (width * bits + 7) // 8))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    total = 0
    for left, top, across, down in passes:
        columns, lines = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and lines > 0:
            total += lines * (1 + (columns * bits + 7) // 8)
    return total


def _png_texts(kind: bytes, body: bytes) -> list[str]:
    name, _, rest = body.partition(b"\0")
    packed = b""
    if kind in {b"zTXt", b"iCCP"}:
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].split(b"\0", 2)[-1]
    texts = _texts(body)
    if packed:
        unpack = zlib.decompressobj()
        texts += _texts(unpack.decompress(packed, MOST_TEXT))
        if not unpack.eof or unpack.unused_data:
            raise _no_picture("PNG")
    return [text for text in texts if text.encode() != name]


# -- JPEG


def _take_jpeg(data: bytes) -> Described:  # noqa: C901  (a case for each kind of segment)
    texts: list[str] = []
    told: list[str] = []
    place = 2
    scanned = False
    while True:
        if data[place] != 0xFF:
            raise _no_picture("JPEG")
        marker = data[place + 1]
        if marker == 0xFF:  # filling
            place += 1
            continue
        place += 2
        if marker == 0xD9:
            break
        if 0xD0 <= marker <= 0xD7 or marker == 0x01:
            continue
        (length,) = struct.unpack_from(">H", data, place)
        body = data[place + 2 : place + length]
        if length < 2 or len(body) != length - 2 or not 0xC0 <= marker <= 0xFE:
            raise _no_picture("JPEG")
        place += length
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            _take_exif(body[6:], texts, told)
        elif marker >= 0xE0:
            texts += _texts(body)
        elif marker == 0xDA:
            end = _end_of_scan(data, place)
            texts += _pixel_texts(data[place:end])
            place, scanned = end, True
    if place != len(data) or not scanned:
        raise _no_picture("JPEG")
    return texts, told


def _end_of_scan(data: bytes, place: int) -> int:
    """Return the place of the next marker that isn't part of the pixels: a stuffed zero or a restart."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0:
            raise _no_picture("JPEG")
        after = data[place + 1]
        if after != 0 and not 0xD0 <= after <= 0xD7:
            return place
        place += 2


def _take_exif(body: bytes, texts: list[str], told: list[str]) -> None:
    """The texts of an EXIF block, and whether it says where the picture was taken, by whom, or with which camera."""
    texts += _texts(body)
    order = {b"II": "<", b"MM": ">"}.get(body[:2])
    if order is None:
        return
    waiting = [struct.unpack_from(f"{order}I", body, 4)[0]]
    for start in waiting:
        if start + 2 > len(body) or len(waiting) > 8:
            return
        (number,) = struct.unpack_from(f"{order}H", body, start)
        for index in range(min(number, 500)):
            entry = start + 2 + 12 * index
            if entry + 12 > len(body):
                return
            tag, _, count, value = struct.unpack_from(f"{order}HHII", body, entry)
            if tag == _EXIF:
                waiting.append(value)
            elif tag == _GPS and _has_place(body, order, value):
                told.append("where it was taken")
            elif tag in _OF_PEOPLE and count > 1:
                told.append(_OF_PEOPLE[tag])


def _has_place(body: bytes, order: str, start: int) -> bool:
    if start + 2 > len(body):
        return False
    (number,) = struct.unpack_from(f"{order}H", body, start)
    places = range(start + 2, min(start + 2 + 12 * min(number, 100), len(body) - 1), 12)
    return any(struct.unpack_from(f"{order}H", body, entry)[0] in {2, 4} for entry in places)


# -- GIF, WebP, BMP


def _take_gif(data: bytes) -> Described:
    texts: list[str] = []
    place = 13
    if data[10] & 0x80:
        place += 3 << ((data[10] & 7) + 1)
    frames = 0
    while True:
        kind = data[place]
        place += 1
        if kind == 0x3B:
            break
        if kind == 0x21:
            label = data[place]
            body, place = _sub_blocks(data, place + 1)
            # an application's name, and what repeats an animation
            texts += _texts(body) if label in {0xFE, 0x01, 0xFF} and body != b"NETSCAPE2.0\x01\0\0" else []
        elif kind == 0x2C:
            flags = data[place + 8]
            place += 9 + ((3 << ((flags & 7) + 1)) if flags & 0x80 else 0)
            body, place = _sub_blocks(data, place + 1)
            texts += _pixel_texts(body)
            frames += 1
        else:
            raise _no_picture("GIF")
    if place != len(data) or not frames:
        raise _no_picture("GIF")
    return texts, []


def _sub_blocks(data: bytes, place: int) -> tuple[bytes, int]:
    parts = []
    while length := data[place]:
        parts.append(data[place + 1 : place + 1 + length])
        place += 1 + length
    return b"".join(parts), place + 1


def _take_webp(data: bytes) -> Described:
    texts: list[str] = []
    told: list[str] = []
    size = int.from_bytes(data[4:8], "little") + 8
    if size != len(data):
        raise _no_picture("WebP")
    kinds = set()
    for kind, body in _riff_chunks(data, 12):
        if kind not in _WEBP_KNOWN:
            raise _no_picture("WebP")
        kinds.add(kind)
        if kind == b"EXIF":
            _take_exif(body.removeprefix(b"Exif\0\0"), texts, told)
        else:
            texts += _texts(body) if kind in {b"XMP ", b"ICCP"} else _pixel_texts(body)
    if not kinds & {b"VP8 ", b"VP8L", b"ANMF"}:
        raise _no_picture("WebP")
    return texts, told


def _riff_chunks(data: bytes, place: int) -> Iterator[tuple[bytes, bytes]]:
    while place < len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        body = data[place + 8 : place + 8 + length]
        if len(body) != length:
            raise _no_picture("WebP")
        yield kind, body
        place += 8 + length + length % 2


def _take_bmp(data: bytes) -> Described:
    size, _, start, header = struct.unpack_from("<IIII", data, 2)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = 0
    else:
        width, height, _, bits, packed = struct.unpack_from("<iiHHI", data, 18)
    lines = abs(height) * (((width * bits + 31) // 32) * 4)
    if size != len(data) or not 14 + header <= start <= 14 + header + 4 * 256 + 16:
        raise _no_picture("BMP")
    if packed in {0, 3} and not lines <= len(data) - start <= lines + 3:
        raise _no_picture("BMP")
    return _texts(data[18:start]) + _pixel_texts(data[start:]), []


_TAKERS: dict[str, Callable[[bytes], Described]] = {
    "PNG": _take_png,
    "JPEG": _take_jpeg,
    "GIF": _take_gif,
    "WebP": _take_webp,
    "BMP": _take_bmp,
}
