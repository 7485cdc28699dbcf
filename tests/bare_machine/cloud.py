"""EC2's other half: what the double launches is booted, and what ends is told to the double."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scheduler_service.worker import processes
from tests.bare_machine.network import in_gateway, machine_network, network
from tests.doubles.ec2 import Ec2Double, Instance

BOOT = Path(__file__).with_name("boot.sh")
METADATA = Path(__file__).with_name("metadata.py")


class BareMachine:
    """A machine that is on."""

    def __init__(
        self,
        layers: list[Path],
        folder: Path,
        namespace: str,
        name: str,
        *,
        boots: bool = True,
        binds: Sequence[str] = (),
    ) -> None:
        """binds: devices of ours that it has, each as `--bind=OURS:ITS`."""
        self.folder = folder
        folder.mkdir()
        self.console = folder / "console.log"
        self.on_since = time.monotonic()
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        image = ":".join(map(str, layers))
        first = ["bash", BOOT, image, folder, namespace, name, *binds] if boots else ["sleep", "infinity"]
        with self.console.open("wb") as console:
            self._process = subprocess.Popen([*command, *first], stdout=console, stderr=console)

    def wait(self, seconds: float | None = None) -> None:
        """Until it is off."""
        self._process.wait(seconds)

    def cut_power(self) -> None:
        """Off, at once, with everything on it."""
        self._process.kill()
        self._process.wait(60)

    def written(self, path: str) -> Path:
        """Where a file is that the machine wrote, after its end too."""
        return self.folder / "upper" / path.lstrip("/")

    def read(self, path: str) -> str:
        """What is in it."""
        return self.written(path).read_text()

    def kill(self, words: str) -> None:
        """SIGKILL to the one process on it whose command has these words, as its out-of-memory killer would."""
        found = [each.pid for each in processes.walk_descendants(self._process.pid) if words in _command(each.pid)]
        [pid] = found
        os.kill(pid, signal.SIGKILL)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


class BareCloud(Ec2Double):
    """The double, with machines that are real."""

    #: whether machines that are launched now come up, or hang for ever
    boots = True
    #: whether their subnet has a route out
    way_out = True
    #: of a machine, by its id: the credentials that it finds at the metadata address, as that shows them
    credentials_of: Callable[[str], dict[str, str]] = staticmethod(lambda _: {})

    def __init__(self, image: Path, folder: Path) -> None:
        super().__init__()
        #: what lies under the machines that are launched now, the topmost folder first
        self.layers = [image]
        #: devices that those get, as `BareMachine` has them
        self.binds: list[str] = []
        self._folder = folder
        self._open = ExitStack()
        self.machines: dict[str, BareMachine] = {}
        self._documents: dict[BareMachine, Path] = {}
        self._launching = threading.Lock()
        self._watchers: list[threading.Thread] = []

    def __enter__(self) -> "BareCloud":
        (self._folder / "metadata").mkdir()
        self._open.enter_context(network())
        answering = subprocess.Popen(in_gateway(sys.executable, str(METADATA), str(self._folder / "metadata")))
        self._open.callback(answering.wait, 60)
        self._open.callback(answering.kill)
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines.values():
            machine.cut_power()
        for watcher in self._watchers:
            watcher.join(60)
        self._open.close()

    def run_instances(self, **request: Any) -> dict[str, Any]:
        with self._launching:
            answer = super().run_instances(**request)
            instance_id: str = answer["Instances"][0]["InstanceId"]
            if instance_id not in self.machines:
                self._boot(instance_id)
        return answer

    def terminate_instances(self, InstanceIds: list[str]) -> dict[str, Any]:
        answer = super().terminate_instances(InstanceIds)
        for instance_id in InstanceIds:
            self.machines[instance_id].cut_power()
        return answer

    def create_tags(self, Resources: list[str], Tags: list[dict[str, str]]) -> dict[str, Any]:
        answer = super().create_tags(Resources, Tags)
        for instance_id in Resources:
            self._show(self.machines[instance_id], _shown_tags(self.instances[instance_id]))
        return answer

    def give_notice(self, machine: BareMachine) -> None:
        """Say that the machine will be taken back in two minutes."""
        notice = {"meta-data/spot/instance-action": '{"action": "terminate", "time": "2099-01-01T00:02:00Z"}'}
        self._show(machine, notice)

    def _show(self, machine: BareMachine, more: dict[str, str]) -> None:
        """Let the machine find that at its metadata address from now on."""
        document = self._documents[machine]
        half = document.with_suffix(".half")
        half.write_text(json.dumps(json.loads(document.read_text()) | more))
        half.replace(document)

    def _boot(self, instance_id: str) -> None:
        number = len(self.machines) + 1
        namespace, address = self._open.enter_context(machine_network(number, way_out=self.way_out))
        document = self._folder / "metadata" / f"{address}.json"
        document.write_text(json.dumps(self._metadata(instance_id)))
        machine = BareMachine(
            self.layers, self._folder / instance_id, namespace, f"m{number}", boots=self.boots, binds=self.binds
        )
        self.machines[instance_id] = machine
        self._documents[machine] = document
        self.boot(instance_id)
        watcher = threading.Thread(target=self._watch, args=(instance_id, machine))
        watcher.start()
        self._watchers.append(watcher)

    def _watch(self, instance_id: str, machine: BareMachine) -> None:
        machine.wait()
        instance = self.instances[instance_id]
        # cloud-init says there, and on the console, what user-data printed
        said = machine.written("/var/log/cloud-init-output.log")
        instance.console = said.read_text(errors="replace") if said.exists() else ""
        if instance.state != "terminated":
            self.end(instance_id)

    def _metadata(self, instance_id: str) -> dict[str, str]:
        instance = self.instances[instance_id]
        profile = instance.request["IamInstanceProfile"]["Name"]
        role = {"Code": "Success", **self.credentials_of(instance_id)}
        return {
            "user-data": instance.user_data,
            "meta-data/instance-id": instance_id,
            "meta-data/ami-id": "ami-debian",
            "meta-data/local-hostname": instance_id,
            "meta-data/instance-type": instance.request["InstanceType"],
            "meta-data/placement/availability-zone": "eu-west-1a",
            "meta-data/placement/region": "eu-west-1",
            f"meta-data/iam/security-credentials/{profile}": json.dumps(role),
            **_shown_tags(instance),
            "dynamic/instance-identity/document": json.dumps({"instanceId": instance_id, "region": "eu-west-1"}),
        }


def _shown_tags(instance: Instance) -> dict[str, str]:
    """What the machine finds of its own tags, if it was launched so."""
    if instance.request["MetadataOptions"]["InstanceMetadataTags"] != "enabled":
        return {}
    return {f"meta-data/tags/instance/{tag['Key']}": tag["Value"] for tag in instance.tags}
