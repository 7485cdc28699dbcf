"""JupyterLabs of other versions, each in an environment of its own, which uv makes and .dev keeps."""

import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def with_us(name: str, *requirements: str) -> Path:
    """The Python of an environment with these requirements and the wheel of this working copy, front end included."""
    with tempfile.TemporaryDirectory() as scratch:
        # what ./dev built is packed, not built again
        _uv("build", "--quiet", "--wheel", "--out-dir", scratch, ROOT, SKIP_JUPYTER_BUILDER="1")
        (wheel,) = Path(scratch).glob("*.whl")
        return of_others(name, "--reinstall-package", "jupyter-schedule", str(wheel), *requirements)


def of_others(name: str, *requirements: str) -> Path:
    """The Python of an environment with these requirements, the newest that fit."""
    folder = ROOT / ".dev" / "labs" / name
    python = folder / "bin" / "python"
    if not python.exists():
        _uv("venv", "--quiet", "--clear", folder)
    _uv("pip", "install", "--quiet", "--upgrade", "--python", python, *requirements)
    return python


def _uv(*arguments: object, **variables: str) -> None:
    subprocess.run(["uv", *map(str, arguments)], check=True, cwd=ROOT, env=os.environ | variables)
