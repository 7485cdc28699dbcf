"""The cells of a notebook, one after the other, as papermill and nbclient execute them.

Where the two differ from each other, `raises-exception` is nbclient's: such a cell may fail, and the run goes on.  Any
other error that a cell shows fails the run, as with papermill, and `sys.exit(0)` ends it well.  So does `exit()`, by
which IPython and other kernels ask their front end to end the session.
"""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat.v4
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager
from papermill.exceptions import PapermillExecutionError
from papermill.execute import (
    ERROR_ANCHOR_MSG,
    ERROR_MARKER_TAG,
    ERROR_MESSAGE_TEMPLATE,
    prepare_notebook_metadata,
    remove_error_markers,
)
from papermill.iorw import load_notebook_node, write_ipynb
from papermill.log import logger
from papermill.parameterize import parameterize_notebook

from .outputs import OutputKeeper
from .progress import CellProgress
from .translators import register_translators

_v4: Any = nbformat.v4
#: seconds; the schedule's time-out ends a kernel that never answers, and a person one that was started by hand
START_TIMEOUT = 10**7
#: seconds; papermill saves this often within a long cell, and backs off by itself when saving is slow
AUTOSAVE = 10
#: how IPython shows what `sys.exit` was given, where that means success
GOOD_EXITS = {"", "0", "None", "False"}
#: the tag of the cell that papermill adds
INJECTED = "injected-parameters"
#: the status of a cell that was never reached
SKIPPED = "skipped"
#: a cell that may have asked its kernel to end, in whatever language
_ASKS = re.compile(r"\b(?:exit|quit|q)\b")


class ExitAsked(Exception):  # noqa: N818  (an answer of the kernel, not a fault)
    """The cell asked for the end of the session, as `exit()` does; `status` as for `sys.exit`."""

    def __init__(self, status: object) -> None:
        super().__init__()
        # what IPython takes for keep_kernel; a person means a code, or a message
        means_well = status is None or isinstance(status, bool) or status in ("", 0)
        self.status = "" if means_well else str(status)


class SavedNotebook(NotebookExecutionManager):
    """Saves what has been printed up to now, and tells cells that weren't reached from those that were executed."""

    def __init__(self, nb: Any, keeper: OutputKeeper, path: Path) -> None:
        self.keeper = keeper
        super().__init__(nb, output_path=str(path), progress_bar=False, autosave_cell_every=AUTOSAVE)

    def save(self, **kwargs: Any) -> None:
        self.keeper.settle()
        super().save(**kwargs)

    def skip_rest(self, index: int) -> None:
        for cell in self.nb.cells[index + 1 :]:
            cell.metadata.papermill["status"] = SKIPPED


class CellRunner(PapermillNotebookClient):
    """Executes the cells up to the first that fails, or that asks for the end."""

    def __init__(self, saved: SavedNotebook, progress: CellProgress, **options: Any) -> None:
        super().__init__(saved, on_cell_executed=self._note_reply, **options)
        self._saved = saved
        self._progress = progress
        self._reply: dict[str, Any] = {}
        #: what the kernel said of the cell that failed, by its index
        self.failed: dict[int, dict[str, Any]] = {}
        self.ended_early = False

    def papermill_execute_cells(self) -> None:
        for index, cell in enumerate(self.nb.cells):
            self._reply = {}
            self._saved.keeper.start_cell()
            try:
                self.nb_man.cell_start(cell, index)
                self._execute(cell, index)
            except CellExecutionError as problem:
                self.failed[index] = self._reply.get("content", {})
                self.nb_man.cell_exception(self.nb.cells[index], cell_index=index, exception=problem)
                break
            except ExitAsked as asked:
                self.ended_early = True
                if asked.status:
                    self.failed[index] = {"ename": "SystemExit", "evalue": asked.status}
                    self.nb_man.cell_exception(self.nb.cells[index], cell_index=index, exception=asked)
                else:
                    self._saved.skip_rest(index)
                    self._progress.log.say(f"ended by exit() at {self._progress.place(self._progress.cell)}")
                break
            finally:
                self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)

    def _execute(self, cell: Any, index: int) -> None:
        try:
            self.execute_cell(cell, index)
        except DeadKernelError:
            # a kernel that was asked to end may be gone before it has said so
            if self._exit_status() == 0 and _ASKS.search(cell.source):
                raise ExitAsked(None) from None
            raise
        if (asked := find_exit(self._reply)) is not None:
            raise asked

    def _exit_status(self) -> int | None:
        process = getattr(self.km.provisioner, "process", None)
        return process.poll() if process else None

    async def _note_reply(self, cell: Any, cell_index: int, execute_reply: dict[str, Any] | None) -> None:  # noqa: ARG002  (nbclient calls by these names)
        self._reply = execute_reply or {}

    def execute(self, **options: Any) -> Any:
        self.reset_execution_trackers()
        with self.setup_kernel(**options):
            self.papermill_execute_cells()
            if not self.ended_early:
                told = self.wait_for_reply(self.kc.kernel_info())
                if told and "language_info" in told["content"]:
                    self.nb.metadata["language_info"] = told["content"]["language_info"]
                    # also where a script starts it, so that its command line doesn't say so
                    self.km.runs_ipykernel |= told["content"].get("implementation") == "ipython"
            self.set_widgets_metadata()
        return self.nb

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        output = NotebookClient.process_message(self, msg, cell, cell_index)
        if output:
            self.log_output_message(output)
        self.nb_man.autosave_cell()
        return output

    def output(self, outs: list[Any], msg: Any, display_id: str | None, cell_index: int) -> Any:
        output = NotebookClient.output(self, outs, msg, display_id, cell_index)
        if not output:
            return output
        if not self._saved.keeper.take(outs) and display_id:
            with suppress(KeyError, ValueError):
                self._display_id_map[display_id][cell_index].remove(len(outs))
        return output


def find_exit(reply: dict[str, Any]) -> ExitAsked | None:
    """Find in a reply that its cell asked for the end: the payload for which front ends close their tab."""
    for payload in reply.get("content", {}).get("payload") or ():
        if isinstance(payload, dict) and str(payload.get("source")).endswith("ask_exit"):
            return ExitAsked(payload.get("keepkernel"))
    return None


def execute(source: Path, target: Path, values: dict[str, Any], manager: Any, progress: CellProgress) -> None:
    """Execute the notebook, saved as it goes.  Raises what papermill raises, and PapermillExecutionError for a cell."""
    notebook = load_notebook_node(str(source))
    for cell in notebook.cells:
        if not isinstance(cell.metadata.get("tags"), list):
            cell.metadata["tags"] = []
    if values:
        notebook = inject(notebook, values, manager.kernel_name, manager.kernel_spec.language or "python")
    notebook = prepare_notebook_metadata(notebook, str(source), str(target))
    notebook = remove_error_markers(notebook)
    saved = SavedNotebook(notebook, OutputKeeper(), target)
    saved.notebook_start()
    runner = CellRunner(
        saved,
        progress,
        km=manager,
        kernel_name=manager.kernel_name,
        startup_timeout=START_TIMEOUT,
        log=logger,
        stdout_file=progress.log,
        stderr_file=progress.log.beside,
        on_notebook_start=progress.notebook_started,
        on_cell_execute=progress.cell_started,
    )
    try:
        runner.execute()
    finally:
        saved.notebook_complete()
    if failure := find_error(notebook, runner.failed):
        mark_error(notebook, failure, target)
        raise failure


def inject(notebook: Any, values: dict[str, Any], kernel_name: str, language: str) -> Any:
    """Add the cell with the values, after the parameters cell and after what an earlier run added.

    papermill would put it in the place of that, and so change values that nobody gave.
    """
    earlier = [cell for cell in notebook.cells if INJECTED in cell.metadata.tags]
    for cell in earlier:
        cell.metadata.tags.remove(INJECTED)
    register_translators(kernel_name, language)
    notebook = parameterize_notebook(notebook, values, kernel_name=kernel_name, language=language)
    at = next(index for index, cell in enumerate(notebook.cells) if INJECTED in cell.metadata.tags)
    behind = [index for index, cell in enumerate(notebook.cells) if any(cell is each for each in earlier)]
    if behind and behind[-1] > at:
        notebook.cells.insert(behind[-1], notebook.cells.pop(at))
    return notebook


def find_error(notebook: Any, replies: dict[int, dict[str, Any]]) -> PapermillExecutionError | None:
    """The first cell with an error that nobody expected; `replies`: what kernels said of cells by their index."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or (index not in replies and "raises-exception" in cell.metadata.get("tags", ())):
            continue
        errors = [output for output in cell.outputs if output.output_type == "error"]
        bad = [error for error in errors if error.ename != "SystemExit" or error.evalue not in GOOD_EXITS]
        said = replies.get(index)
        if not bad and (said is None or (said.get("ename") == "SystemExit" and said.get("evalue") in GOOD_EXITS)):
            continue
        shown: dict[str, Any] = bad[0] if bad else said or {}
        return PapermillExecutionError(
            cell_index=index,
            exec_count=cell.execution_count,
            source=cell.source,
            ename=shown.get("ename") or "CellExecutionError",
            evalue=shown.get("evalue") or "",
            traceback=shown.get("traceback") or [],
        )
    return None


def mark_error(notebook: Any, failure: PapermillExecutionError, target: Path) -> None:
    """Save the notebook with papermill's marks of where it failed."""
    for index, text in ((failure.cell_index, ERROR_ANCHOR_MSG), (0, ERROR_MESSAGE_TEMPLATE % failure.exec_count)):
        cell = _v4.new_markdown_cell(text)
        cell.metadata["tags"] = [ERROR_MARKER_TAG]
        notebook.cells.insert(index, cell)
    notebook = _v4.upgrade(notebook)
    write_ipynb(notebook, str(target))
