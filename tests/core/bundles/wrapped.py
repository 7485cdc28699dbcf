"""Bundles on disk for the wrapper's tests: a notebook, its wrapper, and the environment they are run with."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_schedule.core.bundles.wrapper.render import WrapperConfig, render_wrapper

KERNEL_SPEC = {
    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python",
    "language": "python",
}


def code(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def notebook(*cells: dict[str, Any], kernel: str = "python3") -> dict[str, Any]:
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    return {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def write_bundle(
    root: Path,
    content: dict[str, Any] | str,
    *,
    path: str = "analysis.ipynb",
    parameters: dict[str, Any] | None = None,
    **config: Any,
) -> Path:
    """A bundle as it is after `tar xzf`; its folder."""
    for name, (data, mode) in render_wrapper(WrapperConfig(notebook=path, kernel_name="python3", **config)).items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(mode)
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    (root / ".wrapper" / "requirements.txt").write_text("ipykernel\n")
    if parameters is not None:
        (root / ".wrapper" / "params.json").write_text(json.dumps(parameters))
    return root


def write_kernel_spec(folder: Path, spec: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec or KERNEL_SPEC))
    return folder


def launcher_environment(folder: Path, **more: str) -> dict[str, str]:
    """What a launcher passes: a Python with papermill and a frozen kernel, both of this test's own environment."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", "LANG"}}
    spec = more.pop("KERNEL_SPEC", None) or str(write_kernel_spec(folder / "spec"))
    return {**kept, "RUNNER_PYTHON": sys.executable, "KERNEL_SPEC": spec, **more}


def run(command: Sequence[str | Path], environment: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Its stdout has both streams in the order they were written."""
    return subprocess.run(
        [str(word) for word in command],
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )
