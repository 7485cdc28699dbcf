"""Making a bundle of 300 MB, digest included, beside copying the files and beside tar."""

import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import Row
from jupyter_schedule.core.bundles import build
from jupyter_schedule.core.bundles.tarstream import ArchiveLimits

TRIES = 3
FILES = 30
MEGABYTE = 1 << 20


def rows() -> Iterator[Row]:
    """The files are tables of numbers: they compress as an analyst's data does, to about a half."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = folder / "source"
        source.mkdir()
        names = _fill(source)
        limits = ArchiveLimits(total=400 * MEGABYTE)
        packed, copied = folder / "bundle.tar.gz", folder / "copy"
        ours = _median(lambda: build.write_archive(packed, source, names, {}, limits), packed)
        copy = _median(lambda: shutil.copytree(source, copied), copied)
        tar = _median(lambda: subprocess.run(["tar", "czf", packed, "-C", source, "."], check=True), packed)
    yield Row("bundle of 300 MB, with sha256", ours, "cp", copy)
    yield Row("bundle of 300 MB, with sha256", ours, "tar czf", tar)


def _fill(folder: Path) -> list[str]:
    chance = random.Random(1)
    block = "".join(f"{chance.random():.6f},{chance.randrange(10_000)}\n" for _ in range(MEGABYTE // 13)).encode()
    names = [f"{number}.csv" for number in range(FILES)]
    for name in names:
        turn = chance.randrange(len(block))
        (folder / name).write_bytes((block[turn:] + block[:turn]) * (10 * MEGABYTE // len(block)))
    return names


def _median(action: Callable[[], object], made: Path) -> float:
    times = []
    for _ in range(TRIES):
        if made.is_dir():
            shutil.rmtree(made)
        made.unlink(missing_ok=True)
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
