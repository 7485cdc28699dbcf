"""The main job without a person: schedule the samples, let the service run them by the clock, show what they published.

./dev demo            in a scratch folder, removed afterwards
./dev demo --keep     … and left to look at
./dev demo --lab      … and JupyterLab opened at the notebook with its finished run beside it, until Ctrl-C
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit

EXAMPLES = Path(__file__).resolve().parent
#: seconds after which the demo gives up: two minutes of the clock and a slow machine
PATIENCE = 300
#: seconds that JupyterLab has to end: one that is just starting a kernel can forget that it was asked to
LAST_SECONDS = 15


def say(text: str = "") -> None:
    print(text, flush=True)


class Demo:
    """A scratch folder with the samples, a ledger of its own, and a service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = os.environ | {"JUPYTER_DATA_DIR": str(folder / "jupyter"), "NO_COLOR": "1"}
        shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("__pycache__", "output"))

    def schedule(self, *arguments: str) -> str:
        """What `jupyter schedule …` prints, called as a person would."""
        command = [sys.executable, "-m", "jupyter_schedule.cli", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"jupyter schedule {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def service(self) -> "subprocess.Popen[bytes]":
        """A service of the embedded kind: it ends when its standard input closes."""
        command = [sys.executable, "-m", "scheduler_service", "run", "--until-stdin-closes"]
        return subprocess.Popen(command, cwd=self.folder, env=self.variables, stdin=subprocess.PIPE)

    def create(self) -> None:
        """Both samples, each due at every minute, so that the clock is soon seen at work."""
        tarball = self.folder / "wordcount.tar.gz"
        subprocess.run(
            [self.folder / "examples/word-count/make_tarball.sh", tarball], check=True, stdout=subprocess.PIPE
        )
        every_minute = ("--cron", "* * * * *")
        notebook = ("examples/flights/flights.ipynb", "--name", "flights", "--previous", "flights*.csv.gz")
        say(self.schedule("create", *notebook, *every_minute))
        command = ("--tarball", str(tarball), "--command", "./run.sh", "--name", "word-count")
        say(self.schedule("create", *command, *every_minute))

    def wait_for_clock(self, names: list[str]) -> dict[str, dict[str, object]]:
        """The first run of each schedule that the clock started, when it has ended."""
        ended: dict[str, dict[str, object]] = {}
        told: dict[str, object] = {}
        give_up = time.monotonic() + PATIENCE
        while set(ended) != set(names):
            if time.monotonic() > give_up:
                sys.exit(f"The demo gave up after {PATIENCE} s; still waiting for {set(names) - set(ended)}.")
            for name in set(names) - set(ended):
                runs = json.loads(self.schedule("runs", name, "--json"))
                if not runs:
                    continue
                run = runs[-1]
                if told.get(name) != run["status"]:
                    told[name] = run["status"]
                    say(f"{time.strftime('%H:%M:%S')}  {name}: {run['status']}, due {run['scheduled_for']}")
                if run["ended_at"]:
                    ended[name] = run
            time.sleep(0.5)
        return ended

    def show_in_lab(self) -> int:
        """JupyterLab at the notebook, scheduled daily and run once, until Ctrl-C or a signal ends it."""
        service = self.service()
        try:
            notebook = ("examples/flights/flights.ipynb", "--name", "flights", "--previous", "flights*.csv.gz")
            say(self.schedule("create", *notebook, "--daily", "--at", "12:00"))
            say(self.schedule("run", "flights", "--wait"))
            (run,) = json.loads(self.schedule("runs", "flights", "--json"))
        finally:
            service.communicate(timeout=60)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        token = secrets.token_hex(16)
        query = urlencode({"schedule-view": f"run/{run['run_id']}", "token": token})
        server = self.lab(port, token)

        def end(*_: object) -> None:
            server.terminate()
            signal.alarm(LAST_SECONDS)

        signal.signal(signal.SIGALRM, lambda *_: server.kill())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        while server.poll() is None and not answers(port):
            time.sleep(0.1)
        address = f"http://127.0.0.1:{port}/lab/tree/examples/flights/flights.ipynb?{query}"
        say(f"JupyterLab is at\n\n  {address}\n\nuntil Ctrl-C ends it and removes {self.folder}.")
        webbrowser.open(address)
        return max(server.wait(), 0)

    def lab(self, port: int, token: str) -> "subprocess.Popen[bytes]":
        """JupyterLab with no memory of others; Ctrl-C doesn't reach it, since it would ask whether that was meant."""
        folders = {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config"}
        folders |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
        own = {name: str(self.folder / "jupyter" / place) for name, place in folders.items()}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
        command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.folder}", "--log-level=WARN"]
        command += [f"--IdentityProvider.token={token}", "--allow-root"]
        return subprocess.Popen(command, cwd=self.folder, env=self.variables | own, start_new_session=True)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def wait_for_the_minute() -> None:
    """Count down to what both samples are due at."""
    while (left := 60 - time.time() % 60) < 60:
        say(f"The service is ticking; both samples are due at the next full minute, in {left:.0f} s.")
        if left <= 11:
            time.sleep(left)
            return
        time.sleep(10)


def show(runs: dict[str, dict[str, object]]) -> bool:
    """Print what was published, checking that each file is at its address; whether all succeeded."""
    fine = True
    for name, run in runs.items():
        publication = run["publication"]
        say(f"\n{name}: {run['message']}")
        fine &= run["status"] == "succeeded" and publication is not None
        if not isinstance(publication, dict):
            continue
        say(f"  stable address  {publication['url']}")
        for file in publication["files"]:
            stored = Path(unquote(urlsplit(file["url"]).path))
            fine &= stored.stat().st_size == file["size"]
            say(f"  {file['size']:>9,} bytes  {file['url']}")
    return fine


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--keep", action="store_true", help="leave the scratch folder")
    options.add_argument("--lab", action="store_true", help="open JupyterLab at a finished run")
    asked = options.parse_args()
    keep = asked.keep
    folder = Path(tempfile.mkdtemp(prefix="jupyter-schedule-demo-"))
    try:
        demo = Demo(folder)
        if asked.lab:
            return demo.show_in_lab()
        say("Scheduling the samples …\n")
        demo.create()
        service = demo.service()
        try:
            wait_for_the_minute()
            runs = demo.wait_for_clock(["flights", "word-count"])
            for name in runs:
                demo.schedule("pause", name)
        finally:
            service.communicate(timeout=60)
        fine = show(runs)
        say(f"\n{'All of it is in' if keep else 'It was in'} {folder}" + ("" if keep else ", which is removed now."))
        return 0 if fine else 1
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
