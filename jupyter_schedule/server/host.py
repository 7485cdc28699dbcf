"""The Jupyter server as the host of schedules: the kernels and the notebooks that it has by its own configuration."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.services.contents.filemanager import FileContentsManager

if TYPE_CHECKING:
    from jupyter_schedule.core.host import Host
    from jupyter_schedule.core.models import Kernel

#: seconds that a manager of kernels may take, as one that asks conda for its environments does
PATIENCE = 60.0


def find_host(serverapp: Any) -> "Host":
    """The host that this server is, to be asked from threads; called in the server's loop, or before it runs."""
    from jupyter_schedule.core.host import Host  # noqa: PLC0415  (most of a second: in the thread that first needs it)

    contents = serverapp.contents_manager
    kept_by = None if isinstance(contents, FileContentsManager) else type(contents).__name__
    return Host(_kernels_of(serverapp), kept_by)


def served_folder(serverapp: Any) -> Path:
    """The folder that paths are relative to: the one of the manager that opens notebooks."""
    contents = serverapp.contents_manager
    folder = contents.root_dir if isinstance(contents, FileContentsManager) else serverapp.root_dir
    return Path(folder).absolute()


def _kernels_of(serverapp: Any) -> "Callable[[], Mapping[str, Kernel]]":
    manager, loop = serverapp.kernel_spec_manager, serverapp.io_loop.asyncio_loop

    def list_them() -> "Mapping[str, Kernel]":
        from jupyter_schedule.core.notebooks.kernels import freeze_kernels, refuse_gateway  # noqa: PLC0415  (as above)

        if "gateway" in type(manager).__module__:
            refuse_gateway()
        found = manager.get_all_specs()
        if inspect.isawaitable(found):
            found = asyncio.run_coroutine_threadsafe(_wait_for(found), loop).result(PATIENCE)
        return freeze_kernels(found)

    return list_them


async def _wait_for(found: Any) -> Any:
    return await found
