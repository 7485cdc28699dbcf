"""Programs that play what other people ran into; each says in its first lines what is right, and exits with 0 then.

What isn't right yet is expected to fail, with the title of the piece of work that mends it; whoever mends it takes the
expectation out, since a case that has become right fails the suite until then.  Each runs as a program of its own, as
`./dev python tests/cases/notebooks/p05_chdir_first.py` does.
"""

import os
import re
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

#: what mends a case that goes wrong, by the case's name
MENDED_BY: dict[str, str] = {}
NEEDS = {"names_of_files_on_s3": pytest.mark.s3}
#: the last line of a program that ended by an error: it gave no verdict, and proves nothing
BROKEN = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Refused|Expired|Iteration)(?::.*)?")


class StillWrong(Exception):  # noqa: N818  (the answer of a case, not a fault)
    """The case says that the product goes wrong."""


def list_cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*/*.py")):
        if path.stem == HELPER:
            continue
        marks = [NEEDS[path.stem]] if path.stem in NEEDS else []
        title = MENDED_BY.get(path.stem)
        if title is not None:
            marks.append(pytest.mark.xfail(raises=StillWrong, strict=True, reason=title))
        found.append(pytest.param(path, id=path.stem, marks=marks))
    return found


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
    last = errors.strip().rpartition("\n")[2]
    assert not BROKEN.fullmatch(last), errors
    if program.returncode != 0:
        raise StillWrong(f"{said}\n{errors}")


def test_every_case_that_is_expected_to_fail_is_there() -> None:
    assert MENDED_BY.keys() <= {path.stem for path in CASES.glob("operations/*.py")}
