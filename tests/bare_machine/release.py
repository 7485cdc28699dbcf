"""A release as an operator makes it: the wheel of this working copy, and those of all that it needs, in one tar."""

import hashlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import uv

from tests.bare_machine.image import CACHE

ROOT = Path(__file__).parents[2]
PYTHON = "3.12"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")


def packed_release(folder: Path) -> Path:
    """The tar, in `folder`; the wheels of others are kept for the next session."""
    uv_program = uv.find_uv_bin()
    # what ./dev built is packed, not built again
    surroundings = os.environ | {"SKIP_JUPYTER_BUILDER": "1"}
    command = [uv_program, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, env=surroundings, timeout=600)
    [wheel] = folder.glob("*.whl")
    packed = folder / "release.tar"
    theirs = ["-C", str(_wheels_of_others(uv_program)), "wheels"]
    ours = ["--transform=s,^,wheels/,;s,^wheels/wheels,wheels,", "-C", str(folder), wheel.name]
    subprocess.run(["tar", "-c", "-f", str(packed), *ours, *theirs], check=True, timeout=300)
    return packed


def _wheels_of_others(uv_program: str) -> Path:
    """A folder with the folder `wheels`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["postgresql"], "pip"]
    made = CACHE / f"release-{hashlib.sha256(chr(0).join(asked).encode()).hexdigest()[:16]}"
    if not made.exists():
        half = CACHE / f"{made.name}-{os.getpid()}"
        pip = [uv_program, "run", "--quiet", "--no-project", "--python", sys.executable, "--with", "pip", "python"]
        theirs = ["--python-version", PYTHON, *(f"--platform={tag}" for tag in PLATFORMS), "--only-binary=:all:"]
        # pip judges markers by the Python that it runs in, so all that is needed is found out before
        (half / "wheels").mkdir(parents=True)
        (half / "asked.txt").write_text("\n".join(asked))
        pins = str(half / "pins.txt")
        there = ["--python-version", PYTHON, "--python-platform", "x86_64-manylinux_2_28"]
        command = [uv_program, "pip", "compile", "--quiet", *there, "--output-file", pins, str(half / "asked.txt")]
        subprocess.run(command, check=True, timeout=900)
        into = ["--no-deps", "--dest", str(half / "wheels"), "-r", pins]
        subprocess.run([*pip, "-m", "pip", "download", "--quiet", *theirs, *into], check=True, timeout=900)
        half.rename(made)
    return made
