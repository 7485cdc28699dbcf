"""End to end on a real S3 server: one setting, a week, an hour of failures."""

import json
import random
import re
import shutil
import threading
import urllib.request
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from click.testing import CliRunner

from jupyter_schedule.core.bundles.packaging import PackagingRequest, build_bundle
from jupyter_schedule.core.config import StorageConfig, read_config
from jupyter_schedule.core.models import FileEntry, Run, RunStatus, Visibility
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage import s3, s3_clients
from jupyter_schedule.core.storage.factory import ObjectStorage, S3Storage, open_storage
from scheduler_service.__main__ import main
from scheduler_service.publishing.publish import PublishFailed, check_number, publish
from scheduler_service.publishing.unpublish import unpublish
from tests.engine import DAILY, Engine, eventually
from tests.factories import NOON
from tests.faulty import Fault, faulty
from tests.s3_servers import CANARY, S3Server
from tests.scheduler_service.admin.test_check import everybody_may, storage_on
from tests.scheduler_service.publishing.results import (
    DAY,
    assert_readers_find_what_latest_points_at,
    data_of,
    due_on,
    result_of,
)

pytestmark = pytest.mark.s3
FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
AWKWARD = ["a b/c'd.csv", 'quo"te', "new\nline", "übung/数据.csv.gz", "..hidden", "100%?#&"]


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries that don't wait."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setattr(s3, "_pause", lambda _: None)


def deployment(folder: Path, storage: StorageConfig, **options: Any) -> Engine:
    """One that publishes to this storage, as its settings say."""
    folder.mkdir()
    engine = Engine(folder, **options)
    given = storage.model_dump(exclude_none=True, exclude={"most_files"})
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items()]
    (engine.places.folder / "service.toml").write_text("\n".join(["[storage]", *lines, ""]))
    told = read_config(engine.places.folder).storage
    engine.operations = Operations(engine.store, engine.objects, now=engine.now, storage=told)
    return engine


def put_outputs(work: ObjectStorage, run_id: str, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        work.put(f"workers/w/{run_id}/output/{path}", data)


def statuses_of(engine: Engine, runs: list[Run]) -> set[RunStatus]:
    return {engine.operations.runs.get(run.id).status for run in runs}


def got(url: str) -> bytes:
    with urllib.request.urlopen(url) as found:
        content: bytes = found.read()
    return content


# -- one setting


def test_the_embedded_default_publishes_to_s3_by_one_setting(seaweedfs: S3Server, tmp_path: Path) -> None:
    """A run finds its earlier files, has no key of ours, and none is in ledger, objects, settings or any log."""
    engine = deployment(tmp_path / "here", StorageConfig(private=str(seaweedfs.address(seaweedfs.bucket()))))
    with engine.service():
        engine.script("once", 'env; ls "$PREVIOUS_DIR"; echo 1 > "$OUTPUT_DIR/a.csv"', previous=("*.csv",))
        first = engine.ended(engine.run("once"))
        second = engine.ended(engine.run("once"))

    assert (first.status, second.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED), first.message
    area = open_storage(engine.operations.schedules.get("once").spec.publication_base)
    assert isinstance(area, S3Storage)
    assert area.get("once/data/a.csv") == b"1\n"
    assert second.publication is not None
    assert second.publication.url.startswith("s3://shared-bucket/")
    assert "\na.csv\n" in engine.log(second)
    # the certificates that this machine trusts are no secret
    assert not re.findall(r"AWS_(?!CA_BUNDLE)", engine.log(second))
    kept = [path for path in engine.places.folder.rglob("*") if path.is_file() and "runners" not in path.parts]
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in kept)


# -- a week


@pytest.mark.proof("faults")
def test_a_week_of_the_sample_is_read_at_public_addresses(seaweedfs: S3Server, tmp_path: Path) -> None:
    """Daily by a clock that is set on; a reader starts from latest.json; afterwards it all becomes private."""
    everybody_may(seaweedfs, "s3:GetObject")
    clock = [NOON - timedelta(hours=1)]

    def now() -> datetime:
        return clock[0]

    storage = storage_on(seaweedfs, private=f"s3://{seaweedfs.bucket('private')}/week")
    engine = deployment(tmp_path / "week", storage.model_copy(update={"work": None}), now=now)
    shutil.copytree(FLIGHTS, engine.root / "flights")
    asked = PackagingRequest(
        timing=DAILY,
        notebook=engine.root / "flights" / "flights.ipynb",
        previous=("flights*.csv.gz",),
        visibility=Visibility.PUBLIC,
    )
    made = build_bundle(asked, engine.root, engine.objects)
    engine.operations.schedules.create("flights", made.spec, public_confirmed=True)

    def found(due: datetime) -> list[Run]:
        return [run for run in engine.operations.runs.list_newest("flights") if run.scheduled_for == due]

    with engine.service():
        for day in range(7):
            clock[0] = NOON + day * DAY + timedelta(seconds=1)
            due = NOON + day * DAY
            (run,) = eventually(partial(found, due))
            assert engine.ended(run).status == RunStatus.SUCCEEDED, engine.operations.runs.get(run.id).message

    root = f"{storage.public_base}flights/"
    latest = json.loads(got(f"{root}latest.json"))
    assert latest["scheduled_for"] == "2026-11-30T12:00:00Z"
    read = {file["path"]: got(urljoin(f"{root}latest.json", file["href"])) for file in latest["files"]}
    assert read["weekly.csv"] == got(f"{root}data/weekly.csv")
    assert ",7," in read["weekly.csv"].decode()
    for day in range(7):
        assert got(f"{root}data/flights{NOON - DAY + day * DAY:%Y%m%d}.csv.gz")
    assert b"flights20261129.csv.gz" in got(f"{root}index.html")

    public = open_storage(engine.operations.schedules.get("flights").spec.publication_base)
    spec = engine.operations.schedules.get("flights").spec.model_copy(update={"visibility": Visibility.PRIVATE})
    edited = engine.operations.schedules.edit("flights", spec, if_version=1)
    with engine.service():
        eventually(lambda: not list(public.list("flights/")), what="the withdrawal")
    private = open_storage(edited.spec.publication_base)
    assert private.get("flights/data/weekly.csv") == read["weekly.csv"]


def test_a_run_that_was_public_when_it_began_and_is_private_now_publishes_privately(
    seaweedfs: S3Server, tmp_path: Path
) -> None:
    clock = [NOON - timedelta(hours=1)]
    storage = storage_on(seaweedfs).model_copy(update={"work": None})
    engine = deployment(tmp_path / "here", storage, now=lambda: clock[0])
    go_on = tmp_path / "go on"
    command = f'echo 1 > "$OUTPUT_DIR/a.csv"; echo begun; until [ -e "{go_on}" ]; do sleep 0.1; done'
    schedule = engine.script("turned", command, visibility=Visibility.PUBLIC)
    with engine.service():
        clock[0] = NOON + timedelta(seconds=1)
        (due,) = eventually(lambda: engine.operations.runs.list_newest("turned"), what="the occurrence")
        run = engine.started(due)
        private = schedule.spec.model_copy(update={"visibility": Visibility.PRIVATE})
        edited = engine.operations.schedules.edit("turned", private, if_version=1)
        go_on.touch()
        ended = engine.ended(run)

    assert ended.status == RunStatus.SUCCEEDED, ended.message
    assert list(open_storage(schedule.spec.publication_base).list("turned/")) == []
    assert open_storage(edited.spec.publication_base).get("turned/data/a.csv") == b"1\n"


def test_what_a_deleted_schedule_published_is_withdrawn_when_it_was_private_or_by_hand(
    seaweedfs: S3Server, tmp_path: Path
) -> None:
    """Of two public schedules one is made private and deleted at once, and one deleted as it is, which stays."""
    clock = [NOON - timedelta(hours=1)]
    storage = storage_on(seaweedfs).model_copy(update={"work": None})
    engine = deployment(tmp_path / "here", storage, now=lambda: clock[0])
    made = [
        engine.script(name, 'echo 1 > "$OUTPUT_DIR/a.csv"', visibility=Visibility.PUBLIC) for name in ("gone", "kept")
    ]
    with engine.service():
        clock[0] = NOON + timedelta(seconds=1)
        for schedule in made:
            (due,) = eventually(partial(engine.operations.runs.list_newest, schedule.name), what="the occurrence")
            assert engine.ended(due).status == RunStatus.SUCCEEDED
    public = open_storage(made[0].spec.publication_base)
    private_spec = made[0].spec.model_copy(update={"visibility": Visibility.PRIVATE})
    edited = engine.operations.schedules.edit("gone", private_spec, if_version=1)
    for name in ("gone", "kept"):
        engine.operations.schedules.delete(name)
    private = open_storage(edited.spec.publication_base)
    with engine.service():
        eventually(lambda: not list(public.list("gone/")), what="the withdrawal")
    assert private.get("gone/data/a.csv") == b"1\n"
    assert public.get("kept/data/a.csv") == b"1\n"

    by_hand = ["unpublish", "kept", "--folder", str(engine.places.folder)]
    told = CliRunner().invoke(main, by_hand).output
    assert list(public.list("kept/")) == []
    assert private.get("kept/data/a.csv") == b"1\n"
    assert told.endswith(f" objects of “kept” left the public area; they are at {private.url('kept/')}.\n")
    assert CliRunner().invoke(main, by_hand).output == "0 objects of “kept” left the public area.\n"


# -- an hour of failures


@pytest.mark.proof("faults")
def test_in_an_hour_of_failures_nothing_is_lost_or_mixed(
    seaweedfs: S3Server, prompt: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One try a minute at each of six publications, while an eighth of all requests fails or drags in some way."""
    chance = random.Random(1)
    faults = [fault for fault in Fault if fault not in {Fault.EXPIRED, Fault.OTHER_REGION}]
    monkeypatch.setattr(s3_clients, "SILENCE", 0.3)
    with faulty(seaweedfs.endpoint) as proxy:
        address = seaweedfs.address(seaweedfs.bucket("work"), endpoint=proxy.endpoint)
        work = S3Storage(address)
        area = S3Storage(seaweedfs.address(seaweedfs.bucket("public"), endpoint=proxy.endpoint))
        left = {day: {"same.csv": b"%d" % day, f"day{day}.csv": b"x" * 5000} for day in range(6)}
        for day, files in left.items():
            put_outputs(work, due_on(day).id, files)
        proxy.decide = lambda *_: chance.choice(faults) if chance.random() < 0.125 else None
        open_days = list(left)
        for _minute in range(60):
            for day in list(open_days):
                run = due_on(day)
                try:
                    publish(run, result_of(left[day]), work, f"workers/w/{run.id}/", area, run.scheduled_for)
                except PublishFailed:
                    raise
                except Exception:
                    continue
                open_days.remove(day)
        assert open_days == []
        assert {fault for _, _, fault in proxy.seen if fault} == set(faults)
        proxy.decide = lambda *_: None

        assert assert_readers_find_what_latest_points_at(area) == "2026-11-29T12:00:00Z"
        assert data_of(area) == {"same.csv": b"5"} | {f"day{day}.csv": b"x" * 5000 for day in range(6)}


def test_an_area_that_does_not_answer_holds_up_only_who_publishes_there(seaweedfs: S3Server, tmp_path: Path) -> None:
    """As many hang at it as publish at a time while another is started and published elsewhere; in the end all are."""
    command = 'echo 1 > "$OUTPUT_DIR/a.csv"'
    with faulty(seaweedfs.endpoint) as proxy:
        area = seaweedfs.address(seaweedfs.bucket(), endpoint=proxy.endpoint)
        engine = deployment(tmp_path / "here", StorageConfig(private=str(area)))
        stuck = [engine.script(f"stuck{number}", command).name for number in range(4)]
        engine.operations = Operations(engine.store, engine.objects, now=engine.now)
        engine.script("free", command)
        answering = threading.Event()

        def decide(_method: str, _path: str) -> None:
            answering.wait()

        proxy.decide = decide
        with engine.service():
            try:
                runs = [engine.run(name) for name in stuck]
                eventually(lambda: statuses_of(engine, runs) == {RunStatus.PUBLISHING}, what="four that hang")
                free = engine.ended(engine.run("free"))
                hanging = statuses_of(engine, runs)
            finally:
                answering.set()
            ended = [engine.ended(run) for run in runs]

    assert free.status == RunStatus.SUCCEEDED, free.message
    assert hanging == {RunStatus.PUBLISHING}
    assert {run.status for run in ended} == {RunStatus.SUCCEEDED}, [run.message for run in ended]


def test_credentials_that_expire_in_the_middle_of_an_upload_are_renewed(
    seaweedfs: S3Server, prompt: None, tmp_path: Path
) -> None:
    """The parts before and after are of one file."""
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 100_000)
    with faulty(seaweedfs.endpoint) as proxy:
        area = S3Storage(seaweedfs.address(seaweedfs.bucket(), endpoint=proxy.endpoint))
        expired: list[str] = []

        def decide(method: str, path: str) -> Fault | None:
            if method == "PUT" and "partNumber=2" in path and len(expired) < 2:
                expired.append(path)
                return Fault.EXPIRED
            return None

        proxy.decide = decide
        area.put_file("large", source)
        assert area.get("large") == source.read_bytes()
        assert len(expired) == 2


# -- bad input


def test_names_of_every_kind_are_published(seaweedfs: S3Server) -> None:
    work, area, run = seaweedfs.objects("work"), seaweedfs.objects("public"), due_on(0)
    files = {name: name.encode() for name in AWKWARD}
    put_outputs(work, run.id, files)
    published = publish(run, result_of(files), work, f"workers/w/{run.id}/", area, NOON)
    assert data_of(area) == files
    assert len(published.files) == len(files)
    assert unpublish("flights", area, seaweedfs.objects("private"), NOON) > len(files)


def test_a_name_that_is_too_long_for_its_place_is_named(seaweedfs: S3Server) -> None:
    work, area, run = seaweedfs.objects("work"), seaweedfs.objects("public"), due_on(0)
    long = S3Storage(seaweedfs.address(seaweedfs.bucket("public"), prefix="/".join(["p" * 200] * 4) + "/"))
    name = "/".join(["n" * 150] * 3)
    put_outputs(work, run.id, {name: b""})
    with pytest.raises(PublishFailed, match="is too long for where it is published"):
        publish(run, result_of({name: b""}), work, f"workers/w/{run.id}/", long, NOON)
    assert publish(run, result_of({name: b""}), work, f"workers/w/{run.id}/", area, NOON)


def test_what_changed_after_the_run_is_not_published(seaweedfs: S3Server) -> None:
    work, area, run = seaweedfs.objects("work"), seaweedfs.objects("public"), due_on(0)
    put_outputs(work, run.id, {"a.csv": b"other"})
    with pytest.raises(PublishFailed, match="was changed after the run had ended"):
        publish(run, result_of({"a.csv": b"mined"}), work, f"workers/w/{run.id}/", area, NOON)
    assert list(area.list()) == []


def test_fifty_thousand_files_are_refused_with_what_they_would_cost() -> None:
    one = FileEntry(path="a", size=0, sha256="0" * 64)
    result = result_of({}).model_copy(update={"files": (one,) * 50_000})
    with pytest.raises(PublishFailed, match=r"left 50,000 files, and 10,000 may be published .*about \$0\.83"):
        check_number(result, StorageConfig().most_files)
