"""The type that an object is served as, and the packing that its readers undo by themselves: pure, a closed table.

Python's own table differs between releases, and knows packings, such as xz, that no browser does.  Here a text is UTF-8
unless its own first bytes say otherwise, an archive stays packed, and `Content-Encoding: gzip` is sent only of what is
gzip.  Whatever has no line here is bytes.
Sources: the registry of HTTP content codings; RFC 1952 (the first bytes of gzip); HTML, "determining the character
encoding", whose header wins over the page's own word.
"""

import re
from typing import NamedTuple

#: the first bytes by which it is known what an object is
LOOKED_AT_BYTES = 1024
UNKNOWN = "application/octet-stream"
_GZIP = b"\x1f\x8b\x08"
_HTML = frozenset({"html", "htm"})
_DECLARED = re.compile(rb"<meta[^>]*charset\s*=\s*[\"']?\s*([\w:.-]+)", re.IGNORECASE)
#: what begins with these is text of two or four bytes a character, which readers see for themselves
_OTHER_TEXT = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

#: of texts, in UTF-8
_TEXTS = {
    "text/plain": "txt text log ini cfg conf toml sql py r jl sh bib tex rst diff patch",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv tab",
    "text/html": "html htm",
    "text/css": "css",
    "text/javascript": "js mjs",
    "text/markdown": "md markdown",
    "text/calendar": "ics",
    "application/json": "json map",
    "application/geo+json": "geojson",
    "application/x-ndjson": "ndjson jsonl",
    "application/x-ipynb+json": "ipynb",
    "application/yaml": "yaml yml",
}
#: of texts that say themselves what they are in
_XML = {
    "application/xml": "xml xsd xsl",
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/vnd.google-earth.kml+xml": "kml",
    "image/svg+xml": "svg",
}
_BYTES = {
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "image/vnd.microsoft.icon": "ico",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg oga",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "application/wasm": "wasm",
    "application/pdf": "pdf",
    "application/postscript": "ps eps",
    "application/rtf": "rtf",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.file": "arrow feather",
    "application/vnd.sqlite3": "sqlite sqlite3",
    "application/geopackage+sqlite3": "gpkg",
    "application/x-hdf5": "h5 hdf5",
    "application/x-netcdf": "nc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/zip": "zip",
    "application/x-tar": "tar",
    "application/gzip": "gz tgz taz",
    "application/x-bzip2": "bz2 tbz2 tbz",
    "application/x-xz": "xz txz",
    "application/zstd": "zst tzst",
    "application/x-compress": "z",
    "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar",
}
_UTF8 = "; charset=utf-8"
#: endings of one name for two
_WHOLE = {"svgz": ("svg", "gz")}


def _by_ending(types: dict[str, str], parameter: str = "") -> dict[str, str]:
    return {ending: kind + parameter for kind, endings in types.items() for ending in endings.split()}


_TEXT_TYPES = _by_ending(_TEXTS, _UTF8) | _by_ending(_XML)
_TYPES = _by_ending(_BYTES) | _TEXT_TYPES


class Content(NamedTuple):
    """The headers by which readers know an object."""

    #: of what is inside, when it is packed
    type: str
    #: `gzip`, or None of what is sent as it is
    encoding: str | None = None


def needs_look(key: str) -> bool:
    """True when the key alone doesn't tell: a text that is said to be gzip, and a page."""
    *_, inner, last = ["", "", *_endings(key)]
    return last in _HTML or (last == "gz" and inner in _TEXT_TYPES)


def describe_content(key: str, start: bytes | None = None) -> Content:
    """Describe an object to its readers.

    start: its first bytes, 1,024 if it has as many; None where nobody looked, so that its name is believed.
    """
    *_, inner, last = ["", "", *_endings(key)]
    if last == "gz" and inner in _TEXT_TYPES:
        if start is None or start.startswith(_GZIP):
            return Content(_TEXT_TYPES[inner], "gzip")
        # a name and nothing else: whoever undoes a packing here finds none
        return Content(UNKNOWN)
    kind = _TYPES.get(last, UNKNOWN)
    if start is not None and last in _HTML and not _is_utf8(start):
        kind = kind.removesuffix(_UTF8)
    return Content(kind)


def _endings(key: str) -> tuple[str, ...]:
    """The last two endings of a name, in small letters; of `.gz` alone none, as that is a name."""
    name = key.rpartition("/")[2].lstrip(".").lower()
    endings = tuple(name.split(".")[1:][-2:])
    return _WHOLE.get(endings[-1], endings) if endings else ()


def _is_utf8(page: bytes) -> bool:
    """True unless the page says that it is in something else."""
    declared = _DECLARED.search(page)
    named = declared is None or declared[1].lower().replace(b"_", b"-") in {b"utf-8", b"utf8"}
    return named and not page.startswith(_OTHER_TEXT)
