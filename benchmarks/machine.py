"""Billed seconds that aren't the analysis: a fresh machine by us, beside one that executes the same script by hand.

Both are the bare machines of the tests, on real user-data; a machine is billed from its launch to its end.
"""

import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks import Row
from tests import s3_servers
from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.conftest import relayed
from tests.bare_machine.image import debian_image, missing
from tests.bare_machine.team import Team
from tests.scheduler_service.launchers.ec2.machines import Region

TRIES = 3
#: seconds that the analysis takes
ANALYSIS = 2.0
SCRIPT = f"sleep {ANALYSIS}"
BY_HAND = f"#!/bin/bash\n{SCRIPT}\nsystemctl poweroff\n"


def rows() -> Iterable[Row]:
    """One row, or none where no bare machine can be had."""
    if missing() is not None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for part in ("debian", "cloud", "server", "team"):
            (folder / part).mkdir()
        with (
            s3_servers.as_admin(),
            s3_servers.seaweedfs(folder / "server") as server,
            BareCloud(debian_image(folder / "debian"), folder / "cloud") as cloud,
            relayed(server),
        ):
            team = Team(folder / "team", cloud, server)
            team.script("ours", SCRIPT)
            ours, by_hand = [], []
            with team.service():
                for number in range(TRIES):
                    ours.append(_ours(team))
                    by_hand.append(_by_hand(cloud, number))
    yield Row(
        "a fresh machine: billed, less the analysis",
        statistics.median(ours) - ANALYSIS,
        "the same script as user-data",
        statistics.median(by_hand) - ANALYSIS,
    )


def _ours(team: Team) -> float:
    run = team.run("ours")
    while not (attempts := team.store.runs.list_attempts(run.id)) or not attempts[-1].handle:
        time.sleep(0.01)
    return _billed(team.cloud, attempts[-1].handle["instance"])


def _by_hand(cloud: BareCloud, number: int) -> float:
    request = Region().attempt(run_id=f"by-hand-{number}", user_data=BY_HAND).parameters["launch"]
    return _billed(cloud, cloud.run_instances(**request)["Instances"][0]["InstanceId"])


def _billed(cloud: BareCloud, instance: str) -> float:
    """Seconds that the machine was on."""
    machine = cloud.machines[instance]
    machine.wait(300)
    return time.monotonic() - machine.on_since
