"""`./dev demo --lab`, without a person."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import CHROMIUM
from tests.ui.lab import EXAMPLES
from tests.ui.walk import panel

pytestmark = [
    pytest.mark.browser,
    pytest.mark.proof("browsers"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]


def test_the_demo_leaves_jupyterlab_at_the_sample_with_a_finished_run_and_ends_with_ctrl_c(
    page: Page, tmp_path: Path
) -> None:
    demo = subprocess.Popen(
        [sys.executable, EXAMPLES / "demo.py", "--lab"],
        env=os.environ | {"TMPDIR": str(tmp_path), "BROWSER": "true"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        address = next(line.strip() for line in demo.stdout if "schedule-view" in line)
        page.goto(address)
        expect(panel(page).get_by_role("heading", name=re.compile("^Succeeded"))).to_be_visible()
        expect(page.get_by_role("tab", name="flights.ipynb")).to_be_visible()
        expect(page.get_by_text("| Idle")).to_be_visible()
        assert [path.name for path in tmp_path.glob("jupyter-schedule-demo-*")]
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert demo.returncode == 0
    assert list(tmp_path.glob("jupyter-schedule-demo-*")) == []
