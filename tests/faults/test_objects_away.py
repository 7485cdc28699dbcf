"""Objects on S3 that are away, or fail in every way, while runs go: each is executed once and published whole."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from jupyter_schedule.core.models import Run, RunStatus
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import S3Storage, digest, open_storage
from tests.engine import Engine, eventually
from tests.faulty import Fault, Faulty, faulty
from tests.s3_servers import S3Server
from tests.scheduler_service.admin.test_check import storage_on
from tests.scheduler_service.test_on_s3 import deployment

#: all that pass by themselves but silence, which takes minutes: what is configured wrongly waits for a person
FAULTS = [each for each in Fault if each not in {Fault.EXPIRED, Fault.OTHER_REGION, Fault.SILENT}]
#: what a run leaves
CONTENT = {"a.csv": "1\n", "large.csv": "123456789\n" * 100_000}


@contextmanager
def behind_a_proxy(server: S3Server, folder: Path) -> Iterator[tuple[Engine, Faulty]]:
    """A deployment that has its work area and its results on S3, which it reaches through the proxy only."""
    with faulty(server.endpoint) as proxy:
        prefix = uuid4().hex[:8]
        places = {name: f"s3://{server.bucket(name)}/{prefix}" for name in ("work", "private")}
        without = {"public": None, "public_base": None}
        storage = storage_on(server, endpoint=proxy.endpoint, **places).model_copy(update=without)
        engine = deployment(folder / "here", storage)
        assert storage.work is not None
        engine.objects = open_storage(storage.work)
        engine.operations = Operations(engine.store, engine.objects, now=engine.now, storage=engine.operations.storage)
        engine.patience = 240
        yield engine, proxy
        engine.store.close()


def command(engine: Engine, name: str, meanwhile: str = "true") -> str:
    """One that notes that it was executed, and leaves two files."""
    leave = 'echo 1 > "$OUTPUT_DIR/a.csv"; yes 123456789 | head -n 100000 > "$OUTPUT_DIR/large.csv"'
    return f'echo begun; {meanwhile}; {leave}; echo once >> "{engine.root}/{name}.times"'


def assert_published_whole(engine: Engine, run: Run, server: S3Server) -> None:
    """By one execution; every file is what the publication says, on the server itself."""
    assert run.status == RunStatus.SUCCEEDED, run.message
    assert (engine.root / f"{run.schedule}.times").read_text() == "once\n"
    assert run.publication is not None
    base = open_storage(engine.operations.schedules.get(run.schedule).spec.publication_base)
    assert isinstance(base, S3Storage)
    area = S3Storage(server.address(base.address.bucket, prefix=base.address.prefix))
    assert {file.path: file.sha256 for file in run.publication.files} == {
        path: digest(content.encode()) for path, content in CONTENT.items()
    }
    for path, content in CONTENT.items():
        assert area.get(f"{run.schedule}/data/{path}") == content.encode()


@pytest.fixture(params=["moto", pytest.param("seaweedfs", marks=pytest.mark.s3)])
def server(request: pytest.FixtureRequest) -> S3Server:
    """moto's, which every machine has, and a real one."""
    found: S3Server = request.getfixturevalue(request.param)
    return found


@pytest.mark.promise("P18")
def test_an_analysis_ends_while_they_are_away_and_is_published_when_they_are_back(
    server: S3Server, tmp_path: Path
) -> None:
    with behind_a_proxy(server, tmp_path) as (engine, proxy):
        wait = f'until [ -e "{engine.root}/go" ]; do sleep 0.05; done'
        engine.script("working", command(engine, "working", wait))
        with engine.service():
            run = engine.started(engine.run("working"))
            proxy.decide = lambda *_: Fault.CLOSED
            (engine.root / "go").touch()
            eventually((engine.root / "working.times").exists, what="the end of the command")
            failed = proxy.faults()
            eventually(lambda: proxy.faults() > failed + 20, what="some tries")
            assert not engine.operations.runs.get(run.id).status.terminal
            proxy.decide = lambda *_: None
            ended = engine.ended(run)
        assert len(engine.operations.runs.list_attempts(ended)) == 1
        assert_published_whole(engine, ended, server)


@pytest.mark.s3
@pytest.mark.proof("faults")
def test_runs_end_well_while_every_seventh_request_fails_breaks_off_or_is_not_answered(
    seaweedfs: S3Server, tmp_path: Path
) -> None:
    requests = itertools.count(1)

    def every_seventh(method: str, path: str) -> Fault | None:
        times, left = divmod(next(requests), 7)
        return None if left else FAULTS[times % len(FAULTS)]

    with behind_a_proxy(seaweedfs, tmp_path) as (engine, proxy):
        names = ["one", "other"]
        for name in names:
            engine.script(name, command(engine, name))
        proxy.decide = every_seventh
        with engine.service():
            runs = [engine.ended(engine.run(name)) for name in names]
        assert {fault for _, _, fault in proxy.seen} > set(FAULTS)
        proxy.decide = lambda *_: None
        for run in runs:
            assert_published_whole(engine, run, seaweedfs)
