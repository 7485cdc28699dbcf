"""Programs that play what other people ran into; each says in its first lines what is right, and exits with 0 then.

Each runs as a program of its own, as `./dev python tests/cases/notebooks/p05_chdir_first.py` does.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent
#: seconds; the longest waits four minutes for what must not happen
LIMIT = 600
#: not a case: what those of notebooks share
HELPER = "nbcase"
NEEDS = {"names_of_files_on_s3": pytest.mark.s3}


def list_cases() -> list[Any]:
    """Each with what it needs of this machine."""
    return [
        pytest.param(path, id=path.stem, marks=NEEDS.get(path.stem, ()))
        for path in sorted(CASES.glob("*/*.py"))
        if path.stem != HELPER
    ]


@pytest.mark.proof("faults")
@pytest.mark.parametrize("case", list_cases())
def test_case(case: Path) -> None:
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {"PRODUCT": str(ROOT), "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    program = subprocess.Popen(
        [sys.executable, case],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, errors = program.communicate(timeout=LIMIT)
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
            program.communicate()
    assert program.returncode == 0, f"{said}\n{errors}"
