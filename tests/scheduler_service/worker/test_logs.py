"""A log is drained, bounded and seen while it grows."""

import errno
import os
import threading
from pathlib import Path

import pytest

from scheduler_service.worker import logs
from scheduler_service.worker.logs import CappedFile, RunLog
from tests.engine import eventually
from tests.scheduler_service.worker.conftest import Bench


class Chunks:
    """Takes live chunks, and refuses as often as it is told."""

    def __init__(self, refusals: int = 0) -> None:
        self.seen: list[tuple[int, bytes]] = []
        self.refusals = refusals

    def __call__(self, number: int, data: bytes) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EIO, "away")
        self.seen.append((number, data))

    @property
    def text(self) -> bytes:
        return b"".join(data for _, data in self.seen)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, b""),
        (10, b"0123456789"),
        (15, b"012345678901234"),
        (16, b"0123456789\njupyter-schedule: 1 bytes were cut here.\n12345"),
        (123, b"0123456789\njupyter-schedule: 108 bytes were cut here.\n89012"),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 200])
def test_a_file_keeps_its_beginning_and_its_end(tmp_path: Path, size: int, step: int, expected: bytes) -> None:
    content = (b"0123456789" * 20)[:size]
    file = CappedFile(tmp_path / "log", head=10, tail=5)
    for at in range(0, size, step):
        file.write(content[at : at + step])

    assert file.last(4) == content[-4:]
    assert file.last(7) in (content[-7:], b"89" + content[-5:])
    assert file.finish().read_bytes() == expected


def test_a_full_disk_ends_the_file_and_nothing_else(tmp_path: Path) -> None:
    file = CappedFile(tmp_path / "log", head=10, tail=5)
    file.write(b"kept")
    file._file.close()
    file._file = open("/dev/full", "w+b", buffering=0)  # noqa: PTH123, SIM115  (every write to it is ENOSPC)
    file.write(b"lost")
    assert file.complaint == "The log is incomplete: No space left on device."
    file.finish()


def test_live_chunks_are_numbered_from_0_and_none_is_lost_when_the_store_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "INTERVAL", 0.001)
    chunks = Chunks(refusals=3)
    log = RunLog(tmp_path, chunks)
    log.say("one")
    eventually(lambda: chunks.seen)
    log.say("two")
    log.finish()

    assert [number for number, _ in chunks.seen] == list(range(len(chunks.seen)))
    assert chunks.text == b"jupyter-schedule: one\njupyter-schedule: two\n"


def test_a_store_that_stays_away_does_not_keep_the_log_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "INTERVAL", 0.001)
    log = RunLog(tmp_path, Chunks(refusals=10**9))
    log.say("one")
    assert log.finish().read_bytes() == b"jupyter-schedule: one\n"


def test_the_live_log_is_the_beginning_of_a_long_one(tmp_path: Path) -> None:
    chunks = Chunks()
    log = RunLog(tmp_path, chunks, head=100, tail=100)
    output = log.attach()
    with os.fdopen(output, "wb") as pipe:
        pipe.write(b"x" * 1000)
    log.detach()
    log.finish()
    assert chunks.text == b"x" * 100


def test_no_chunk_is_larger_than_64_kib(tmp_path: Path) -> None:
    chunks = Chunks()
    log = RunLog(tmp_path, chunks)
    with os.fdopen(log.attach(), "wb") as pipe:
        pipe.write(os.urandom(300_000))
    whole = log.finish().read_bytes()
    assert max(len(data) for _, data in chunks.seen) <= 64 * 1024
    assert chunks.text == whole
    assert len(whole) == 300_000


def test_a_line_of_ours_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    log = RunLog(tmp_path, Chunks())
    with os.fdopen(log.attach(), "wb") as pipe:
        pipe.write(b"no newline")
    log.detach()
    log.say("é")
    assert log.end() == "no newline\njupyter-schedule: é\n"
    log.finish()


def test_detaching_takes_what_is_there_from_a_pipe_that_stays_open(tmp_path: Path) -> None:
    log = RunLog(tmp_path, Chunks())
    output = log.attach()
    os.write(output, b"last words")
    log.detach()
    assert log.finish().read_bytes() == b"last words"
    os.close(output)


def test_detaching_ends_although_somebody_never_stops_writing(tmp_path: Path) -> None:
    log = RunLog(tmp_path, Chunks())
    output = log.attach()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            try:
                os.write(output, b"x" * 4096)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    log.detach()
    stop.set()
    writer.join()
    os.close(output)
    log.finish()


def test_binary_garbage_is_kept_as_it_is(bench: Bench) -> None:
    result = bench.run("head -c 200000 /dev/urandom | tee $OUTPUT_DIR/garbage; exit 3")
    assert result["sentence"] == "The command ended with exit code 3."
    kept = bench.objects.get("workers/local/5eed/report/log.txt")
    assert kept.startswith(bench.output("garbage"))
    assert bench.live_log() == kept
