"""Run the bundle's notebook by papermill, follow it in the log, and say plainly how it ended.

`run.sh` starts it in the runner environment, apart from the environment of the notebook's kernel.  Standard
library at import time; papermill, jupyter_client and nbconvert while it works.

Exit codes:
    0    papermill succeeded, and nothing else ends with 0
    1    a cell failed
    65   the notebook or params.json can't be read
    70   the kernel couldn't be started, or isn't there any more
    74   a folder or file couldn't be written, such as on a full disk
    130, 143   stopped by SIGINT, SIGTERM
    138  the kernel died (papermill's own code for it)
(69, an environment couldn't be made, is run.sh's.)
"""

import contextlib
import errno
import json
import logging
import os
import queue
import re
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from types import FrameType
from typing import Any, TextIO
from zoneinfo import ZoneInfo

SENTENCE_LENGTH = 120
#: bytes; the HTML of a larger notebook takes minutes to make and no browser opens it
HTML_LIMIT = 64 * 2**20
#: seconds; papermill saves this often within a long cell, and backs off by itself when saving is slow
AUTOSAVE = 10
#: what run.sh tells the driver, of no use to the notebook
PRIVATE_VARIABLES = ("KERNEL_SPEC", "KERNEL_PYTHON", "RUNNER_PYTHON")
#: a kernel that keeps no history file and doesn't write its own warnings into the analyst's log
IPYKERNEL_OPTIONS = ["--HistoryManager.hist_file=:memory:", "--log-level=ERROR"]
#: Keeps an ipykernel's main thread until its control thread has finished.  Otherwise the two race at the end, and when
#: the main thread wins, the control thread waits 10 s for a flush that never comes, until the kernel is killed: files
#: that the notebook left open would lose what wasn't written yet.  The reply to this can't be sent any more, which the
#: kernel would report as an error.
HOLD = """\
__import__("IPython").get_ipython().kernel.log.disabled = True
[thread.join(2) for thread in __import__("threading").enumerate() if thread.name == "Control"]
"""
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LINE_IN_CELL = (
    r"(?:Cell In|Input In|In) ?\[{count}\], line (\d+)",
    r"Input In \[{count}\], in <cell line: (\d+)>",
)


@dataclass(frozen=True)
class Failure:
    """Why a run ended; written as `failure.json` for the service.

    kind: `cell_failed`, `kernel_died`, `kernel_unavailable`, `notebook`, `disk_full`, `unwritable` or `stopped`
    (run.sh adds `environment`).  cell, cells: 1-based among the notebook's code cells, 0 for the injected parameters.
    sentence: at most 120 characters.
    """

    kind: str
    code: int
    name: str
    message: str
    sentence: str
    cell: int | None = None
    cells: int | None = None
    line: int | None = None


class Refusal(Exception):  # noqa: N818  (what was found, not a fault)
    """A failure that was recognised before papermill had anything to say."""

    def __init__(self, kind: str, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.failure = Failure(kind, code, kind, sentence, shorten(sentence))


def one_line(text: str) -> str:
    """The first line with something on it, without terminal colours."""
    lines = (" ".join(line.split()) for line in ANSI.sub("", text).splitlines())
    return next((line for line in lines if line), "")


def shorten(text: str, length: int = SENTENCE_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


class Log:
    """Progress lines and the notebook's own output on one stream, each progress line on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.at_line_start = True

    def write(self, text: str) -> None:
        if text:
            self.stream.write(text)
            self.stream.flush()
            self.at_line_start = text.endswith("\n")

    def flush(self) -> None:
        self.stream.flush()

    def say(self, text: str) -> None:
        self.write(("" if self.at_line_start else "\n") + text + "\n")


class Progress:
    """Which cell runs now, in the analyst's own count: code cells of the notebook as it was written, from 1."""

    def __init__(self, log: Log) -> None:
        self.log = log
        #: whether papermill adds a cell that the analyst's notebook doesn't have
        self.adds_cell = False
        self.connecting = False
        self.started = False
        self.cell = 0
        self.cells = 0
        self.numbers: dict[int, int] = {}

    def notebook_started(self, notebook: Any) -> None:
        self.started = True
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            added = self.adds_cell and "injected-parameters" in cell.metadata.get("tags", [])
            self.cells += 0 if added else 1
            self.numbers[index] = 0 if added else self.cells
        self.log.say(f"kernel ready, {self.cells} cells to run")

    def cell_started(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002  (papermill calls by these names)
        self.cell = self.numbers.get(cell_index, self.cell)
        self.log.say(f"cell {self.cell} of {self.cells} …" if self.cell else "parameters …")

    def place(self, cell: int) -> str:
        return f"cell {cell} of {self.cells}" if cell else "the parameters"


def run_variables(environ: Mapping[str, str], config: Mapping[str, Any], root: Path, now: datetime) -> dict[str, str]:
    """What the notebook is told about its run: as given, and the rest filled in for a run by hand.

    By hand the run is due now and processes the day before, as that day is in the schedule's zone.
    root: the absolute folder of run.sh.  Every value is text; times are `YYYY-MM-DDTHH:MM:SSZ`.
    """
    given = {name: value for name, value in environ.items() if value}
    due_text = given.get("SCHEDULED_FOR") or now.strftime("%Y-%m-%dT%H:%M:%SZ")
    zone = ZoneInfo(config["timezone"])
    due = datetime.strptime(due_text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    day = due.astimezone(zone).date() - timedelta(days=1)
    midnight = datetime.combine(day, time_of_day(), tzinfo=zone).astimezone(UTC)
    folder = root / Path(config["notebook"]).parent
    defaults = {
        "RUN_ID": "by-hand",
        "SCHEDULED_FOR": due_text,
        "DATA_DATE": day.isoformat(),
        "DATA_INTERVAL_START": midnight.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "DATA_INTERVAL_END": due_text,
        "OUTPUT_DIR": str(folder / config["output_dir"]),
        "REPORT_DIR": str(root / "report"),
        "PUBLISHED_DATA_URL": "",
    }
    return {name: given.get(name, value) for name, value in defaults.items()}


def parameters(root: Path, config: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """What papermill injects: the product's values for names that the notebook declares, then the analyst's own."""
    path = root / "params.json"
    try:
        given = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError as problem:
        raise Refusal("notebook", 65, f"params.json isn't JSON: {problem}") from None
    if not isinstance(given, dict):
        raise Refusal("notebook", 65, "params.json must be an object of names and values.")
    product = {name: variables[name.upper()] for name in config["product_parameters"] if name.upper() in variables}
    return {**product, **given}


def make_folders(variables: Mapping[str, str], log: Log) -> None:
    """The output folder exists, and so does a report folder without an older run's failure."""
    output, report = Path(variables["OUTPUT_DIR"]), Path(variables["REPORT_DIR"])
    try:
        output.mkdir(parents=True, exist_ok=True)
        report.mkdir(parents=True, exist_ok=True)
        (report / "failure.json").unlink(missing_ok=True)
    except OSError as problem:
        name, reason = problem.filename, problem.strerror
        raise Refusal("unwritable", 74, f"Can't make the folder {name}: {reason}") from None
    if variables["RUN_ID"] == "by-hand" and any(output.iterdir()):
        log.say(f"{output} has files already; they stay, and this run adds to them")


def kernel_spec(environ: Mapping[str, str]) -> dict[str, Any]:
    """The kernel's command line: the folder KERNEL_SPEC, or ipykernel in the environment of KERNEL_PYTHON."""
    if python := environ.get("KERNEL_PYTHON"):
        path = os.pathsep.join([str(Path(python).parent), environ.get("PATH", os.defpath)])
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return {"argv": argv, "display_name": "Python", "language": "python", "env": {"PATH": path}}
    folder = environ.get("KERNEL_SPEC", "")
    try:
        spec: dict[str, Any] = json.loads((Path(folder) / "kernel.json").read_text("utf-8"))
        program = spec["argv"][0]
    except (OSError, ValueError, LookupError, TypeError):
        raise Refusal("kernel_unavailable", 70, f"There is no usable kernel.json in {folder!r}.") from None
    if not shutil.which(program):
        raise Refusal("kernel_unavailable", 70, f"The notebook's kernel isn't there any more: {program}")
    return spec


def start_kernel(spec: Mapping[str, Any], name: str, cwd: Path, scratch: Path, progress: Progress) -> Any:
    """A kernel that is booting, so that what papermill needs is imported meanwhile: a fifth of a trivial run's time."""
    # an extra of jsonschema that takes 0.8 s to import where it is installed; notebooks have no use for it
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # lazy, because nothing may be imported before the folders and the kernel were found to be there
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager  # noqa: PLC0415
    from jupyter_client.manager import AsyncKernelManager  # noqa: PLC0415
    from jupyter_core.utils import run_sync  # noqa: PLC0415

    class OnlySpec(KernelSpecManager):
        """Whatever the name, the kernel that was frozen: none that happens to be installed here can take its place."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002
            return KernelSpec(**spec)

    class Manager(AsyncKernelManager):
        """Notices when papermill has read the notebook and turns to the kernel, and keeps the client to close it."""

        opened: Any = None

        def client(self, **options: Any) -> Any:
            progress.connecting = True
            self.opened = super().client(**options)
            return self.opened

    manager = Manager(kernel_name=name, kernel_spec_manager=OnlySpec(), connection_file=str(scratch / "kernel.json"))
    options = IPYKERNEL_OPTIONS if any("ipykernel" in word for word in spec["argv"]) else []
    try:
        run_sync(manager.start_kernel)(cwd=str(cwd), extra_arguments=options)
    except (OSError, RuntimeError) as problem:
        raise Refusal("kernel_unavailable", 70, f"The kernel couldn't be started: {problem}") from None
    return manager


def execute(source: Path, target: Path, values: dict[str, Any], manager: Any, progress: Progress) -> None:
    """papermill, exactly as its command line runs a notebook.  Raises whatever papermill raises."""

    import papermill.execute  # noqa: PLC0415  (heavy: while the kernel boots)

    # papermill's own lines would say every cell twice; its warnings (an unknown parameter) are worth reading
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=progress.log)
    progress.adds_cell = bool(values) and '"injected-parameters"' not in source.read_text("utf-8")
    with contextlib.suppress(ImportError):
        import nbconvert.exporters.html  # noqa: F401, PLC0415  (needed at the end: free while the kernel boots)

    papermill.execute.execute_notebook(
        # papermill takes paths for format strings
        *(str(path).replace("{", "{{").replace("}", "}}") for path in (source, target)),
        parameters=values,
        kernel_name=manager.kernel_name,
        language=manager.kernel_spec.language or None,
        progress_bar=False,
        stdout_file=progress.log,
        stderr_file=Log(sys.stderr),
        cwd=str(source.parent),
        km=manager,
        autosave_cell_every=AUTOSAVE,
        on_notebook_start=progress.notebook_started,
        on_cell_execute=progress.cell_started,
    )


def diagnose(error: BaseException, progress: Progress, exit_status: int | None) -> Failure:
    """What an exception means for the person who reads it.  exit_status: of the kernel, negative for a signal."""
    name, message = type(error).__name__, str(error)
    cell, cells = (progress.cell, progress.cells) if progress.started else (None, None)
    if isinstance(error, Refusal):
        return error.failure
    if isinstance(error, KeyboardInterrupt | SystemExit):
        code = 130 if isinstance(error, KeyboardInterrupt) else 143
        sentence = (
            f"Stopped at {progress.place(progress.cell)}" if progress.started else "Stopped before the first cell"
        )
        return Failure("stopped", code, name, sentence, sentence, cell, cells)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Failure(
            "disk_full", 74, name, message, "The disk is full, so the report couldn't be written.", cell, cells
        )
    if name == "PapermillExecutionError":
        return diagnose_cell(error, progress)
    if name == "DeadKernelError":
        how = ended(exit_status)
        sentence = shorten(f"Kernel died at {progress.place(progress.cell)}: {how}")
        return Failure("kernel_died", 138, name, how, sentence, cell, cells)
    if not progress.connecting:
        return Failure("notebook", 65, name, message, shorten(f"The notebook can't be read: {one_line(message)}"))
    if not progress.started:
        return Failure("kernel_unavailable", 70, name, message, shorten(f"Kernel didn't start: {one_line(message)}"))
    sentence = shorten(f"{name} at {progress.place(progress.cell)}: {one_line(message)}")
    return Failure("cell_failed", 1, name, message, sentence, cell, cells)


def diagnose_cell(error: Any, progress: Progress) -> Failure:
    """A cell that raised: which one, at which of its lines, and in one sentence why."""
    cell = progress.numbers.get(error.cell_index, progress.cell)
    trace = ANSI.sub("", "\n".join(error.traceback))
    found = (re.search(pattern.format(count=error.exec_count), trace) for pattern in LINE_IN_CELL)
    # IPython counts from the first line with something on it
    skipped = next((number for number, text in enumerate(error.source.splitlines()) if text.strip()), 0)
    line = next((int(match[1]) + skipped for match in found if match), None)
    cause = one_line(error.evalue)
    sentence = f"{error.ename} at {progress.place(cell)}" + (f": {cause}" if cause else "")
    message = ANSI.sub("", error.evalue)
    return Failure("cell_failed", 1, error.ename, message, shorten(sentence), cell, progress.cells, line)


def ended(status: int | None) -> str:
    if status is None:
        return "it stopped answering"
    if status == -signal.SIGKILL:
        return "killed by signal 9, most often for lack of memory"
    return f"killed by signal {-status}" if status < 0 else f"it ended by itself with code {status}"


def end_kernel(manager: Any, busy: bool, log: Log, meanwhile: Callable[[], None]) -> None:
    """The kernel is asked to end, `meanwhile` is done, and then the kernel is gone.

    It's waited for because what the notebook left to the end of its process (files not closed, atexit) is output too.
    """
    # imported by start_kernel already
    from jupyter_core.utils import run_sync  # noqa: PLC0415

    async def ask() -> None:
        if busy:
            await manager.interrupt_kernel()
        elif any("ipykernel" in word for word in manager.kernel_spec.argv):
            await hold(manager.opened)
        await manager.request_shutdown()

    async def wait() -> None:
        if manager.has_kernel:
            await manager.finish_shutdown()
        if manager.opened:
            manager.opened.stop_channels()
        await manager.cleanup_resources()

    manager.shutting_down = True
    try:
        if run_sync(manager.is_alive)():
            run_sync(ask)()
        meanwhile()
        run_sync(wait)()
    except (OSError, RuntimeError) as problem:
        log.say(f"while the kernel ended: {problem}")


async def hold(client: Any) -> None:
    """HOLD has begun in the kernel."""
    request = client.execute(HOLD, silent=True, store_history=False)
    with contextlib.suppress(queue.Empty):
        while (await client.get_iopub_msg(timeout=1))["parent_header"].get("msg_id") != request:
            pass


def write_html(notebook: Path, log: Log) -> None:
    """The executed notebook as a page beside it.  Whatever goes wrong is said and changes nothing."""
    if not notebook.exists():
        return
    if notebook.stat().st_size > HTML_LIMIT:
        log.say(f"report: the executed notebook is larger than {HTML_LIMIT >> 20} MB, so no HTML was made of it")
        return
    try:
        from nbconvert.exporters.html import HTMLExporter  # noqa: PLC0415  (imported while the kernel was booting)

        resources = {"metadata": {"name": notebook.stem}}
        exporter: Any = HTMLExporter
        page, _ = exporter().from_filename(str(notebook), resources=resources)
        notebook.with_suffix(".html").write_text(page, "utf-8", errors="replace")
    except Exception as problem:
        log.say(f"report: no HTML of the notebook: {one_line(str(problem)) or type(problem).__name__}")


def conduct(
    root: Path, config: Mapping[str, Any], variables: Mapping[str, str], scratch: Path, log: Log
) -> Failure | None:
    """One run from kernel to report; None when papermill succeeded."""
    progress = Progress(log)
    source = root / config["notebook"]
    target = Path(variables["REPORT_DIR"]) / source.name
    manager = None
    failure = None
    try:
        spec = kernel_spec(os.environ)
        for name in PRIVATE_VARIABLES:
            os.environ.pop(name, None)
        values = parameters(root, config, variables)
        manager = start_kernel(spec, config["kernel_name"], source.parent, scratch, progress)
        execute(source, target, values, manager, progress)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        status = kernel_exit_status(manager) if type(error).__name__ == "DeadKernelError" else None
        failure = diagnose(error, progress, status)
        if type(error).__name__ == "PapermillExecutionError":
            log.say(str(error).strip())
    if manager is None:
        return failure
    if failure and failure.kind == "stopped":
        from jupyter_core.utils import run_sync  # noqa: PLC0415  (imported by start_kernel already)

        run_sync(manager.shutdown_kernel)(now=True)
        return failure
    busy = failure is not None and failure.name != "PapermillExecutionError"
    end_kernel(manager, busy, log, meanwhile=lambda: write_html(target, log))
    return failure


def kernel_exit_status(manager: Any) -> int | None:
    process = getattr(manager.provisioner, "process", None)
    return process.poll() if process else None


def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """SIGTERM unwinds like Ctrl-C does: the notebook as far as it came is saved, the kernel goes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(143)


def main() -> int:
    signal.signal(signal.SIGTERM, stop)
    warnings.simplefilter("ignore")
    # debugpy would warn about frozen modules in the analyst's log; papermill's command line sets the same
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    log = Log(sys.stdout)
    here = Path(__file__).resolve().parent
    config = json.loads((here / "config.json").read_text("utf-8"))
    variables = run_variables(os.environ, config, here.parent, datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as scratch:
        previous = Path(scratch) / "previous"
        previous.mkdir()
        variables["PREVIOUS_DIR"] = os.environ.get("PREVIOUS_DIR") or str(previous)
        os.environ.update(variables)
        try:
            make_folders(variables, log)
            failure = conduct(here.parent, config, variables, Path(scratch), log)
        except Refusal as refusal:
            failure = refusal.failure
    if failure is None:
        log.say("done")
        return 0
    with contextlib.suppress(OSError):
        text = json.dumps(asdict(failure), ensure_ascii=False, indent=1)
        (Path(variables["REPORT_DIR"]) / "failure.json").write_text(text, "utf-8", errors="replace")
    log.say(failure.sentence)
    return failure.code


if __name__ == "__main__":
    sys.exit(main())
