"""A full disk ends a run with a result that says so."""

from pathlib import Path

import pytest

from tests.disks import Mount
from tests.scheduler_service.worker.conftest import Bench


def one_disk(bench: Bench, folder: Path) -> None:
    """Scratch and objects on one small disk."""
    bench.objects = type(bench.objects)(folder / "objects")
    bench.work = folder / "work"
    bench.work.mkdir()


def test_a_disk_that_the_command_fills_is_named_and_the_log_is_there(bench: Bench, small_disk: Mount) -> None:
    one_disk(bench, small_disk("2m"))
    # the disk is full before the reader of the log has written a line, unless the command waits for that
    is_logged = f"grep -qsr --include=log begun {bench.work}"
    result = bench.run(
        f"echo begun; until {is_logged}; do :; done; head -c 10000000 /dev/zero > big; cp big $OUTPUT_DIR/copy"
    )
    assert result["reason"] == "disk_full"
    assert bench.log().startswith("begun\n")


def test_a_bundle_that_does_not_fit_is_said(bench: Bench, small_disk: Mount) -> None:
    bench.work = small_disk("1m") / "work"
    bench.work.mkdir()
    result = bench.run("true", {"big": bytes(3_000_000)})
    assert (result["outcome"], result["reason"]) == ("refused", "disk_full")


def test_outputs_that_do_not_fit_are_said_and_those_that_did_are_listed(bench: Bench, small_disk: Mount) -> None:
    bench.objects = type(bench.objects)(small_disk("1m") / "objects")
    result = bench.run("echo a > $OUTPUT_DIR/a; head -c 3000000 /dev/zero > $OUTPUT_DIR/b")
    assert (result["outcome"], result["exit_code"], result["reason"]) == ("finished", 0, "disk_full")
    assert result["sentence"] == "The worker's disk is full: free some space and run it again."
    assert [entry["path"] for entry in result["files"]] == ["a"]
    assert "jupyter-schedule: The worker's disk is full" in bench.log()


def test_a_disk_that_was_full_before_is_said(bench: Bench, small_disk: Mount) -> None:
    disk = small_disk("64k")
    bench.work = disk / "work"
    bench.work.mkdir()
    with pytest.raises(OSError, match="No space left"):
        (disk / "filler").write_bytes(bytes(100_000))
    assert bench.run("true")["reason"] == "disk_full"


def test_room_is_made_for_the_report_when_the_outputs_do_not_fit(bench: Bench, small_disk: Mount) -> None:
    one_disk(bench, small_disk("1m"))
    # a file with several names is copied, which takes as much again
    result = bench.run("head -c 700000 /dev/zero > a; ln a $OUTPUT_DIR/a; ln a $REPORT_DIR/a")
    assert result["reason"] == "disk_full"
    assert result["files"] == []
    assert [entry["path"] for entry in result["report"]] == ["a", "log.txt"]


def test_a_result_that_does_not_fit_takes_the_place_of_the_scratch_folder(bench: Bench, small_disk: Mount) -> None:
    one_disk(bench, small_disk("1m"))
    result = bench.run("echo a > $OUTPUT_DIR/a; cat /dev/zero > filler 2> /dev/null; true")
    assert result["exit_code"] == 0
    assert bench.output("a") == b"a\n"
