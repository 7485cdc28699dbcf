"""Billed seconds that aren't the analysis: a fresh machine by us, beside one that executes the same script by hand.

All are the bare Ubuntu of the tests, on real user-data; a machine is billed from its launch to its end.  A notebook is
one of a single cell: what it takes beyond that are its environments, unpacked or made, beside uv by hand in the guest.
"""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from unittest import mock

import uv

from benchmarks import Row
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.factory import S3Storage
from tests import s3_servers
from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.conftest import relayed
from tests.bare_machine.image import INDEX_PORT, missing, ubuntu_image
from tests.bare_machine.index import UBUNTU_PYTHON, package_index, serving
from tests.bare_machine.network import HERE
from tests.bare_machine.team import Team
from tests.s3_servers import S3Server
from tests.scheduler_service.launchers.ec2.machines import Region

TRIES = 3
#: seconds that the analysis takes
ANALYSIS = 2.0
SCRIPT = f"sleep {ANALYSIS}"
BY_HAND = f"#!/bin/bash\n{SCRIPT}\nsystemctl poweroff\n"
#: what the notebook's own code needs, which is locked before
NEEDS = "ipykernel\npandas\n"
#: the same two environments, each beside the other
BY_UV = """#!/bin/bash
cd /var/tmp
export HOME=/root
for name in uv kernel.txt runner.txt; do curl -sSf -O http://{here}:{port}/by-hand/$name; done
chmod +x uv
make() {{ ./uv venv -q $1 && ./uv pip install -q --compile-bytecode --python $1/bin/python -r $1.txt; }}
export UV_DEFAULT_INDEX=http://{here}:{port}/
make kernel & make runner & wait
kernel/bin/python -c 'import pandas' && runner/bin/python -c 'import papermill'
systemctl poweroff
"""
#: files of that many bytes, as a run may leave them
FILES, SIZE = 2000, 10_000


def rows() -> Iterable[Row]:
    """A command, a notebook's first run and its next, and an upload; none where no bare machine can be had."""
    if missing() is not None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for part in ("ubuntu", "cloud", "server", "team", "served", "files"):
            (folder / part).mkdir()
        with (
            s3_servers.as_admin(),
            s3_servers.seaweedfs(folder / "server") as server,
            BareCloud(ubuntu_image(folder / "ubuntu"), folder / "cloud") as cloud,
            relayed(server),
        ):
            team = Team(folder / "team", cloud, server)
            yield _command(team, cloud)
            lock = _locked()
            with _packages(folder / "served", lock):
                yield from _notebook(team, cloud, lock)
            yield _upload(server, folder / "files")


def _command(team: Team, cloud: BareCloud) -> Row:
    team.script("ours", SCRIPT)
    ours, by_hand = [], []
    with team.service():
        for number in range(TRIES):
            ours.append(_ours(team, "ours"))
            by_hand.append(_by_hand(cloud, f"by-hand-{number}", BY_HAND))
    return Row(
        "a fresh machine: billed, less the analysis",
        statistics.median(ours) - ANALYSIS,
        "the same script as user-data",
        statistics.median(by_hand) - ANALYSIS,
    )


def _locked() -> str:
    """The needs with all that they need, for Ubuntu's Python."""
    compiling = [uv.find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command = [*compiling, "--python-version", UBUNTU_PYTHON, "-"]
    return subprocess.run(command, input=NEEDS, check=True, capture_output=True, text=True).stdout


def _notebook(team: Team, cloud: BareCloud, lock: str) -> Iterator[Row]:
    team.pinned("notebook", lock, python=".".join(UBUNTU_PYTHON.split(".")[:2]))
    nothing = statistics.median(_by_hand(cloud, f"nothing-{number}", _bare()) for number in range(TRIES))
    with team.service():
        first = _ours(team, "notebook")
        by_uv = _by_hand(cloud, "by-uv", BY_UV.format(here=HERE, port=INDEX_PORT))
        kept = statistics.median(_ours(team, "notebook") for _ in range(TRIES))
    yield Row("a notebook's first run", first, "uv by hand in the same guest, environments alone", by_uv)
    yield Row("a notebook with kept environments", kept, "a machine that does nothing", nothing)


def _bare() -> str:
    return "#!/bin/bash\nsystemctl poweroff\n"


@contextmanager
def _packages(served: Path, lock: str) -> Iterator[None]:
    """An index for machines, beside what is made by hand from it."""
    index = package_index(lock, UBUNTU_PYTHON)
    by_hand = served / "by-hand"
    by_hand.mkdir()
    for each in index.iterdir():
        (served / each.name).symlink_to(each)
    (by_hand / "uv").symlink_to(uv.find_uv_bin())
    (by_hand / "kernel.txt").write_text(lock)
    runner = Path(s3_clients.__file__).parents[1] / "bundles" / "wrapper" / "runner.txt"
    (by_hand / "runner.txt").symlink_to(runner)
    with serving(served):
        yield


def _upload(server: S3Server, folder: Path) -> Row:
    """What a worker, which has boto3 alone, takes for many small files, beside obstore."""
    files = [folder / f"{number}.csv" for number in range(FILES)]
    for file in files:
        file.write_bytes(b"x" * SIZE)

    def upload(name: str) -> float:
        store: S3Storage = server.objects(name)
        store.put_file("first", files[0])
        start = time.perf_counter()
        store.for_each(files, lambda file: store.put_file(file.name, file))
        return time.perf_counter() - start

    def without_obstore() -> float:
        with mock.patch.object(s3_clients, "_mover", lru_cache(lambda *_: None)):
            return upload("plain")

    return Row(
        f"{FILES:,} files of {SIZE // 1000} KB from a worker",
        _median(without_obstore),
        "obstore",
        _median(lambda: upload("obstore")),
    )


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(TRIES))


def _ours(team: Team, name: str) -> float:
    run = team.run(name)
    while not (attempts := team.store.runs.list_attempts(run.id)) or not attempts[-1].handle:
        time.sleep(0.01)
    lived = _billed(team.cloud, attempts[-1].handle["instance"])
    ended = team.ended(run)
    assert ended.status.value == "succeeded", f"{ended.message} {team.log(run)}"
    return lived


def _by_hand(cloud: BareCloud, name: str, user_data: str) -> float:
    request = Region().attempt(run_id=name, user_data=user_data).parameters["launch"]
    token = f"{name}-{time.monotonic_ns()}"
    return _billed(cloud, cloud.run_instances(**request | {"ClientToken": token})["Instances"][0]["InstanceId"])


def _billed(cloud: BareCloud, instance: str) -> float:
    """Seconds that the machine was on."""
    machine = cloud.machines[instance]
    machine.wait(900)
    return time.monotonic() - machine.on_since
