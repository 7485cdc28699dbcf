"""Paths that are named inside other texts: addresses of databases and archives, and queries that read files.

`sqlite:///sales.db`, `zip://a.csv::data.zip`, `NETCDF:"x.nc":t`, `select * from 'data/x.parquet'`.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote

from jupyter_schedule.core.notebooks.pictures import find_pictures

#: of databases that are one file; three slashes are a relative path, four one from the root
_DATABASE = re.compile(
    r"(?:jdbc:)?(?:sqlite|duckdb|gpkg|spatialite|access|firebird)(?:\+\w+)?:/{2,3}(?P<path>[^?#]*)", re.I
)
_JDBC = re.compile(r"jdbc:(?:sqlite|duckdb|h2|ucanaccess):(?:file:)?(?P<path>[^/?#;:][^?#;]*)", re.I)
_FILE = re.compile(r"file:(?://(?:localhost)?)?(?P<path>[^?#]+)", re.I)
_CHAINED = re.compile(r"(?:\w+://[^\s:]*|\w+)::\S")
_ARCHIVE = re.compile(r"(?:zip|tar|gzip|zip\+file)://(?P<path>[^!?#]+)", re.I)
_VIRTUAL = re.compile(r"/vsi(?:zip|tar|gzip|sparse)/+(?P<path>.+?\.(?:zip|tar|tgz|gz|kmz))(?:/|$)", re.I)
#: GDAL's: `HDF5:"x.h5"://t`, `NETCDF:x.nc:t`, `GPKG:x.gpkg:t`
_PART = re.compile(
    r"(?:NETCDF|HDF[45]|HDF4_SDS|HDF4_EOS|GPKG|ZARR|SENTINEL\d_\w+|GTIFF_DIR|GTIFF_RAW|NITF_IM):"
    r"(?:\d+:)?(?:\"(?P<quoted>[^\"]+)\"|(?P<path>[^:\"]+))"
)
_ODBC = re.compile(
    r"(?:Dbq|Database|Data Source|DataSource|Server)\s*=\s*\{?(?P<path>[^;{}]+\.[A-Za-z0-9]{2,9})\}?", re.I
)

_QUERY = re.compile(
    r"^[\s(]*(?:--[^\n]*\n\s*)*(?:select|with|from|copy|create|insert|attach|summarize|describe|load|install|import"
    r"|export|pivot|show|explain|update|delete|table|values|set|pragma|call)\b",
    re.I,
)
_WRITTEN = re.compile(r"\b(?:to|export\s+database|into\s+(?:out|dump)file)\s+'(?P<path>[^'\n]+)'", re.I)
_QUOTED = re.compile(r"'(?P<path>[^'\n]{1,1024})'")
#: what `from` and `join` name without quotes is a table, but for these
_TABLE_FILE = re.compile(r"\b(?:from|join)\s+\"(?P<path>[^\"\n]+\.\w{2,9})\"", re.I)
_ANY = (_DATABASE, _JDBC, _FILE, _ARCHIVE, _VIRTUAL, _PART, _ODBC)


class NamedPath(NamedTuple):
    """A path inside a text."""

    path: str
    written: bool = False


def find_paths_in(text: str) -> Iterator[NamedPath]:
    """The paths that an address or a query names; nothing of any other text."""
    if "::" in text and _CHAINED.match(text):
        # a chain such as `zip://inner.csv::data.zip` or `simplecache::file://x`: the last is what is opened
        last = text.rpartition("::")[2]
        yield from list(find_paths_in(last)) or [NamedPath(last)]
        return
    if "](" in text or "<img" in text:
        # Markdown or HTML that a cell shows
        yield from map(NamedPath, find_pictures(text))
        return
    for pattern in _ANY:
        if found := pattern.match(text) or (pattern is _ODBC and "=" in text and pattern.search(text)):
            groups = found.groupdict()
            path = unquote(groups["path"] or groups.get("quoted") or "")
            if path and path != ":memory:":
                yield NamedPath(path)
            return
    if _QUERY.match(text):
        written = {found["path"] for found in _WRITTEN.finditer(text)}
        for pattern in (_QUOTED, _TABLE_FILE):
            for found in pattern.finditer(text):
                inner = list(find_paths_in(found["path"])) or [NamedPath(found["path"])]
                yield from (path._replace(written=found["path"] in written) for path in inner)


_USER = re.compile(r"://([^/\s@]*)@")
_SECRET_ARGUMENT = re.compile(
    r"[?&;][\w-]*(?:token|key|secret|password|passwd|pwd|sig|signature|auth)[\w-]*=([^&\s$][^&\s]*)", re.IGNORECASE
)
_LONG_PART = re.compile(r"/([A-Za-z0-9_-]{20,})(?=/|$)")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def has_credentials(address: str) -> bool:
    """True where an address holds a password, a token or a key, wherever in it; variables such as `$TOKEN` are none."""
    for found in _USER.finditer(address):
        user, colon, password = found[1].partition(":")
        secret = password if colon else user
        if secret and "$" not in secret and not (user == "git" and not colon):
            return True
    if _SECRET_ARGUMENT.search(address):
        return True
    plain = address.partition("#")[0]
    return any(_reads_like_key(part) for part in _LONG_PART.findall(plain.partition("://")[2]))


def _reads_like_key(part: str) -> bool:
    """True of a part of a path that nobody would call something: letters and digits in no order."""
    changes = sum(one.isdigit() != other.isdigit() for one, other in pairwise(part))
    return changes >= 4 and "_" not in part.strip("_") and part.count("-") < 3 and not _COMMIT.fullmatch(part)
