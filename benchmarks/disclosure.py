"""The disclosure check, beside `grep` for patterns like its own and a sha256, over the same files in the same run.

The files are what analyses leave when all is well: a table of aggregates, a JSON document, a log, a page with a table,
a chart with its library.  `grep` looks for four patterns and understands nothing; the sha256 reads each byte once, as
publishing does anyway.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import Row
from jupyter_schedule.core.storage.factory import file_digest
from scheduler_service.disclosure.files import check_file
from tests.scheduler_service.disclosure.leaks import library

TRIES = 3
SIZE = 8_000_000
#: statements of the program in a chart's page: 4 MB
CHART = 600_000
PATTERNS = (
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[a-z]{2,}",
    r"([0-9]{1,3}\.){3}[0-9]{1,3}",
    r"AKIA[0-9A-Z]{16}",
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
)


def _page() -> str:
    row = "<tr><td>region {}</td><td>{}</td><td>{}</td></tr>\n"
    each = "".join(row.format(number % 97, 2000 + number % 25, 1000 + number % 9000) for number in range(SIZE // 60))
    return f"<html><body><table><tr><th>region</th><th>year</th><th>rides</th></tr>{each}</table></body></html>"


def _chart() -> str:
    """A chart beside its library of some MB, which is a program in one line."""
    traces = [{"name": f"region {number}", "y": list(range(1000, 1400))} for number in range(9)]
    return f"<script>{library(CHART)}</script><script>Plotly.newPlot('x', {json.dumps(traces)})</script>"


def rows() -> Iterator[Row]:
    """Each kind of file, beside each floor."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, make in KINDS:
            file = Path(scratch, name)
            file.write_text(make())
            found = check_file(f"output/{name}", file)
            if found:
                raise ValueError(f"{name} was meant to be clean: {found[0].message}")
            ours = _median(lambda file=file: check_file(f"output/{file.name}", file))  # type: ignore[misc]
            what = f"check {name}, {file.stat().st_size / 1e6 / ours:.1f} MB/s"
            yield Row(what, ours, "grep for four patterns", _median(lambda file=file: _grep(file)))  # type: ignore[misc]
            yield Row(what, ours, "sha256", _median(lambda file=file: file_digest(file)))  # type: ignore[misc]


def _table() -> str:
    lines = ["month,region,rides,revenue"]
    size = 0
    for number in range(10**9):
        line = (
            f"{2000 + number % 25}-{number % 12 + 1:02},region {number % 97},{1000 + number % 9000},{number % 977}.50"
        )
        lines.append(line)
        size += len(line) + 1
        if size > SIZE:
            return "\n".join(lines) + "\n"
    raise AssertionError


def _document() -> str:
    each = [{"region": f"region {number % 97}", "rides": 1000 + number % 9000} for number in range(SIZE // 45)]
    return json.dumps({"made": "2026-11-24", "regions": each}, indent=1)


def _log() -> str:
    return "\n".join(f"step {number}: read 841 rides of region {number % 97}, all well" for number in range(SIZE // 52))


def _grep(file: Path) -> None:
    options = [part for pattern in PATTERNS for part in ("-e", pattern)]
    text = os.environ | {"LC_ALL": "C.UTF-8"}
    subprocess.run(["grep", "-cE", *options, file], check=False, stdout=subprocess.DEVNULL, env=text)


def _median(measure: Callable[[], object]) -> float:
    def timed() -> float:
        start = time.perf_counter()
        measure()
        return time.perf_counter() - start

    return statistics.median(timed() for _ in range(TRIES))


KINDS = (
    ("table.csv", _table),
    ("document.json", _document),
    ("log.txt", _log),
    ("table.html", _page),
    ("chart.html", _chart),
)
