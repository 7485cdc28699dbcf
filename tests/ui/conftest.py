"""A real browser on a real JupyterLab with its own folders."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.engine import eventually

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run")  # fmt: skip
expect.set_options(timeout=60_000)
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def jp_asyncio_loop() -> None:
    """Playwright brings a loop of its own; the server is another process."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nothing of the server is in this process."""


class Lab:
    """A JupyterLab at work on a copy of the samples."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        shutil.copytree(EXAMPLES, self.root / "examples")
        settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        self._variables = os.environ | {
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        }
        self._log = folder / "lab.log"

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip", "127.0.0.1"]
        command += ["--port", str(self.port), f"--ServerApp.root_dir={self.root}"]
        command += [f"--IdentityProvider.token={self.token}"]
        with self._log.open("wb") as output:
            process = subprocess.Popen(command, env=self._variables, stdout=output, stderr=output)
        eventually(self._answers, what="JupyterLab's start")
        return process

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/lab/tree/{path}?token={self.token}"

    def _answers(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    process = made.start()
    yield made
    process.terminate()
    process.wait(60)


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        opened = browser.new_page(viewport={"width": 1400, "height": 900})
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()
