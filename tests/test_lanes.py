"""What a session of tests says and sees of itself."""

import os
import subprocess
import sys
from types import SimpleNamespace
from uuid import uuid4

from tests import lanes, leftovers, shares


def skipped(reason: str, *keywords: str) -> SimpleNamespace:
    return SimpleNamespace(longrepr=("tests/test_a.py", 1, f"Skipped: {reason}"), keywords=keywords)


def test_what_was_skipped_is_told_by_kind_with_what_would_run_it_or_else_by_its_reason() -> None:
    reports = [
        skipped("needs root on Linux", "bare_machine", "s3"),
        skipped("needs mmdebstrap", "bare_machine"),
        skipped("SeaweedFS has no package here", "s3"),
        skipped("needs systemd-analyze"),
    ]
    assert lanes.skipped_lines(reports) == [
        "skipped: bare_machine 2 tests (apt install mmdebstrap systemd-container iproute2)",
        "skipped: s3 1 test (needs Linux on x86-64)",
        "skipped: 1 test (needs systemd-analyze)",
    ]


def test_a_process_that_was_left_is_found_by_its_environment_until_it_ends() -> None:
    mark = uuid4().hex
    command = [sys.executable, "-c", "print('here', flush=True); input()"]
    with subprocess.Popen(
        command, env=os.environ | {"MARK": mark}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        if sys.platform == "linux":
            [found] = leftovers.processes_with([f"MARK={mark}\0".encode()])
            assert found.startswith(f"{process.pid} {sys.executable} -c")
        process.communicate(b"\n")
    assert list(leftovers.processes_with([mark.encode()])) == []


def test_a_single_module_needs_no_workers() -> None:
    assert shares.workers(["tests"]) > (os.cpu_count() or 1)
    assert shares.workers(["tests/test_lanes.py::test_a_single_module_needs_no_workers"]) == 0
