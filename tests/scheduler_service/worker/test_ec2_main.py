"""A machine of its own, as far as that can be tried on a part of this one: apt, the metadata service, its user."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import open_storage
from scheduler_service.worker import bootstrap, ec2_main, processes
from scheduler_service.worker.task import WorkerTask
from tests.deploy.template import worker_statements
from tests.factories import make_task
from tests.s3_servers import S3Server

APT = """#!/bin/sh
echo "$@" >> {folder}/asked
left=$(cat {folder}/locked)
if [ "$left" -gt 0 ]; then
  echo $((left - 1)) > {folder}/locked
  echo "E: Could not get lock {folder}/lists/lock. It is held by process 77 (unattended-upgr)" >&2
  exit 100
fi
case "$*" in *install*) cp {policy} {folder}/policy; [ -e {folder}/fails ] && {{
  echo "W: something else" >&2; echo "E: Unable to locate package b" >&2; echo "E: more" >&2; exit 100; }}; esac
exit 0
"""


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder: how often apt is `locked`, what it was `asked`, that it `fails`."""
    monkeypatch.setattr(ec2_main, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(ec2_main, "LOCK_PAUSE", 0.0)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "apt-get"
    program.write_text(APT.format(folder=tmp_path, policy=tmp_path / "policy-rc.d"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    (tmp_path / "locked").write_text("0")
    (tmp_path / "apt.txt").write_text("# tools\na\nb  comment\n")
    return tmp_path


def test_packages_wait_for_whoever_else_installs_some(apt: Path) -> None:
    (apt / "locked").write_text("3")
    ec2_main._install_packages(apt / "apt.txt")
    asked = (apt / "asked").read_text().splitlines()
    assert len(asked) == 5
    assert all("DPkg::Lock::Timeout=" in line for line in asked)
    assert asked[-1].endswith("install -y -qq --no-install-recommends a b")


def test_a_lock_that_is_never_given_up_ends_the_run_with_a_sentence(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ec2_main, "APT_LIMIT", 0.05)
    (apt / "locked").write_text("1000000")
    with pytest.raises(Refused, match="weren't installed after"):
        ec2_main._install_packages(apt / "apt.txt")


def test_the_first_error_of_apt_is_the_reason(apt: Path) -> None:
    (apt / "fails").touch()
    with (
        pytest.raises(Refused, match=r"couldn.t be installed: E: Unable to locate package b$"),
        ec2_main._services_off(),
    ):
        ec2_main._install_packages(apt / "apt.txt")


@pytest.mark.parametrize("before", [None, b"#!/bin/sh\nexit 0\n"])
def test_no_package_starts_a_service_when_it_is_installed(apt: Path, before: bytes | None) -> None:
    policy = apt / "policy-rc.d"
    if before is not None:
        policy.write_bytes(before)
    with ec2_main._services_off():
        ec2_main._install_packages(apt / "apt.txt")
    assert (apt / "policy").read_text() == "#!/bin/sh\nexit 101\n"
    assert (policy.read_bytes() if policy.exists() else None) == before


Answer = Callable[[BaseHTTPRequestHandler], None]


def _silent(asked: BaseHTTPRequestHandler) -> None:
    time.sleep(0.4)
    asked.close_connection = True


def _broken(asked: BaseHTTPRequestHandler) -> None:
    asked.connection.shutdown(socket.SHUT_RDWR)


def _half(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    asked.connection.shutdown(socket.SHUT_RDWR)


def _nonsense(asked: BaseHTTPRequestHandler) -> None:
    asked.wfile.write(b"nonsense\r\n\r\n")
    asked.connection.shutdown(socket.SHUT_RDWR)


def _error(asked: BaseHTTPRequestHandler) -> None:
    asked.send_error(500)


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a metadata service that answers so first, and well after that."""
    servers = []

    def start(*first: Answer) -> None:
        answers = iter(first)

        class Metadata(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._well(b"token")

            def do_GET(self) -> None:
                if (answer := next(answers, None)) is not None:
                    answer(self)
                else:
                    self._well(b'{"action": "terminate"}')

            def _well(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(bootstrap, "METADATA", f"http://127.0.0.1:{server.server_address[1]}/latest/")

    real = urllib.request.urlopen
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: real(request, timeout=0.2))
    monkeypatch.setattr(ec2_main, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(ec2_main, "PAUSE", 0.0)
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("bad", [_silent, _broken, _half, _nonsense, _error])
def test_a_bad_answer_of_the_metadata_service_is_followed_by_another_question(
    metadata: Any, monkeypatch: pytest.MonkeyPatch, bad: Answer
) -> None:
    metadata(bad, bad)
    told: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: told.append(number))
    ec2_main._stop_at_a_spot_notice()
    assert told == [signal.SIGTERM]
    metadata(bad)
    assert ec2_main.ask_until_answered(lambda: bootstrap.read_metadata("meta-data/instance-id")).startswith("{")


def test_a_metadata_service_that_never_answers_well_is_given_up(metadata: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ec2_main, "TRIES", 3)
    metadata(*[_error] * 9)
    with pytest.raises(OSError, match="500"):
        ec2_main.ask_until_answered(lambda: bootstrap.read_metadata("meta-data/instance-id"))


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="needs root on Linux")
def test_every_socket_of_the_agent_carries_its_mark_and_no_others_does() -> None:
    """What asks the metadata service in the run's name isn't the agent, whoever it runs as."""
    said = subprocess.run(
        [sys.executable, "-c", "import socket, urllib.request, http.server, threading\n"
         "from scheduler_service.worker import ec2_main\n"
         "plain = socket.socket(); ec2_main.mark_sockets()\n"
         "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
         "mark = lambda each: each.getsockopt(socket.SOL_SOCKET, 36)\n"
         "made = socket.create_connection(server.server_address)\n"
         "print(mark(plain), mark(made), mark(socket.socket()), socket.socketpair()[0].family.name)"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.split() == ["0", str(ec2_main.MARK), str(ec2_main.MARK), "AF_UNIX"]


@pytest.mark.promise("P27")
@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="needs root on Linux")
def test_all_that_runs_with_the_runs_id_is_ended_wherever_it_hangs() -> None:
    """As what lingers does: it isn't below the agent, and carries none of its marks."""
    user = 58000 + os.getpid() % 1000
    sleeping = "for each in 1 2 3 4; do setsid sleep 600 & done; setsid sh -c 'trap \"\" TERM; sleep 600 & wait' & wait"
    with subprocess.Popen(["sh", "-c", sleeping], user=user, group=user, extra_groups=[], env={}) as process:
        while len(processes.list_of_user(user)) < 7:
            time.sleep(0.01)
        ended, left = processes.end_user(user, 10)
        assert process.wait() == -signal.SIGKILL
    assert left == []
    assert len(ended) >= 7
    assert processes.list_of_user(user) == []


def test_a_machine_without_a_way_to_its_storage_says_so_within_two_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]

    def wait(seconds: float) -> None:
        clock[0] += seconds

    def fetch(_: object) -> bytes:
        wait(bootstrap.SILENCE)
        raise TimeoutError("timed out")

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(bootstrap, "fetch_agent", fetch)
    with pytest.raises(TimeoutError):
        bootstrap.keep_fetching({})
    assert clock[0] - 1000 <= 120


@pytest.mark.s3
def test_a_role_that_may_not_write_where_its_run_is_looked_for_is_told_before_anything_runs(
    seaweedfs: S3Server,
) -> None:
    """With a wrong role_id user code ran, and nothing was ever heard of it."""
    work = seaweedfs.objects("work")
    part = f"{work.address.bucket}/{work.address.prefix}".rstrip("/")
    keys = seaweedfs.session("i-1", worker_statements(part, "AROARIGHT:i-1"))
    with own_keys(keys):
        role = open_storage(str(work.address))
        told = {who: ec2_main.find_wrong_role(role, _task(who)) for who in ("AROARIGHT:i-1", "AROAWRONG:i-1")}
    assert told["AROARIGHT:i-1"] is None
    assert str(told["AROAWRONG:i-1"]).startswith(
        "The machine may not write as AROAWRONG:i-1: set role_id to the id of instance_profile's role."
    )


def _task(worker: str) -> WorkerTask:
    return make_task(worker=worker, token="t")


@contextmanager
def own_keys(keys: dict[str, str]) -> Iterator[None]:
    """This process is that session."""
    told = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["Token"],
    }
    with mock.patch.dict(os.environ, told):
        s3_clients.forget()
        yield
    s3_clients.forget()
