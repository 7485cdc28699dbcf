"""A whole team's deployment: a ledger, S3, and a service that launches bare machines."""

import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_schedule.core import clock
from jupyter_schedule.core.bundles import archive
from jupyter_schedule.core.bundles.packaging import PackagingRequest, build_bundle
from jupyter_schedule.core.bundles.wrapper.render import REQUIREMENTS_FILE, WrapperConfig, render_wrapper
from jupyter_schedule.core.models import (
    EnvironmentSource,
    LauncherCatalog,
    LauncherInfo,
    MachineSize,
    Run,
    Schedule,
    Spec,
)
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.storage.factory import ObjectStorage, S3Storage, open_storage
from scheduler_service.launchers.base import Launcher
from scheduler_service.launchers.ec2.launcher import Ec2Launcher
from scheduler_service.launchers.ec2.machines import RegionMachines
from scheduler_service.launchers.ec2.settings import Ec2Settings, Size
from scheduler_service.launchers.ec2.work_storage import WorkStorage
from scheduler_service.service import Service, ServiceFactories
from scheduler_service.settings import Settings
from scheduler_service.worker.environments import REQUIREMENTS
from scheduler_service.worker.task import LaunchPlan
from tests.bare_machine.cloud import BareCloud
from tests.bare_machine.index import DEBIAN_PYTHON, package_index, serving
from tests.bare_machine.network import HERE
from tests.deploy.template import DATA_ROLE, worker_statements
from tests.engine import DAILY, Engine, notebook_of
from tests.s3_servers import S3Server

EXAMPLES = Path(__file__).parents[2] / "examples"
SETTINGS = Ec2Settings(
    region="us-east-1",
    subnets=("subnet-a",),
    security_groups=("sg-1",),
    instance_profile="worker",
    role_id="AROAWORKER",
    sizes={"small": Size(instance_types=("t3.medium",), hardware="2 cores, 4 GB")},
    data_roles={"weather": DATA_ROLE},
)


class Hasty(Ec2Launcher):
    """Gives every run so many seconds."""

    def __init__(self, time_out: int, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._time_out = time_out

    def plan(self, run: Run, spec: Spec, **named: Any) -> LaunchPlan:
        planned = super().plan(run, spec, **named)
        return replace(planned, task_changes={**planned.task_changes, "timeout_seconds": self._time_out})


class Team(Engine):
    """An engine whose work area and publications are on S3, and whose workers are machines."""

    #: two machines may have to boot
    patience = 240.0
    #: seconds, in place of a schedule's minutes
    time_out: int | None = None

    def __init__(self, folder: Path, cloud: BareCloud, server: S3Server) -> None:
        super().__init__(folder)
        self.cloud = cloud
        endpoint = f"http://{HERE}:{urlsplit(server.endpoint).port}"
        self.work = S3Storage(replace(server.address(server.bucket("work")), endpoint=endpoint))
        self.published_at = S3Storage(replace(server.address(server.bucket("published")), endpoint=endpoint))
        self.objects = self.operations.context.objects = self.work
        self.server = server
        cloud.credentials_of = self._credentials
        sizes = tuple(MachineSize(name=name, hardware=size.hardware) for name, size in SETTINGS.sizes.items())
        machines = LauncherInfo(name="ec2", paid=True, sizes=sizes, data_roles=tuple(SETTINGS.data_roles))
        self.store.publish_catalog(LauncherCatalog(launchers=(machines,)), actor="scheduler")

    def script(self, name: str, text: str, more: dict[str, bytes] | None = None, **changes: Any) -> Schedule:
        return super().script(name, text, more, **self._on_machines | changes)

    def pinned(self, name: str, requirements: str, *, python: str) -> Schedule:
        """A schedule of a notebook whose requirements were pinned for that Python."""
        wrapper = render_wrapper(WrapperConfig(notebook="a.ipynb", kernel_name="python3", python_version=python))
        files = {path: content for path, (content, _) in wrapper.items()}
        files.pop("run.sh")
        of_its_own = {"a.ipynb": json.dumps(notebook_of("1")).encode(), REQUIREMENTS_FILE: requirements.encode()}
        return self.script(name, "exec bash .wrapper/run.sh", files | of_its_own)

    def sample(self) -> Schedule:
        """The first sample."""
        folder = self.root / "flights"
        shutil.copytree(EXAMPLES / "flights", folder)
        asked = PackagingRequest(
            timing=DAILY,
            notebook=folder / "flights.ipynb",
            environment=EnvironmentSource.FRESH,
            previous=("flights*.csv.gz",),
        )
        spec = build_bundle(asked, folder, self.work).spec.model_copy(update=self._on_machines)
        return self.operations.schedules.create("flights", spec, rehearse=False)

    def sample_command(self) -> Schedule:
        """The second sample: a tarball with a Bash script."""
        packed = self.root / "wordcount.tar.gz"
        subprocess.run(["bash", EXAMPLES / "word-count/make_tarball.sh", packed], check=True, capture_output=True)
        digest, _ = archive.inspect(packed)
        self.objects.put_file(bundle_key(digest), packed)
        spec = Spec(timing=DAILY, bundle=digest, publication_base=str(self.published_at.address))
        spec = spec.model_copy(update=self._on_machines)
        return self.operations.schedules.create("words", spec, rehearse=False)

    def pins(self, schedule: Schedule) -> str:
        """The requirements in the schedule's bundle."""
        with tarfile.open(fileobj=BytesIO(self.work.get(bundle_key(schedule.spec.bundle)))) as bundle:
            pinned = bundle.extractfile(REQUIREMENTS)
            assert pinned
            return pinned.read().decode()

    @contextmanager
    def packages_of(self, schedule: Schedule, python: str = DEBIAN_PYTHON) -> Iterator[None]:
        """Machines find what the schedule's bundle pins, for such a Python, in an index of their own."""
        with serving(package_index(self.pins(schedule), python)):
            yield

    @property
    def _on_machines(self) -> dict[str, Any]:
        return {"launcher": "ec2", "publication_base": str(self.published_at.address), "root": None}

    @contextmanager
    def service(self, now: Any = None, ledger: str | None = None, *, room: int = 4) -> Iterator[Service]:
        """A service with the launcher of EC2, whose EC2 boots bare machines."""
        parts = ServiceFactories(open_launchers=self._launchers, open_objects=self._objects)
        running = Service(Settings(folder=self.places.folder, max_running=room), factories=parts)
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            yield running
        finally:
            running.stop()
            thread.join(60)

    def _credentials(self, instance: str) -> dict[str, str]:
        """What the template's worker role may do, on the machine with this id."""
        address = self.work.address
        part = f"{address.bucket}/{address.prefix}".rstrip("/")
        return self.server.session(instance, worker_statements(part, f"{SETTINGS.role_id}:{instance}"))

    def names(self, name: str) -> list[str]:
        """The files at the stable address."""
        prefix = f"{name}/data/"
        return [stored.key.removeprefix(prefix) for stored in self.published_at.list(prefix)]

    def data(self, name: str) -> dict[str, str]:
        """The same with their content."""
        return {path: self.published_at.get(f"{name}/data/{path}").decode() for path in self.names(name)}

    def machine_of(self, run: Run) -> Any:
        """The machine of a run's newest attempt."""
        handle = self.store.runs.list_attempts(run.id)[-1].handle
        assert handle
        return self.cloud.machines[handle["instance"]]

    def _objects(self, address: str) -> ObjectStorage:
        return self.work if address == self.places.objects else open_storage(address)

    def _launchers(self, *_: Any) -> dict[str, Launcher]:
        machines = RegionMachines(self.cloud, "test")
        work_area = WorkStorage(self.work)
        kind = Ec2Launcher if self.time_out is None else partial(Hasty, self.time_out)
        return {"ec2": kind({SETTINGS.region: machines}, SETTINGS, work_storage=work_area, now=clock.now)}
