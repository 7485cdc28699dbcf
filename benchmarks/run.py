"""From due to the worker's first line, and from *run now* to published."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks import Row
from jupyter_schedule.core import clock
from jupyter_schedule.core.models import Run, Timing
from scheduler_service.launchers.runner_env import ensure_runner
from tests.engine import Engine, notebook_of

TRIES = 7
NEVER_SOON = Timing(cron="0 0 1 1 *")
#: notebooks that are due at once, and those that go at once by default
CROWD, ROOM = 20, 4
#: for the service to come up and to make its runner
WARM = timedelta(seconds=45)
WRITE = "open('output/x', 'w').write('1')"
EVERY_MINUTE = Timing(cron="* * * * *")


def rows() -> Iterable[Row]:
    """Each is the median of several tries, on a service that is up."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        yield from _due_to_first_line(folder / "due")
        yield _run_now_to_first_line(folder / "line")
        yield _trivial_notebook(folder / "notebook")
        yield _notebooks_at_once(folder / "notebooks")


def _due_to_first_line(folder: Path) -> Iterator[Row]:
    """By a clock that is shifted so that the next minute is near."""
    to_row, to_line = [], []
    for number in range(3):
        start = clock.now()
        minute = start.replace(second=0, microsecond=0) + timedelta(minutes=1)
        shift = minute - timedelta(seconds=1.5) - start
        with _engine(folder / str(number), partial(_shifted, shift)) as engine:
            engine.script("due", "echo first; cat > $OUTPUT_DIR/x < /dev/null", timing=EVERY_MINUTE)
            _watch(partial(engine.operations.runs.list_newest, "due"))
            to_row.append((engine.now() - minute).total_seconds())
            (run,) = engine.operations.runs.list_newest("due")
            _watch(partial(engine.operations.files.log_pieces, run))
            to_line.append((engine.now() - minute).total_seconds())
            engine.ended(run)
    yield Row("due → ledger row", statistics.median(to_row), "a timer of 50 ms", 0.05)
    yield Row("due → first line", statistics.median(to_line), "bash -c echo, from Python", _bash())


def _shifted(shift: timedelta) -> datetime:
    return clock.now() + shift


def _run_now_to_first_line(folder: Path) -> Row:
    with _engine(folder) as engine:
        engine.script("line", "echo first", timing=NEVER_SOON)

        def once() -> None:
            run = engine.run("line")
            _watch(lambda: engine.operations.files.log_pieces(run))

        times = [_timed(once, after=lambda: _idle(engine)) for _ in range(TRIES)]
    return Row("run now → first line", statistics.median(times), "bash -c echo, from Python", _bash())


def _notebooks_at_once(folder: Path) -> Row:
    """By a clock that is shifted so that the time at which all are due is near."""
    runner = ensure_runner(folder / "runners")
    due = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=5)
    engine = Engine(_made(folder / "engine"))
    engine.notebook("trivial", WRITE, timing=NEVER_SOON)
    spec = engine.operations.schedules.get("trivial").spec
    for number in range(CROWD):
        once = spec.model_copy(update={"timing": Timing(once=due)})
        engine.operations.schedules.create(f"crowd-{number}", once)
    shift = due - WARM - clock.now()
    with engine.service(partial(_shifted, shift)):
        engine.ended(engine.run("trivial"))
        assert _shifted(shift) < due, "they came due before the service was up"
        _watch(lambda: _shifted(shift) >= due)
        start = time.perf_counter()
        _watch(lambda: sum(map(_over, engine.operations.runs.list_newest(limit=CROWD + 1))) == CROWD + 1)
        ours = time.perf_counter() - start
    variables = os.environ | {"JUPYTER_PATH": str(_kernel(folder / "jupyter"))}
    start = time.perf_counter()
    with ThreadPoolExecutor(ROOM) as pool:
        list(pool.map(lambda number: _papermill(runner, _made(folder / f"bare-{number}"), variables), range(CROWD)))
    return Row(
        f"{CROWD} notebooks due at once → all published",
        ours,
        f"papermill, lean, {ROOM} at once",
        time.perf_counter() - start,
    )


def _trivial_notebook(folder: Path) -> Row:
    runner = ensure_runner(folder / "runners")
    with _engine(folder / "engine") as engine:
        engine.notebook("trivial", WRITE, timing=NEVER_SOON)
        variables = os.environ | {"JUPYTER_PATH": str(_kernel(folder / "jupyter"))}
        ours, theirs = [], []
        for _ in range(TRIES):
            ours.append(_timed(lambda: engine.ended(engine.run("trivial"))))
            theirs.append(_timed(lambda: _papermill(runner, folder, variables)))
    return Row(
        "trivial notebook: run now → published", statistics.median(ours), "papermill, lean", statistics.median(theirs)
    )


def _papermill(runner: Path, folder: Path, variables: Mapping[str, str]) -> None:
    """The same notebook without a scheduler."""
    notebook, out = folder / "bare.ipynb", folder / "out.ipynb"
    notebook.write_text(json.dumps(notebook_of("open('x', 'w').write('1')")))
    bare = [str(runner), "-m", "papermill", "--no-progress-bar", str(notebook), str(out), "--cwd", str(folder)]
    done = subprocess.run(bare, check=False, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _kernel(folder: Path) -> Path:
    """A Jupyter path with our own Python as the kernel python3."""
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    return folder


@contextmanager
def _engine(folder: Path, now: Callable[[], datetime] = clock.now) -> Iterator[Engine]:
    engine = Engine(_made(folder), now)
    with engine.service():
        time.sleep(1)  # let the service come up and its runner be made
        yield engine


def _bash() -> float:
    command = ["bash", "-c", "echo first"]
    return statistics.median(
        _timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(TRIES)
    )


def _timed(action: Callable[[], object], after: Callable[[], object] = lambda: None) -> float:
    start = time.perf_counter()
    action()
    took = time.perf_counter() - start
    after()
    return took


def _watch(look: Callable[[], object]) -> None:
    while not look():
        time.sleep(0.002)


def _idle(engine: Engine) -> None:
    _watch(lambda: all(_over(run) for run in engine.operations.runs.list_newest()))


def _over(run: Run) -> bool:
    return run.status.terminal
