"""The wrapper: what a notebook's bundle carries so that it runs anywhere, without this product.

`run.sh` stands beside the analyst's files, everything else in `.wrapper/`, so that the two can't clash:

    run.sh                     makes the environments, then starts the driver
    .wrapper/driver/           runs the notebook by papermill
    .wrapper/config.json       which notebook, kernel, output folder, zone, product parameters
    .wrapper/runner.txt        pinned requirements of the runner environment
    .wrapper/python-version    the Python that the kernel's requirements were pinned for
    .wrapper/uv_settings.py    tells uv what pip is configured with

The scripts are the same in every bundle; what differs is data, read from files and never pasted into code.
"""

import json
from dataclasses import asdict, dataclass
from importlib.resources import files

#: the folder in a bundle that belongs to the wrapper
FOLDER = ".wrapper"
#: every path of a bundle that the wrapper takes for itself
RESERVED = ("run.sh", FOLDER)
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
    "pictures.py",
    "progress.py",
    "translators.py",
    "variables.py",
)
_FOLDER = files(__package__)

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
    #: such as "3.11"; None takes the machine's own
    python_version: str | None = None


def render_wrapper(config: WrapperConfig) -> dict[str, tuple[bytes, int]]:
    """The generated files of a bundle: path to (content, mode).  The same config gives the same bytes."""
    rendered = {"run.sh": (_FOLDER.joinpath("run.sh").read_bytes(), 0o755)}
    for name in ("runner.txt", "uv_settings.py"):
        rendered[f"{FOLDER}/{name}"] = (_FOLDER.joinpath(name).read_bytes(), 0o644)
    for name in DRIVER:
        rendered[f"{FOLDER}/driver/{name}"] = (_FOLDER.joinpath(name).read_bytes(), 0o644)
    known = {name: value for name, value in asdict(config).items() if name != "python_version"}
    text = json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    rendered[f"{FOLDER}/config.json"] = (text.encode("utf-8", "surrogateescape"), 0o644)
    rendered[f"{FOLDER}/python-version"] = (f"{config.python_version or RUNNER_PYTHON}\n".encode(), 0o644)
    return rendered
