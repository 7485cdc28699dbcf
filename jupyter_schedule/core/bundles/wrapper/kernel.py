"""The notebook's kernel: which command line, started early, ended in order."""

import contextlib
import json
import os
import queue
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from .failures import Refusal
from .progress import CellProgress, ProgressLog

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


#: variables for the kernel alone, by the names under which run.sh and we have them
KERNEL_ONLY = {"KERNEL_PYTHONPATH": "PYTHONPATH", "KERNEL_LD_LIBRARY_PATH": "LD_LIBRARY_PATH"}
_PYTHON = re.compile(r"(?:pypy|python)[0-9.]*")


def kernel_spec(environ: Mapping[str, str]) -> dict[str, Any]:
    """The kernel's command line: the folder KERNEL_SPEC, or ipykernel in the environment of KERNEL_PYTHON."""
    if python := environ.get("KERNEL_PYTHON"):
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return {"argv": argv, "display_name": "Python", "language": "python"}
    folder = environ.get("KERNEL_SPEC", "")
    try:
        spec: dict[str, Any] = json.loads((Path(folder) / "kernel.json").read_text("utf-8"))
        program = spec["argv"][0]
    except (OSError, ValueError, LookupError, TypeError):
        raise Refusal("kernel_gone", 70, f"There is no usable kernel.json in {folder!r}.") from None
    elsewhere = "kernel_provisioner" in (spec.get("metadata") or {})
    if not elsewhere and not shutil.which(program):
        raise Refusal("kernel_gone", 70, f"The notebook's kernel isn't there any more: {program}")
    return spec


def kernel_environment(argv: Sequence[str], notebook: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The kernel's variables: as in JupyterLab it knows its notebook, and its own programs come first (`!python`)."""
    made = {name: value for name, value in environ.items() if name not in KERNEL_ONLY}
    made |= {KERNEL_ONLY[name]: value for name, value in environ.items() if name in KERNEL_ONLY}
    path = environ.get("PATH", os.defpath).split(os.pathsep)
    folder = find_programs(argv, path)
    if folder is not None:
        path = [folder, *(each for each in path if each != folder)]
    return {**made, "PATH": os.pathsep.join(path), "JPY_SESSION_NAME": str(notebook)}


def find_programs(argv: Sequence[str], path: Sequence[str]) -> str | None:
    """The folder of the programs of the kernel's environment; None where `path` is as good or nothing tells.

    A kernel's Python stands before `-m ipykernel…`, also behind a launcher.
    """
    launched = [at for at, word in enumerate(argv) if word == "-m" and "ipykernel" in "".join(argv[at + 1 : at + 2])]
    before = [word for word in argv[: launched[0]] if not word.startswith("-")] if launched else []
    program = Path(before[-1] if before else argv[0])
    if not program.is_absolute():
        return None
    if _PYTHON.fullmatch(program.name):
        return str(program.parent)
    return str(program.parent) if program.parent.name == "bin" and str(program.parent) not in path else None


class NotebookKernelManager(AsyncKernelManager):
    """Notices when papermill has read the notebook and turns to the kernel, and keeps the client to close it."""

    progress: CellProgress
    opened: Any = None
    runs_ipykernel = False

    def client(self, **options: Any) -> Any:
        self.progress.connecting = True
        self.opened = super().client(**options)
        return self.opened


def start_kernel(
    spec: Mapping[str, Any], name: str, notebook: Path, scratch: Path, progress: CellProgress
) -> NotebookKernelManager:
    """A kernel that is booting, so that what papermill needs is imported meanwhile: a fifth of a trivial run's time."""

    class OnlySpec(KernelSpecManager):
        """The kernel that was frozen, whatever the name: none that happens to be installed here takes its place."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002  (its base gives the signature)
            return KernelSpec(**spec)

    file = str(scratch / "kernel.json")
    manager = NotebookKernelManager(kernel_name=name, kernel_spec_manager=OnlySpec(), connection_file=file)
    manager.progress = progress
    manager.runs_ipykernel = any("ipykernel" in word for word in spec["argv"])
    options = IPYKERNEL_OPTIONS if manager.runs_ipykernel else []
    try:
        env = kernel_environment(spec["argv"], notebook, os.environ)
        run_sync(manager.start_kernel)(cwd=str(notebook.parent), env=env, extra_arguments=options)
    except (OSError, RuntimeError, ImportError) as problem:
        raise Refusal("kernel_unavailable", 70, f"The kernel couldn't be started: {problem}") from None
    return manager


def kill_kernel(manager: NotebookKernelManager) -> None:
    """The kernel is gone at once, and what it had still to do is lost."""
    run_sync(manager.shutdown_kernel)(now=True)


def end_kernel(manager: NotebookKernelManager, busy: bool, log: ProgressLog, meanwhile: Callable[[], None]) -> None:
    """The kernel is asked to end, `meanwhile` is done, and then the kernel is gone.

    It's waited for because what the notebook left to the end of its process (files not closed, atexit) is output too.
    busy: a cell may still be running.  What goes wrong here is said and changes nothing: papermill has decided already.
    """

    async def ask() -> None:
        if busy:
            await manager.interrupt_kernel()
        elif manager.runs_ipykernel:
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
    except Exception as problem:
        log.say(f"while the kernel ended: {problem}")


async def hold(client: Any) -> None:
    """HOLD has begun in the kernel."""
    request = client.execute(HOLD, silent=True, store_history=False)
    with contextlib.suppress(queue.Empty):
        while (await client.get_iopub_msg(timeout=1))["parent_header"].get("msg_id") != request:
            pass


def exit_status(manager: NotebookKernelManager | None) -> int | None:
    process = getattr(manager.provisioner, "process", None) if manager else None
    return process.poll() if process else None
