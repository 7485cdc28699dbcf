"""Looking at a notebook before it is scheduled: which files and modules it uses, beside parsing its cells alone."""

import ast
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import Row
from jupyter_schedule.core.notebooks.notebook import load_notebook
from jupyter_schedule.core.notebooks.own_code import follow_notebook
from jupyter_schedule.core.notebooks.preflight import preflight

SAMPLES = Path(__file__).resolve().parents[1] / "examples"
ROUNDS = 15
#: bytes of the outputs of a notebook that was saved with them, and files beside it
LARGE, MANY = 60_000_000, 40_000


def rows() -> Iterator[Row]:
    for sample in sorted(SAMPLES.glob("*/*.ipynb")):
        cells = [cell.source for cell in load_notebook(sample).cells]
        ours = _median(lambda path=sample: _look(path, path.parent))  # type: ignore[misc]
        floor = _median(lambda sources=cells: [ast.parse(source) for source in sources])  # type: ignore[misc]
        yield Row(f"look at the sample {sample.name}", ours, "ast.parse of its cells", floor)
    with tempfile.TemporaryDirectory() as scratch:
        yield from _large(Path(scratch))


def _large(folder: Path) -> Iterator[Row]:
    """A notebook of 60 MB, and one that lists a folder of 40,000 files."""
    path = folder / "large.ipynb"
    output = {"output_type": "stream", "name": "stdout", "text": "x" * LARGE}
    _write(path, "print('x')", [output])
    yield Row(
        "look at a notebook of 60 MB",
        _median(lambda: _look(path, folder), 3),
        "reading its JSON",
        _median(lambda: json.loads(path.read_bytes()), 3),
    )
    many = folder / "many"
    (many / "data").mkdir(parents=True)
    for number in range(MANY):
        (many / "data" / f"{number}.csv").touch()
    _write(many / "n.ipynb", "import os\nfor name in os.listdir('data'):\n    open(f'data/{name}')", [])
    yield Row(
        "look at a folder of 40,000 files",
        _median(lambda: _look(many / "n.ipynb", many), 3),
        "listing it with the size of each",
        _median(lambda: [entry.stat().st_size for entry in (many / "data").iterdir()], 3),
    )


def _write(path: Path, source: str, outputs: list[dict[str, str]]) -> None:
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": outputs,
        "source": source,
    }
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}))


def _look(path: Path, root: Path) -> None:
    read = load_notebook(path)
    preflight(read, path, root, code=follow_notebook(read, path, root))


def _median(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
