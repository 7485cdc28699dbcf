"""The program in which a person works, as far as it decides what can be scheduled: its kernels and its notebooks.

A Jupyter server has its own managers of both, which other packages replace; what they say counts, and not what is on
the disk.  Without a server the disk is all there is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.notebooks.kernels import find_kernel, list_kernels
from jupyter_schedule.core.notebooks.notebook import printable


@dataclass(frozen=True)
class Host:
    """The kernels that there are, and what keeps notebooks."""

    list_kernels: Callable[[], Mapping[str, Kernel]] = list_kernels
    #: the name of what keeps notebooks elsewhere than on this disk; None where they are on it
    kept_by: str | None = None

    def find_kernel(self, name: str) -> Kernel:
        """The kernel of that name.  Raises Refused as `kernels.find_kernel`."""
        return find_kernel(name, self.list_kernels())

    def check_on_disk(self, notebook: Path) -> None:
        """Refused `notebook_missing` for a notebook that is kept elsewhere, with what can be done."""
        if self.kept_by is not None and not notebook.exists():
            raise Refused(
                "notebook_missing",
                f"{printable(notebook.name)} isn't on disk: this server's notebooks are kept by {self.kept_by}. "
                "Download it into a folder of this machine, and schedule it there with `jupyter schedule create`.",
                field="notebook",
            )


#: without a Jupyter server
DISK = Host()
