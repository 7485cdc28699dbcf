import json
import os
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.notebooks import kernels
from jupyter_schedule.core.notebooks.kernels import (
    find_interpreter,
    find_kernel,
    freeze_kernels,
    list_kernels,
    missing_reason,
)

CONNECTION = ["-f", "{connection_file}"]


@pytest.fixture(autouse=True)
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of kernelspecs, the only one on Jupyter's path."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    monkeypatch.setattr(
        "jupyter_schedule.core.notebooks.kernels.jupyter_path",
        lambda *_: [str(folder), str(tmp_path / "none")],
    )
    return folder


def install(share: Path, name: str, spec: object) -> Path:
    folder = share / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(spec if isinstance(spec, str) else json.dumps(spec))
    return folder


def kernel(*argv: str, language: str = "python") -> Kernel:
    return Kernel(name="k", display_name="K", argv=argv, language=language)


def test_a_kernelspec_is_frozen_with_an_absolute_command(share: Path) -> None:
    """Name, language, command and variables are those of kernel.json; a bare python is the one that runs here."""
    install(
        share,
        "My-Kernel",
        {"argv": ["python", "-m", "ipykernel_launcher", *CONNECTION], "display_name": "Mine", "env": {"A": "1"}},
    )
    assert list_kernels()["my-kernel"] == Kernel(
        name="my-kernel",
        display_name="Mine",
        language="python",
        argv=(sys.executable, "-m", "ipykernel_launcher", *CONNECTION),
        env={"A": "1"},
    )


@pytest.mark.parametrize(
    ("first", "absolute"),
    [
        ("python3", sys.executable),
        (f"python3.{sys.version_info[1]}", sys.executable),
        ("tool", "{bin}/tool"),
        ("nowhere-to-be-found", "nowhere-to-be-found"),
        ("{resource_dir}/start.sh", "{share}/k/start.sh"),
        ("{prefix}/bin/x", f"{sys.prefix}/bin/x"),
        ("/opt/r/bin/R", "/opt/r/bin/R"),
    ],
)
def test_the_commands_first_word_becomes_absolute(
    first: str, absolute: str, share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Placeholders are filled, bare commands are looked up; one that isn't anywhere stays as it is."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    install(share, "k", {"argv": [first, "{resource_dir}/x", "{connection_file}"], "language": "R"})
    expected = absolute.replace("{bin}", str(tmp_path / "bin")).replace("{share}", str(share))
    assert list_kernels()["k"].argv == (expected, str(share / "k" / "x"), "{connection_file}")


@pytest.mark.parametrize(
    "spec", ["", "[]", "{", "[" * 99_999, {}, {"argv": []}, {"argv": "python"}, {"argv": [1]}, {"argv": None}]
)
def test_a_damaged_kernelspec_is_passed_over(spec: object, share: Path) -> None:
    """The others are there all the same, and so is a whole one of the same name further down the path."""
    install(share, "broken", spec)
    install(share, "good", {"argv": ["/bin/x"]})
    assert [name for name, kernel in list_kernels().items() if kernel.argv] == ["good", "python3"]


def test_a_kernel_without_a_command_line_is_refused_as_such(share: Path) -> None:
    install(share, "bare", {"display_name": "Bare"})
    with pytest.raises(Refused) as refused:
        find_kernel("bare")
    assert refused.value.message == (
        'The kernel "bare" has no command line (argv) in its kernel.json: install it anew.'
    )


def test_a_kernelspec_is_kept_as_it_is_spelled(share: Path) -> None:
    """Other programs know languages by their spelling, and a kernel may want its interrupts as messages."""
    spec = {
        "argv": ["/bin/R", *CONNECTION],
        "language": "R",
        "interrupt_mode": "message",
        "metadata": {"debugger": True, "kernel_provisioner": {"provisioner_name": "local-provisioner"}},
    }
    install(share, "ir", spec)
    found = find_kernel("IR")
    assert (found.language, found.interrupt_mode, found.metadata) == ("R", "message", spec["metadata"])


@pytest.mark.parametrize("metadata", [{"kernel_provisioner": None}, {"kernel_provisioner": []}, {}, None, [], "x"])
def test_a_kernel_without_a_provisioner_is_a_process_of_this_machine(share: Path, metadata: object) -> None:
    install(share, "k", {"argv": ["/bin/x"], "metadata": metadata})
    assert find_kernel("k").argv == ("/bin/x",)


def test_a_kernel_that_a_missing_provisioner_would_start_is_refused(share: Path) -> None:
    """Started on this machine instead it would find neither its data nor its memory."""
    provisioner = {"provisioner_name": "yarn-provisioner", "config": {}}
    install(share, "yarn", {"argv": ["/bin/x"], "metadata": {"kernel_provisioner": provisioner}})
    with pytest.raises(Refused) as refused:
        find_kernel("yarn")
    assert refused.value.message == (
        'The kernel "yarn" is started by the kernel provisioner yarn-provisioner, which isn\'t installed here. '
        "Install its package beside jupyter-schedule, or pick another kernel."
    )


def test_a_kernel_that_an_installed_provisioner_starts_has_the_python_that_has_it(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [EntryPoint("yarn-provisioner", "yarn:Provisioner", "jupyter_client.kernel_provisioners")]
    monkeypatch.setattr(kernels, "entry_points", lambda group: found if "provisioner" in group else [])
    provisioner = {"provisioner_name": "yarn-provisioner", "config": {}}
    install(share, "yarn", {"argv": ["/bin/x"], "metadata": {"kernel_provisioner": provisioner}})
    assert find_kernel("yarn").provisioned_by == sys.executable
    assert find_kernel("python3").provisioned_by is None


def test_the_kernels_of_a_server_are_those_that_its_own_manager_lists() -> None:
    """By any name, that of nb_conda_kernels for instance, and with what can't be used told from what isn't there."""
    specs = {
        "conda-env-Team-py": {
            "resource_dir": "/nowhere",
            "spec": {"argv": ["python", "-m", "ipykernel_launcher", *CONNECTION], "display_name": "Team"},
        },
        "damaged": {"resource_dir": "/nowhere", "spec": None},
        "empty": {"resource_dir": "/nowhere", "spec": {"argv": []}},
    }
    found = freeze_kernels(specs)
    assert list(found) == ["conda-env-Team-py", "empty"]
    kernel = find_kernel("conda-env-team-py", found)
    assert (kernel.name, kernel.argv[0]) == ("conda-env-Team-py", sys.executable)
    with pytest.raises(Refused, match=r"isn't installed here\. Installed: conda-env-Team-py\. Pick"):
        find_kernel("python3", found)


def test_the_first_of_a_name_wins(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter's path is searched in order, and file names that can't be a kernel's are no kernels."""
    second = tmp_path / "second"
    install(share, "k", {"argv": ["/first"]})
    install(second, "k", {"argv": ["/second"]})
    install(second, "not a name", {"argv": ["/x"]})
    monkeypatch.setattr("jupyter_schedule.core.notebooks.kernels.jupyter_path", lambda *_: [str(share), str(second)])
    assert list_kernels()["k"].argv == ("/first",)
    assert list(list_kernels()) == ["k", "python3"]


def test_python3_is_there_without_any_kernelspec() -> None:
    """The Python that runs this is a kernel, since ipykernel is installed with us."""
    assert find_kernel("python3").argv == (sys.executable, "-m", "ipykernel_launcher", *CONNECTION)
    assert find_kernel("Python3") == find_kernel("python3")


def test_a_kernel_that_isnt_installed_is_refused_with_those_that_are(share: Path) -> None:
    """The sentence names what there is."""
    install(share, "ir", {"argv": ["/bin/R"]})
    with pytest.raises(Refused) as refused:
        find_kernel("julia-1.9")
    assert (refused.value.code, refused.value.field) == ("kernel_missing", "kernel")
    assert refused.value.message == (
        'The kernel "julia-1.9" isn\'t installed here. Installed: ir, python3. Pick one of these.'
    )


@pytest.mark.parametrize(
    ("argv", "python"),
    [
        (["/e/bin/python", "-m", "ipykernel_launcher", *CONNECTION], "/e/bin/python"),
        (["/e/bin/python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher"], "/e/bin/python"),
        (
            ["/c/python", "-m", "nb_conda_kernels.runner", "/e", "/e/bin/python", "-m", "ipykernel_launcher"],
            "/e/bin/python",
        ),
        (["/usr/bin/env", "A=1", "/e/bin/python3.11", "-m", "ipykernel_launcher"], "/e/bin/python3.11"),
        (["/usr/bin/conda", "run", "python", "-m", "ipykernel_launcher"], None),
        (["/e/bin/python3.12", "/e/kernel.py", *CONNECTION], "/e/bin/python3.12"),
        (["/no/where/xpython", *CONNECTION], None),
        (["-m", "ipykernel"], None),
    ],
)
def test_a_python_kernels_interpreter_is_in_its_command(argv: list[str], python: str | None) -> None:
    """It stands before `-m ipykernel…`, or first."""
    assert find_interpreter(kernel(*argv)) == python


def test_a_kernel_with_its_own_program_has_the_python_beside_it(tmp_path: Path) -> None:
    """xeus-python's program lies in the folder of its environment's Python."""
    (tmp_path / "python").touch()
    assert find_interpreter(kernel(str(tmp_path / "xpython"))) == str(tmp_path / "python")


def test_other_languages_have_no_interpreter() -> None:
    """Also when their launcher is a Python program."""
    assert find_interpreter(kernel("/e/bin/python", "-m", "octave_kernel", language="octave")) is None


def test_a_kernel_that_can_start_isnt_gone() -> None:
    """This very Python is there."""
    assert missing_reason(find_kernel("python3")) is None


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose name leaves room in a sentence."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_vanished_kernel_is_gone_in_one_sentence(short_path: Path) -> None:
    """A missing program, one that may not be executed and a launcher's missing Python each get their reason."""
    program = short_path / "R"
    assert missing_reason(kernel(str(program))) == f"The kernel K is gone: there is no {program} any more."
    program.touch(mode=0o644)
    assert not os.access(program, os.X_OK)
    assert missing_reason(kernel(str(program))) == f"The kernel K can't be started: {program} isn't executable."
    launcher = kernel(sys.executable, "-m", "runner", "/e/python", "-m", "ipykernel_launcher")
    assert missing_reason(launcher) == "The kernel K is gone: there is no /e/python any more."
