"""EC2's other half: what the double launches is booted, and what ends is told to the double."""

import json
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bare_machine.network import in_gateway, machine_network, network
from tests.doubles.ec2 import Ec2Double

BOOT = Path(__file__).with_name("boot.sh")
METADATA = Path(__file__).with_name("metadata.py")


class BareMachine:
    """A machine that is on."""

    def __init__(self, image: Path, folder: Path, namespace: str, name: str) -> None:
        self.folder = folder
        folder.mkdir()
        self.console = folder / "console.log"
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with self.console.open("wb") as console:
            self._process = subprocess.Popen(
                [*command, "bash", BOOT, image, folder, namespace, name], stdout=console, stderr=console
            )

    def wait(self, seconds: float | None = None) -> None:
        """Until it is off."""
        self._process.wait(seconds)

    def cut_power(self) -> None:
        """Off, at once, with everything on it."""
        self._process.kill()
        self._process.wait(60)

    def read(self, path: str) -> str:
        """A file that the machine wrote, after its end too."""
        return (self.folder / "upper" / path.lstrip("/")).read_text()


class BareCloud(Ec2Double):
    """The double, with machines that are real."""

    def __init__(self, image: Path, folder: Path, role: dict[str, str]) -> None:
        """role: the credentials that machines find at the metadata address, as it shows them."""
        super().__init__()
        self._image = image
        self._folder = folder
        self._role = role
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

    def give_notice(self, machine: BareMachine) -> None:
        """Say that the machine will be taken back in two minutes."""
        document = self._documents[machine]
        notice = {"meta-data/spot/instance-action": '{"action": "terminate", "time": "2099-01-01T00:02:00Z"}'}
        half = document.with_suffix(".half")
        half.write_text(json.dumps(json.loads(document.read_text()) | notice))
        half.replace(document)

    def _boot(self, instance_id: str) -> None:
        number = len(self.machines) + 1
        namespace, address = self._open.enter_context(machine_network(number))
        document = self._folder / "metadata" / f"{address}.json"
        document.write_text(json.dumps(self._metadata(instance_id)))
        machine = BareMachine(self._image, self._folder / instance_id, namespace, f"m{number}")
        self.machines[instance_id] = machine
        self._documents[machine] = document
        self.boot(instance_id)
        watcher = threading.Thread(target=self._watch, args=(instance_id, machine))
        watcher.start()
        self._watchers.append(watcher)

    def _watch(self, instance_id: str, machine: BareMachine) -> None:
        machine.wait()
        if self.instances[instance_id].state != "terminated":
            self.end(instance_id)

    def _metadata(self, instance_id: str) -> dict[str, str]:
        instance = self.instances[instance_id]
        profile = instance.request["IamInstanceProfile"]["Name"]
        return {
            "user-data": instance.user_data,
            "meta-data/instance-id": instance_id,
            "meta-data/ami-id": "ami-debian",
            "meta-data/local-hostname": instance_id,
            "meta-data/instance-type": instance.request["InstanceType"],
            "meta-data/placement/availability-zone": "eu-west-1a",
            "meta-data/placement/region": "eu-west-1",
            f"meta-data/iam/security-credentials/{profile}": json.dumps({"Code": "Success", **self._role}),
            "dynamic/instance-identity/document": json.dumps({"instanceId": instance_id, "region": "eu-west-1"}),
        }
