"""Ends that mean what their author meant: of the notebooks of other people, each by a way that is in use."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.core.bundles.wrapped import code, launcher_environment, notebook, run, write_bundle

BEFORE = code("open('output/before', 'w').write('1')")
AFTER = code("open('output/after', 'w').write('1')")
#: the cells between BEFORE and AFTER; whether AFTER runs; None for a success, else the sentence that is told
ENDS: dict[str, tuple[list[dict[str, Any]], bool, str | None]] = {
    "exit()": ([code("exit()")], False, None),
    "exit": ([code("exit")], False, None),
    "quit()": ([code("if True:\n    quit()")], False, None),
    "exit(0)": ([code("exit(0)")], False, None),
    "exit(3)": ([code("exit(3)")], False, "SystemExit at cell 2 of 3: 3"),
    "exit('why')": ([code("exit('no data today')")], False, "SystemExit at cell 2 of 3: no data today"),
    "exit(keep_kernel=True)": ([code("exit(keep_kernel=True)")], False, None),
    "exit() within a function": ([code("def stop():\n    exit()\nstop()")], False, None),
    "get_ipython().ask_exit()": ([code("get_ipython().ask_exit()")], False, None),
    "sys.exit()": ([code("import sys; sys.exit()")], False, None),
    "sys.exit(None)": ([code("import sys; sys.exit(None)")], False, None),
    "raise SystemExit": ([code("raise SystemExit")], False, None),
    "sys.exit('why')": ([code("import sys; sys.exit('no data')")], False, "SystemExit at cell 2 of 3: no data"),
    "expected": ([code("1 / 0", "raises-exception")], True, None),
    "expected, and then exit()": ([code("1 / 0", "raises-exception"), code("exit()")], False, None),
    "expected, and another that isn't": (
        [code("1 / 0", "raises-exception"), code("[][1]")],
        False,
        "IndexError at cell 3 of 4: list index out of range",
    ),
    "an expected error that dies": (
        [code("import os; os._exit(0)", "raises-exception")],
        False,
        "Kernel died at cell 2 of 3: it ended by itself with code 0",
    ),
    "unknown line magic": (
        [code("%nosuchmagic 1")],
        False,
        "UsageError at cell 2 of 3: Line magic function `%nosuchmagic` not found.",
    ),
    "unknown cell magic": (
        [code("%%nosuchmagic\n1")],
        False,
        "UsageError at cell 2 of 3: Cell magic `%%nosuchmagic` not found.",
    ),
    "failed script": ([code("%run gone.py")], False, "* at cell 2 of 3: *gone.py*"),
}  # fmt: skip
#: one of each kind; the rest are left to the proof
EVERYDAY = {"expected, and then exit()", "unknown line magic"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in EVERYDAY else pytest.mark.proof("faults"), id=name) for name in ENDS],
)
def test_a_notebook_ends_as_its_author_meant(tmp_path: Path, name: str) -> None:
    cells, goes_on, sentence = ENDS[name]
    root = write_bundle(tmp_path / "b", notebook(BEFORE, *cells, AFTER))
    done = run([root / "run.sh"], launcher_environment(tmp_path), tmp_path)
    assert (root / "output" / "before").exists()
    assert (root / "output" / "after").exists() == goes_on
    failure = root / "report" / "failure.json"
    if sentence is None:
        assert (done.returncode, failure.exists()) == (0, False), done.stdout
    else:
        assert Path(json.loads(failure.read_text())["sentence"]).match(sentence.replace("[", "[[]")), done.stdout


def test_a_kernel_knows_its_notebook_and_its_own_programs_come_first(tmp_path: Path) -> None:
    """As in JupyterLab; and what is for it alone reaches it under its own name."""
    source = (
        "import json, os, shutil, sys\n"
        "seen = [__session__, shutil.which('python'), os.environ['PYTHONPATH'], 'KERNEL_PYTHONPATH' in os.environ]\n"
        "json.dump([*seen, sys.executable], open('output/seen.json', 'w'))"
    )
    root = write_bundle(tmp_path / "b", notebook(code(source)))
    environment = launcher_environment(tmp_path, PATH="/usr/bin:/bin", KERNEL_PYTHONPATH="/of/the/team")
    done = run([root / "run.sh"], environment, tmp_path)
    assert done.returncode == 0, done.stdout
    name, python, path, told, executable = json.loads((root / "output" / "seen.json").read_text())
    assert name == str(root / "analysis.ipynb")
    assert Path(python).parent == Path(executable).parent
    assert (path, told) == ("/of/the/team", False)


@pytest.mark.proof("faults")
def test_printing_without_end_is_cut_in_the_executed_notebook_too(tmp_path: Path) -> None:
    source = "for i in range(400_000):\n    print('x' * 100, i)"
    root = write_bundle(tmp_path / "b", notebook(code(source)))
    assert run([root / "run.sh"], launcher_environment(tmp_path), tmp_path).returncode == 0
    executed = (root / "report" / "analysis.ipynb").read_text()
    assert len(executed) < 8_000_000
    assert "left out here" in executed
    assert "xx 399999" in executed


@pytest.mark.proof("faults")
def test_a_kernel_that_never_answers_is_named_when_the_run_is_stopped(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "b", notebook(code("1")))
    spec = tmp_path / "silent"
    spec.mkdir()
    (spec / "kernel.json").write_text(json.dumps({"argv": ["/bin/sh", "-c", "exec sleep 600"], "display_name": "S"}))
    environment = launcher_environment(tmp_path, KERNEL_SPEC=str(spec))
    # time enough for it to have begun to wait
    done = subprocess.run(["timeout", "-s", "TERM", "15", root / "run.sh"], env=environment, cwd=tmp_path, check=False)
    failure = json.loads((root / "report" / "failure.json").read_text())
    assert (done.returncode, failure["kind"]) == (124, "kernel_silent")
    assert failure["sentence"] == "Stopped before the first cell: the kernel hadn't answered yet"
