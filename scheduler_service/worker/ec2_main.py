"""The agent of a machine of its own: `python -m scheduler_service.worker.ec2_main CONFIGURATION`, as root.

User code gets a user of its own, for which the metadata address is closed: with it go the machine's role and what that
may do.  Debian packages are installed before, with our rights.  When EC2 takes a spot machine back, it says so two
minutes ahead, and the run is stopped in time to be tried again elsewhere.
"""

import gzip
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.object_keys import BEGUN, ENVIRONMENTS, brief_key, uv_key, worker_prefix
from jupyter_schedule.core.storage.factory import (
    ObjectStorage,
    S3Address,
    StorageUnusable,
    file_digest,
    open_storage,
)
from scheduler_service.worker.agent import MachineSetup, run_attempt
from scheduler_service.worker.bootstrap import PAUSE, TRIES, read_metadata
from scheduler_service.worker.credentials import CredentialsServer
from scheduler_service.worker.machine_image import check_image
from scheduler_service.worker.task import TaskRefused, WorkerTask
from scheduler_service.worker.workspace import Folders

#: who user code runs as, and whose id no image uses
USER, USER_ID = "analyst", 58000
HOME = Path("/home") / USER
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WORK = "/var/lib/jupyter-schedule"
METADATA_ADDRESS, METADATA_ADDRESS_6 = "169.254.169.254", "fd00:ec2::254"
#: of the agent's own packets
MARK = 0x6A73
#: of Linux, which Python has no name for
_SO_MARK = 36
#: the place among the rules of routing behind ours
_PASSED = 3
#: uv, and the Pythons that it fetches
TOOLS = "/opt/jupyter-schedule-tools"
#: seconds between two looks for a spot notice
LOOK_EVERY = 5.0
#: seconds that installing Debian packages may take at most
APT_LIMIT = 900
#: seconds between two tries while another installs packages
LOCK_PAUSE = 1.0
_LOCKED = re.compile(r"Could not get lock|Unable to (?:lock|acquire)|is another process using it", re.IGNORECASE)
#: asked by maintainer scripts whether they may start a service
POLICY = Path("/usr/sbin/policy-rc.d")
ETC = Path("/etc")


class Ec2MachineSetup(MachineSetup):
    """A machine that is ours alone: packages, a user without our rights, and no way from it to the role."""

    installs_packages = True

    def __init__(self, configuration: dict[str, Any], data_role: Callable[[], CredentialsServer] | None = None) -> None:
        """configuration: as the machine was told.  data_role: makes the one that the run has."""
        self._configuration = configuration
        self._make_data_role = data_role
        self._data_role: CredentialsServer | None = None

    def ready(self, folders: Folders) -> None:
        check_image()
        _make_user()
        # before packages are installed: one of them may bring a server that asks on behalf of anybody
        _close_metadata()
        with _services_off():
            _install_packages(folders.code / "apt.txt")
        if self._make_data_role:
            self._data_role = self._make_data_role()
        # the user may go through it, not look into it
        folders.root.chmod(0o711)
        for folder in (folders.code, folders.report, folders.previous, folders.kernel, folders.environments):
            _give(folder)

    def environment(self) -> dict[str, str]:
        data = self._data_role.environment() if self._data_role else {}
        return {"HOME": str(HOME), "USER": USER, "LOGNAME": USER, **data}

    def find_uv(self) -> str | None:
        return str(_fetch_uv(self._configuration))

    def kept_under(self, task: WorkerTask) -> str:
        # what others use is the service's to write: it takes this over when the run has ended
        return worker_prefix(task.worker, task.token) + ENVIRONMENTS

    def uv_variables(self) -> dict[str, str]:
        # what root leaves in the user's home the user couldn't write to
        return {"HOME": "/root", "UV_CACHE_DIR": f"{TOOLS}/cache", "UV_PYTHON_INSTALL_DIR": f"{TOOLS}/python"}


def main() -> int:
    """Execute the attempt that the configuration names."""
    configuration = json.loads(sys.argv[1])
    mark_sockets()
    instance = ask_until_answered(lambda: read_metadata("meta-data/instance-id"))
    me = {"instance": instance, "identity": f"{configuration['role_id']}:{instance}"}
    # a run's environment is an allow-list, and ours says where our own modules are
    os.environ.clear()
    os.environ.update({"PATH": PATH, "LANG": "C.UTF-8", **configuration.get("uv_variables", {})})
    document = json.loads(open_storage(configuration["objects"]).get(brief_key(configuration["token"])))
    try:
        task = replace(WorkerTask.of(document), worker=me["identity"], work_folder=WORK, user=USER_ID)
    except TaskRefused as refusal:
        print(f"action=task_refused message={json.dumps(str(refusal))}", flush=True)
        return 2
    if refused := find_wrong_role(open_storage(configuration["objects"]), task):
        # it can say so nowhere else
        print(f"jupyter-schedule: refused: {refused}", flush=True)
        return 2
    threading.Thread(target=_stop_at_a_spot_notice, daemon=True, name="spot").start()
    data_role = task.data_role
    machine = Ec2MachineSetup(
        configuration, partial(_assumed, data_role, configuration, instance) if data_role else None
    )
    run_attempt(task, machine=machine, handle=me)
    return 0


def find_wrong_role(objects: ObjectStorage, task: WorkerTask) -> str | None:
    """The sentence about a role that may not write where the task says, so that nobody would hear of the run.

    None when it may.  Raises StorageAway.
    """
    try:
        objects.put(worker_prefix(task.worker, task.token) + BEGUN, b"")
    except StorageUnusable as problem:
        return (
            f"The machine may not write as {task.worker}: set role_id to the id of instance_profile's role. {problem}"
        )
    return None


def ask_until_answered(ask: Callable[[], str]) -> str:
    """Ask the metadata service, for two minutes at most.  Raises what its last answer was."""
    for _ in range(TRIES - 1):
        try:
            return ask()
        except (OSError, http.client.HTTPException, ValueError) as problem:
            print(f"action=metadata_asked_again message={json.dumps(str(problem))}", flush=True)
            time.sleep(PAUSE)
    return ask()


def _assumed(arn: str, configuration: dict[str, str], instance: str) -> CredentialsServer:
    """The role, for sessions that are named by the machine.  Raises Refused."""
    from boto3.session import Session  # noqa: PLC0415  (only who has a data role needs it)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  (as above)

    endpoint = S3Address.parse(configuration["objects"]).endpoint
    sts = Session().client("sts", region_name=configuration["region"], endpoint_url=endpoint)

    def assume() -> dict[str, Any]:
        try:
            made: dict[str, Any] = sts.assume_role(RoleArn=arn, RoleSessionName=instance)["Credentials"]
        except ClientError as problem:
            raise OSError(problem.response["Error"]["Code"]) from None
        except BotoCoreError as problem:
            raise OSError(type(problem).__name__) from None
        return made

    return CredentialsServer(arn, assume, clock.now)


def _fetch_uv(configuration: dict[str, Any]) -> Path:
    """The service's own uv, fetched when a run needs one: most of the agent's size.  Raises Refused and OSError."""
    program, packed = Path(TOOLS) / "uv", Path(TOOLS) / "uv.gz"
    program.parent.mkdir(parents=True, exist_ok=True)
    open_storage(configuration["objects"]).fetch(uv_key(configuration["uv_sha256"]), packed)
    with gzip.open(packed) as source, program.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    packed.unlink()
    if file_digest(program) != configuration["uv_sha256"]:
        raise Refused("environment", "The service's uv isn't the one that was recorded: have the service started anew.")
    program.chmod(0o755)
    return program


def _install_packages(listed: Path) -> None:
    """Refused("environment") when a Debian package that the bundle lists can't be had."""
    if not listed.is_file() or listed.is_symlink():
        return
    names = [line.split()[0] for line in listed.read_text().splitlines() if line.strip() and line[0] != "#"]
    if bad := [name for name in names if not name[0].isalnum()]:
        raise Refused("environment", f"apt.txt: {bad[0][:60]} isn't the name of a Debian package.")
    if not names:
        return
    deadline = time.monotonic() + APT_LIMIT
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *names]):
        _ask_apt(step, deadline)


def _ask_apt(step: list[str], deadline: float) -> None:
    """One call of apt, which waits for whoever else installs packages, as Ubuntu itself does after its first boot.

    Raises Refused("environment").
    """
    # without needrestart, which would start servers again that use what was replaced
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "NEEDRESTART_SUSPEND": "1"}
    variables = os.environ | quiet
    while (left := deadline - time.monotonic()) > 0:
        # apt waits for dpkg's lock by itself, and for that of its lists not at all
        command = ["apt-get", "-o", f"DPkg::Lock::Timeout={int(left)}", *step]
        try:
            done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            break
        if done.returncode == 0:
            return
        if not _LOCKED.search(done.stderr):
            errors = [line for line in done.stderr.strip().splitlines() if line.startswith("E: ")]
            words = ([*errors, *done.stderr.strip().splitlines()] or ["no reason given"])[0][:200]
            raise Refused("environment", f"The Debian packages of apt.txt couldn't be installed: {words}")
        time.sleep(LOCK_PAUSE)
    minutes = APT_LIMIT // 60
    raise Refused("environment", f"The Debian packages of apt.txt weren't installed after {minutes} min; run it again.")


@contextmanager
def _services_off() -> Iterator[None]:
    """Let no package start a service when it is installed: Debian's own word for that, as invoke-rc.d(8) has it."""
    before = POLICY.read_bytes() if POLICY.exists() else None
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            POLICY.unlink()
        else:
            POLICY.write_bytes(before)


def _make_user() -> None:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        command = ["useradd", "--create-home", "--home-dir", str(HOME), "--uid", str(USER_ID), "--user-group", USER]
        subprocess.run(command, check=True)
    # what would start something of the user's by itself: a manager that lingers, and cron and at
    for unit in (f"user@{USER_ID}.service", f"user-runtime-dir@{USER_ID}.service"):
        subprocess.run(["systemctl", "mask", "--runtime", "--quiet", unit], check=False)
    for name in ("cron.allow", "at.allow"):
        (ETC / name).write_text("root\n")


def _close_metadata() -> None:
    """Let no packet go there but the agent's own, and see that none does.  Raises Refused when one would.

    A server that runs as root, or as anybody but the run's user, would ask in its name: so what may is listed, by the
    mark that `mark_sockets` gives to the agent's, and that takes a right which user code hasn't.
    """
    to = ["to", f"{METADATA_ADDRESS}/32"]
    # the later rules decide where the agent's packets go, as they did before
    _add_rule("pref", str(_PASSED), "nop")
    _add_rule("pref", str(_PASSED - 2), "fwmark", hex(MARK), *to, "goto", str(_PASSED))
    _add_rule("pref", str(_PASSED - 1), *to, "prohibit")
    of_ipv6 = ["ip", "-6", "rule", "add", "pref", "1", "to", f"{METADATA_ADDRESS_6}/128", "prohibit"]
    subprocess.run(of_ipv6, check=False, capture_output=True)
    look = "import socket, sys; sys.exit(socket.socket().connect_ex((sys.argv[1], 80)) == 0)"
    command = [sys.executable, "-I", "-c", look, METADATA_ADDRESS]
    for who in (USER_ID, 0):
        if subprocess.run(command, user=who, group=who, extra_groups=[], check=False).returncode:
            raise Refused("environment", "This machine's image can't keep user code from the machine's role.")


def _add_rule(*rule: str) -> None:
    subprocess.run(["ip", "rule", "add", *rule], check=True)


def mark_sockets() -> None:
    """Mark every socket that this process makes from now on, for `_close_metadata` to tell it by."""

    class MarkedSocket(socket.socket):
        """A socket whose packets are the agent's own."""

        def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:  # noqa: A002
            super().__init__(family, type, proto, fileno)
            if fileno is None and self.family in {socket.AF_INET, socket.AF_INET6}:
                self.setsockopt(socket.SOL_SOCKET, _SO_MARK, MARK)

    socket.socket = MarkedSocket  # type: ignore[misc]


def _give(folder: Path) -> None:
    """Make everything in it the user's.  Links are given themselves, never what they point to."""
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(place) / name, USER_ID, USER_ID, follow_symlinks=False)
    os.chown(folder, USER_ID, USER_ID)


def _stop_at_a_spot_notice() -> None:
    """Ask until there is a notice, whatever goes wrong with one question: a slow answer is none, and no end."""
    while True:
        try:
            notice = read_metadata("meta-data/spot/instance-action")
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(LOOK_EVERY)
            continue
        print(f"action=spot_notice notice={notice}", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
        return


if __name__ == "__main__":
    sys.exit(main())
