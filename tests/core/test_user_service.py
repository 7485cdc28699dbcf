"""A service that goes on without Jupyter: what is written for those who keep it going, and what people are told."""

import plistlib
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jupyter_schedule.cli.app import cli
from jupyter_schedule.core import user_service
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.user_service import ServiceManager, find_manager, launchd_agent, systemd_unit
from tests.ticking import seeming_service

AWKWARD = '/home/ann b/50% "of" $HOME/\\python\nü'


class Programs:
    """Stands in for systemctl and the like: notes what it is asked, fails where told."""

    def __init__(self, *failing: str) -> None:
        self.asked: list[str] = []
        self.failing = failing

    def __call__(self, arguments: tuple[str, ...], **options: Any) -> "subprocess.CompletedProcess[str]":
        line = " ".join(arguments)
        self.asked.append(line)
        fails = any(part in line for part in self.failing)
        return subprocess.CompletedProcess(arguments, int(fails), "", "first\nIt said no.\n" if fails else "")


def use(monkeypatch: pytest.MonkeyPatch, manager: ServiceManager | None, *failing: str) -> Programs:
    programs = Programs(*failing)
    monkeypatch.setattr(subprocess, "run", programs)
    monkeypatch.setattr(user_service, "find_manager", lambda: manager)
    return programs


@pytest.fixture
def systemd(tmp_path: Path) -> ServiceManager:
    return ServiceManager("systemd", tmp_path / "config" / "systemd" / "user" / "jupyter-schedule.service")


def test_a_unit_quotes_whatever_is_in_a_path() -> None:
    unit = systemd_unit([AWKWARD, "run"], {"PATH": AWKWARD})
    assert 'ExecStart="/home/ann b/50%% \\"of\\" $$HOME/\\\\python\\nü" "run"' in unit.splitlines()
    assert 'Environment="PATH=/home/ann b/50%% \\"of\\" $HOME/\\\\python\\nü"' in unit.splitlines()


def test_running_analyses_survive_the_end_of_the_service() -> None:
    assert "KillMode=process" in systemd_unit(["x"], {}).splitlines()


def test_each_run_of_the_unit_may_have_a_control_group() -> None:
    """Delegated, with the service in a leaf of its own: only then may controllers be handed on beside it."""
    assert {"Delegate=yes", "DelegateSubgroup=service"} <= set(systemd_unit(["x"], {}).splitlines())
    assert plistlib.loads(launchd_agent(["x"], {}, Path("/log")))["AbandonProcessGroup"] is True


def test_an_agent_is_a_property_list_that_holds_whatever_is_in_a_path() -> None:
    awkward = AWKWARD.replace("\n", "<&>")
    agent = plistlib.loads(launchd_agent([awkward, "run"], {"PATH": awkward}, Path("/a&b.log")))
    assert agent["ProgramArguments"] == [awkward, "run"]
    assert agent["EnvironmentVariables"] == {"PATH": awkward}
    assert agent["StandardErrorPath"] == "/a&b.log"
    assert agent["RunAtLoad"] is True


def test_what_keeps_services_going_is_found_by_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_mac = find_manager(tmp_path, "darwin")
    assert on_mac == ServiceManager("launchd", tmp_path / "Library/LaunchAgents/org.jupyter.schedule.plist")
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert find_manager(tmp_path, "linux") is None
    (tmp_path / "systemd").mkdir()
    expected = tmp_path / "config/systemd/user/jupyter-schedule.service"
    assert find_manager(tmp_path, "linux") == ServiceManager("systemd", expected)


def test_installing_writes_the_unit_and_starts_it(systemd: ServiceManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", "/data")
    programs = use(monkeypatch, systemd)
    said = user_service.install()
    assert said == "The scheduler service runs whenever this machine does, with or without JupyterLab."
    unit = systemd.file.read_text()
    assert '"scheduler_service" "run"' in unit
    assert 'Environment="JUPYTER_DATA_DIR=/data"' in unit
    assert "systemctl --user enable --now jupyter-schedule.service" in programs.asked
    assert user_service.installed()


def test_without_the_right_to_linger_that_is_said(systemd: ServiceManager, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, systemd, "enable-linger")
    assert "loginctl enable-linger" in user_service.install()


def test_a_program_that_fails_is_quoted(systemd: ServiceManager, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, systemd, "daemon-reload")
    with pytest.raises(Refused) as refused:
        user_service.install()
    assert refused.value.message == "`systemctl --user daemon-reload` failed: It said no."
    assert not user_service.installed(), "or the panel would say that runs go on without JupyterLab"


def test_an_agent_is_installed_anew_over_an_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = ServiceManager("launchd", tmp_path / "org.jupyter.schedule.plist")
    programs = use(monkeypatch, manager, "bootout")
    user_service.install()
    assert [line.split()[1] for line in programs.asked] == ["bootout", "bootstrap"]
    assert user_service.status().startswith("Installed and running")
    user_service.uninstall()
    assert not manager.file.exists()


def test_the_status_says_what_to_do(systemd: ServiceManager, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, systemd, "is-active")
    assert user_service.status().startswith("Not installed")
    assert user_service.uninstall().startswith("Not installed")
    user_service.install()
    assert user_service.status().startswith("Installed, but not running")
    assert user_service.uninstall() == "The scheduler service ended. Runs start only while JupyterLab is open."
    assert not systemd.file.exists()


def test_where_nothing_keeps_services_going_the_terminal_says_what_does(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, None)
    result = CliRunner().invoke(cli, ["service", "install"])
    assert result.exit_code == 2
    line = result.stderr.split("@reboot ")[1].strip()
    assert shlex.split(line)[1:] == ["-P", "-m", "scheduler_service", "run"]
    assert not user_service.installable()


def test_the_terminal_answers_in_a_sentence_or_in_json(
    systemd: ServiceManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, systemd)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(cli, ["service", "install"]).stdout.startswith("The scheduler service runs")
    assert '"installed": true' in CliRunner().invoke(cli, ["service", "status", "--json"]).stdout
    assert CliRunner().invoke(cli, ["service", "uninstall"]).exit_code == 0


def test_what_keeps_the_service_from_starting_anything_is_said_with_its_status(
    systemd: ServiceManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, systemd)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    with seeming_service(default_data_paths()) as service:
        service.tick(Blocker.CLOCK)
        CliRunner().invoke(cli, ["service", "install"])
        said = CliRunner().invoke(cli, ["service", "status"]).stdout
    assert said.startswith("Installed and running")
    assert said.rstrip().endswith(Blocker.CLOCK.sentence)
