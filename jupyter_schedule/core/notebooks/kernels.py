"""Installed kernels, frozen: a command line that means the same for the service as it does here.

The rules by which a kernelspec becomes a command are those of jupyter_client (`KernelSpecManager`,
`KernelManager.format_kernel_cmd`), which is too heavy to import here.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

from jupyter_core.paths import jupyter_path

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.notebooks.notebook import printable

NATIVE_NAME = "python3"

_VALID_NAME = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)
_PYTHON = re.compile(r"(pypy|python)[0-9.]*(\.exe)?")
#: bare commands that mean the Python this code runs in
_THIS_PYTHON = {"python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}"}


#: the provisioner that starts a kernel as a process of this machine
LOCAL_PROVISIONER = "local-provisioner"
_PROVISIONERS = "jupyter_client.kernel_provisioners"


def list_kernels() -> dict[str, Kernel]:
    """Every kernel that Jupyter would find, by name; of two with one name the first on Jupyter's path.

    Kernelspecs that can't be read are passed over.  `python3` is always there, as this very Python when no kernelspec
    is.
    """
    found: dict[str, Kernel] = {}
    for folder in jupyter_path("kernels"):
        for resources in _folders(Path(folder)):
            name = resources.name.lower()
            known = found.get(name)
            kernel = None if known and known.argv else _read(name, resources)
            if kernel and (kernel.argv or not known):
                found[name] = kernel
    if NATIVE_NAME not in found or not found[NATIVE_NAME].argv:
        found[NATIVE_NAME] = _native()
    return dict(sorted(found.items()))


def freeze_kernels(specs: Mapping[str, Any]) -> dict[str, Kernel]:
    """The kernels that a Jupyter server lists, as its `get_all_specs` answers, by name."""
    found: dict[str, Kernel] = {}
    for name, listed in specs.items():
        spec = listed.get("spec") if isinstance(listed, dict) else None
        kernel = _freeze(str(name), spec, Path(str(listed.get("resource_dir") or "")))
        if kernel:
            found[kernel.name] = kernel
    return dict(sorted(found.items()))


def refuse_gateway() -> NoReturn:
    """Refused `kernel_missing`: the kernels of this server are a gateway's."""
    raise Refused(
        "kernel_missing",
        "The kernels of this server are started by a gateway, elsewhere, where a run can't start them. "
        "Schedule from a Jupyter server that has kernels of its own.",
        field="kernel",
    )


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(folder for folder in parent.iterdir() if _VALID_NAME.fullmatch(folder.name))
    except OSError:
        return []


def _read(name: str, resources: Path) -> Kernel | None:
    """The kernel whose kernelspec is in `resources`, None when it can't be read."""
    try:
        spec = json.loads((resources / "kernel.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return _freeze(name, spec, resources)


def _freeze(name: str, spec: object, resources: Path) -> Kernel | None:
    """The kernel of a kernelspec, None when that is none; one without a command line has an empty one."""
    if not isinstance(spec, dict):
        return None
    argv = spec.get("argv")
    if not isinstance(argv, list | tuple) or not all(isinstance(part, str) for part in argv):
        argv = []
    env, metadata, mode = spec.get("env"), spec.get("metadata"), spec.get("interrupt_mode")
    try:
        return Kernel(
            name=name,
            display_name=_text(spec, "display_name", name),
            language=_text(spec, "language", "python"),
            argv=_absolute(list(argv), resources) if argv else (),
            env={str(key): str(value) for key, value in env.items()} if isinstance(env, dict) else {},
            metadata=json.loads(json.dumps(metadata, allow_nan=False)) if isinstance(metadata, dict) else {},
            interrupt_mode="message" if mode == "message" else "signal",
        )
    except (ValueError, TypeError, RecursionError):
        return None


def _text(spec: dict[str, Any], key: str, default: str) -> str:
    value = spec.get(key)
    return printable(value) if isinstance(value, str) and value else default


def _absolute(argv: list[str], resources: Path) -> tuple[str, ...]:
    """`argv` with its first part absolute; `{connection_file}` stays, for whoever starts it."""
    first, *rest = (part.replace("{resource_dir}", str(resources)).replace("{prefix}", sys.prefix) for part in argv)
    if first in _THIS_PYTHON:
        first = sys.executable
    elif os.sep in first:
        first = str(Path(first).absolute())
    else:
        first = shutil.which(first) or first
    return (first, *rest)


def _native() -> Kernel:
    argv = (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")
    return Kernel(name=NATIVE_NAME, display_name="Python 3 (ipykernel)", argv=argv)


def find_kernel(name: str, installed: Mapping[str, Kernel] | None = None) -> Kernel:
    """The kernel `name` among those that are installed, in whatever case.

    Raises Refused `kernel_missing`, field `kernel`, also for one that can't be started from here.
    """
    installed = list_kernels() if installed is None else installed
    named = [kernel for each, kernel in installed.items() if each.lower() == name.lower()]
    kernel = installed.get(name) or next(iter(named), None)
    shown = printable(name)
    if kernel is None:
        usable = ", ".join(each for each, known in installed.items() if known.argv)
        raise _missing(f'The kernel "{shown}" isn\'t installed here. Installed: {usable}. Pick one of these.')
    if not kernel.argv:
        raise _missing(f'The kernel "{shown}" has no command line (argv) in its kernel.json: install it anew.')
    provisioner = find_provisioner(kernel)
    if provisioner not in {LOCAL_PROVISIONER, *(point.name for point in entry_points(group=_PROVISIONERS))}:
        raise _missing(
            f'The kernel "{shown}" is started by the kernel provisioner {printable(provisioner)}, which isn\'t '
            "installed here. Install its package beside jupyter-schedule, or pick another kernel."
        )
    return kernel if provisioner == LOCAL_PROVISIONER else kernel.model_copy(update={"provisioned_by": sys.executable})


def _missing(message: str) -> Refused:
    return Refused("kernel_missing", message, field="kernel")


def find_provisioner(kernel: Kernel) -> str:
    """The name of what starts a kernel, as its kernelspec says."""
    match kernel.metadata.get("kernel_provisioner"):
        case {"provisioner_name": str(name)} if name:
            return name
    return LOCAL_PROVISIONER


def is_python(kernel: Kernel) -> bool:
    """True of a kernel for Python, however its kernelspec spells that."""
    return kernel.language.lower() == "python"


def find_interpreter(kernel: Kernel) -> str | None:
    """The Python that a Python kernel runs in, None when its command line doesn't tell.

    It is what stands before `-m …ipykernel…`, also behind a launcher such as nb_conda_kernels' or `env`;
    for a kernel with a program of its own, such as xeus-python, the Python beside that program.
    """
    if not is_python(kernel):
        return None
    for position, part in enumerate(kernel.argv):
        if part == "-m" and "ipykernel" in "".join(kernel.argv[position + 1 : position + 2]):
            command = [word for word in kernel.argv[:position] if not word.startswith("-")][-1:]
            return next((word for word in command if os.sep in word), None)
    program = Path(kernel.argv[0])
    if _PYTHON.fullmatch(program.name):
        return str(program)
    beside = program.with_name("python")
    return str(beside) if program.is_absolute() and beside.exists() else None


def missing_reason(kernel: Kernel) -> str | None:
    """The reason why a frozen kernel can't be started any more, as a sentence; None while it can."""
    program = kernel.argv[0]
    name = printable(kernel.display_name)
    if not Path(program).is_file():
        return f"The kernel {name} is gone: there is no {printable(program)} any more."
    if not os.access(program, os.X_OK):
        return f"The kernel {name} can't be started: {printable(program)} isn't executable."
    python = find_interpreter(kernel)
    if python and not Path(python).is_file():
        return f"The kernel {name} is gone: there is no {printable(python)} any more."
    return None
