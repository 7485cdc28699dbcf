"""The Jupyter server as the host of schedules: the kernels and the notebooks that it has by its own configuration."""

import asyncio
import base64
import inspect
import json
import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.filemanager import FileContentsManager
from tornado.web import HTTPError

from jupyter_schedule.core.apart import Children

if TYPE_CHECKING:
    from jupyter_schedule.core.host import Host
    from jupyter_schedule.core.models import Kernel

#: seconds that a manager of kernels may take, as one that asks conda for its environments does
PATIENCE = 60.0
#: files beside a notebook that is kept elsewhere, and their bytes, that are brought at most
BROUGHT_FILES, BROUGHT_BYTES = 500, 100_000_000
#: look at files; they know nothing of any server, so all of a process share them
CHILDREN = Children()


def find_host(serverapp: Any) -> "Host":
    """The host that this server is, to be asked from threads; called in the server's loop, or before it runs."""
    from jupyter_schedule.core.host import Host  # noqa: PLC0415  (most of a second: in the thread that first needs it)

    contents = serverapp.contents_manager
    CHILDREN.warm()
    if isinstance(contents, FileContentsManager):
        return Host(_kernels_of(serverapp), apart=CHILDREN)
    return Host(_kernels_of(serverapp), type(contents).__name__, _bringer_of(serverapp), CHILDREN)


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


def _bringer_of(serverapp: Any) -> Callable[[str, Path], None]:
    """Brings a notebook, and what is beside it, from the server's contents manager."""
    manager, loop = serverapp.contents_manager, serverapp.io_loop.asyncio_loop

    def ask(path: str, kind: str | None) -> Any:
        async def get() -> Any:
            return await ensure_async(manager.get(path, content=True, type=kind))

        try:
            return asyncio.run_coroutine_threadsafe(get(), loop).result(PATIENCE)
        except HTTPError as problem:
            raise OSError(str(problem)) from None

    def bring(notebook: str, folder: Path) -> None:
        _write(folder, notebook, ask(notebook, "notebook"))
        left = BROUGHT_BYTES
        queue = [posixpath.dirname(notebook)]
        listed = 0
        for place in queue:
            for entry in ask(place, "directory")["content"]:
                path, kind = posixpath.join(place, str(entry["name"])), entry["type"]
                listed += 1
                if listed > BROUGHT_FILES:
                    return
                if kind == "directory":
                    queue.append(path)
                elif path != notebook and (entry.get("size") or 0) <= left:
                    left -= _write(folder, path, ask(path, kind if kind == "notebook" else "file"))

    return bring


def _write(folder: Path, path: str, file: Any) -> int:
    """Write a file as a contents manager gives it; its bytes.  One that leads out of the folder is left out."""
    place, content = folder / path, file["content"]
    if not place.resolve().is_relative_to(folder.resolve()):
        return 0
    if isinstance(content, dict):
        data = json.dumps(content, ensure_ascii=False, indent=1).encode()
    else:
        data = base64.b64decode(content) if file.get("format") == "base64" else content.encode()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return len(data)


async def _wait_for(found: Any) -> Any:
    return await found
