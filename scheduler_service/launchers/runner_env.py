"""A lean environment with papermill, shared by the local runs of one machine: half the time of each is saved.

An interpreter with all of JupyterLab takes twice as long to import papermill.  The environment is made once per set of
requirements and Python, at its final path (its scripts can't move), under a file lock, since two services may want it
at once; a stamp, written last, says that it's whole.
"""

import fcntl
import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import uv

from jupyter_schedule.core.bundles.wrapper import uv_settings
from jupyter_schedule.core.bundles.wrapper.render import RUNNER_REQUIREMENTS
from scheduler_service.logfmt import logfmt

log = logging.getLogger(__name__)

#: seconds that making the environment may take before the run goes on without it
LIMIT = 300
STAMP = "whole"


def ensure_runner(folder: Path, *, python: str = sys.executable) -> Path:
    """The Python of a lean runner environment under `folder`, made at the first call.

    python: the interpreter that the environment is made from; itself the answer when none can be made (no package
    index, a full disk), since it has papermill too, only with slower imports.
    """
    environment = folder / _digest(python)
    interpreter = environment / "bin" / "python"
    try:
        if not _is_whole(environment):
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{environment.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not _is_whole(environment):
                    _make(environment, python)
    except (OSError, subprocess.SubprocessError) as problem:
        reason = getattr(problem, "stderr", None) or str(problem)
        log.warning(
            logfmt(
                "lean_runner_failed",
                environment=environment,
                message=f"Runs start more slowly without a lean environment: {reason.strip()}",
            )
        )
        return Path(python)
    return interpreter


def _digest(python: str) -> str:
    """Names the environment of these requirements for this interpreter."""
    parts = (RUNNER_REQUIREMENTS, sys.version, os.path.realpath(python))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _is_whole(environment: Path) -> bool:
    # a base Python that was removed since leaves a dangling link
    return (environment / STAMP).exists() and (environment / "bin" / "python").exists()


def _make(environment: Path, python: str) -> None:
    """Raises OSError or SubprocessError, with what uv said in `stderr`."""
    log.info(logfmt("lean_runner_made", environment=environment))
    variables = os.environ | uv_settings.collect(os.environ) | {"UV_PYTHON_DOWNLOADS": "never"}
    variables.pop("VIRTUAL_ENV", None)
    (environment / STAMP).unlink(missing_ok=True)
    into = str(environment / "bin" / "python")
    for arguments, text in (
        (["venv", "--quiet", "--clear", "--python", python, str(environment)], None),
        (["pip", "install", "--quiet", "--compile-bytecode", "--python", into, "-r", "-"], RUNNER_REQUIREMENTS),
    ):
        command = [uv.find_uv_bin(), *arguments]
        subprocess.run(command, input=text, env=variables, capture_output=True, text=True, check=True, timeout=LIMIT)
    (environment / STAMP).touch()
