"""A region of EC2 in a simulated world: the strict double, its market, its machines, and the product's launcher."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from botocore.exceptions import ReadTimeoutError

from jupyter_schedule.core.object_keys import brief_key
from jupyter_schedule.core.storage.factory import NoSuchObject
from scheduler_service.launchers.ec2.launch_plan import AD_HOC_TAG, ATTEMPT_TAG, DEADLINE_TAG, RUN_TAG
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.prices import Prices
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.ec2.work_storage import WorkStorage
from scheduler_service.worker.task import WorkerTask
from tests.doubles.ec2 import Ec2Double, Instance, client_error
from tests.scheduler_service.launchers.ec2.machines import SETTINGS
from tests.simulation.cloud import Cloud
from tests.simulation.worker import Worker
from tests.simulation.world import HORIZON, Actor, Away, Stepped

#: every way to get a machine of a size: market, type, subnet
OFFERS = {
    name: [
        (instance_type, subnet, spot)
        for spot, instance_type, subnet in product(
            (True, False) if size.spot else (False,), size.instance_types, SETTINGS.subnets
        )
    ]
    for name, size in SETTINGS.sizes.items()
}
#: how user-data says when its machine powers itself off, as the program in it looks for that
_FAILSAFE = re.compile(r'"power_off_after": ([0-9]+)')
_CONFIGURATION = re.compile(r"base64 -d <<< '([^']+)'")


class Region(Ec2Double):
    """The double, whose instances live."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(now=lambda: cloud.world.now)
        self.cloud = cloud
        self.world = cloud.world

    def run_instances(self, **request: Any) -> dict[str, Any]:
        tags = {tag["Key"]: tag["Value"] for tag in request["TagSpecifications"][0]["Tags"]}
        if AD_HOC_TAG not in tags:
            self.cloud.asked(tags[RUN_TAG], int(tags[ATTEMPT_TAG]), request["ClientToken"], request)
        calm = self.world.faults.calm
        self.shows_after = timedelta(seconds=0 if calm else self.world.chance.choice((0, 1, 10, 60, 300)))
        known = len(self.instances)
        answer = super().run_instances(**request)
        if len(self.instances) > known:
            self._switch_on(next(reversed(self.instances.values())))
        return answer

    def end(self, instance_id: str, reason: str = "Client.InstanceInitiatedShutdown") -> None:
        """What is asked from outside ends it at once; one that stops, and costs, is still a machine."""
        super().end(instance_id, reason)
        machine = self.cloud.machines.get(instance_id)
        if machine is not None and self.instances[instance_id].state == "terminated":
            self.cloud.kill(machine, reason)

    def trade(self) -> None:
        """Capacity comes and goes."""
        chance = self.world.chance
        hand = Actor(self.world, "market", mortal=False)
        everything = sorted({offer for offers in OFFERS.values() for offer in offers})
        while self.world.time < HORIZON:
            scarce = chance.choice((0, 0, 0.5, 1))
            self.empty = {offer for offer in everything if chance.random() < scarce}
            self.world.say("market", f"{len(self.empty)} of {len(everything)} offers have no machine")
            self.world.sleep(hand, chance.choice((60, 600, 3600)))

    def _switch_on(self, instance: Instance) -> None:
        found = _CONFIGURATION.search(instance.user_data)
        assert found
        document = base64.b64decode(found[1]).decode()
        tags = {tag["Key"]: tag["Value"] for tag in instance.tags}
        if AD_HOC_TAG in tags:
            self._be_worked_on(instance)
            return
        configuration = json.loads(document)
        token = configuration["token"]
        told = {"run_id": tags[RUN_TAG], "attempt": int(tags[ATTEMPT_TAG]), "token": token}
        nothing: dict[str, Any] = dict.fromkeys(("worker", "objects", "bundle", "command"), "")
        machine = self.cloud.machine(instance.id, WorkerTask(**told, **nothing, timeout_seconds=0, work_folder="/"))
        machine.power_off = lambda: self.end(instance.id)
        boot = self.world.chance.uniform(20, 90)
        if armed := _FAILSAFE.search(document):
            self.world.start(Actor(self.world, instance.id), machine.power_off, boot + int(armed[1]))

        def become_an_agent() -> None:
            self.boot(instance.id)
            me = {"instance": instance.id, "identity": f"{configuration['role_id']}:{instance.id}"}
            try:
                brief = Stepped(machine.actor, "objects", self.cloud.objects).get(brief_key(token))
            except (OSError, NoSuchObject):
                machine.power_off()
                return
            task = replace(WorkerTask.of(json.loads(brief)), worker=me["identity"], work_folder="/")
            Worker(self.cloud, machine, task, me).live()

        self.world.start(machine.actor, become_an_agent, boot)

    def _be_worked_on(self, instance: Instance) -> None:
        """A machine to develop on: it ends itself by the deadline that it carries, which may be put off."""
        machine = Actor(self.world, instance.id, mortal=False)

        def live() -> None:
            self.world.sleep(machine, self.world.chance.uniform(20, 90))
            if instance.state == "pending":
                self.boot(instance.id)
            while True:
                tags = {tag["Key"]: tag["Value"] for tag in instance.tags}
                left = (datetime.fromisoformat(tags[DEADLINE_TAG]) - self.world.now).total_seconds()
                if left <= 0 or instance.state == "terminated":
                    self.end(instance.id)
                    return
                self.world.sleep(machine, min(left + 1, 60))

        self.world.start(machine, live)


class Client:
    """The region as one service reaches it: it throttles, and its answers get lost."""

    def __init__(self, actor: Actor, region: Region) -> None:
        self._actor = actor
        self._region = region

    def run_instances(self, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask("run_instances", **request)
        return answer

    def terminate_instances(self, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask("terminate_instances", **request)
        return answer

    def get_console_output(self, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask("get_console_output", **request)
        return answer

    def create_tags(self, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask("create_tags", **request)
        return answer

    def get_paginator(self, operation: str) -> "Client":
        assert operation == "describe_instances"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        pages = self._ask("paginate", **request)
        yield from pages

    def close(self) -> None:
        """Nothing is open."""

    def _ask(self, what: str, **request: Any) -> Any:
        faults, chance = self._actor.world.faults, self._actor.world.chance
        if chance.random() < faults.drop:
            raise client_error(*chance.choice((("RequestLimitExceeded", "", 503), ("InternalError", "", 500))))
        act = getattr(self._region, what)
        try:
            return self._actor.call(
                f"ec2.{what}", lambda: list(act(**request)) if what == "paginate" else act(**request)
            )
        except Away:
            raise ReadTimeoutError(endpoint_url="https://ec2") from None


class Area(WorkStorage):
    """The work area, in which the agent's archive lies."""

    def configuration(self) -> dict[str, str]:
        return {"objects": "s3://work", "base": "https://work/", "agent": "agents/0.tar.gz", "agent_sha256": "0"}


def launcher_of(
    actor: Actor,
    region: Region,
    now: Callable[[], datetime],
    settings: Ec2Settings = SETTINGS,
    prices: Prices | None = None,
) -> Ec2Launcher:
    """The product's launcher in one service."""
    client = Client(actor, region)
    machines = RegionMachines(client, "d1", clock=lambda: region.world.time)
    area = Area(Stepped(actor, "objects", region.cloud.objects))  # type: ignore[arg-type]
    return Ec2Launcher({settings.region: machines}, settings, work_storage=area, now=now, prices=prices)
