"""The wrapper: what a notebook's bundle carries so that it runs anywhere, without this product.

All of it is in `.wrapper/`, so that no file of the analyst's can clash with it; a `run.sh` of two lines stands beside
their files, unless they have one of their own:

    run.sh                     calls the other
    .wrapper/run.sh            makes the environments, then starts the driver
    .wrapper/driver/           runs the notebook by papermill
    .wrapper/config.json       which notebook, kernel, output folder, zone, product parameters
    .wrapper/params.json       the parameters' values
    .wrapper/schedule.json     notebook, kernel and output folder, for who reads the bundle
    .wrapper/requirements.txt  pinned requirements of the kernel environment
    .wrapper/runner.txt        pinned requirements of the runner environment
    .wrapper/python-version    the Python that the kernel's requirements were pinned for
    .wrapper/uv_settings.py    tells uv what pip is configured with

The scripts are the same in every bundle; what differs is data, read from files and never pasted into code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files

#: the folder in a bundle that belongs to the wrapper
FOLDER = ".wrapper"
#: every path of a bundle that the wrapper takes for itself
RESERVED = (FOLDER,)
#: calls the wrapper where the analyst has no such file
RUN_SCRIPT = "run.sh"
WRAPPER_SCRIPT = f"{FOLDER}/run.sh"
PARAMETERS_FILE = f"{FOLDER}/params.json"
REQUIREMENTS_FILE = f"{FOLDER}/requirements.txt"
#: names the notebook, its kernel and its output folder
SCHEDULE_FILE = f"{FOLDER}/schedule.json"
#: lowest Python of the runner environment
RUNNER_PYTHON = ">=3.11"
#: the program that runs the notebook: these modules of this package, and nothing else of ours
DRIVER = (
    "__init__.py",
    "execution.py",
    "failures.py",
    "kernel.py",
    "main.py",
    "outputs.py",
    "page.py",
    "progress.py",
    "translators.py",
    "variables.py",
)
_FOLDER = files(__package__)
#: what the driver shares with the look at a notebook before it is scheduled
_PICTURES = files("jupyter_schedule.core.notebooks").joinpath("pictures.py")
_CALL = b'#!/bin/sh\nexec "${0%run.sh}.wrapper/run.sh" "$@"\n'

#: the pinned closure of papermill, nbclient and nbconvert, as the text of a requirements file
RUNNER_REQUIREMENTS = _FOLDER.joinpath("runner.txt").read_text("utf-8")


@dataclass(frozen=True)
class WrapperConfig:
    """The facts that one bundle's wrapper has to know."""

    #: posix path in the bundle
    notebook: str
    kernel_name: str
    #: relative to the notebook's folder
    output_dir: str = "output"
    #: IANA name of the schedule's zone, which decides what day DATA_DATE is in a run by hand
    timezone: str = "UTC"
    #: names of the parameters cell that the product fills: scheduled_for, data_date and so on
    product_parameters: tuple[str, ...] = ()
    #: whether the code makes its output folder itself, and would fail if that were there
    makes_output: bool = False
    #: such as "3.11"; None takes the machine's own
    python_version: str | None = None


def render_wrapper(config: WrapperConfig) -> dict[str, tuple[bytes, int]]:
    """The generated files of a bundle: path to (content, mode).  The same config gives the same bytes."""
    rendered = {RUN_SCRIPT: (_CALL, 0o755), WRAPPER_SCRIPT: (_FOLDER.joinpath("run.sh").read_bytes(), 0o755)}
    for name in ("runner.txt", "uv_settings.py"):
        rendered[f"{FOLDER}/{name}"] = (_FOLDER.joinpath(name).read_bytes(), 0o644)
    for name in DRIVER:
        rendered[f"{FOLDER}/driver/{name}"] = (_FOLDER.joinpath(name).read_bytes(), 0o644)
    rendered[f"{FOLDER}/driver/pictures.py"] = (_PICTURES.read_bytes(), 0o644)
    known = {name: value for name, value in asdict(config).items() if name != "python_version"}
    text = json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    rendered[f"{FOLDER}/config.json"] = (text.encode("utf-8", "surrogateescape"), 0o644)
    rendered[f"{FOLDER}/python-version"] = (f"{config.python_version or RUNNER_PYTHON}\n".encode(), 0o644)
    return rendered


def wrapper_command(command: str, files: Mapping[str, str]) -> str:
    """The command that starts the wrapper of a bundle with these files, by their sha256, where that is what is meant.

    `./run.sh` is the wrapper's, also where the analyst's own script stands in its place.
    """
    theirs = WRAPPER_SCRIPT in files and not is_generated(RUN_SCRIPT, files)
    return f"./{WRAPPER_SCRIPT}" if theirs and command == f"./{RUN_SCRIPT}" else command


def is_generated(path: str, files: Mapping[str, str]) -> bool:
    """True of a file that is made anew for every bundle: of one with these files, by their sha256.

    What the kernel needs is the analyst's affair, so it isn't one.
    """
    if path.startswith(f"{FOLDER}/"):
        return path != REQUIREMENTS_FILE
    if WRAPPER_SCRIPT in files or f"{FOLDER}/config.json" not in files:
        return path == RUN_SCRIPT and files.get(path) == hashlib.sha256(_CALL).hexdigest()
    # a bundle of before the wrapper's folder had them
    return path in {RUN_SCRIPT, "params.json", "schedule.json"}
