"""A program of the run's user: makes the environments of a bundle, each beside the other.

Its arguments are where our modules are, and an order: `uv`, `environments` as `environments.PlannedEnvironment`,
`report`, the file for one sentence about what went wrong, and `mark`, the end of the name of a file that is put beside
what was made.  It runs in the bundle's folder, with the variables for uv.
Exit codes: 0 all are there; 69 one couldn't be made.
"""

import json
import os
import shutil
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
        planned = [each | {"mark": order["mark"]} for each in order["environments"]]
        making = [pool.submit(make_environment, order["uv"], each) for each in planned]
    for made in making:
        try:
            made.result()
        except Unmade as unmade:
            Path(order["report"]).write_text(str(unmade), encoding="utf-8")
            say(str(unmade))
            sys.exit(CODE)


def make_environment(uv: str, planned: dict[str, Any]) -> None:
    """Unpack what was kept of one, or make it, compiled, so that it needn't be done at each start.  Raises Unmade."""
    name, folder, python = planned["name"], planned["folder"], planned["python"]
    if planned["archive"] and unpack(Path(planned["archive"]), Path(folder), python["program"]):
        return
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
    # by it the agent knows that there is something new to keep
    Path(f"{folder}{planned['mark']}").touch()


def unpack(archive: Path, folder: Path, program: str) -> bool:
    """Unpack an environment, made from the Python `program`, and see that it works here; False when it doesn't."""
    # what says how it is packed is the file, since machines differ in what they pack with
    with archive.open("rb") as file:
        option = "--zstd" if file.read(4) == b"\x28\xb5\x2f\xfd" else "--gzip"
    folder.mkdir(exist_ok=True)
    tar = ["tar", "-x", option, "--no-same-owner", "-C", str(folder), "-f", str(archive)]
    if is_done(tar) and move_in(folder, program) and is_done([str(folder / "bin" / "python"), "-c", ""]):
        archive.unlink()
        return True
    say(f"the kept environment of the {folder.name} can't be used here")
    shutil.rmtree(folder, ignore_errors=True)
    archive.unlink(missing_ok=True)
    return False


def move_in(folder: Path, program: str) -> bool:
    """Let the environment be one of this machine's Python, whose place is all that can't be moved."""
    try:
        python, settings = folder / "bin" / "python", folder / "pyvenv.cfg"
        python.unlink(missing_ok=True)
        python.symlink_to(program)
        lines = settings.read_text(encoding="utf-8").splitlines()
        ours = [f"home = {Path(program).parent}" if line.startswith("home = ") else line for line in lines]
        settings.write_text("\n".join([*ours, ""]), encoding="utf-8")
    except OSError as problem:
        say(str(problem))
        return False
    return True


def is_done(command: list[str]) -> bool:
    """Run it, with what it says in the run's log."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def say(sentence: str) -> None:
    """A line in the run's log."""
    print(f"jupyter-schedule: {sentence}", flush=True)
