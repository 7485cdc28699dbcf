"""The type and the packing that readers of a publication are told."""

import gzip
import mimetypes

import pytest

from jupyter_schedule.core.storage.content_types import Content, describe_content, needs_look

PACKED = gzip.compress(b"a,b\n1,2\n")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("table.html", "text/html"),
        ("TABLE.HTM", "text/html"),
        ("rows.csv", "text/csv"),
        ("rows.v2.tsv", "text/tab-separated-values"),
        ("notes.txt", "text/plain"),
        ("run.log", "text/plain"),
        ("README.md", "text/markdown"),
        ("app.js", "text/javascript"),
        ("data.json", "application/json"),
        ("rows.jsonl", "application/x-ndjson"),
        ("map.geojson", "application/geo+json"),
        ("übung/数据.csv", "text/csv"),
    ],
)
def test_texts_are_utf8(name: str, kind: str) -> None:
    assert describe_content(name) == (f"{kind}; charset=utf-8", None)
    assert describe_content(f"{name}.gz", PACKED) == (f"{kind}; charset=utf-8", "gzip")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("notes.txt.xz", "application/x-xz"),
        ("rows.csv.bz2", "application/x-bzip2"),
        ("rows.csv.zst", "application/zstd"),
        ("rows.csv.Z", "application/x-compress"),
        ("rows.csv.br", "application/octet-stream"),
        ("model.tar.xz", "application/x-xz"),
        ("code.tgz", "application/gzip"),
        ("code.tar.gz", "application/gzip"),
        ("model.pkl.gz", "application/gzip"),
        ("plot.png.gz", "application/gzip"),
        ("something.gz", "application/gzip"),
        (".gz", "application/octet-stream"),
        ("csv.gz", "application/gzip"),
        (".csv", "application/octet-stream"),
        ("folder.csv/file", "application/octet-stream"),
        ("model.pkl", "application/octet-stream"),
        ("picture.svg", "image/svg+xml"),
        ("feed.xml", "application/xml"),
        ("rows.parquet", "application/vnd.apache.parquet"),
    ],
)
def test_archives_stay_packed_and_what_nobody_knows_is_bytes(name: str, kind: str) -> None:
    for start in (None, PACKED, b"", b"1,2\n"):
        assert describe_content(name, start) == (kind, None)


@pytest.mark.parametrize("start", [b"", b"1,2\n", b"\x1f\x8b", b"PK\x03\x04"])
def test_what_is_only_called_gzip_is_not_sent_as_such(start: bytes) -> None:
    assert needs_look("rows.csv.gz")
    assert describe_content("rows.csv.gz", start) == ("application/octet-stream", None)


def test_a_packed_drawing_is_one() -> None:
    assert describe_content("a.svgz", PACKED) == describe_content("a.svg.gz", PACKED) == ("image/svg+xml", "gzip")


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"<p>\xc3\xbc", "text/html; charset=utf-8"),
        (b'<html><head><meta charset="UTF-8">', "text/html; charset=utf-8"),
        (b"<meta charset=iso-8859-1>", "text/html"),
        (b'<META http-equiv="Content-Type" content="text/html; charset=windows-1252">', "text/html"),
        ("<p>".encode("utf-16"), "text/html"),
    ],
)
def test_a_page_that_says_its_own_encoding_is_believed(start: bytes, kind: str) -> None:
    assert describe_content("page.html", start).type == kind


def test_the_machines_own_table_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mimetypes, "types_map", {".csv": "application/vnd.ms-excel"})
    assert describe_content("rows.csv") == Content("text/csv; charset=utf-8")
