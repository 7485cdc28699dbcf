"""The front end's own tests, so that one command runs all tests."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def test_the_components_and_their_rules_pass_their_own_tests() -> None:
    """vitest passes; when it doesn't, its output is the failure."""
    npm = shutil.which("npm")
    assert npm, "npm isn't on PATH: run the tests by ./dev test"
    assert (ROOT / "node_modules").is_dir(), "the front end's packages aren't here: run the tests by ./dev test"
    answer = subprocess.run(
        [npm, "run", "--silent", "test", "--", "--run", "--reporter=dot"],
        cwd=ROOT,
        env=os.environ | {"CI": "true", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, COLOURS.sub("", answer.stdout + answer.stderr)[-20_000:]
