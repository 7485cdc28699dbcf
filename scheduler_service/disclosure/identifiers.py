"""Addresses and identifiers in text: e-mail, IP, UUIDs, long hexadecimal and other opaque numbers.  Pure."""

import ipaddress
import re
from collections.abc import Iterator

from scheduler_service.disclosure.signs import look

_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.!#$&'*+=?^`{|}~-]{1,64}(?:@|%40|&#64;)"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+([^\W\d_]{2,24}|xn--[\w-]{2,59})"
    r"(?![\w])",
)
_SPELT_OUT = re.compile(
    r"[\w.+-]{1,64}\s?[\[({]\s?(?:at|@|ät|chez|arroba)\s?[\])}]\s?[\w-]{1,63}(?:\s?(?:\."
    r"|[\[({]\s?(?:dot|punkt|point|punto)\s?[\])}])\s?[\w-]{2,63})+",
    re.IGNORECASE,
)
#: what follows an @ in names of files and packages
_NO_DOMAIN = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "ts", "json", "html", "py", "ico", "map"}
)
_QUAD = re.compile(r"(?<![\w.+-])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?::(\d{2,5}))?(?![\w-]|\.\d|/\d)")
_VERSION_BEFORE = re.compile(
    r"(?:\bv|\bver(?:sion)?s?|release[sd]?|\brev|build|firmware|driver|[=~<>!]=|@|[a-z]-|[a-z]/|upgraded?(?: to| from)?"
    r"|\b(?:to|from)\b(?=.{0,40}(?:version|release|upgrad)))[\s:=]{0,3}[\"'(]?$",
    re.IGNORECASE,
)
_ADDRESS_BEFORE = re.compile(
    r"(?:\bip(?:v4)?|addr(?:ess)?|host|client|remote|from|source|src|dst|peer|server|adresse|login|user"
    r"|by|von|de)[\s:=]{0,4}[\"'(\[]?$",
    re.IGNORECASE,
)
_SIX = re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])")
_MAC = re.compile(r"(?<![\w:-])(?:[0-9a-fA-F]{2}([:-]))(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}(?![\w:-])")
_UUID = re.compile(r"(?<![\w-])\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?(?![\w-])")
_HEX = re.compile(r"(?<![\w-])(?:0x)?(?=[0-9a-fA-F]*\d)(?=\d*[a-fA-F])(?:[0-9a-f]{16,128}|[0-9A-F]{16,128})(?![\w-])")
_OPAQUE = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{20,64}={0,2}")
#: on a line with one of these, hexadecimal numbers name builds and files
_BUILD_NEARBY = re.compile(
    r"sha-?\d|md5|digest|checksum|commit|revision|build|hash=|--hash|etag|image|docker|git|kernel"
    r"|run[_ -]id|bundle|tarball",
    re.IGNORECASE,
)


_DIGIT = re.compile(r"\d")
_AT_IN_BRACKETS = re.compile(r"[\[({]\s?(?:at|@|ät|chez|arroba)\s?[\])}]", re.IGNORECASE)


def email_places(text: str) -> Iterator[int]:
    """Places on lines that may have an e-mail address."""
    yield from look(text).words("mail")


def may_hold_email(text: str) -> bool:
    """False when no line of the text has an e-mail address."""
    return bool(look(text).words("mail"))


def address_places(text: str) -> Iterator[int]:
    """Places on lines that may have an IP or hardware address."""
    yield from look(text).addresses()


def number_places(text: str) -> Iterator[int]:
    """Places on lines that may have a UUID or a long hexadecimal number."""
    yield from (start for start, end in look(text).runs(16) if _DIGIT.search(text, start, end))


def has_email(text: str) -> bool:
    """True when an e-mail address stands in the text, also one that was spelt out to hide it from robots."""
    if "@" in text or "%40" in text or "&#64;" in text:
        for match in _EMAIL.finditer(text):
            ssh = match[0].startswith(("git@", "hg@", "svn@")) and text[match.end() : match.end() + 1] in {":", "/"}
            if match[1].lower() not in _NO_DOMAIN and not ssh:
                return True
    return _AT_IN_BRACKETS.search(text) is not None and _SPELT_OUT.search(text) is not None


def find_addresses(text: str) -> Iterator[str]:
    """The IP and hardware addresses in running text; four numbers count as a version where the words around say so."""
    for match in _QUAD.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        if not is_host(match[1]) or _VERSION_BEFORE.search(before):
            continue
        if _ADDRESS_BEFORE.search(before) or match[2] or not before.strip() or not looks_like_version(match[1]):
            yield match[1]
    for match in _SIX.finditer(text):
        if is_host(match[0]):
            yield match[0]
    for match in _MAC.finditer(text):
        if len(set(match[0].lower())) > 2:
            yield match[0]


def is_host(text: str) -> bool:
    """True when the text is the address of one machine: no loopback, no network's, no mask."""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return False
    if address.version == 6:
        return sum(1 for part in text.split(":") if part) >= 3
    return not address.is_reserved and not text.endswith(".0.0")


def looks_like_version(quad: str) -> bool:
    """True when four numbers are as small as those of versions are."""
    return sum(int(part) >= 32 for part in quad.split(".")) < 2


def is_mac(text: str) -> bool:
    """True when the text is a hardware address."""
    return _MAC.fullmatch(text) is not None


def is_opaque(text: str) -> bool:
    """True when the text is a UUID, a long hexadecimal number or a token without meaning."""
    return bool(_UUID.fullmatch(text) or _HEX.fullmatch(text) or _OPAQUE.fullmatch(text))


def find_opaque_numbers(line: str) -> Iterator[str]:
    """UUIDs and long hexadecimal numbers in running text, but for those that name builds, files and runs."""
    if _BUILD_NEARBY.search(line):
        return
    yield from (match[0].lower() for match in _UUID.finditer(line))
    yield from (match[0].lower() for match in _HEX.finditer(line))
