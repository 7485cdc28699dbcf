"""The service as a command: what it refuses to start with."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from scheduler_service.__main__ import main


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('folder = "{folder}"\nmax_runing = 8', "max_runing: Extra inputs are not permitted"),
        ('folder = "{folder}', "isn't TOML"),
    ],
)
def test_wrong_settings_end_it_with_one_sentence_and_code_2_before_anything_is_touched(
    tmp_path: Path, text: str, sentence: str
) -> None:
    folder, file = tmp_path / "data", tmp_path / "service.toml"
    file.write_text(text.format(folder=folder))
    ended = CliRunner().invoke(main, ["run", "--config", str(file)])
    assert ended.exit_code == 2
    assert sentence in ended.output
    assert ended.output.startswith("Error: ")
    assert ended.output.count("\n") == 1
    assert not folder.exists()


def test_a_damaged_secret_ends_it_with_one_sentence_and_code_2(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    command = [sys.executable, "-m", "scheduler_service", "run", "--folder", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "is damaged" in ended.stderr
