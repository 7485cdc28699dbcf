"""The program in which a person works, as far as it decides what can be scheduled: its kernels and its notebooks.

A Jupyter server has its own managers of both, which other packages replace; what they say counts, and not what is on
the disk.  Without a server the disk is all there is.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from jupyter_schedule.core.apart import Apart, on_the_spot
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.notebooks.kernels import find_kernel, list_kernels
from jupyter_schedule.core.notebooks.notebook import printable

#: before the path in a drive that only the browser has, as of jupyter-drives
_DRIVE = re.compile(r"[A-Za-z][\w-]+:(?=.)")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Host:
    """The kernels that there are, what keeps notebooks, and where their files are looked at."""

    list_kernels: Callable[[], Mapping[str, Kernel]] = list_kernels
    #: the name of what keeps notebooks elsewhere than on this disk; None where they are on it
    kept_by: str | None = None
    #: writes a notebook, by its path in what keeps it, and the files beside it below a folder; raises Refused
    bring: Callable[[str, Path], None] | None = None
    #: carries out what reads files that anybody may have written
    apart: Apart = on_the_spot

    def find_kernel(self, name: str) -> Kernel:
        """The kernel of that name.  Raises Refused as `kernels.find_kernel`."""
        return find_kernel(name, self.list_kernels())

    def bring_notebook(self, notebook: Path, within: str) -> Path | None:
        """A new folder, for the caller to remove, that has the notebook at `within`, and the files beside it.

        None where the notebook is on this disk.  Raises Refused `notebook_missing`, with what can be done.
        """
        if notebook.exists():
            return None
        drive = _DRIVE.match(within)
        if drive:
            raise _not_here(notebook, f"it is in JupyterLab's drive {drive[0]}, which this server doesn't know")
        if self.kept_by is None:
            return None
        if self.bring is None:
            raise _not_here(notebook, f"this server's notebooks are kept by {self.kept_by}")
        scratch = Path(tempfile.mkdtemp(prefix="jupyter-schedule-"))
        try:
            self.bring(within, scratch)
        except BaseException as problem:
            shutil.rmtree(scratch, ignore_errors=True)
            if isinstance(problem, LookupError | OSError | ValueError | TimeoutError):
                why = f"{self.kept_by}, which keeps this server's notebooks, can't read it ({type(problem).__name__})"
                raise _not_here(notebook, why) from None
            raise
        return scratch

    def ask(self, question: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The one answer of a question about files.  Raises what it raises, and Refused at a limit."""
        with closing(self.apart(_once, partial(question, *args, **kwargs))) as answers:  # type: ignore[type-var]
            return next(answers)

    def portable(self) -> "Host":
        """The same for another process, which can't ask the program: the kernels as they are now."""
        known: Mapping[str, Kernel] | Refused
        try:
            known = self.list_kernels()
        except Refused as refused:
            known = refused
        return Host(partial(_known, known), self.kept_by)


def _not_here(notebook: Path, why: str) -> Refused:
    return Refused(
        "notebook_missing",
        f"{printable(notebook.name)} isn't on disk: {why}. "
        "Download it into a folder of this machine, and schedule it there with `jupyter schedule create`.",
        field="notebook",
    )


def _once(question: Callable[[], T]) -> Iterator[T]:
    yield question()


def _known(kernels: Mapping[str, Kernel] | Refused) -> Mapping[str, Kernel]:
    if isinstance(kernels, Refused):
        raise kernels
    return kernels


#: without a Jupyter server
DISK = Host()
