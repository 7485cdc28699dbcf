"""The other readings of a text: what a browser, a parser or a person with a decoder makes of it.  Pure.

`ana%40firma.de`, `&#97;na@firma.de`, `ana\\u0040firma.de`, base64 and hexadecimal are all read by somebody.
"""

import base64
import binascii
import html
import re
import unicodedata
import zlib
from collections.abc import Iterator
from urllib.parse import unquote

from scheduler_service.disclosure.signs import look

_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,10});")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,6})\}|\\x([0-9A-Fa-f]{2})")
_QUOTED_PRINTABLE = re.compile(r"=([4-7][0-9A-F])")
#: signs that nobody sees
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\u202a-\u202e]")
_WIDE = re.compile("[\uff01-\uff5e]")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/]{24,}|[A-Za-z0-9_-]{24,})(?:={1,2}|(?![A-Za-z0-9+/=_-]))")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){24,}(?![0-9A-Fa-f])")
#: letters of the shortest text that is unpacked
SHORTEST = 24
#: bytes that a packed part of a text may unpack to
MOST_INFLATED = 16 << 20
#: of a decoded text, signs that are printable, from which it is one
TEXT_SHARE = 0.95


def other_readings(line: str) -> Iterator[str]:
    """Read the line in each other way in which it reads otherwise."""
    if "%" in line and _PERCENT.search(line):
        yield unquote(line, errors="replace")
    if "&" in line and _ENTITY.search(line):
        yield html.unescape(line)
    if "\\" in line and _ESCAPE.search(line):
        yield _ESCAPE.sub(_letter, line)
    if "=" in line and _QUOTED_PRINTABLE.search(line):
        yield _QUOTED_PRINTABLE.sub(lambda match: chr(int(match[1], 16)), line)
    if not line.isascii():
        plain = _UNSEEN.sub("", line)
        if _WIDE.search(plain):
            plain = unicodedata.normalize("NFKC", plain)
        if plain != line:
            yield plain


def other_places(text: str) -> Iterator[int]:
    """Places on lines that have another reading."""
    for sign, pattern in (("%", _PERCENT), ("&", _ENTITY), ("\\", _ESCAPE), ("=", _QUOTED_PRINTABLE)):
        if sign in text:
            yield from (match.start() for match in pattern.finditer(text))
    if not text.isascii():
        for pattern in (_UNSEEN, _WIDE):
            yield from (match.start() for match in pattern.finditer(text))


def may_read_otherwise(text: str) -> bool:
    """False when no line of the text has another reading."""
    return any(True for _ in other_places(text))


def _letter(match: re.Match[str]) -> str:
    code = int(match[1] or match[2] or match[3], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def packed_texts(text: str) -> Iterator[tuple[int, str]]:
    """The texts that stand in `text` as base64 or hexadecimal, each with the place where it begins."""
    if not look(text).has_run(SHORTEST):
        return
    for match in _HEX.finditer(text):
        plain = as_text(bytes.fromhex(match[0]))
        if plain:
            yield match.start(), plain
    for match in _BASE64.finditer(text):
        plain = as_text(inflate(unpack_base64(match[0])))
        if plain:
            yield match.start(), plain


def unpack_base64(packed: str) -> bytes:
    """The bytes behind base64 in either alphabet; none when it isn't such."""
    packed = packed.rstrip("=").replace("-", "+").replace("_", "/")
    packed = packed[: len(packed) - (len(packed) % 4 == 1)]
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def inflate(data: bytes) -> bytes:
    """Unpack gzip or zlib, up to a limit; other bytes as they are."""
    if not data.startswith((b"\x1f\x8b", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")):
        return data
    try:
        return zlib.decompressobj(47).decompress(data, MOST_INFLATED)
    except zlib.error:
        return data


def as_text(data: bytes) -> str:
    """The text that bytes are, or nothing."""
    try:
        plain = data.decode()
    except UnicodeDecodeError:
        return ""
    seen = sum(sign.isprintable() or sign in "\t\r\n" for sign in plain)
    return plain if len(plain) >= 12 and seen >= TEXT_SHARE * len(plain) else ""
