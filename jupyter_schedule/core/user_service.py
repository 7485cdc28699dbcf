"""A scheduler service that goes on without Jupyter: a unit of `systemd --user`, or a launchd agent of this user."""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.errors import Refused

NAME = "jupyter-schedule"
LABEL = "org.jupyter.schedule"
#: what says where Jupyter keeps its data and its kernels, and where programs are
KEPT = ("PATH", "JUPYTER_DATA_DIR", "JUPYTER_PATH", "JUPYTER_PLATFORM_DIRS", "JUPYTER_PREFER_ENV_PATH", "XDG_DATA_HOME")
BY_HAND = (
    "This machine has neither systemd for users nor launchd. Keep `python -m scheduler_service run` going some other "
    "way: in tmux, or by a line in `crontab -e` such as:  @reboot {command}"
)


@dataclass(frozen=True)
class ServiceManager:
    """The program that keeps services going on this machine."""

    #: `systemd` or `launchd`
    kind: str
    #: where the service is described
    file: Path


def command() -> list[str]:
    """The service's program and arguments; `-P` keeps the folder it starts in from lending it modules."""
    return [sys.executable, "-P", "-m", "scheduler_service", "run"]


def find_manager(home: Path | None = None, platform: str = sys.platform) -> ServiceManager | None:
    """The one that works here for this user, None when there is none."""
    home = home or Path.home()
    if platform == "darwin":
        return ServiceManager("launchd", home / "Library" / "LaunchAgents" / f"{LABEL}.plist")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if shutil.which("systemctl") and runtime and (Path(runtime) / "systemd").is_dir():
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return ServiceManager("systemd", config / "systemd" / "user" / f"{NAME}.service")
    return None


def installable() -> bool:
    """True if `install` can install the service here."""
    return find_manager() is not None


def installed() -> bool:
    """True if `install` has installed the service."""
    manager = find_manager()
    return manager is not None and manager.file.exists()


def install() -> str:
    """Keep a service going from now on, also after a restart; a sentence about it.

    Raises Refused when nothing here keeps it going; then it doesn't count as installed either.
    """
    manager = _manager()
    known = manager.file.exists()
    try:
        return _install(manager)
    except Refused:
        if not known:
            manager.file.unlink(missing_ok=True)
        raise


def _install(manager: ServiceManager) -> str:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    manager.file.parent.mkdir(parents=True, exist_ok=True)
    if manager.kind == "launchd":
        log = default_data_paths().folder / "service.log"
        manager.file.write_bytes(launchd_agent(command(), environment, log))
        _ask("launchctl", "bootout", _domain(manager), may_fail=True)
        _ask("launchctl", "bootstrap", f"gui/{os.getuid()}", str(manager.file))
        return "The scheduler service runs whenever you are logged in, with or without JupyterLab."
    manager.file.write_text(systemd_unit(command(), environment), encoding="utf-8")
    _ask("systemctl", "--user", "daemon-reload")
    _ask("systemctl", "--user", "enable", "--now", manager.file.name)
    _ask("systemctl", "--user", "restart", manager.file.name)
    if _ask("loginctl", "enable-linger", may_fail=True):
        return "The scheduler service runs whenever this machine does, with or without JupyterLab."
    return (
        "The scheduler service runs whenever you are logged in, with or without JupyterLab. "
        "For it to run when you aren't, somebody with the right must call `loginctl enable-linger`."
    )


def status() -> str:
    """A sentence about the service.  Raises Refused where there can be none."""
    manager = _manager()
    if not manager.file.exists():
        return "Not installed: runs start only while JupyterLab is open. `jupyter schedule service install` helps."
    asked = (
        ("launchctl", "print", _domain(manager))
        if manager.kind == "launchd"
        else ("systemctl", "--user", "--quiet", "is-active", manager.file.name)
    )
    if _ask(*asked, may_fail=True):
        return "Installed and running: runs start with or without JupyterLab."
    return "Installed, but not running. `jupyter schedule service install` starts it again."


def uninstall() -> str:
    """No longer keep it going; a sentence about it.  Analyses that are running go on."""
    manager = _manager()
    if not manager.file.exists():
        return "Not installed, so there is nothing to remove."
    if manager.kind == "launchd":
        _ask("launchctl", "bootout", _domain(manager), may_fail=True)
    else:
        _ask("systemctl", "--user", "disable", "--now", manager.file.name, may_fail=True)
    manager.file.unlink()
    if manager.kind == "systemd":
        _ask("systemctl", "--user", "daemon-reload", may_fail=True)
    return "The scheduler service ended. Runs start only while JupyterLab is open."


def systemd_unit(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The unit file; quoting as in systemd.syntax(7) and systemd.service(5).

    KillMode=process: analyses that are running go on when the service ends.  Delegate: each gets a control group.
    """
    lines = [
        "[Unit]",
        "Description=jupyter-schedule: runs scheduled analyses",
        "",
        "[Service]",
        f"ExecStart={' '.join(_systemd_quoted(word, command_line=True) for word in command)}",
        *(f"Environment={_systemd_quoted(f'{name}={value}')}" for name, value in environment.items()),
        "KillMode=process",
        "Delegate=yes",
        "DelegateSubgroup=service",
        "Restart=on-failure",
        "RestartSec=5",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def launchd_agent(command: Sequence[str], environment: Mapping[str, str], log: Path) -> bytes:
    """The property list; see launchd.plist(5).

    AbandonProcessGroup: analyses that are running go on when the service ends.
    """
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "EnvironmentVariables": dict(environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "AbandonProcessGroup": True,
            "StandardErrorPath": str(log),
        }
    )


def _systemd_quoted(word: str, *, command_line: bool = False) -> str:
    """In double quotes, with what systemd reads in them escaped: quotes, backslashes, `%`, and `$` in a command."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if command_line else escaped}"'


def _manager() -> ServiceManager:
    manager = find_manager()
    if manager is None:
        raise Refused("no_service_manager", BY_HAND.format(command=" ".join(command())))
    return manager


def _domain(manager: ServiceManager) -> str:
    return f"gui/{os.getuid()}/{manager.file.stem}"


def _ask(*arguments: str, may_fail: bool = False) -> bool:
    """Run the program; True if it did its work.  Raises Refused with its last line when it had to and didn't."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        if may_fail:
            return False
        raise Refused("service_manager", f"`{' '.join(arguments)}` failed: {problem}.") from None
    if done.returncode != 0 and not may_fail:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        why = said[-1].rstrip(".") if said else f"exit code {done.returncode}"
        raise Refused("service_manager", f"`{' '.join(arguments)}` failed: {why}.")
    return done.returncode == 0
