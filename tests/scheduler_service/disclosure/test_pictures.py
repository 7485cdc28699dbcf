"""A picture passes as one only when it is one to its last byte, and with what it says of itself looked at."""

import base64
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from jupyter_schedule.core.models import FindingKind
from scheduler_service.disclosure.files import check_file
from tests.scheduler_service.disclosure.pictures import PICTURES, picture, save

PEOPLE = b"user_id,email,amount\n" + b"".join(b"%d,ana%d@firma.de,%d\n" % (n, n, n * 3) for n in range(40))
Kinds = Callable[[bytes, str], set[FindingKind]]


@pytest.fixture
def kinds(tmp_path: Path) -> Kinds:
    def of(data: bytes, name: str = "plot.png") -> set[FindingKind]:
        (tmp_path / "file").write_bytes(data)
        return {finding.kind for finding in check_file(f"output/{name}", tmp_path / "file")}

    return of


@pytest.mark.parametrize("kind", PICTURES)
def test_a_whole_picture_passes_and_half_of_one_or_more_than_one_does_not(kind: str, kinds: Kinds) -> None:
    whole = picture(kind)
    assert kinds(whole, "a") == set()
    for other in (
        whole[: len(whole) // 2],
        whole[:-2],
        whole + PEOPLE,
        whole + b"PK\x03\x04" + PEOPLE,
        whole[:24] + PEOPLE,
    ):
        assert kinds(other, "a"), len(other)


@pytest.mark.parametrize(
    "begins",
    [b"BMI,age,", b"BMW sales by customer\n", b"BM", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF....WEBP"],
)
def test_a_table_that_begins_as_a_picture_is_no_picture(begins: bytes, kinds: Kinds) -> None:
    """`BM` begins a bitmap, and also the words BMI and BMW."""
    assert kinds(begins + PEOPLE, "patients.csv")


def test_pixels_that_read_as_a_table_are_looked_at(kinds: Kinds) -> None:
    """A PNG may hold any bytes as its pixels, and be a whole one."""
    wide = len(PEOPLE) // 8 // 4 * 4
    lines = [PEOPLE[start : start + wide] for start in range(0, wide * 8, wide)]
    header = struct.pack(">IIBBBBB", wide, 8, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines))
    drawn = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(*each) for each in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )
    assert FindingKind.EMAIL in kinds(drawn, "a.png")
    assert FindingKind.EMAIL in kinds(save(Image.frombytes("L", (wide, 8), b"".join(lines)), "BMP"), "a.bmp")


def test_remarks_of_a_picture_are_read(kinds: Kinds) -> None:
    plain = picture("PNG")

    def with_chunk(kind: bytes, body: bytes) -> bytes:
        return plain[:33] + _chunk(kind, body) + plain[33:]

    token = b"gh" + b"p_" + b"a1B2" * 9
    assert kinds(with_chunk(b"tEXt", b"Comment\0" + token), "a") == {FindingKind.SECRET}
    assert kinds(with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"by ana@firma.de")), "a") == {FindingKind.EMAIL}
    assert kinds(with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"ok") + PEOPLE), "a")
    assert kinds(with_chunk(b"tEXt", b"Software\0Matplotlib version3.10"), "a") == set()
    assert kinds(with_chunk(b"prVt", b"whatever"), "a") == {FindingKind.UNCHECKED}


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_photograph_tells_where_and_by_whom_it_was_taken(kind: str, kinds: Kinds) -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 1.0), 3: "E", 4: (13.0, 2.0, 2.0)}
    assert kinds(save(Image.new("RGB", (20, 20)), kind, exif=exif), "a") == {FindingKind.PERSONAL}
    exif = Image.Exif()
    exif[0x013B] = "Ana Abel"
    assert kinds(save(Image.new("RGB", (20, 20)), kind, exif=exif), "a") == {FindingKind.PERSONAL}


def test_pictures_within_pages_and_drawings_are_looked_at_too(kinds: Kinds) -> None:
    def page(data: bytes) -> bytes:
        return b"<html><img src='data:image/png;base64," + base64.b64encode(data) + b"'></html>"

    assert kinds(page(picture("PNG")), "a.html") == set()
    assert kinds(page(picture("PNG") + PEOPLE), "a.html") == {FindingKind.UNCHECKED}
    assert FindingKind.EMAIL in kinds(page(PEOPLE), "a.html")
    drawing = b"<svg><image href='data:image/svg+xml;base64," + base64.b64encode(page(PEOPLE)) + b"'/></svg>"
    assert FindingKind.EMAIL in kinds(drawing, "a.svg")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
