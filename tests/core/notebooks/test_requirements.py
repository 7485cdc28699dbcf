import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.notebooks import requirements
from jupyter_schedule.core.notebooks.kernels import find_kernel
from jupyter_schedule.core.notebooks.notebook import load_notebook, printable
from jupyter_schedule.core.notebooks.requirements import Requirements, find_requirements
from tests.core.notebooks.written import saved

PYTHON = ".".join(platform.python_version_tuple()[:2])
THIS = find_kernel("python3")


def package(name: str, version: str = "1.0", *, direct: bool = False, origin: object = None) -> dict[str, Any]:
    return {"name": name, "version": version, "direct": direct, "origin": origin, "folder": "/x"}


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the kernel's Python answers in this test, in place of asking it."""
    content: dict[str, Any] = {
        "python": "3.11",
        "missing": [],
        "local": [],
        "unpackaged": {},
        "used": {"pandas": ["pandas"]},
        "packages": [package("ipykernel", "7.0"), package("pandas", "3.1.1", direct=True), package("six")],
    }
    monkeypatch.setattr(requirements, "scan", lambda *_, **options: content)
    return content


def needed(root: Path, *sources: str, kernel: Kernel = THIS, freeze: bool = False) -> Requirements:
    notebook = saved(root / "n.ipynb", *sources)
    return find_requirements(load_notebook(notebook), notebook, root, kernel, freeze=freeze)


def declare(root: Path, content: str) -> None:
    (root / "requirements.txt").write_text(content, encoding="utf-8")


def test_without_a_declaration_the_imports_are_pinned_with_all_they_need(
    answer: dict[str, Any], tmp_path: Path
) -> None:
    """Direct is what is imported, pinned is the closure; what is missing and local is told."""
    answer |= {"missing": ["gone"], "local": ["/n/utils.py"]}
    assert needed(tmp_path, "import pandas") == Requirements(
        source="imports",
        direct=("pandas",),
        pinned=("ipykernel==7.0", "pandas==3.1.1", "six==1.0"),
        python_version="3.11",
        missing=("gone",),
        local=("/n/utils.py",),
    )


def test_a_declaration_that_the_kernel_meets_is_pinned_to_its_versions(answer: dict[str, Any], tmp_path: Path) -> None:
    """What is for other machines needn't be installed, and stays as it is."""
    declare(tmp_path, "Pandas>=3\nwin; sys_platform == 'win32'\nold; python_version < '3'\n--pre")
    found = needed(tmp_path)
    assert (found.source, found.file) == ("requirements.txt", "requirements.txt")
    assert found.direct == ("Pandas>=3", "win; sys_platform == 'win32'", "old; python_version < '3'")
    assert found.pinned == ("ipykernel==7.0", "pandas==3.1.1", "six==1.0", *found.direct[1:])
    assert found.notes == ()
    assert found.text() == "".join(f"{line}\n" for line in ("--pre", *found.pinned))


@pytest.mark.parametrize("line", ["pandas<3", "geopandas"])
def test_a_declaration_that_the_kernel_doesnt_meet_is_followed_as_it_is(
    line: str, answer: dict[str, Any], tmp_path: Path
) -> None:
    """Versions of a kernel that isn't what was declared would contradict it."""
    declare(tmp_path, f"{line}\nsix")
    found = needed(tmp_path)
    assert found.pinned == (line, "six", "ipykernel")
    assert found.notes[-1] == (
        f"The kernel doesn't have {line} as requirements.txt asks, so the kernel's versions aren't taken over."
    )


def test_an_import_that_the_declaration_forgot_is_said(answer: dict[str, Any], tmp_path: Path) -> None:
    """The analyst's file is followed all the same."""
    declare(tmp_path, "six")
    answer["used"] = {"six": ["six"], "yaml": ["pyyaml"], "google": ["google-a", "google-b"]}
    assert needed(tmp_path).notes == (
        "yaml is imported, but requirements.txt doesn't ask for pyyaml.",
        "google is imported, but requirements.txt doesn't ask for google-a or google-b.",
    )


def test_a_module_of_no_package_is_said(answer: dict[str, Any], tmp_path: Path) -> None:
    """It can't be installed elsewhere."""
    answer["unpackaged"] = {"loose": "/lib/loose.py"}
    assert needed(tmp_path).notes == (
        "loose is loaded from /lib/loose.py, which is no installed package; add its files to the bundle.",
    )


def test_the_kernel_is_always_among_the_requirements(answer: dict[str, Any], tmp_path: Path) -> None:
    """Also when the kernel's environment has none, as of xeus-python; and pip where a cell calls it."""
    answer["packages"] = []
    assert needed(tmp_path, "x = 1").pinned == ("ipykernel",)
    assert needed(tmp_path, "%pip install x").pinned == ("ipykernel", "pip")
    declare(tmp_path, "IPyKernel>=6")
    assert needed(tmp_path).pinned == ("IPyKernel>=6",)


HERE = Path(__file__).parent.as_uri()


@pytest.mark.parametrize(
    ("version", "origin", "line"),
    [
        ("2.3.0+cu121", None, "x==2.3.0"),
        ("1.0", {"url": "https://e.org/x.whl", "archive_info": {}}, "x @ https://e.org/x.whl"),
        (
            "1.0",
            {"url": "https://e.org/x", "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "py"},
            "x @ git+https://e.org/x@abc#subdirectory=py",
        ),
        ("1.0", {"url": "file:///croot/x_17/work", "dir_info": {}}, "x==1.0"),
        ("1.0", {"url": "file:///srv/x-1.0-py3-none-any.whl", "archive_info": {}}, "x==1.0"),
    ],
)
def test_a_pin_says_where_the_package_came_from(
    version: str, origin: object, line: str, answer: dict[str, Any], tmp_path: Path
) -> None:
    """Addresses and commits are kept; conda's build folders and local labels aren't."""
    answer["used"] = {}
    answer["packages"] = [package("x", version, origin=origin)]
    found = needed(tmp_path)
    assert (found.pinned, found.notes) == ((line, "ipykernel"), ())


@pytest.mark.parametrize(
    "origin",
    [
        {"url": HERE, "dir_info": {"editable": True}},
        {"url": HERE, "dir_info": {}},
    ],
)
def test_a_package_that_only_this_machine_has_is_a_note_instead_of_a_pin(
    origin: object, answer: dict[str, Any], tmp_path: Path
) -> None:
    """A pin of it would break every fresh environment."""
    answer["used"] = {}
    answer["packages"] = [package("mine", origin=origin)]
    found = needed(tmp_path)
    assert found.pinned == ("ipykernel",)
    assert found.notes == (
        f"mine is installed from {Path(__file__).parent}, so a fresh environment can't have it; "
        "add its files to the bundle.",
    )


def test_a_freeze_takes_everything_whatever_is_declared(answer: dict[str, Any], tmp_path: Path) -> None:
    """It is asked for, never the default."""
    declare(tmp_path, "six<1")
    found = needed(tmp_path, freeze=True)
    assert (found.source, found.file) == ("everything installed", None)
    assert found.direct == ("ipykernel", "pandas", "six")
    assert found.pinned == ("ipykernel==7.0", "pandas==3.1.1", "six==1.0")


def site(folder: Path, **modules: str) -> Kernel:
    """This Python as a kernel that also loads these modules' sources at its start."""
    folder.mkdir()
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return THIS.model_copy(update={"env": {"PYTHONPATH": "${EXTRA}", "IGNORED": "$nothing"}})


@pytest.fixture
def extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTRA", str(tmp_path / "extra"))
    return tmp_path / "extra"


def test_the_kernels_own_interpreter_is_asked(extra: Path, tmp_path: Path) -> None:
    """With the variables of its kernelspec; what it prints at its start is no harm, and no cell runs."""
    kernel = site(extra, sitecustomize="print('\\udce9 {hello', flush=True)", loose="")
    (tmp_path / "utils.py").write_text("import ast, gone", encoding="utf-8")
    found = needed(
        tmp_path, "import utils, loose, packaging, models\nraise SystemExit(3)", "x = '\ud800'", kernel=kernel
    )
    pins = dict(pin.split("==") for pin in found.pinned)
    assert found.python_version == PYTHON
    assert found.direct == ("packaging",)
    assert {"ipykernel", "packaging", "ipython"} <= {name.lower() for name in pins}
    assert found.missing == ("gone", "models")
    assert found.local == (str(tmp_path / "utils.py"),)
    assert printable(str(extra / "loose.py")) in found.notes[0]


def refusal(kernel: Kernel, tmp_path: Path) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        needed(tmp_path, "import x", kernel=kernel)
    assert refused.value.field == "environment"
    return refused.value.code, refused.value.message


def test_an_interpreter_that_fails_is_refused_with_its_last_words(extra: Path, tmp_path: Path) -> None:
    """Its exit code stands for it when it says nothing."""
    kernel = site(
        extra, sitecustomize="import os, sys\nprint('no luck', file=sys.stderr)\nsys.stderr.flush()\nos._exit(3)"
    )
    assert refusal(kernel, tmp_path) == (
        "kernel_unreadable",
        f"{sys.executable} can't say which packages it has: no luck.",
    )
    silent = Path("/bin/true" if Path("/bin/true").exists() else "/usr/bin/true")
    (tmp_path / "python").symlink_to(silent)
    kernel = Kernel(name="k", display_name="K", argv=(str(tmp_path / "python"), "-m", "ipykernel"))
    assert refusal(kernel, tmp_path)[1] == f"{tmp_path / 'python'} can't say which packages it has: it ended with 0."


def test_an_interpreter_that_doesnt_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a limit that is told."""

    def hang(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired("python", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert refusal(THIS, tmp_path)[1] == f"{sys.executable} didn't say within 20 s which packages it has."


def test_a_vanished_interpreter_is_refused(tmp_path: Path) -> None:
    """With the system's reason."""
    kernel = Kernel(name="k", display_name="K", argv=("/no/python", "-m", "ipykernel"))
    assert refusal(kernel, tmp_path)[1] == (
        "/no/python can't be asked which packages it has: No such file or directory."
    )


def test_a_kernel_whose_python_isnt_told_is_refused(tmp_path: Path) -> None:
    """A launcher of its own hides the environment."""
    kernel = Kernel(name="k", display_name="K", argv=("/opt/start.sh",))
    assert refusal(kernel, tmp_path) == (
        "kernel_unreadable",
        "The command line of the kernel K doesn't tell its Python, so its packages aren't known.",
    )


def test_other_languages_have_no_fresh_environment(tmp_path: Path) -> None:
    """One sentence says what to use instead."""
    kernel = Kernel(name="julia-1.9", display_name="Julia 1.9", language="julia", argv=("/bin/julia",))
    assert refusal(kernel, tmp_path) == (
        "environment_unsupported",
        "A fresh environment can be made for Python notebooks only; this one runs in Julia 1.9. "
        "Use the kernel's own environment.",
    )


def test_requirements_are_json(answer: dict[str, Any], tmp_path: Path) -> None:
    """Also with file names that are no text."""
    answer["local"] = [os.fsdecode(b"/n/\xff.py")]
    assert json.loads(needed(tmp_path).model_dump_json())["local"] == ["/n/\\udcff.py"]
