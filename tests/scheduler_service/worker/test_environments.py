"""A bundle's environments need nothing of the machine but uv, which came with the agent, and a Python."""

import json
import os
import platform
import shutil
import socket
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import uv

from jupyter_schedule.core.errors import Refused
from scheduler_service.worker import environments
from scheduler_service.worker.agent import MachineSetup
from scheduler_service.worker.ec2_main import Ec2MachineSetup
from scheduler_service.worker.environments import Interpreter, PlannedEnvironment, choose_python
from tests.engine import PATIENCE
from tests.scheduler_service.worker.conftest import Bench

OWN = Interpreter(sys.executable, platform.python_version())
MINOR = ".".join(OWN.version.split(".")[:2])
#: what a run finds of its kernel: which Python it is, in which environment
LOOK = """
import json, os, subprocess, sys
kernel = json.load(open(os.environ["KERNEL_SPEC"] + "/kernel.json"))
said = subprocess.run([kernel["argv"][0], "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True)
print("kernel in", said.stdout.strip() or said.stderr, "with", kernel["env"]["PATH"].split(":")[0])
open(os.environ["OUTPUT_DIR"] + "/a", "w").close()
"""


def bundle(requirements: str = "", python: str = MINOR) -> dict[str, str | bytes]:
    return {
        "look.py": LOOK,
        "requirements.txt": requirements,
        ".wrapper/runner.txt": "",
        ".wrapper/python-version": f"{python}\n",
    }


def look(bench: Bench, files: dict[str, str | bytes], **environment: str) -> dict[str, Any]:
    """The result of a run that looks at its kernel, on a machine without uv, pip or Python among its programs."""
    command = f"{sys.executable} look.py"
    task = bench.task(command, files, environment={"RUNNER_PYTHON": sys.executable})
    return bench.finish(bench.start(task, **environment))


def test_a_kernels_environment_is_made_where_the_machine_has_neither_pip_nor_venv(bench: Bench, tmp_path: Path) -> None:
    """The first half of the pins: a program on the path would be found by the bundle's own script as well."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "sh"):
        (programs / name).symlink_to(f"/bin/{name}")
    result = look(bench, bundle(), PATH=str(programs))
    assert result["sentence"].startswith("Succeeded"), bench.log()
    assert "instead of" not in result["sentence"]
    made = bench.work / "5eed/environments/kernel"
    assert f"kernel in {made} with {made}/bin" in bench.log()


def test_another_python_than_the_pinned_one_is_told_in_the_runs_sentence(bench: Bench) -> None:
    result = look(bench, bundle(python="3.5"))
    assert result["sentence"].endswith(f", with Python {OWN.version} instead of 3.5."), bench.log()


def test_packages_that_cannot_be_had_are_named_with_both_versions(bench: Bench) -> None:
    result = look(bench, bundle("no-such-package-here==1\n", python="3.5"), UV_OFFLINE="1")
    assert (result["outcome"], result["reason"]) == ("refused", "environment")
    assert result["sentence"] == (
        "Packages of the kernel environment, pinned for Python 3.5, could not be installed; "
        f"Python here is {OWN.version}."
    )
    assert "no-such-package-here" in bench.log()


def test_debian_packages_stay_with_who_may_install_them(bench: Bench, tmp_path: Path) -> None:
    """Root's run.sh installs them, and makes its environments then; anybody else is told, and gets these."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "sh"):
        (programs / name).symlink_to(f"/bin/{name}")
    look(bench, bundle() | {"apt.txt": "jq\n"}, PATH=str(programs))
    log = bench.log()
    assert "apt.txt isn't installed" in log
    assert "kernel in" in log


@pytest.mark.parametrize(("user", "apt", "left"), [(0, "/usr/bin/apt-get", True), (1, "/usr/bin/apt-get", False)])
def test_packages_are_left_to_a_script_that_runs_as_root(
    monkeypatch: pytest.MonkeyPatch, user: int, apt: str, left: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda _: apt)
    assert MachineSetup().leaves_packages() == left
    assert not Ec2MachineSetup({}).leaves_packages()


def test_a_time_out_counts_what_its_environment_takes(bench: Bench) -> None:
    """An index that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as index:
        told = {"UV_DEFAULT_INDEX": f"http://127.0.0.1:{index.getsockname()[1]}/", "UV_HTTP_TIMEOUT": "60"}
        environment = {"RUNNER_PYTHON": sys.executable}
        task = bench.task("true", bundle("anything==1\n"), timeout_seconds=1, environment=environment)
        result = bench.finish(bench.start(task, **told))
    assert (result["outcome"], result["reason"]) == ("timed_out", "time_limit"), bench.log()
    assert "environment wasn't made" in result["sentence"]


def test_a_stop_is_heard_while_an_environment_is_made(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as index:
        told = {"UV_DEFAULT_INDEX": f"http://127.0.0.1:{index.getsockname()[1]}/", "UV_HTTP_TIMEOUT": "60"}
        agent = bench.start(
            bench.task("true", bundle("anything==1\n"), environment={"RUNNER_PYTHON": sys.executable}), **told
        )
        index.settimeout(30)
        connection, _ = index.accept()
        with connection:
            agent.terminate()
            result = bench.finish(agent)
    assert (result["outcome"], result["reason"]) == ("stopped", "by_hand"), bench.log()


def wheel(folder: Path, name: str) -> None:
    """A package of one module, in a folder for UV_FIND_LINKS."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{name}.py", "said = 'as it was'\n")
        about = f"{name}-1.0.dist-info"
        packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "")


#: imports by the kernel's Python, says from where and whether it was compiled, and then spoils what it used
USE = """
import json, os, pathlib, subprocess
python = json.load(open(os.environ["KERNEL_SPEC"] + "/kernel.json"))["argv"][0]
subprocess.run([python, "-c", "import tool, os; print(tool.said, tool.__file__, os.path.exists(tool.__cached__))"])
module = next(pathlib.Path(python).parents[1].glob("lib/*/site-packages/tool.py"))
module.unlink()
module.write_text("said = 'spoilt'\\n")
open(os.environ["OUTPUT_DIR"] + "/a", "w").close()
"""


def use(
    bench: Bench,
    token: str,
    requirements: str = "tool==1.0\n",
    *,
    more: str = "",
    share: str = "ours",
    **environment: str,
) -> tuple[dict[str, Any], str]:
    """The result and the log of a run with a package; more: what its bundle has besides."""
    files = bundle(requirements) | {"look.py": USE, "more.txt": more}
    ready = {"RUNNER_PYTHON": sys.executable}
    task = bench.task(f"{sys.executable} look.py", files, environment=ready, token=token, share=share)
    agent = bench.start(task, **environment)
    assert agent.wait(PATIENCE) == 0
    prefix = f"workers/local/{token}/"
    log = bench.objects.get(f"{prefix}report/log.txt").decode()
    return json.loads(bench.objects.get(f"{prefix}result")), log


def test_an_index_that_is_away_fails_no_run_that_ran_before(bench: Bench, tmp_path: Path) -> None:
    """What was made is kept as it was before the analysis, compiled, and used at another place."""
    wheel(tmp_path / "wheels", "tool")
    there = {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_OFFLINE": "1"}
    _, first = use(bench, "first", **there)
    assert "making the kernel environment" in first
    assert f"as it was {bench.work}/first/" in first
    # the third is a new version of the notebook, with the same lock
    for token, more in (("second", ""), ("third", "another cell")):
        result, log = use(bench, token, more=more, UV_OFFLINE="1")
        assert result["sentence"].startswith("Succeeded"), log
        assert "using the kept environment of the kernel" in log
        assert "making" not in log
        assert f"as it was {bench.work}/{token}/environments/kernel/" in log
        assert "True" in log


def test_nobody_uses_what_was_made_for_others_or_of_what_may_have_changed(bench: Bench, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "tool")
    there = {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_OFFLINE": "1"}
    use(bench, "first", **there)
    result, _ = use(bench, "second", share="theirs", UV_OFFLINE="1")
    assert result["reason"] == "environment"
    use(bench, "third", "tool>=1\n", **there)
    result, _ = use(bench, "fourth", "tool>=1\n", more="another cell", UV_OFFLINE="1")
    assert result["reason"] == "environment"


@pytest.mark.parametrize(
    ("requirements", "locked"),
    [
        ("", True),
        ("a==1\n# a comment\nb-c[d,e]==2.0.1+cpu ; python_version >= '3.11'  # via a\n", True),
        ("a==1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n", True),
        ("--index-url https://packages.example/simple\na===1\n", True),
        ("a\n", False),
        ("a>=1\n", False),
        ("a==1.*\n", False),
        ("a==1,<2\n", False),
        ("a @ git+https://example.org/a@main\n", False),
        ("./wheels/a-1-py3-none-any.whl\n", False),
        ("--find-links ./wheels\na==1\n", False),
        ("-r other.txt\n", False),
        ("-c other.txt\na==1\n", False),
    ],
)
def test_a_lock_names_one_version_of_each_package_and_no_file_or_address(requirements: str, *, locked: bool) -> None:
    assert environments.is_locked(requirements) == locked


@pytest.mark.proof("faults")
@pytest.mark.parametrize("damage", [b"", b"\x28\xb5\x2f\xfd nonsense", b"nonsense"])
def test_a_kept_environment_that_cannot_be_used_is_made_and_kept_anew(
    bench: Bench, tmp_path: Path, damage: bytes
) -> None:
    wheel(tmp_path / "wheels", "tool")
    there = {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_OFFLINE": "1"}
    use(bench, "first", **there)
    [kept] = [stored.key for stored in bench.objects.list("bundles/ours.environments/")]
    bench.objects.put(kept, damage)
    _, log = use(bench, "second", **there)
    assert "can't be used here" in log
    assert "as it was" in log
    _, log = use(bench, "third", UV_OFFLINE="1")
    assert "as it was" in log


def test_a_package_that_stays_in_its_place_is_never_kept(bench: Bench, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "tool")
    there = {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_OFFLINE": "1"}
    use(bench, "first", "tool==1.0\n-e ./of-its-own\n", **there)
    assert [stored.key for stored in bench.objects.list("bundles/ours.environments/")] == []


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"python": Interpreter("/elsewhere/python", "3.11.99")}, True),
        ({"python": Interpreter("/usr/bin/python", "3.12.0")}, False),
        ({"requirements": "b==1\n"}, False),
        ({"uv": "uv 9"}, False),
        ({"machine": "riscv64"}, False),
        ({"libc": ("musl", "1")}, False),
        ({"name": "runner"}, False),
        ({"settings": "[tool.uv]"}, False),
        ({"bundle": "another"}, True),
        ({"requirements": "a>=1\n"}, False),
    ],
)
def test_an_environment_is_kept_for_machines_on_which_it_works(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], same: bool
) -> None:
    def name(**changes: Any) -> str:
        of: dict[str, Any] = {
            "name": "kernel",
            "python": Interpreter("/usr/bin/python", "3.11.2"),
            "requirements": "a==1\n",
        } | changes
        planned = PlannedEnvironment(of["name"], "/folder", "requirements.txt", "3.11", of["python"])
        monkeypatch.setattr(platform, "machine", lambda: changes.get("machine", "x86_64"))
        monkeypatch.setattr(platform, "libc_ver", lambda: changes.get("libc", ("glibc", "2.39")))
        told = changes.get("settings", ""), changes.get("bundle", "0")
        return environments.name_kept(planned, of["requirements"], changes.get("uv", "uv 1"), *told)

    assert (name() == name(**change)) == same


def test_a_notebook_in_another_language_has_the_kernel_that_a_package_brought(tmp_path: Path) -> None:
    code, place = tmp_path / "code", tmp_path / "kernels"
    (code / ".wrapper").mkdir(parents=True)
    (place / "ir").mkdir(parents=True)
    (place / "ir/kernel.json").write_text("{}")
    (code / ".wrapper/config.json").write_text('{"kernel_name": "ir"}')
    assert environments.find_installed_kernel(code, [tmp_path / "none", place]) == place / "ir"
    for config, name in (('{"kernel_name": "julia-1.11"}', "julia-1.11"), ("nonsense", "?")):
        (code / ".wrapper/config.json").write_text(config)
        with pytest.raises(Refused) as refused:
            environments.find_installed_kernel(code, [place])
        assert refused.value.code == "environment"
        assert refused.value.message == (
            f"This machine has no kernel {name}: name the package that brings it in apt.txt."
        )


class FakeUv:
    """A uv that has some Pythons, and fetches others."""

    def __init__(self, folder: Path, has: str, fetches: str) -> None:
        self.program = folder / "uv"
        self.said: list[str] = []
        got = folder / "got"
        python = folder / "python"
        python.write_text("#!/bin/sh\necho 3.5.1\n")
        python.chmod(0o755)
        self.program.write_text(
            "#!/bin/sh\n"
            "for last; do :; done\n"
            f'if [ "$2" = find ] && {{ [ "$last" = "{has}" ] || [ -e {got} ]; }}; then echo {python}; exit 0; fi\n'
            f'if [ "$2" = install ] && [ "$last" = "{fetches}" ]; then touch {got}; exit 0; fi\n'
            "echo 'error: no such Python' >&2; exit 2\n"
        )
        self.program.chmod(0o755)

    def choose(self, wanted: str, **variables: str) -> Interpreter:
        return choose_python(str(self.program), wanted, OWN, {"PATH": os.defpath, **variables}, self.said.append)


NAMED = {"UV_PYTHON_DOWNLOADS_JSON_URL": "http://127.0.0.1/downloads.json"}


@pytest.mark.parametrize(
    ("wanted", "there", "variables", "chosen"),
    [
        (MINOR, ("", ""), {}, OWN.version),
        (OWN.version, ("", ""), {}, OWN.version),
        (">=3.11", ("", ""), {}, OWN.version),
        ("3.5", ("3.5", ""), {}, "3.5.1"),
        ("3.5", ("", "3.5"), NAMED, "3.5.1"),
        # nobody named an address: nothing is fetched from anywhere
        ("3.5", ("", "3.5"), {}, OWN.version),
        ("3.5", ("", ""), NAMED, OWN.version),
        # 3.1 is the beginning of our version's text, and another version
        ("3.1", ("", ""), {}, OWN.version),
    ],
)
def test_a_python_is_the_machines_own_or_another_that_is_there_or_fetched_or_the_machines_all_the_same(
    tmp_path: Path, wanted: str, there: tuple[str, str], variables: dict[str, str], chosen: str
) -> None:
    fake = FakeUv(tmp_path, *there)
    assert fake.choose(wanted, **variables).version == chosen
    assert any("taking" in said for said in fake.said) == (chosen == OWN.version and not OWN.is_version(wanted))


def test_the_real_uv_finds_another_python_that_is_on_the_path(tmp_path: Path) -> None:
    program = environments.find_own_python().program
    variables = {"PATH": str(Path(program).parent), "HOME": str(tmp_path), "UV_PYTHON_DOWNLOADS": "never"}
    asked = Interpreter("/elsewhere", "2.7.0")
    assert choose_python(uv.find_uv_bin(), MINOR, asked, variables, print).is_version(MINOR)


def test_a_uv_of_another_architecture_is_said_with_the_machines(tmp_path: Path) -> None:
    program = tmp_path / "uv"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    with pytest.raises(Refused) as refused:
        environments.check_uv(str(program))
    assert platform.machine() in refused.value.message
    assert len(refused.value.message) <= 120
    assert json.dumps(refused.value.message).count("uv") == 1
