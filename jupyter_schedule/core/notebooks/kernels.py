"""Installed kernels, frozen: a command line that means the same for the service as it does here.

The rules by which a kernelspec becomes a command are those of jupyter_client (`KernelSpecManager`,
`KernelManager.format_kernel_cmd`), which is too heavy to import here.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.notebooks.notebook import printable

NATIVE_NAME = "python3"

_VALID_NAME = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)
_PYTHON = re.compile(r"(pypy|python)[0-9.]*(\.exe)?")
#: bare commands that mean the Python this code runs in
_THIS_PYTHON = {"python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}"}


def list_kernels() -> dict[str, Kernel]:
    """Every kernel that Jupyter would find, by name; of two with one name the first on Jupyter's path.

    Damaged kernelspecs are passed over.  `python3` is always there, as this very Python when no kernelspec is.
    """
    found: dict[str, Kernel] = {}
    for folder in jupyter_path("kernels"):
        for resources in _folders(Path(folder)):
            name = resources.name.lower()
            kernel = None if name in found else _kernel(name, resources)
            if kernel:
                found[name] = kernel
    found.setdefault(NATIVE_NAME, _native())
    return dict(sorted(found.items()))


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(folder for folder in parent.iterdir() if _VALID_NAME.fullmatch(folder.name))
    except OSError:
        return []


def _kernel(name: str, resources: Path) -> Kernel | None:
    """The kernel whose kernelspec is in `resources`, None when it has none that can be used."""
    try:
        spec = json.loads((resources / "kernel.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    argv = spec.get("argv") if isinstance(spec, dict) else None
    if not isinstance(argv, list) or not argv or not all(isinstance(part, str) for part in argv):
        return None
    env = spec.get("env")
    return Kernel(
        name=name,
        display_name=_text(spec, "display_name", name),
        language=_text(spec, "language", "python").lower(),
        argv=_absolute(argv, resources),
        env={str(key): str(value) for key, value in env.items()} if isinstance(env, dict) else {},
    )


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


def find_kernel(name: str) -> Kernel:
    """The installed kernel `name`, in whatever case.  Raises Refused `kernel_missing`, field `kernel`."""
    installed = list_kernels()
    kernel = installed.get(name.lower())
    if kernel is None:
        raise Refused(
            "kernel_missing",
            f'The kernel "{printable(name)}" isn\'t installed here. Installed: {", ".join(installed)}. '
            "Pick one with --kernel.",
            field="kernel",
        )
    return kernel


def find_interpreter(kernel: Kernel) -> str | None:
    """The Python that a Python kernel runs in, None when its command line doesn't tell.

    It is what stands before `-m …ipykernel…`, also behind a launcher such as nb_conda_kernels' or `env`;
    for a kernel with a program of its own, such as xeus-python, the Python beside that program.
    """
    if kernel.language != "python":
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
