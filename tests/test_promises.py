"""Every promise has a witness among the tests that every change passes on every machine."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import lanes

ROOT = Path(__file__).parents[1]
PROMISES = re.findall(r"\*\*(P\d+)\*\*", (ROOT / "docs/explanation/promises.md").read_text(encoding="utf-8"))
#: prints which tests of the everyday lane are witnesses of what
WITNESSES = """
import json, sys
import pytest
from tests import lanes

class Witnesses:
    def pytest_collection_finish(self, session):
        found = {}
        for item in session.items:
            if not any(kind in item.keywords for kind in lanes.NEEDS):
                for promise in lanes.promises_of(item):
                    found.setdefault(promise, []).append(item.nodeid)
        print(json.dumps(found), file=sys.stderr)

sys.exit(pytest.main(["--collect-only", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[Witnesses()]))
"""


@pytest.fixture(scope="module")
def witnesses() -> dict[str, list[str]]:
    """The tests of the everyday lane that every machine can run, by the promises that they are marked with."""
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.promise(" in path.read_text("utf-8")]
    command = [sys.executable, "-c", WITNESSES, *map(str, marked)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found: dict[str, list[str]] = json.loads(answer.stderr.splitlines()[-1])
    return found


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_has_a_witness(promise: str, witnesses: dict[str, list[str]]) -> None:
    assert witnesses.get(promise)


def test_all_promises_are_listed_and_no_test_is_a_witness_of_another(witnesses: dict[str, list[str]]) -> None:
    numbers = [int(promise[1:]) for promise in PROMISES]
    assert numbers == sorted(set(numbers))
    assert set(range(1, 29)) <= set(numbers)
    assert set(witnesses) <= set(PROMISES)


def test_the_lanes_that_are_described_are_those_there_are() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"these parts: {', '.join(lanes.PARTS)}" in project
