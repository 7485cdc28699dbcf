"""A program of the run's user: makes the environments of a bundle, each beside the other.

Its arguments are where our modules are, and an order: `uv`, `environments` as `environments.PlannedEnvironment`, and
`report`, the file for one sentence about what went wrong.  It runs in the bundle's folder, with the variables for uv.
Exit codes: 0 all are there; 69 one couldn't be made.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

CODE = 69


class Unmade(Exception):  # noqa: N818  (what was found, not a fault of ours)
    """An environment couldn't be made; the message is a sentence."""


def main() -> None:
    """Make them, or say which couldn't be made."""
    order = json.loads(sys.argv[2])
    # uv's own line about a failure follows ours
    os.set_inheritable(1, True)
    with ThreadPoolExecutor() as pool:
        making = [pool.submit(make_environment, order["uv"], planned) for planned in order["environments"]]
    for made in making:
        try:
            made.result()
        except Unmade as unmade:
            Path(order["report"]).write_text(str(unmade), encoding="utf-8")
            say(str(unmade))
            sys.exit(CODE)


def make_environment(uv: str, planned: dict[str, Any]) -> None:
    """Make one, its modules compiled, so that it needn't be done at each start.  Raises Unmade."""
    name, folder, python = planned["name"], planned["folder"], planned["python"]
    say(f"making the {name} environment")
    # the place of the scratch folder is another one in the next run
    venv = ["venv", "--quiet", "--clear", "--relocatable", "--no-project", "--python", python["program"], folder]
    if not is_done([uv, *venv]):
        raise Unmade(f"Python {python['version']} can't make an environment for the {name} here; the log says why.")
    into = ["pip", "install", "--quiet", "--compile-bytecode", "--python", str(Path(folder) / "bin" / "python")]
    if not is_done([uv, *into, "--requirements", planned["requirements"]]):
        pinned = f"pinned for Python {planned['wanted']}"
        raise Unmade(
            f"Packages of the {name} environment, {pinned}, could not be installed; Python here is {python['version']}."
        )


def is_done(command: list[str]) -> bool:
    """Run it, with what it says in the run's log."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def say(sentence: str) -> None:
    """A line in the run's log."""
    print(f"jupyter-schedule: {sentence}", flush=True)
