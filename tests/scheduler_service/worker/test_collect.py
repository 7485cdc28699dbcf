"""Of what a run leaves, regular files are kept; everything else is left out and named."""

import errno
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import pytest

from jupyter_schedule.core.storage.s3 import do_side_by_side
from scheduler_service.worker.collect import Collected, FoundFile, collect
from scheduler_service.worker.files import remove_folder, walk
from tests.engine import PATIENCE
from tests.scheduler_service.worker.conftest import Bench

NAMES = ["a b", "quo\"te's", "new\nline", "übung/数据.csv", ".hidden", "-dash", "100%?#&", "back\\slash", "a/b/c/d"]


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """As a user whom modes bind: root isn't bound by them."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    for parent in takewhile(lambda path: path != Path(tempfile.gettempdir()), folder.parents):
        parent.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def in_turn(items: Iterable[FoundFile], action: Callable[[FoundFile], object]) -> None:
    for item in items:
        action(item)


def collected(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    files: list[Collected] = []
    notes: list[str] = []
    stored: dict[str, bytes] = {}
    collect(folder, lambda path, source, _: stored.update({path: source.read_bytes()}), in_turn, files, notes)
    assert [entry["path"] for entry in files] == list(stored)
    return stored, notes


def test_awkward_names_are_kept_letter_by_letter(bench: Bench) -> None:
    files = {f"made/{name}": name for name in NAMES}
    result = bench.run('cp -R made/. "$OUTPUT_DIR"', files)
    assert sorted(entry["path"] for entry in result["files"]) == sorted(NAMES)
    for name in NAMES:
        assert bench.output(name) == name.encode()


def test_what_is_no_regular_file_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "output"
    (folder / "sub").mkdir(parents=True)
    (folder / "kept").write_text("kept")
    (folder / "secret").symlink_to("/etc/passwd")
    (folder / "sub" / "outside").symlink_to("/etc")
    (folder / "nowhere").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        (folder / os.fsdecode(b"odd\xff")).write_text("")
        stored, notes = collected(folder)

    assert stored == {"kept": b"kept"}
    assert notes == [
        "nowhere was left out: it is a symbolic link.",
        "odd\\xff was left out: its name isn't UTF-8.",
        "pipe was left out: it is a pipe.",
        "secret was left out: it is a symbolic link.",
        "socket was left out: it is a socket.",
        "sub/outside was left out: it is a symbolic link.",
    ]


def test_an_output_folder_that_became_a_link_is_not_followed(bench: Bench) -> None:
    result = bench.run("rmdir $OUTPUT_DIR; ln -s /etc $OUTPUT_DIR")
    assert result["reason"] == "empty_output"
    assert result["notes"] == ["output was left out: the folder was replaced by a link."]


def test_nor_is_one_above_which_a_folder_became_a_link(bench: Bench) -> None:
    """The agent may be root, who could collect what the run's user can't read."""
    elsewhere = bench.folder / "elsewhere" / "secrets"
    elsewhere.mkdir(parents=True)
    (elsewhere / "key").write_text("key")
    result = bench.run(
        f"rm -r notebooks; ln -s {elsewhere.parent} notebooks", {"notebooks/n.ipynb": "{}"},
        notebook="notebooks/n.ipynb", output_dir="secrets", expect={
            "lines": ["key"], "day": "2026-11-24", "objects": None, "index": ""
        },
    )  # fmt: skip
    assert (result["files"], result["sentence"]) == ([], "no file is named key.")
    assert "secrets was left out: the folder was replaced by a link." in result["notes"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to collect what another user's run left")
@pytest.mark.parametrize("swapped", ["the file", "its folder"])
def test_what_another_user_swaps_while_it_is_collected_is_never_read_with_our_rights(
    tmp_path: Path, swapped: str
) -> None:
    """Between the look at a file and its upload there is always time for that."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "a").write_text("ours alone")
    (secret / "a").chmod(0o600)
    output = tmp_path / "output"
    (output / "sub").mkdir(parents=True)
    (output / "sub" / "a").write_text("harmless")
    for path in (output, *output.rglob("*")):
        os.chown(path, 58000, 58000)

    def swap_and_do(items: Iterable[FoundFile], action: Callable[[FoundFile], object]) -> None:
        for item in items:
            target = item.path if swapped == "the file" else item.path.parent
            target.rename(tmp_path / "away")
            target.symlink_to(secret / "a" if swapped == "the file" else secret)
            action(item)

    stored: dict[str, bytes] = {}
    files: list[Collected] = []
    notes: list[str] = []
    collect(output, lambda path, source, _: stored.update({path: source.read_bytes()}), swap_and_do, files, notes)
    assert (stored, files) == ({}, [])
    assert notes == ["sub/a was left out: it was replaced while it was collected."]
    assert (secret / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to collect what another user's run left")
def test_what_another_user_left_is_stored_by_the_descriptor_that_was_opened(tmp_path: Path) -> None:
    output = tmp_path / "output"
    (output / "sub").mkdir(parents=True)
    (output / "sub" / "a").write_text("made")
    for path in (output, *output.rglob("*")):
        os.chown(path, 58000, 58000)
    stored: dict[str, bytes] = {}

    def store(path: str, source: Path, consume: bool) -> None:
        (output / "sub" / "a").unlink()
        stored[path] = source.read_bytes()
        assert not consume

    files: list[Collected] = []
    collect(output, store, in_turn, files, [])
    assert stored == {"sub/a": b"made"}
    assert [entry["size"] for entry in files] == [4]


@pytest.mark.parametrize("command", ["rmdir $OUTPUT_DIR", "rmdir $OUTPUT_DIR; echo > $OUTPUT_DIR"])
def test_an_output_folder_that_is_gone_is_an_empty_one(bench: Bench, command: str) -> None:
    assert bench.run(command)["reason"] == "empty_output"


def test_a_file_with_another_name_elsewhere_is_copied_and_keeps_its_mode(bench: Bench) -> None:
    mine = bench.folder / "mine"
    mine.write_text("before")
    mine.chmod(0o600)
    bench.run(f"ln {mine} $OUTPUT_DIR/linked")

    mine.write_text("after")
    assert bench.output("linked") == b"before"
    assert mine.stat().st_mode & 0o777 == 0o600


def test_what_the_run_made_unreadable_is_kept_and_nothing_stays_behind(bench: Bench) -> None:
    result = bench.run(
        "mkdir $OUTPUT_DIR/sub closed; echo a > $OUTPUT_DIR/sub/a; touch closed/b; chmod 0 $OUTPUT_DIR/sub/a; "
        "chmod 0 $OUTPUT_DIR/sub; chmod 0500 closed"
    )
    assert [entry["path"] for entry in result["files"]] == ["sub/a"]
    assert bench.output("sub/a") == b"a\n"


def test_a_folder_that_may_not_be_written_to_is_removed_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("")
    with as_nobody(folder):
        for path, mode in ((folder / "a" / "b", 0o500), (folder / "a", 0o000)):
            path.chmod(mode)
        remove_folder(folder / "a")
        assert not (folder / "a").exists()


def test_what_may_not_be_listed_is_opened_first(tmp_path: Path) -> None:
    folder = tmp_path / "output"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "file").write_text("")
    with as_nobody(folder):
        (folder / "a").chmod(0)
        assert list(walk(folder)) == [folder / "a" / "file"]


def test_folders_deeper_than_a_recursion_goes_are_walked_and_removed(tmp_path: Path) -> None:
    deepest = str(tmp_path / "output")
    for _ in range(1500):
        Path(deepest).mkdir()
        deepest += "/d"
    Path(deepest).write_text("deep")

    stored, _ = collected(tmp_path / "output")
    assert list(stored.values()) == [b"deep"]
    remove_folder(tmp_path / "output")
    assert not (tmp_path / "output").exists()


def test_what_was_stored_before_the_store_failed_is_known(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)

    def store(path: str, source: Path, consume: bool) -> None:
        if path == "b":
            raise OSError(errno.ENOSPC, "full")

    files: list[Collected] = []
    with pytest.raises(OSError, match="full"):
        collect(tmp_path, store, in_turn, files, [])
    assert [entry["path"] for entry in files] == ["a"]


def test_files_stored_side_by_side_are_listed_in_order_of_path(tmp_path: Path) -> None:
    """Each waits for the one after it, so that they end in the opposite order, and all must be under way together."""
    names = [f"{number}" for number in range(8)]
    for name in names:
        (tmp_path / name).write_text(name)
    done = {name: threading.Event() for name in names}

    def store(path: str, source: Path, consume: bool) -> None:
        after = str(int(path) + 1)
        assert after not in done or done[after].wait(PATIENCE)
        done[path].set()

    files: list[Collected] = []
    collect(tmp_path, store, lambda items, action: do_side_by_side(items, action, len(names)), files, [])
    assert [entry["path"] for entry in files] == names
