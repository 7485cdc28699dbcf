"""One run, from the variables to the report."""

import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from .failures import DriverFailure, Refusal, diagnose, one_line
from .kernel import end_kernel, exit_status, kernel_spec, kill_kernel, start_kernel
from .page import make_page
from .progress import CellProgress, ProgressLog
from .variables import parameters, run_variables

#: bytes; the HTML of a larger notebook takes minutes to make and no browser opens it
HTML_LIMIT = 64 * 2**20
#: what run.sh tells the driver, of no use to the notebook
PRIVATE_VARIABLES = ("KERNEL_SPEC", "KERNEL_PYTHON", "RUNNER_PYTHON")


def make_folders(variables: Mapping[str, str], log: ProgressLog, *, makes_output: bool = False) -> None:
    """The folders that the run is told of exist, the report's without an older run's failure.

    makes_output: the code makes its output folder itself, and would fail if that were there.
    """
    output, report = Path(variables["OUTPUT_DIR"]), Path(variables["REPORT_DIR"])
    try:
        for folder in (report, output, Path(variables["PREVIOUS_DIR"])):
            folder.mkdir(parents=True, exist_ok=True)
        (report / "failure.json").unlink(missing_ok=True)
        if makes_output and not any(output.iterdir()):
            output.rmdir()
            return
    except OSError as problem:
        name, reason = problem.filename, problem.strerror
        raise Refusal("unwritable", 74, f"Can't make the folder {name}: {reason}") from None
    if variables["RUN_ID"] == "by-hand" and any(output.iterdir()):
        log.say(f"{output} has files already; they stay, and this run adds to them")


def execute(source: Path, target: Path, values: dict[str, Any], manager: Any, progress: CellProgress) -> None:
    """Execute the notebook.  Raises whatever papermill raises."""
    # an extra of jsonschema that takes 0.8 s to import where it is installed; notebooks have no use for it
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from .execution import execute as run  # noqa: PLC0415  (heavy: while the kernel boots)

    # papermill's own lines would say every cell twice; its warnings are worth reading
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=progress.log)
    progress.adds_cell = bool(values)
    with contextlib.suppress(ImportError):
        import nbconvert.exporters.html  # noqa: F401, PLC0415  (needed at the end: free while the kernel boots)

    run(source, target, values, manager, progress)


def write_html(notebook: Path, folder: Path, log: ProgressLog) -> None:
    """The executed notebook as a page beside it, its pictures from `folder`.  What goes wrong changes nothing."""
    if not notebook.exists():
        return
    if notebook.stat().st_size > HTML_LIMIT:
        log.say(f"report: the executed notebook is larger than {HTML_LIMIT >> 20} MB, so no HTML was made of it")
        return
    try:
        page = make_page(notebook, folder, hide_code=os.environ.get("HIDE_CODE") == "1")
        notebook.with_suffix(".html").write_text(page, "utf-8", errors="replace")
    except Exception as problem:
        log.say(f"report: no HTML of the notebook: {one_line(str(problem)) or type(problem).__name__}")


def conduct(
    root: Path, config: Mapping[str, Any], variables: Mapping[str, str], scratch: Path, log: ProgressLog
) -> DriverFailure | None:
    """One run from kernel to report; None when papermill succeeded."""
    progress = CellProgress(log)
    source = root / config["notebook"]
    target = Path(variables["REPORT_DIR"]) / source.name
    manager = None
    failure = None
    raised = ""
    try:
        spec = kernel_spec(os.environ)
        for name in PRIVATE_VARIABLES:
            os.environ.pop(name, None)
        values = parameters(root, config, variables)
        manager = start_kernel(spec, config["kernel_name"], source, scratch, progress)
        execute(source, target, values, manager, progress)
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        raised = type(error).__name__
        failure = diagnose(error, progress, exit_status(manager) if raised == "DeadKernelError" else None)
        if raised == "PapermillExecutionError":
            log.say(str(error).strip())
    if manager is None:
        return failure
    if failure and (failure.kind == "stopped" or not progress.started):
        kill_kernel(manager)
        return failure
    busy = raised not in {"", "PapermillExecutionError"}
    end_kernel(manager, busy, log, meanwhile=lambda: write_html(target, source.parent, log))
    return failure


def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """SIGTERM unwinds like Ctrl-C does: the notebook as far as it came is saved, the kernel goes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(143)


def main() -> int:
    signal.signal(signal.SIGTERM, stop)
    warnings.simplefilter("ignore")
    # debugpy would warn about frozen modules in the analyst's log; papermill's command line sets the same
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    log = ProgressLog(sys.stdout, beside=ProgressLog(sys.stderr))
    here = Path(__file__).resolve().parents[1]
    config = json.loads((here / "config.json").read_text("utf-8"))
    report = Path(os.environ.get("REPORT_DIR") or here.parent / "report")
    with tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as scratch:
        try:
            variables = run_variables(os.environ, config, here.parent, datetime.now(UTC))
            variables["PREVIOUS_DIR"] = os.environ.get("PREVIOUS_DIR") or str(Path(scratch) / "previous")
            os.environ.update(variables)
            make_folders(variables, log, makes_output=config.get("makes_output", False))
            failure = conduct(here.parent, config, variables, Path(scratch), log)
            # as whoever collects expects it, also where the code came to no output
            Path(variables["OUTPUT_DIR"]).mkdir(parents=True, exist_ok=True)
        except Refusal as refusal:
            failure = refusal.failure
    if failure is None:
        log.say("done")
        return 0
    with contextlib.suppress(OSError):
        text = json.dumps(asdict(failure), ensure_ascii=False, indent=1)
        (report / "failure.json").write_text(text, "utf-8", errors="replace")
    log.say(failure.sentence)
    return failure.code
