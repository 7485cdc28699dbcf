"""The environments of a notebook's bundle, as the agent has them made before the run starts.

The uv that came with the agent makes them, so that nothing of the machine's image matters but its Python: pip and venv
may be missing, and are on the images of clouds.  Which Python each is made from is decided here, with our rights; they
are made by `make_environments`, in a process of the run's user, since a package's own code may run meanwhile.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_schedule.core.bundles.wrapper import uv_settings
from jupyter_schedule.core.errors import Refused
from scheduler_service.worker.files import open_plain
from scheduler_service.worker.text import find_first_line, fit_sentence

#: the part of a bundle that says what its environments are, as `core.bundles.wrapper.render` writes it
REQUIREMENTS = ".wrapper/requirements.txt"
#: where bundles had it before the wrapper's folder had it
OLD_REQUIREMENTS = "requirements.txt"
RUNNER_REQUIREMENTS = ".wrapper/runner.txt"
PYTHON_VERSION = ".wrapper/python-version"
#: what the wrapper knows of its notebook
CONFIG = ".wrapper/config.json"
#: where Debian packages put kernels
KERNELS = (Path("/usr/local/share/jupyter/kernels"), Path("/usr/share/jupyter/kernels"))
#: the script, which stood at the root as well
WRAPPER = ".wrapper/run.sh"
#: of the runner, whose requirements are pinned for each of them
ANY_PYTHON = ">=3.11"
#: where uv finds which Pythons can be had: the operator names an address by one of these
DOWNLOADS = ("UV_PYTHON_DOWNLOADS_JSON_URL", "UV_PYTHON_INSTALL_MIRROR")
#: seconds for which uv may look for a Python, and fetch one
FIND_LIMIT, FETCH_LIMIT = 60, 600
#: bytes of a small file of the bundle, or of the report, that is looked at
_MOST = 100_000
#: changes when an environment of before can't be used any more
_LAYOUT = "2"
#: a package that stays in its place is of no use in another
_EDITABLE = re.compile(r"\s*(?:-e|--editable)\b")
_COMMENT = re.compile(r"(?:^|\s)#.*")
#: `name[extra]==1.2.3 ; marker --hash=sha256:…`, an index, or nothing
_LOCKED = re.compile(
    r"(?:|--(?:index-url|extra-index-url|default-index|index)[= ]\S+"
    r"|[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?\s*===?\s*[A-Za-z0-9][A-Za-z0-9.!+_-]*\s*"
    r"(?:;[^@]*?)?(?:\s+--hash[= ]\S+)*)"
)
_ROOT = Path(__file__).parents[2]
_START = "import sys; sys.path.append(sys.argv[1]); from scheduler_service.worker.make_environments import main; main()"
#: beside an environment that was made here, after its name
MADE = ".made"
#: says a sentence in the run's log
Say = Callable[[str], None]


@dataclass(frozen=True)
class Interpreter:
    """A Python on this machine: its program, and its version such as 3.12.3."""

    program: str
    version: str

    def is_version(self, wanted: str) -> bool:
        """True when it is the version that was wanted: `3.12`, `3.12.3`, or `>=3.11`, which each of ours is."""
        parts = wanted.split(".")
        return not wanted[:1].isdigit() or self.version.split(".")[: len(parts)] == parts


@dataclass(frozen=True)
class PlannedEnvironment:
    """An environment that is to be made."""

    name: str
    folder: str
    requirements: str
    #: the version that its requirements are pinned for
    wanted: str
    python: Interpreter
    #: the name by which it is kept; empty for one that has to be made each time
    kept_as: str = ""
    #: the file in which it was kept; empty when it wasn't
    archive: str = ""

    @property
    def interpreter(self) -> str:
        """Its own Python, once it is made."""
        return str(Path(self.folder) / "bin" / "python")


@dataclass(frozen=True)
class EnvironmentPlan:
    """The environments that a run needs, and what they are made with."""

    uv: str
    environments: list[PlannedEnvironment]
    #: for uv
    variables: Mapping[str, str] = field(default_factory=dict)

    def list_made(self) -> list[PlannedEnvironment]:
        """List those that were made, not unpacked, and can be kept."""
        return [each for each in self.environments if each.kept_as and Path(f"{each.folder}{MADE}").exists()]

    def command(self, report: Path) -> list[str]:
        """The command that makes them, in the bundle's folder; `report` is where it says what went wrong."""
        order = asdict(self) | {"report": str(report), "mark": MADE}
        # what the variables say may be secret, and a command line is everybody's
        del order["variables"]
        return [sys.executable, "-I", "-S", "-c", _START, str(_ROOT), json.dumps(order)]

    def run_variables(self, kernel_folder: Path) -> dict[str, str]:
        """The variables by which the wrapper takes these; writes the kernel's spec into `kernel_folder`."""
        by_name = {planned.name: planned for planned in self.environments}
        variables = {}
        if runner := by_name.get("runner"):
            variables["RUNNER_PYTHON"] = runner.interpreter
        if kernel := by_name.get("kernel"):
            (kernel_folder / "kernel.json").write_text(json.dumps(build_kernel_spec(kernel.interpreter)))
            variables["KERNEL_SPEC"] = str(kernel_folder)
        return variables

    def difference(self) -> str:
        """Says which Python the kernel has in place of the one that its packages were pinned for; empty when that."""
        for planned in self.environments:
            if not planned.python.is_version(planned.wanted):
                return f"Python {planned.python.version} instead of {planned.wanted}"
        return ""


def build_kernel_spec(interpreter: str) -> dict[str, Any]:
    """The kernel of an environment, whose programs come first on its path.  Its own kernel.json only says `python`."""
    path = os.pathsep.join([str(Path(interpreter).parent), os.environ.get("PATH", os.defpath)])
    argv = [interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return {"argv": argv, "display_name": "Python", "language": "python", "env": {"PATH": path}}


def has_requirements(code: Path) -> bool:
    """True for a bundle that says what its environments are."""
    return _is_file(code / find_requirements(code)) and is_wrapped(code)


def is_wrapped(code: Path) -> bool:
    """True for a bundle of a notebook, whose runner has an environment of its own."""
    return _is_file(code / RUNNER_REQUIREMENTS)


def find_installed_kernel(code: Path, places: Sequence[Path] = KERNELS) -> Path:
    """The folder of the kernel of a notebook in another language, as a Debian package of its `apt.txt` brings it.

    Raises Refused("environment") where this machine has none of its name.
    """
    name, found = "?", None
    with suppress(ValueError, LookupError, TypeError):
        name = str(json.loads(_read_small(code / CONFIG))["kernel_name"])
        found = next((place / name for place in places if (place / name / "kernel.json").is_file()), None)
    if found is None:
        sentence = f"This machine has no kernel {name[:60]}: name the package that brings it in apt.txt."
        raise Refused("environment", sentence)
    return found


def find_requirements(code: Path) -> str:
    """The path in a bundle of what its kernel needs."""
    return REQUIREMENTS if _is_file(code / REQUIREMENTS) or _is_file(code / WRAPPER) else OLD_REQUIREMENTS


def plan_environments(
    uv: str, code: Path, folder: Path, *, variables: Mapping[str, str], ours: Mapping[str, str], say: Say, bundle: str
) -> EnvironmentPlan:
    """Plan the environments of the bundle in `code`, which has the digest `bundle`, to be made below `folder`.

    A notebook in another language has a kernel that is installed, and needs a runner alone.

    variables: the run's; with RUNNER_PYTHON among them there is a runner.  ours: those that are others where the agent
    asks uv itself, since the run's user may have no right to what we leave behind.  Raises Refused("environment") for a
    uv that this machine can't run.
    """
    version = check_uv(uv)
    told = {name: value for name, value in variables.items() if name not in {"VIRTUAL_ENV", "UV_PYTHON"}}
    told |= uv_settings.collect(told) | {"UV_PYTHON_DOWNLOADS": "never"}
    own = find_own_python()
    wanted = _read_small(code / PYTHON_VERSION).strip() or ANY_PYTHON
    environments = []
    if has_requirements(code):
        kernel = choose_python(uv, wanted, own, {**told, **ours}, say)
        place = str(folder / "kernel")
        environments.append(PlannedEnvironment("kernel", place, find_requirements(code), wanted, kernel))
    if "RUNNER_PYTHON" not in variables:
        place = str(folder / "runner")
        environments.append(PlannedEnvironment("runner", place, RUNNER_REQUIREMENTS, ANY_PYTHON, own))
    # what uv is told by files of the bundle
    told_there = "".join(_read_small(code / name) for name in ("uv.toml", "pyproject.toml"))
    named = [
        replace(each, kept_as=name_kept(each, _read_small(code / each.requirements), version, told_there, bundle))
        for each in environments
    ]
    return EnvironmentPlan(uv, named, told)


def name_kept(planned: PlannedEnvironment, requirements: str, uv: str, settings: str, bundle: str) -> str:
    """Name what is made of these requirements on such a machine; empty when it would be of no use in another place.

    It can be used where Python has the same minor version and modules in machine code find what they were made for: by
    every bundle with the same lock, and where the requirements leave something open, by the one that they came with.

    settings: what the bundle tells uv.  bundle: its digest.
    """
    if any(_EDITABLE.match(line) for line in requirements.splitlines()):
        return ""
    minor = ".".join(planned.python.version.split(".")[:2])
    libc = "-".join(platform.libc_ver())
    only_for = "" if is_locked(requirements) else bundle
    made_for = [_LAYOUT, minor, sys.platform, platform.machine(), libc, uv, planned.wanted, requirements]
    made_for += [settings, only_for]
    return f"{planned.name}-{hashlib.sha256(chr(0).join(made_for).encode()).hexdigest()[:24]}"


def is_locked(requirements: str) -> bool:
    """True when each line names one version of one package: not a range, nor a file or an address, which may change."""
    lines = requirements.replace("\\\n", " ").splitlines()
    return all(_LOCKED.fullmatch(_COMMENT.sub("", line).strip()) for line in lines)


def check_uv(uv: str) -> str:
    """Return its version.  Refused("environment") when this machine can't run it, being of another architecture."""
    try:
        asked = subprocess.run([uv, "--version"], check=True, capture_output=True, text=True, timeout=FIND_LIMIT)
    except (OSError, subprocess.SubprocessError) as problem:
        here = f"{platform.machine()} with {' '.join(platform.libc_ver()) or 'another libc'}"
        cause = getattr(problem, "strerror", None) or find_first_line(str(getattr(problem, "stderr", b"") or ""))
        sentence = f"This machine ({here}) can't run the service's uv: {cause or 'choose an image like the service'}"
        raise Refused("environment", fit_sentence(sentence)) from None
    return " ".join(asked.stdout.split()[:2])


def find_own_python() -> Interpreter:
    """The machine's Python that the agent runs in, outside any environment."""
    program = getattr(sys, "_base_executable", None) or sys.executable
    return Interpreter(program, platform.python_version())


def choose_python(uv: str, wanted: str, own: Interpreter, variables: Mapping[str, str], say: Say) -> Interpreter:
    """The Python that an environment is made from.

    That is the machine's where it is the version that was wanted, else one that uv fetches from where the operator
    says, else the machine's all the same.
    """
    if own.is_version(wanted):
        return own
    if found := _find_python(uv, wanted, variables):
        return found
    if any(variables.get(name) for name in DOWNLOADS):
        say(f"fetching Python {wanted}")
        fetching = {**variables, "UV_PYTHON_DOWNLOADS": "manual"}
        problem = _ask(uv, ["python", "install", "--quiet", "--no-bin", wanted], fetching, FETCH_LIMIT)[1]
        if not problem and (found := _find_python(uv, wanted, variables)):
            return found
        say(f"Python {wanted} can't be had: {find_first_line(problem) or 'uv finds none'}")
    say(f"Python {wanted} is not installed here; taking {own.version}")
    return own


def _find_python(uv: str, wanted: str, variables: Mapping[str, str]) -> Interpreter | None:
    program = _ask(uv, ["python", "find", "--system", "--no-project", wanted], variables, FIND_LIMIT)[0]
    if not program:
        return None
    look = [program, "-I", "-S", "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"]
    try:
        done = subprocess.run(look, check=True, capture_output=True, text=True, timeout=FIND_LIMIT)
    except (OSError, subprocess.SubprocessError):
        return None
    return Interpreter(program, done.stdout.strip())


def _ask(uv: str, arguments: list[str], variables: Mapping[str, str], limit: float) -> tuple[str, str]:
    """Ask uv: its answer, and its complaint, of which one is empty."""
    try:
        done = subprocess.run(
            [uv, *arguments], env=dict(variables), cwd="/", capture_output=True, text=True, timeout=limit, check=False
        )
    except (OSError, subprocess.SubprocessError) as problem:
        return "", str(problem)
    return ("", done.stderr.strip() or "no reason given") if done.returncode else (done.stdout.strip(), "")


def read_report(path: Path) -> str:
    """The sentence that says what went wrong, empty when nothing did.  The run's user may have put anything there."""
    try:
        with open_plain(path) as file:
            return fit_sentence(file.read(_MOST).decode(errors="replace"))
    except OSError:
        return ""


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _read_small(path: Path) -> str:
    try:
        with open_plain(path) as file:
            return file.read(_MOST).decode(errors="replace")
    except OSError:
        return ""
