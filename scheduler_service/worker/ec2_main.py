"""The agent of a machine of its own: `python -m scheduler_service.worker.ec2_main CONFIGURATION`, as root.

User code gets a user of its own, for which the metadata address is closed: with it go the machine's role and what that
may do.  Debian packages are installed before, with our rights.  When EC2 takes a spot machine back, it says so two
minutes ahead, and the run is stopped in time to be tried again elsewhere.
"""

import gzip
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.object_keys import brief_key, uv_key
from jupyter_schedule.core.storage.factory import S3Address, file_digest, open_storage
from scheduler_service.worker.agent import MachineSetup, run_attempt
from scheduler_service.worker.bootstrap import read_metadata
from scheduler_service.worker.credentials import CredentialsServer
from scheduler_service.worker.machine_image import check_image
from scheduler_service.worker.task import TaskRefused, WorkerTask
from scheduler_service.worker.workspace import Folders

#: who user code runs as, and whose id no image uses
USER, USER_ID = "analyst", 58000
HOME = Path("/home") / USER
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WORK = "/var/lib/jupyter-schedule"
METADATA_ADDRESS = "169.254.169.254"
#: uv, and the Pythons that it fetches
TOOLS = "/opt/jupyter-schedule-tools"
#: seconds between two looks for a spot notice
LOOK_EVERY = 5.0
#: seconds that installing Debian packages may take at most
APT_LIMIT = 900


class Ec2MachineSetup(MachineSetup):
    """A machine that is ours alone: packages, a user without our rights, and no way from it to the role."""

    def __init__(self, configuration: dict[str, Any], data_role: Callable[[], CredentialsServer] | None = None) -> None:
        """configuration: as the machine was told.  data_role: makes the one that the run has."""
        self._configuration = configuration
        self._make_data_role = data_role
        self._data_role: CredentialsServer | None = None

    def ready(self, folders: Folders) -> None:
        check_image()
        _install_packages(folders.code / "apt.txt")
        _make_user()
        _close_metadata()
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

    def uv_variables(self) -> dict[str, str]:
        # what root leaves in the user's home the user couldn't write to
        return {"HOME": "/root", "UV_CACHE_DIR": f"{TOOLS}/cache", "UV_PYTHON_INSTALL_DIR": f"{TOOLS}/python"}


def main() -> int:
    """Execute the attempt that the configuration names."""
    configuration = json.loads(sys.argv[1])
    instance = read_metadata("meta-data/instance-id")
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
    threading.Thread(target=_stop_at_a_spot_notice, daemon=True, name="spot").start()
    data_role = task.data_role
    machine = Ec2MachineSetup(
        configuration, partial(_assumed, data_role, configuration, instance) if data_role else None
    )
    run_attempt(task, machine=machine, handle=me)
    return 0


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
    variables = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *names]):
        done = subprocess.run(
            ["apt-get", *step], env=variables, capture_output=True, text=True, timeout=APT_LIMIT, check=False
        )
        if done.returncode:
            words = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:200]
            raise Refused("environment", f"The Debian packages of apt.txt couldn't be installed: {words}")


def _make_user() -> None:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        command = ["useradd", "--create-home", "--home-dir", str(HOME), "--uid", str(USER_ID), "--user-group", USER]
        subprocess.run(command, check=True)


def _close_metadata() -> None:
    """Let no packet of user code go there, and see that none does.  Raises Refused when one would."""
    rule = ["ip", "rule", "add", "pref", "0", "to", f"{METADATA_ADDRESS}/32", "uidrange", f"{USER_ID}-{USER_ID}"]
    subprocess.run([*rule, "prohibit"], check=True)
    look = "import socket, sys; sys.exit(socket.socket().connect_ex((sys.argv[1], 80)) == 0)"
    seen = subprocess.run(
        [sys.executable, "-I", "-c", look, METADATA_ADDRESS], user=USER_ID, group=USER_ID, extra_groups=[], check=False
    )
    if seen.returncode:
        raise Refused("environment", "This machine's image can't keep user code from the machine's role.")


def _give(folder: Path) -> None:
    """Make everything in it the user's.  Links are given themselves, never what they point to."""
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(place) / name, USER_ID, USER_ID, follow_symlinks=False)
    os.chown(folder, USER_ID, USER_ID)


def _stop_at_a_spot_notice() -> None:
    while True:
        try:
            notice = read_metadata("meta-data/spot/instance-action")
        except urllib.error.URLError:
            time.sleep(LOOK_EVERY)
            continue
        print(f"action=spot_notice notice={notice}", flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
        return


if __name__ == "__main__":
    sys.exit(main())
