"""What of a foreign .tar.gz is accepted, and that nothing of a hostile one is ever written outside its folder."""

import gzip
import hashlib
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_schedule.core.bundles import tarstream
from jupyter_schedule.core.bundles.archive import inspect, unpack
from jupyter_schedule.core.bundles.tarstream import ArchiveLimits, MemberKind
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import size_text

FORMATS: dict[str, Literal[0, 1, 2]] = {
    "gnu": tarfile.GNU_FORMAT,
    "ustar": tarfile.USTAR_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}
END = bytes(1024)


def entry(name: str, content: bytes = b"", form: Literal[0, 1, 2] = tarfile.GNU_FORMAT, **fields: object) -> bytes:
    """One member as tarfile writes it, header and padded content."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(form, "utf-8", "surrogateescape") + content + bytes(-len(content) % 512)


def link(name: str, target: str) -> bytes:
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def folder(name: str) -> bytes:
    return entry(name, type=tarfile.DIRTYPE, mode=0o700)


def pax(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return entry("././@PaxHeader", records, type=kind)


def record(key: str, value: bytes) -> bytes:
    """A pax record, whose length counts its own digits."""
    rest = f" {key}=".encode() + value + b"\n"
    length = next(n for n in range(len(rest), len(rest) + 9) if len(str(n)) + len(rest) == n)
    return str(length).encode() + rest


def packed(home: Path, *members: bytes, end: bytes = END) -> Path:
    """The members as home/x.tar.gz."""
    path = home / "x.tar.gz"
    path.write_bytes(gzip.compress(b"".join(members) + end))
    return path


def tree(folder: Path) -> dict[str, str]:
    """Everything below a folder: file contents, link targets, "/" for folders."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = (
            f"-> {path.readlink()}"
            if path.is_symlink()
            else "/"
            if path.is_dir()
            else path.read_bytes().decode("latin-1")
        )
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of its own, so that what lands beside `into` is seen."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def refusal(archive: Path, into: Path, limits: ArchiveLimits | None = None) -> Refused:
    """The refusal of an archive, the same by inspect and unpack, after which only the archive is there."""
    before = tree(into.parent.parent)
    with pytest.raises(Refused) as looked:
        inspect(archive, limits)
    with pytest.raises(Refused) as unpacked:
        unpack(archive, into, limits)
    assert unpacked.value.message == looked.value.message
    assert tree(into) == {}
    into.rmdir()
    assert tree(into.parent.parent) == before
    assert unpacked.value.message.endswith((".", "FOLDER"))
    assert unpacked.value.message.isprintable()
    return unpacked.value


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_every_format_of_tarfile_is_read(form: Literal[0, 1, 2], home: Path) -> None:
    """Files, folders, links, long and foreign names survive in each format that can hold them."""
    name = "ordner/" + "lang" * 15 + "/überblick 'x'.csv"
    archive = packed(
        home,
        entry(name, b"1,2\n", form=form),
        entry("./run.sh", b"#!", form=form, mode=0o4755),
        entry("leer", type=tarfile.DIRTYPE, form=form),
        entry("latest", type=tarfile.SYMTYPE, linkname=name, form=form),
    )
    unpack(archive, home / "into")
    assert (home / "into" / "latest").read_bytes() == b"1,2\n"
    assert {path.name for path in (home / "into").iterdir()} == {"ordner", "run.sh", "leer", "latest"}


@pytest.mark.parametrize("options", [["--format=gnu"], ["--format=pax"], ["--format=ustar"], ["--format=v7"]])
@pytest.mark.parametrize("what", [".", "project"])
def test_archives_of_gnu_tar_are_read(options: list[str], what: str, home: Path) -> None:
    """`tar czf` of a folder, with and without ./ before its names, gives the same tree."""
    project = home / "project"
    (project / "data").mkdir(parents=True)
    (project / "data" / "a b.csv").write_text("1")
    (project / "latest.csv").symlink_to("data/a b.csv")
    start = project if what == "." else home
    subprocess.run(["tar", *options, "-czf", home / "x.tar.gz", "-C", start, what], check=True)
    unpack(home / "x.tar.gz", home / "into")
    assert tree(home / "into" / ("" if what == "." else what)) == tree(project)


def test_the_digest_is_that_of_the_decompressed_stream(home: Path) -> None:
    """`gzip -dc | sha256sum` prints it, padding after the end included."""
    archive = packed(home, entry("a", b"1"), end=bytes(10240))
    digest, members = inspect(archive)
    assert digest == hashlib.sha256(gzip.decompress(archive.read_bytes())).hexdigest()
    assert [(member.path, member.kind, member.size) for member in members] == [("a", MemberKind.FILE, 1)]


def test_several_gzip_members_are_one_stream(home: Path) -> None:
    """pigz and concatenated gzip files are read to their end."""
    whole = entry("a", b"x" * 600) + END
    archive = home / "x.tar.gz"
    archive.write_bytes(gzip.compress(whole[:700]) + gzip.compress(whole[700:]))
    unpack(archive, home / "into")
    assert (home / "into" / "a").read_bytes() == b"x" * 600


def test_zlib_reads_what_isal_reads(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without isal the same archive gives the same answer."""
    archive = packed(home, entry("a", b"1" * 5000), link("b", "a"))
    fast = inspect(archive)
    monkeypatch.setattr(tarstream, "_GzipFile", gzip.GzipFile)
    assert inspect(archive) == fast


def test_modes_are_normalised_and_owners_ignored(home: Path) -> None:
    """setuid, setgid and sticky bits go; the owner's execute bit decides between 0755 and 0644, whatever the umask."""
    before = os.umask(0o077)
    try:
        archive = packed(
            home,
            entry("x", mode=0o6711, uid=12345),
            entry("y", mode=0o1066),
            folder("sub"),
            entry("sub/z", mode=0),
        )
        unpack(archive, home / "into")
    finally:
        os.umask(before)
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (home / "into").rglob("*")}
    assert modes == {"x": "0o755", "y": "0o644", "sub": "0o755", "z": "0o644"}
    assert (home / "into" / "x").stat().st_uid == os.getuid()


def test_a_later_file_of_the_same_name_wins(home: Path) -> None:
    """As with tar, which appends newer versions."""
    unpack(packed(home, entry("a", b"older and longer"), entry("a", b"new")), home / "into")
    assert tree(home / "into") == {"a": "new"}


def test_links_inside_are_kept(home: Path) -> None:
    """Relative links to files, folders, the root, through other links and to nothing stay as they were written."""
    links = {"l": "d/f", "d/up": "../a", "d/loop": "..", "via": "d/up", "deep": "d/loop/d/f", "gone": "no/such"}
    archive = packed(home, *(link(name, target) for name, target in links.items()), entry("a"), entry("d/f", b"1"))
    unpack(archive, home / "into")
    assert {name: str((home / "into" / name).readlink()) for name in links} == links
    assert (home / "into" / "deep").read_bytes() == b"1"


def test_global_headers_of_git_archive_are_passed_over(home: Path) -> None:
    """A global header's comment changes nothing."""
    archive = packed(home, pax(record("comment", b"4f2a91c"), tarfile.XGLTYPE), entry("a", b"1"))
    unpack(archive, home / "into")
    assert tree(home / "into") == {"a": "1"}


CHAIN = [link("d0", "."), *(link(f"d{n}", f"d{n - 1}/.") for n in range(1, 60))]
UNSAFE: dict[str, tuple[list[bytes], str]] = {
    "parent": ([entry("../evil")], "contains “..”"),
    "parent inside": ([entry("a/../../evil")], "contains “..”"),
    "absolute": ([entry("/tmp/evil")], "absolute path"),
    "absolute by pax": ([pax(record("path", b"/tmp/evil")), entry("a")], "absolute path"),
    "parent by long name": ([entry("././@LongLink", b"../evil\0", type=b"L"), entry("a")], "contains “..”"),
    "hard link": ([entry("a"), entry("b", type=tarfile.LNKTYPE, linkname="a")], "a hard link"),
    "character device": ([entry("n", type=tarfile.CHRTYPE, devmajor=1, devminor=3)], "a device"),
    "block device": ([entry("n", type=tarfile.BLKTYPE)], "a device"),
    "named pipe": ([entry("n", type=tarfile.FIFOTYPE)], "a named pipe"),
    "unknown kind": ([entry("n", type=b"Z")], "unknown kind"),
    "volume": ([entry("n", type=b"M")], "unknown kind"),
    "gnu sparse": ([entry("n", type=tarfile.GNUTYPE_SPARSE)], "a sparse file"),
    "pax sparse": ([pax(record("GNU.sparse.major", b"1")), entry("n")], "a sparse file"),
    "link out": ([link("l", "../out")], "leads outside"),
    "link out from below": ([link("a/l", "../../out")], "leads outside"),
    "absolute link": ([link("l", "/etc/passwd")], "isn't a relative path"),
    "link to nothing": ([pax(record("linkpath", b"")), link("l", "x")], "isn't a relative path"),
    "chain out": ([link("a/b", ".."), link("a/c", "b/../x")], "leads outside"),
    "chain of two": ([link("s", "."), link("t", "s/s/../x")], "leads outside"),
    "out and in again": ([link("l", "../into/a"), entry("a")], "leads outside"),
    "circle": ([link("a", "b"), link("b", "a")], "leads to itself"),
    "long chain": (CHAIN[::-1], "more than 40 others"),
    "endless target": ([pax(record("linkpath", b"./" * 600)), link("l", "x")], "isn't a relative path"),
    "file through a link": ([link("d", "."), entry("d/f")], "both a link and a folder"),
    "file before its link": ([entry("d/f"), link("d", "..")], "both a folder and a link"),
    "link over a file": ([entry("f"), link("f", "g")], "both a file and a link"),
    "file over a folder": ([folder("d"), entry("d")], "both a folder and a file"),
    "NUL": ([pax(record("path", b"a\0b")), entry("a")], "NUL"),
    "NUL in a link": ([pax(record("linkpath", b"a\0b")), link("a", "b")], "NUL"),
    "no name": ([entry("")], "no name"),
    "not UTF-8": ([entry("caf\udce9")], "UTF-8"),
    "terminal codes": ([entry("\x1b[2J/../x")], "contains “..”"),
    "long part": ([pax(record("path", b"a" * 256)), entry("a")], "too long"),
    "long name": ([pax(record("path", b"abcdefghijklmn/" * 80)), entry("a")], "too long"),
    "deep": ([pax(record("path", b"a/" * 101 + b"b")), entry("a")], "too long or too deep"),
    "negative size": ([entry("a", size=-512)], "negative"),
    "size not a number": ([pax(record("size", b"-1")), entry("a")], "isn't a number"),
    "joined": ([entry("a"), END, entry("b")], "goes on after its end"),
    "huge headers": ([entry("x", type=b"x", size=1 << 40)], "huge extended headers"),
    "huge long name": ([entry("x", type=b"L", size=1 << 33)], "huge extended headers"),
}


@pytest.mark.parametrize(("members", "sentence"), UNSAFE.values(), ids=UNSAFE)
def test_what_could_do_harm_is_refused(members: list[bytes], sentence: str, home: Path) -> None:
    """One sentence says what it was, and nothing of it is on disk."""
    refused = refusal(packed(home, *members), home / "into")
    assert refused.code == "archive_unsafe"
    assert sentence in refused.message


DENSE = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(150))
WHOLE = gzip.compress(entry("a", DENSE) + END)
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "garbage": (b"hello" * 300, "not gzip-compressed"),
    "zip": (b"PK\3\4" + bytes(600), "a zip file"),
    "xz": (b"\xfd7zXZ\0" + bytes(600), "an xz file"),
    "plain tar": (entry("a") + END, "without compression"),
    "cut short": (WHOLE[:2000], "damaged or incomplete"),
    "cut in the trailer": (WHOLE[:-4], "damaged or incomplete"),
    "cut in the header": (WHOLE[:5], "damaged or incomplete"),
    "wrong checksum": (WHOLE[:-8] + bytes(8), "damaged or incomplete"),
    "a flipped bit": (WHOLE[:2500] + bytes([WHOLE[2500] ^ 255]) + WHOLE[2501:], "damaged or incomplete"),
    "text after it": (WHOLE + b"more", "damaged or incomplete"),
    "no tar inside": (gzip.compress(b"name,value\n" * 100), "isn't a tar archive inside"),
    "nothing inside": (gzip.compress(b""), "ends in the middle"),
    "no files": (gzip.compress(END), "holds no files"),
    "only the root": (gzip.compress(folder("./") + END), "holds no files"),
    "no end": (gzip.compress(entry("a", b"1")), "ends in the middle"),
    "content missing": (gzip.compress(entry("a", b"1" * 2000)[:1024]), "ends in the middle"),
    "bad pax length": (gzip.compress(pax(b"99 path=a\n") + entry("a") + END), "damaged extended header"),
    "zero pax length": (gzip.compress(pax(b"0 path=a\n") + entry("a") + END), "damaged extended header"),
    "pax without length": (gzip.compress(pax(b"path=a\n") + entry("a") + END), "damaged extended header"),
}


@pytest.mark.parametrize(("content", "sentence"), DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("library", ["isal", "zlib"])
def test_what_isnt_a_whole_archive_is_refused(
    content: bytes, sentence: str, library: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever library decompresses, the sentence says what the file is or that it is damaged."""
    if library == "zlib":
        monkeypatch.setattr(tarstream, "_GzipFile", gzip.GzipFile)
    (home / "x.tar.gz").write_bytes(content)
    refused = refusal(home / "x.tar.gz", home / "into")
    assert refused.code == "archive_unreadable"
    assert sentence in refused.message


def many(make: Callable[[int], bytes], count: int) -> Iterable[bytes]:
    return (make(number) for number in range(count))


BIG = {
    "files": (list(many(lambda n: entry(f"f{n}"), 11)), ArchiveLimits(entries=10), "More than 10 files"),
    "the same file": (list(many(lambda n: entry("f"), 11)), ArchiveLimits(entries=10), "More than 10 files"),
    "implied folders": ([entry("a/b/c/d/e/f/g/h/i/j/k")], ArchiveLimits(entries=10), "More than 10 files"),
    "bytes": ([entry("a", bytes(5000))], ArchiveLimits(total=4000), "unpacks to more than 4.0 kB"),
    "declared bytes": ([entry("a", size=1 << 60)], ArchiveLimits(), "more than 200 times its own size"),
    "ratio": (
        [entry("a", bytes(900_000))],
        ArchiveLimits(ratio=200, harmless=100_000),
        "more than 200 times its own size",
    ),
    "padding": (
        [entry("a"), bytes(900_000)],
        ArchiveLimits(ratio=200, harmless=100_000),
        "more than 200 times its own size",
    ),
}


@pytest.mark.parametrize(("members", "limits", "sentence"), BIG.values(), ids=BIG)
def test_what_is_too_big_is_refused(members: list[bytes], limits: ArchiveLimits, sentence: str, home: Path) -> None:
    """Entries, bytes and the ratio of bytes are counted while reading, whatever the headers claim."""
    refused = refusal(packed(home, *members), home / "into", limits)
    assert refused.code == "archive_too_big"
    assert sentence in refused.message


def test_a_bomb_stops_at_the_default_limits(home: Path) -> None:
    """Thirty kilobytes per thirty megabytes, none of them declared by a header, are given up on when harm begins."""
    (home / "x.tar.gz").write_bytes(gzip.compress(entry("a") + END) + gzip.compress(bytes(1 << 20)) * 200)
    refused = refusal(home / "x.tar.gz", home / "into")
    assert (refused.code, "200 times its own size" in refused.message) == ("archive_too_big", True)


def test_small_archives_may_be_as_dense_as_they_like(home: Path) -> None:
    """The ratio only counts above a size that does no harm."""
    unpack(packed(home, entry("zeros", bytes(1_000_000))), home / "into")
    assert (home / "into" / "zeros").stat().st_size == 1_000_000


def test_another_content_than_expected_is_refused(home: Path) -> None:
    """A bundle that changed since it was recorded never runs."""
    archive = packed(home, entry("a", b"1"))
    with pytest.raises(Refused) as refused:
        unpack(archive, home / "into", expected_digest="0" * 64)
    assert refused.value.code == "bundle_changed"
    assert tree(home / "into") == {}
    unpack(archive, home / "into", expected_digest=inspect(archive)[0])
    assert tree(home / "into") == {"a": "1"}


def test_a_folder_with_something_in_it_is_left_alone(home: Path) -> None:
    """Unpacking never mixes with what is there."""
    (home / "into").mkdir()
    (home / "into" / "mine").write_bytes(b"1")
    with pytest.raises(Refused, match="isn't empty"):
        unpack(packed(home, entry("a")), home / "into")
    assert tree(home / "into") == {"mine": "1"}


@pytest.mark.parametrize("name", ["missing.tar.gz", "."])
def test_an_archive_that_isnt_a_file_is_refused(name: str, home: Path) -> None:
    """A missing file and a folder get a sentence with their path."""
    with pytest.raises(Refused, match="isn't a file"):
        inspect(home / name)


def test_a_full_disk_leaves_nothing_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The OSError in the middle of a file becomes one sentence and an empty folder."""

    def full(handle: int, mode: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(Refused, match="No space left") as refused:
        unpack(packed(home, folder("d"), entry("d/a", b"1")), home / "into")
    assert refused.value.code == "disk_full"
    assert tree(home / "into") == {}


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=2048), at=st.integers(0, 3000))
def test_noise_in_a_stream_is_an_answer_or_a_refusal(
    noise: bytes, at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever bytes stand in the tar stream, reading ends in members or in a Refused, never in another error."""
    stream = io.BytesIO(pax(record("path", b"a/b")) + entry("x", b"1" * 700) + link("l", "a") + END)
    stream.seek(at)
    stream.write(noise)
    archive = tmp_path_factory.getbasetemp() / "noise.tar.gz"
    archive.write_bytes(gzip.compress(stream.getvalue(), 1))
    try:
        inspect(archive)
    except Refused:
        return


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (17_400, "17 kB"), (1_200_000_000, "1.2 GB"), (500_000_000, "500 MB"),
     (999_600, "1.0 MB"), (9_960, "10 kB")],
)  # fmt: skip
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    """Powers of 1,000, two digits at least."""
    assert size_text(size) == text
