"""The lean runner environment is made once, whoever asks, and never in the way of a run."""

import logging
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.bundles.wrapper import uv_settings
from jupyter_schedule.core.bundles.wrapper.render import RUNNER_REQUIREMENTS
from scheduler_service.launchers import runner_env


class FakeUv:
    """Stands for uv: makes an interpreter's file, remembers the calls, fails where it's told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None]] = []
        self.fails = False

    def __call__(self, command: list[str], **options: Any) -> None:
        self.calls.append((command[1], options["input"]))
        if self.fails:
            raise subprocess.CalledProcessError(2, command, stderr="No space left on device\n")
        if command[1] == "venv":
            interpreter = Path(command[-1]) / "bin" / "python"
            interpreter.parent.mkdir(parents=True, exist_ok=True)
            interpreter.touch()


@pytest.fixture
def fake_uv(monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    fake = FakeUv()
    monkeypatch.setattr(subprocess, "run", fake)
    monkeypatch.setattr(uv_settings, "collect", lambda environ: {})
    return fake


def test_it_is_made_once_from_the_pinned_requirements(tmp_path: Path, fake_uv: FakeUv) -> None:
    first = runner_env.ensure_runner(tmp_path)
    assert first == runner_env.ensure_runner(tmp_path)
    assert first.is_relative_to(tmp_path)
    assert fake_uv.calls == [("venv", None), ("pip", RUNNER_REQUIREMENTS)]


def test_several_at_once_make_it_once(tmp_path: Path, fake_uv: FakeUv) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: runner_env.ensure_runner(tmp_path), range(8)))
    assert len(found) == 1
    assert len(fake_uv.calls) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda environment: (environment / runner_env.STAMP).unlink(),
        lambda environment: (environment / "bin" / "python").unlink(),
    ],
    ids=["stopped half-way", "its base Python was removed"],
)
def test_one_that_is_not_whole_is_made_again(tmp_path: Path, fake_uv: FakeUv, damage: Callable[[Path], None]) -> None:
    made = runner_env.ensure_runner(tmp_path)
    damage(made.parents[1])
    assert runner_env.ensure_runner(tmp_path) == made
    assert len(fake_uv.calls) == 4


def test_other_requirements_or_another_python_have_an_environment_of_their_own(
    tmp_path: Path, fake_uv: FakeUv, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = runner_env.ensure_runner(tmp_path)
    other = runner_env.ensure_runner(tmp_path, python="/bin/sh")
    monkeypatch.setattr(runner_env, "RUNNER_REQUIREMENTS", "papermill==0\n")
    assert len({first, other, runner_env.ensure_runner(tmp_path)}) == 3


def test_without_one_the_run_takes_our_own_python_and_the_log_says_why(
    tmp_path: Path, fake_uv: FakeUv, caplog: pytest.LogCaptureFixture
) -> None:
    fake_uv.fails = True
    with caplog.at_level(logging.WARNING):
        assert runner_env.ensure_runner(tmp_path) == Path(sys.executable)
    assert "action=lean_runner_failed" in caplog.text
    assert "No space left on device" in caplog.text


def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path, fake_uv: FakeUv) -> None:
    (tmp_path / "file").touch()
    assert runner_env.ensure_runner(tmp_path / "file" / "folder") == Path(sys.executable)
