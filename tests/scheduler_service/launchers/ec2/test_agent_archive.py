"""The agent's archive is whole, small and always the same."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from scheduler_service.launchers.ec2.work_storage import build_agent_archive


def test_the_agent_runs_from_it_with_nothing_else_installed(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(build_agent_archive())) as archive:
        archive.extractall(tmp_path, filter="data")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import boto3, scheduler_service.worker.agent as agent; "
        "boto3.Session(region_name='eu-west-1').client('s3'); print(agent.__file__, boto3.__file__)"
    )
    # neither this environment's packages nor the folder we are in
    done = subprocess.run([sys._base_executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(path.startswith(str(tmp_path)) for path in done.stdout.split())


def test_the_same_sources_give_the_same_bytes() -> None:
    first = build_agent_archive()
    build_agent_archive.cache_clear()
    assert build_agent_archive() == first


def test_it_is_small_enough_to_be_fetched_in_a_moment() -> None:
    assert len(build_agent_archive()) < 4 << 20
