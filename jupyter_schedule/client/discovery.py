"""The surroundings of this code: the Jupyter server, the notebook, and the run of ours, if any."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir

_KERNEL_FILE = re.compile(r"kernel-(.+)\.json")


@dataclass(frozen=True)
class Server:
    """A Jupyter server that answers on this machine."""

    #: with the base URL, ending in `/`
    url: str
    #: kept out of every printed form
    token: str = field(repr=False)
    #: the folder that it serves
    root: Path


def own_server(environ: Mapping[str, str] = os.environ) -> Server | None:
    """The server that started this kernel, by the process id that it left; None when no server did.

    Reads the server's own file instead of asking `jupyter_server`, which takes a second to import.
    """
    parent = environ.get("JPY_PARENT_PID", "")
    if not parent.isdecimal():
        return None
    return _server(Path(jupyter_runtime_dir()) / f"jpserver-{parent}.json", environ)


def running_servers(environ: Mapping[str, str] = os.environ) -> list[Server]:
    """The Jupyter servers of this person that run on this machine, by the files that they left."""
    files = sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json"))
    return [found for file in files if (found := _server(file, environ, running=True)) is not None]


def server_of(path: Path) -> Server | None:
    """The running server whose folder holds `path`, the deepest such folder; None when there is none."""
    holding = [server for server in running_servers() if path.absolute().is_relative_to(server.root)]
    return max(holding, key=lambda server: len(server.root.parts), default=None)


def _server(file: Path, environ: Mapping[str, str], *, running: bool = False) -> Server | None:
    """The server that left the file; None where it can't be asked.  running: only one whose process is there."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        url, root = str(record["url"]), Path(record["root_dir"])
        if running:
            os.kill(int(record["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not url.startswith(("http://", "https://")):
        return None  # it listens on a Unix socket
    # Under JupyterHub a server has no token of its own and takes the Hub's.
    token = record.get("token") or environ.get("JUPYTERHUB_API_TOKEN", "")
    return Server(url=url.rstrip("/") + "/", token=str(token), root=root)


def inside_run(environ: Mapping[str, str] = os.environ) -> bool:
    """True in a run of ours, in which a notebook that schedules itself must not do so again."""
    return "RUN_ID" in environ and "SCHEDULED_FOR" in environ


def kernel_id() -> str:
    """The id by which the server knows this kernel; empty outside of one."""
    shell = _shell()
    connection = getattr(getattr(getattr(shell, "kernel", None), "parent", None), "connection_file", "")
    found = _KERNEL_FILE.fullmatch(Path(connection).name) if isinstance(connection, str) else None
    return found[1] if found else ""


def calling_notebook(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The notebook that this kernel was started for, as a path on this machine; None outside of one.

    It is the name at the kernel's start: only the server knows of a renaming since.
    """
    shell = _shell()
    # VS Code starts kernels without a server and leaves the path among the notebook's variables.
    path = getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__") or environ.get("JPY_SESSION_NAME")
    return Path(path) if isinstance(path, str) and path.endswith(".ipynb") else None


def _shell() -> Any:
    """IPython's shell; None where IPython isn't at work."""
    try:
        from IPython.core.getipython import get_ipython  # noqa: PLC0415  (half a second that a script can do without)
    except ImportError:
        return None
    return get_ipython()
