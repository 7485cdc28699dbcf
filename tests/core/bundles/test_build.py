"""A bundle is the same on every machine and day, opens with any tar, and is whole or not there at all."""

import errno
import os
import random
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_schedule.core.bundles import build
from jupyter_schedule.core.bundles.archive import inspect, unpack
from jupyter_schedule.core.bundles.build import BUNDLE_LIMITS, BundleManifest, write_archive
from jupyter_schedule.core.bundles.tarstream import BLOCK, ArchiveLimits
from jupyter_schedule.core.errors import Refused

#: of `test_the_digest_is_pinned`, the same for all versions of Python, tarfile and isal
PINNED = "f6cc866171e5f039c1fcbe03e804a59826b0b6ea4df7cc1f98a178485777c0a4"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of a notebook, data below it, a script and a link."""
    root = tmp_path / "root"
    (root / "data").mkdir(parents=True)
    (root / "a.ipynb").write_text("{}")
    (root / "data" / "x.csv").write_text("1,2\n" * 1000)
    (root / "go.sh").write_text("#!/bin/sh\n")
    (root / "go.sh").chmod(0o755)
    (root / "latest.csv").symlink_to("data/x.csv")
    return root


@pytest.fixture(params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each library that may do the compression."""
    if request.param == "zlib":
        monkeypatch.setattr(build, "igzip_threaded", None)
    return str(request.param)


FILES = ["a.ipynb", "data/x.csv", "go.sh", "latest.csv"]
GENERATED: dict[str, bytes | tuple[bytes, int]] = {"run.sh": (b"#!/bin/bash\n", 0o755), "params.json": b"{}"}


def make(root: Path, files: list[str] = FILES, limits: ArchiveLimits = BUNDLE_LIMITS) -> BundleManifest:
    return write_archive(root.parent / "x.tar.gz", root, files, GENERATED, limits)


def refusal(root: Path, files: list[str], limits: ArchiveLimits = BUNDLE_LIMITS) -> Refused:
    """The refusal to make a bundle, which leaves nothing behind."""
    before = sorted(root.parent.iterdir())
    with pytest.raises(Refused) as refused:
        make(root, files, limits)
    assert sorted(root.parent.iterdir()) == before
    assert refused.value.message.endswith(".")
    assert refused.value.message.isprintable()
    return refused.value


def test_the_digest_is_pinned(root: Path) -> None:
    """The tar stream of this project is the same for ever, long and foreign names included."""
    name = "daten/" + "überblick " * 12 + "1.csv"
    (root / "daten").mkdir()
    (root / name).write_text("x")
    assert make(root, [*FILES, name]).digest == PINNED


def older(root: Path) -> None:
    for path in root.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)


def other_modes(root: Path) -> None:
    (root / "a.ipynb").chmod(0o600)
    (root / "data").chmod(0o700)
    (root / "go.sh").chmod(0o711)


def other_owner(root: Path) -> None:
    if os.getuid() == 0:
        os.chown(root / "a.ipynb", 12345, 12345)


def other_library(root: Path) -> None:
    build.igzip_threaded = None


@pytest.mark.parametrize("change", [older, other_modes, other_owner, other_library])
def test_what_a_run_cant_see_doesnt_change_the_digest(
    change: Callable[[Path], None], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times, owners, group and world rights, the order of names, doubles and the gzip library."""
    monkeypatch.setattr(build, "igzip_threaded", build.igzip_threaded)
    first = make(root)
    change(root)
    second = make(root, ["./go.sh", *FILES[::-1]])
    assert (second.digest, second.files) == (first.digest, first.files)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a.ipynb").write_text("[]"),
        lambda root: (root / "a.ipynb").chmod(0o755),
        lambda root: (root / "latest.csv").unlink() or (root / "latest.csv").symlink_to("a.ipynb"),
    ],
    ids=["content", "execute bit", "link"],
)
def test_what_a_run_can_see_changes_the_digest(change: Callable[[Path], Any], root: Path) -> None:
    """Content, the execute bit and where a link points."""
    first = make(root)
    change(root)
    assert make(root).digest != first.digest


def test_the_gzip_file_holds_no_time_and_no_name(library: str, root: Path) -> None:
    """Two bundles made by the same library are the same to the byte."""
    make(root)
    first = (root.parent / "x.tar.gz").read_bytes()
    write_archive(root.parent / "y.tar.gz", root, FILES, GENERATED)
    assert (root.parent / "y.tar.gz").read_bytes() == first
    assert first[3:8] == bytes(5)


def test_tar_opens_it(library: str, root: Path) -> None:
    """`tar xzf` restores contents, execute bits and links, without a word on stderr."""
    make(root)
    out = root.parent / "out"
    out.mkdir()
    done = subprocess.run(["tar", "xzf", "../x.tar.gz"], cwd=out, check=True, capture_output=True)
    assert done.stderr == b""
    assert (out / "latest.csv").read_text() == "1,2\n" * 1000
    assert os.access(out / "run.sh", os.X_OK)
    assert os.access(out / "go.sh", os.X_OK)
    assert not (out / "a.ipynb").stat().st_mode & 0o111
    names = {str(path.relative_to(out)) for path in out.rglob("*")}
    assert names == {"a.ipynb", "data", "data/x.csv", "go.sh", "latest.csv", "params.json", "run.sh"}


def test_the_manifest_lists_what_is_in_it(library: str, root: Path) -> None:
    """Digest and members as `inspect` finds them; sizes and digests of files; links apart."""
    manifest = make(root)
    digest, members = inspect(root.parent / "x.tar.gz")
    assert manifest.digest == digest
    assert manifest.size == (root.parent / "x.tar.gz").stat().st_size
    assert manifest.unpacked_size == sum(member.size for member in members) == 4000 + 2 + 10 + 12 + 2
    assert [(file.path, file.size) for file in manifest.files] == [
        (member.path, member.size) for member in members if member.kind == "file"
    ]
    assert manifest.files[0].sha256 == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert manifest.links == {"latest.csv": "data/x.csv"}


def test_blocks_of_every_size_keep_their_order(library: str, root: Path) -> None:
    """Files around the block size and many small ones come out as they went in."""
    rng = random.Random(3)
    sizes = [0, 1, 511, 512, 513, BLOCK - 512, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7, *range(0, 9000, 30)]
    contents = {f"f{number:03}": rng.randbytes(size) for number, size in enumerate(sizes)}
    for name, content in contents.items():
        (root / name).write_bytes(content)
    manifest = make(root, list(contents))
    unpack(root.parent / "x.tar.gz", root.parent / "out", expected_digest=manifest.digest)
    assert {name: (root.parent / "out" / name).read_bytes() for name in contents} == contents


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) <= 255
)


@settings(max_examples=60, deadline=None)
@given(paths=st.lists(st.lists(names, min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_name_makes_the_journey(paths: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Spaces, quotes, newlines and letters of any script, through our reader and through tarfile's."""
    home = tmp_path_factory.mktemp("names")
    files = []
    for parts in paths:
        path = home.joinpath("root", *parts)
        if path.exists() or any(parent.is_file() for parent in path.parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("/".join(parts).encode())
        files.append("/".join(parts))
    manifest = write_archive(home / "x.tar.gz", home / "root", files, {})
    unpack(home / "x.tar.gz", home / "out", expected_digest=manifest.digest)
    assert {file: (home / "out" / file).read_bytes().decode() for file in files} == {file: file for file in files}
    with tarfile.open(home / "x.tar.gz") as archive:
        assert archive.getnames() == sorted(files) == [file.path for file in manifest.files]


def test_a_file_behind_a_linked_folder_keeps_its_place(root: Path) -> None:
    """The notebook reads `shared/x.csv`, so that is where its content goes."""
    (root / "shared").symlink_to("data")
    make(root, ["shared/x.csv"])
    unpack(root.parent / "x.tar.gz", root.parent / "out")
    assert (root.parent / "out" / "shared" / "x.csv").read_text() == "1,2\n" * 1000


@pytest.mark.parametrize(
    ("links", "files", "packed"),
    [
        ({"report/x.csv": "../shared/x.csv"}, ["x.csv"], {"x.csv": "1"}),
        ({"report/x.csv": "{served}/shared/x.csv"}, ["x.csv"], {"x.csv": "1"}),
        ({"report/x.csv": "y.csv", "report/y.csv": "../shared/x.csv"}, ["x.csv"], {"x.csv": "1"}),
        ({"report/data": "../shared"}, ["data/x.csv"], {"data/x.csv": "1"}),
        ({"report/data": "../shared"}, ["data"], {"data/x.csv": "1", "data/deep/y.csv": "2"}),
        ({"report/data": "../shared"}, ["data", "data/x.csv"], {"data/x.csv": "1", "data/deep/y.csv": "2"}),
        ({"report/data": "../shared", "shared/self": "."}, ["data"], {"data/x.csv": "1", "data/deep/y.csv": "2"}),
        ({"report/data": "../shared", "shared/key.csv": ".env"}, ["data"], {"data/x.csv": "1", "data/deep/y.csv": "2"}),
        ({"report/data": "../shared", "shared/out": "../.."}, ["data"], {"data/x.csv": "1", "data/deep/y.csv": "2"}),
        ({"report/link": "a.ipynb"}, ["link"], {"link": "{}"}),
        ({"report/link": "{served}/report/a.ipynb"}, ["a.ipynb", "link"], {"a.ipynb": "{}", "link": "{}"}),
        (
            {"report/deep/er/up": "../b.ipynb", "report/er": "deep/er"},
            ["b.ipynb", "er/up"],
            {"b.ipynb": "another", "er/up": "inner"},
        ),
    ],
)
def test_what_a_link_leads_to_goes_along_under_its_name(
    links: dict[str, str], files: list[str], packed: dict[str, str], tmp_path: Path
) -> None:
    """Anywhere in the folder that Jupyter serves, unless the bundle holds it anyway; but nothing that is denied."""
    served = tmp_path / "served"
    content = {"shared/x.csv": "1", "shared/deep/y.csv": "2", "shared/.env": "k", "report/a.ipynb": "{}"}
    for name, text in {**content, "report/b.ipynb": "another", "report/deep/b.ipynb": "inner"}.items():
        (served / name).parent.mkdir(parents=True, exist_ok=True)
        (served / name).write_text(text)
    for name, target in links.items():
        (served / name).parent.mkdir(parents=True, exist_ok=True)
        (served / name).symlink_to(target.replace("{served}", str(served)))
    write_archive(tmp_path / "x.tar.gz", served / "report", files, {}, served=served)
    unpack(tmp_path / "x.tar.gz", tmp_path / "out")
    found = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*")}
    assert {name: path.read_text() for name, path in found.items() if path.is_file()} == packed


@pytest.mark.parametrize("target", ["..", "../..", "../report"])
def test_a_link_that_leads_round_or_out_is_refused_in_one_sentence(target: str, tmp_path: Path) -> None:
    """A folder that holds the link has no end, and one above what Jupyter serves isn't the person's to give."""
    (tmp_path / "served/report/inner").mkdir(parents=True)
    (tmp_path / "served/report/inner/up").symlink_to(f"../{target}")
    with pytest.raises(Refused, match=r"^“inner/up” (is a link to a folder that it is in|leads outside )[^.]*\.$"):
        write_archive(tmp_path / "x.tar.gz", tmp_path / "served/report", ["inner/up"], {}, served=tmp_path / "served")


def unreadable(root: Path) -> str:
    os.mkfifo(root / "pipe")
    return "pipe"


def linked_out(root: Path) -> str:
    (root.parent / "secret").write_text("x")
    (root / "out").symlink_to("../secret")
    return "out"


def behind_a_link_out(root: Path) -> str:
    (root.parent / "other").mkdir()
    (root.parent / "other" / "x").write_text("x")
    (root / "other").symlink_to(root.parent / "other")
    return "other/x"


def dangling(root: Path) -> str:
    (root / "gone").symlink_to("nothing")
    return "gone"


def circle(root: Path) -> str:
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    return "one"


@pytest.mark.parametrize(
    ("arrange", "code"),
    [
        (lambda root: "missing.csv", "missing_file"),
        (lambda root: "a.ipynb/x", "missing_file"),
        (lambda root: "data", "not_a_file"),
        (lambda root: ".", "not_a_file"),
        (lambda root: "../x.csv", "archive_unsafe"),
        (lambda root: "/etc/passwd", "archive_unsafe"),
        (lambda root: "caf\udce9.csv", "archive_unsafe"),
        (lambda root: "new\nline\x1b[2J", "missing_file"),
        (lambda root: "run.sh", "name_clash"),
        (unreadable, "not_a_file"),
        (linked_out, "outside_root"),
        (behind_a_link_out, "outside_root"),
        (dangling, "missing_file"),
        (circle, "missing_file"),
    ],
)
def test_what_cant_be_bundled_is_refused_by_name(arrange: Callable[[Path], str], code: str, root: Path) -> None:
    """One sentence, with the name, before anything is written."""
    name = arrange(root)
    refused = refusal(root, ["a.ipynb", name])
    assert refused.code == code
    assert name in refused.message or not name.isprintable()


def test_too_much_is_refused_with_the_largest_file(root: Path) -> None:
    """The sentence names sizes and the file to leave out, and no file is read for it."""
    for name, size in {"raw.parquet": 1_100_000_000, "b.csv": 99_000_000}.items():
        with (root / name).open("wb") as file:
            file.truncate(size)
    refused = refusal(root, ["raw.parquet", "b.csv"])
    assert refused.message == "1.2 GB is over the 500 MB limit. Largest: raw.parquet, 1.1 GB."


def test_too_many_files_are_refused(root: Path) -> None:
    """As many as `unpack` would take, no more."""
    assert refusal(root, FILES, ArchiveLimits(entries=3)).code == "archive_too_big"


def test_what_unpack_would_take_for_a_bomb_isnt_made(root: Path) -> None:
    """Big and hundredfold compressible: the sentence says which file to compress."""
    (root / "zeros").write_bytes(bytes(1_000_000))
    refused = refusal(root, ["zeros"], ArchiveLimits(harmless=900_000, ratio=50))
    assert (refused.code, "“zeros”" in refused.message) == ("bundle_too_dense", True)
    make(root, ["zeros"])


def growing(file: Path) -> None:
    with file.open("ab") as more:
        more.write(b"more")


def shrinking(file: Path) -> None:
    os.truncate(file, BLOCK)


def touched(file: Path) -> None:
    os.utime(file, (1, 1))


def replaced(file: Path) -> None:
    file.unlink()
    file.write_bytes(bytes(3 * BLOCK))


def becoming_a_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("data/x.csv")


@pytest.mark.parametrize(
    ("change", "reads"),
    [(growing, 0), (growing, 2), (shrinking, 0), (shrinking, 2), (touched, 0), (touched, 2), (touched, 3),
     (replaced, 0), (becoming_a_link, 0)],
)  # fmt: skip
def test_a_file_that_changes_while_it_is_read_is_refused(
    change: Callable[[Path], None], reads: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and opening, and between two blocks: never half of one version and half of another."""
    file = root / "big.bin"
    file.write_bytes(bytes(3 * BLOCK))
    blocks, seen = build._Packer.add, []

    def add(self: build._Packer, piece: bytes) -> None:
        seen.append(piece)
        if len(seen) == reads + 1:
            change(file)
        blocks(self, piece)

    monkeypatch.setattr(build._Packer, "add", add)
    refused = refusal(root, ["big.bin"])
    assert refused.code == ("unreadable" if change is becoming_a_link else "file_changed")
    assert "“big.bin”" in refused.message


def test_a_file_that_may_not_be_read_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system's reason is in the sentence."""

    def forbidden(path: Path, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", forbidden)
    assert refusal(root, ["a.ipynb"]).message == "“a.ipynb” can't be read: Permission denied."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    library: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write of the compressor's threads fails as on a full disk; the bundle made before is still there."""
    make(root)
    before = (root.parent / "x.tar.gz").read_bytes()
    (root / "noise.bin").write_bytes(random.Random(1).randbytes(3 * BLOCK))
    real = Path.open

    def opened(path: Path, mode: str) -> Any:
        path.symlink_to("/dev/full")
        return real(path, "wb")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        assert refusal(root, ["noise.bin"]).code == "disk_full"
    assert (root.parent / "x.tar.gz").read_bytes() == before


@pytest.mark.parametrize("destination", ["nowhere/x.tar.gz", "root"])
def test_a_destination_that_cant_be_written_is_refused(destination: str, root: Path) -> None:
    """A missing folder, or a folder in the file's place: a sentence with the path, and nothing left behind."""
    with pytest.raises(Refused, match="can't be written") as refused:
        write_archive(root.parent / destination, root, FILES, {})
    assert refused.value.code == "destination"
    assert [path.name for path in root.parent.iterdir()] == ["root"]
