"""What retention decides is done: whole, once, and so that whoever dies or reads in the middle meets no half."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jupyter_schedule.core.account import AccountKey
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Policies, Run, RunStatus, Schedule, ScheduleState
from jupyter_schedule.core.object_keys import bundle_key, gate_key, worker_prefix
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import LocalStorage, ObjectStorage, StorageUnusable, StoredObject
from scheduler_service.__main__ import main
from scheduler_service.publishing.publish import name_run_folder
from scheduler_service.retention.prune import PrunePlan, Pruner, describe_plan
from scheduler_service.retention.prune_daily import LOOK
from scheduler_service.task import token_of
from tests.engine import Engine, eventually
from tests.factories import NOON, make_run, make_schedule, make_spec
from tests.s3_servers import S3Server
from tests.scheduler_service.publishing.results import (
    DAY,
    KEYS,
    data_of,
    document,
)
from tests.scheduler_service.retention.left_behind import KEEP, Deployment
from tests.scheduler_service.stores import WRITES, Died, Dying, MemoryObjects, Watched


@pytest.fixture
def deployment() -> Deployment:
    return Deployment(MemoryObjects(), MemoryObjects())


def test_the_old_go_and_the_newest_stay(deployment: Deployment) -> None:
    deployment.prune()

    found = [deployment.store.runs.get(run_id) for run_id in ids(deployment)]
    assert [run.pruned_at is not None for run in found if run] == [True] * 3 + [False] * 3
    tokens = {run.id: [token_of(b"secret", run.id, n) for n in (1, 2)] for run in deployment.runs}
    for run in deployment.runs[:3]:
        left = [key for key in deployment.left() if any(token in key for token in (*tokens[run.id], run.id))]
        assert left == [gate_key(token) for token in sorted(tokens[run.id])], "gates stay for ever, and nothing else"
        assert not list(deployment.area.list(f"flights/{name_run_folder(run)}/"))
    for run in deployment.runs[3:]:
        assert len(list(deployment.work.list(worker_prefix("local", tokens[run.id][0])))) == 4
        assert len(list(deployment.area.list(f"flights/{name_run_folder(run)}/"))) == 3
    deployment.assert_nothing_is_half()


def test_runs_go_from_the_folder_of_their_owner() -> None:
    deployment = Deployment(MemoryObjects(), MemoryObjects(), owner="ann@x")
    there = {stored.key for stored in deployment.area.list()}
    assert {key.partition("/")[0] for key in there} == {"ann%40x"}
    deployment.prune()
    gone = there - {stored.key for stored in deployment.area.list()}
    folders = [f"ann%40x/flights/{name_run_folder(run)}/" for run in deployment.runs]
    assert gone == {key for key in there if key.startswith(tuple(folders[:3]))}
    assert gone


def test_data_stays_and_the_lists_for_readers_forget_what_went(deployment: Deployment) -> None:
    before = data_of(deployment.area)
    deployment.prune()
    assert data_of(deployment.area) == before
    assert [run["run"] for run in document(deployment.area, KEYS.recent)["runs"]] == ids(deployment)[:2:-1]
    page = deployment.area.get(KEYS.page).decode()
    assert name_run_folder(deployment.runs[3]) in page
    assert name_run_folder(deployment.runs[2]) not in page


def test_a_second_pass_finds_nothing_to_do(deployment: Deployment) -> None:
    deployment.prune()
    plan = deployment.pruning().plan(deployment.now)
    assert (plan.runs, plan.loose, plan.troubles) == ([], [], [])


def test_a_plan_changes_nothing_and_tells_every_size(deployment: Deployment) -> None:
    before, seen = deployment.left(), deployment.store.last_change()
    lines = dict(describe_plan(deployment.pruning().plan(deployment.now)))
    assert (deployment.left(), deployment.store.last_change()) == (before, seen)
    gone = sum(len(data) for data in before.values())
    deployment.prune()
    kept = sum(len(data) for data in deployment.left().values())
    documents = sum(len(before[key]) - len(deployment.area.get(key)) for key in (KEYS.recent, KEYS.page))
    assert sum(lines.values()) == gone - kept - documents
    assert len(lines) == 3


def test_a_schedule_may_keep_more(deployment: Deployment) -> None:
    spec = deployment.schedule.spec.model_copy(update={"policies": Policies(keep_runs=5)})
    edited = deployment.schedule.model_copy(update={"version": 2, "spec": spec})
    deployment.store.schedules.replace(deployment.schedule, edited, actor="ann", kind="schedule_changed")
    assert [going.run.id for going in deployment.pruning().plan(deployment.now).runs] == ids(deployment)[:1]


def test_a_deleted_schedule_loses_everything_but_what_it_published(deployment: Deployment) -> None:
    published = {stored.key: deployment.area.get(stored.key) for stored in deployment.area.list()}
    deployment.now = NOON + 5 * DAY + timedelta(hours=1)
    deleted = deployment.schedule.model_copy(update={"state": ScheduleState.DELETED, "next_due": None})
    deployment.store.schedules.replace(deployment.schedule, deleted, actor="ann", kind="schedule_deleted")

    deployment.prune()
    assert deployment.with_files() == ids(deployment)[-1:], "its worker may still be writing"
    deployment.now += DAY
    deployment.prune()
    deployment.prune()  # nobody needs the bundle from the first pass on
    assert {key.partition("/")[0] for key in (stored.key for stored in deployment.work.list())} == {"gates"}
    assert {stored.key: deployment.area.get(stored.key) for stored in deployment.area.list()} == published


def test_another_accounts_folder_is_left_to_its_own_service(deployment: Deployment, tmp_path: Path) -> None:
    """On this machine it may be somebody else's, or not there at all."""
    ours, theirs = (AccountKey.open(tmp_path / name) for name in ("ours", "theirs"))
    in_folder = deployment.schedule.spec.model_copy(update={"publication_base": "file:///published"})
    sealed = theirs.seal(deployment.schedule.id, in_folder)
    edited = deployment.schedule.model_copy(update={"version": 2, "spec": sealed})
    deployment.store.schedules.replace(deployment.schedule, edited, actor="ann", kind="schedule_changed")

    def plan_of(account: AccountKey) -> PrunePlan:
        pruner = Pruner(deployment.store, deployment.work, lambda _: deployment.area, KEEP, account)
        return pruner.plan(deployment.now)

    left = plan_of(ours)
    assert left.runs == []
    assert "another account" in left.troubles[0]
    assert len(plan_of(theirs).runs) == 3


def test_a_publication_that_cannot_be_read_keeps_its_runs_and_no_others(deployment: Deployment) -> None:
    deployment.area.put(KEYS.latest, b"not ours")
    plan = deployment.pruning().plan(deployment.now)
    assert plan.runs == []
    assert [trouble.partition(":")[0] for trouble in plan.troubles] == ["flights"]


class Unlisted(Watched):
    """May be read, but not listed."""

    def __init__(self, inner: ObjectStorage, problem: Exception) -> None:
        super().__init__(inner)
        self.problem = problem

    def before(self, method: str, key: str) -> None:
        if method == "list":
            raise self.problem


@pytest.mark.parametrize(
    "problem", [StorageUnusable("Allow s3:ListBucket."), Refused("unknown_address", "No such store."), ValueError("?")]
)
def test_an_area_that_cannot_be_listed_keeps_its_runs_and_stands_in_nobodys_way(
    deployment: Deployment, problem: Exception
) -> None:
    other = make_schedule("other", spec=make_spec(publication_base="elsewhere"))
    deployment.store.schedules.add(other)
    for day in range(6):
        old = NOON + day * DAY
        run = make_run(other, str(day), status=RunStatus.FAILED, attempt=1, ended_at=old, scheduled_for=old)
        deployment.store.runs.add(run, actor="service")
    areas = {"area": Unlisted(deployment.area, problem), "elsewhere": MemoryObjects()}
    plan = Pruner(deployment.store, deployment.work, areas.__getitem__, KEEP).plan(deployment.now)
    assert {going.run.schedule for going in plan.runs} == {"other"}
    assert [trouble.partition(":")[0] for trouble in plan.troubles] == ["flights"]


@pytest.mark.parametrize("problem", [Refused("unknown_address", "No such store."), ValueError("?")])
def test_an_area_that_cannot_even_be_opened_any_more_ends_no_pass(deployment: Deployment, problem: Exception) -> None:
    def gone(_: str) -> ObjectStorage:
        raise problem

    plan = deployment.pruning().plan(deployment.now)
    (batch,) = plan.batches()
    left = Pruner(deployment.store, deployment.work, gone, KEEP).remove(batch)
    assert left == f"flights: not all files of its runs could be removed. {problem}"


class Stubborn(Watched):
    """Lets nothing go."""

    def before(self, method: str, key: str) -> None:
        if method == "delete":
            raise StorageUnusable("Allow s3:DeleteObject.")


def test_an_area_that_lets_nothing_go_is_told_and_stands_in_nobodys_way(deployment: Deployment) -> None:
    other = make_schedule("other", spec=make_spec(publication_base="elsewhere"))
    deployment.store.schedules.add(other)
    for day in range(6):
        old = NOON + day * DAY
        run = make_run(other, str(day), status=RunStatus.FAILED, attempt=1, ended_at=old, scheduled_for=old)
        deployment.store.runs.add(run, actor="service")
    stubborn = Stubborn(deployment.area)
    pruning = Pruner(deployment.store, deployment.work, lambda _: stubborn, KEEP)
    told = [pruning.remove(batch) for batch in pruning.plan(deployment.now).batches()]
    assert sorted(filter(None, told)) == ["flights: not all files of its runs could be removed. Allow s3:DeleteObject."]
    assert len(deployment.store.runs.list_with_files(other.id)) == 3
    assert len(deployment.with_files()) == 6
    deployment.prune()
    assert len(deployment.with_files()) == 3


def test_a_run_that_somebody_releases_meanwhile_stays(deployment: Deployment) -> None:
    operations = Operations(deployment.store, deployment.work, now=lambda: deployment.now)
    plan = deployment.pruning().plan(deployment.now)
    first = deployment.runs[0]
    held = first.model_copy(update={"status": RunStatus.FAILED, "reason": "publishing"})
    deployment.store.tables.runs[first.id] = held
    operations.publications.approve(first.id)
    for batch in plan.batches():
        deployment.pruning().remove(batch)
    assert [run.id for run in map(deployment.store.runs.get, ids(deployment)) if run and run.pruned_at] == ids(
        deployment
    )[1:3]


def ids(deployment: Deployment) -> list[str]:
    return [run.id for run in deployment.runs]


# -- dying, and reading meanwhile


class Looked(Watched):
    """A store with a look after every write."""

    def __init__(self, inner: ObjectStorage, look: Any) -> None:
        super().__init__(inner)
        self.look = look

    def after(self, method: str, key: str) -> None:
        if method in WRITES:
            self.look()


@pytest.mark.promise("P25")
def test_no_reader_ever_meets_a_half_and_the_ledger_says_what_is_missing(deployment: Deployment) -> None:
    looks = []

    def look() -> None:
        looks.append(1)
        deployment.assert_nothing_is_half()
        deployment.assert_said()

    deployment.prune(deployment.pruning(Looked(deployment.work, look), Looked(deployment.area, look)))
    assert len(looks) > 30


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("where", ["work", "area"])
def test_whoever_dies_leaves_no_half_and_the_next_pass_ends_it(where: str, moment: str) -> None:
    whole = Deployment(MemoryObjects(), MemoryObjects())
    whole.prune()
    died = 0
    for write in range(60):
        deployment = Deployment(MemoryObjects(), MemoryObjects())
        dying = Dying(getattr(deployment, where), write, moment)
        with suppress(Died):
            deployment.prune(deployment.pruning(**{where: dying}))
            continue
        died += 1
        deployment.assert_nothing_is_half()
        deployment.assert_said()
        deployment.prune()
        assert deployment.left() == whole.left()
        assert deployment.with_files() == ids(deployment)[3:]
    assert died > 10


def test_one_pass_costs_one_list_of_each_area_however_many_runs_go() -> None:
    class Lists(Watched):
        def __init__(self, inner: ObjectStorage) -> None:
            super().__init__(inner)
            self.prefixes: list[str] = []

        def before(self, method: str, key: str) -> None:
            if method == "list":
                self.prefixes.append(key)

    for days in (6, 40):
        deployment = Deployment(MemoryObjects(), MemoryObjects(), days)
        work, area = Lists(deployment.work), Lists(deployment.area)
        deployment.prune(deployment.pruning(work, area))
        assert sorted(work.prefixes) == ["briefs/", "bundles/", "disclosure/", "disclosure/files/", "workers/"]
        assert area.prefixes == [KEYS.runs]


def test_a_pass_reads_the_runs_of_those_schedules_alone_that_may_have_something_to_do(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of one that has few, or young ones; of one that keeps less than others it does."""
    read: list[str] = []
    known = Pruner._doomed

    def asked(pruning: Pruner, schedule: Schedule, now: datetime) -> list[Run]:
        read.append(schedule.name)
        return known(pruning, schedule, now)

    monkeypatch.setattr(Pruner, "_doomed", asked)
    sooner = make_spec(publication_base="area", policies=Policies(keep_runs=1, keep_days=1))
    made = {name: make_schedule(name) for name in ("none", "few", "young")} | {
        "sooner": make_schedule("sooner", spec=sooner)
    }
    for name, ages in (("none", ()), ("few", (90, 9, 8)), ("young", (1, 1, 1, 0, 0)), ("sooner", (1, 0))):
        deployment.store.schedules.add(made[name])
        for number, age in enumerate(ages):
            at = deployment.now - age * DAY
            run = make_run(made[name], str(number), status=RunStatus.FAILED, attempt=1, ended_at=at, scheduled_for=at)
            deployment.store.runs.add(run, actor="service")
    plan = deployment.pruning().plan(deployment.now)
    assert sorted(read) == ["flights", "sooner"]
    assert {going.run.schedule for going in plan.runs} == {"flights", "sooner"}


# -- for real


def pruned_on(work: ObjectStorage, area: ObjectStorage) -> None:
    deployment = Deployment(work, area)
    deployment.now += 1000 * DAY  # a bundle's time is told by the store's own clock
    deployment.prune()
    assert len(deployment.with_files()) == 3
    deployment.assert_nothing_is_half()
    assert len(list(work.list("gates/"))) == 12
    assert list(work.list(bundle_key("0" * 64))) == [StoredObject(bundle_key("0" * 64), 6, NOON)]


def test_on_folders_no_empty_folder_is_left(tmp_path: Path) -> None:
    work, area = LocalStorage(tmp_path / "work"), LocalStorage(tmp_path / "area")
    pruned_on(work, area)
    assert len(list((tmp_path / "area" / "flights" / "runs").iterdir())) == 3
    assert len(list((tmp_path / "work" / "workers" / "local").iterdir())) == 6


@pytest.mark.s3
def test_on_a_real_s3_server(seaweedfs: S3Server) -> None:
    pruned_on(seaweedfs.objects(), seaweedfs.objects())


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def test_the_command_lists_and_removes_what_a_service_ran(engine: Engine) -> None:
    engine.script("daily", 'echo 1 > "$OUTPUT_DIR/a.csv"', policies=Policies(keep_runs=1, keep_days=0))
    with engine.service():
        first, second = [engine.ended(engine.run("daily")) for _ in range(2)]
    command = ["prune", "--folder", str(engine.places.folder)]

    listed = CliRunner().invoke(main, [*command, "--dry-run"])
    assert listed.exit_code == 0, listed.output
    assert f"daily  run {first.id[:8]} of " in listed.output
    assert "Would remove the files of 1 run, " in listed.output
    assert engine.operations.files.result(first) is not None

    assert CliRunner().invoke(main, command).exit_code == 0
    assert engine.operations.files.result(first) is None
    assert engine.operations.files.result(second) is not None
    assert engine.published("daily") == {"a.csv": "1\n"}


def test_a_service_prunes_by_itself_some_minutes_after_its_start(tmp_path: Path) -> None:
    clock = [NOON]
    engine = Engine(tmp_path, now=lambda: clock[0])
    engine.script("daily", 'echo 1 > "$OUTPUT_DIR/a.csv"', policies=Policies(keep_runs=1, keep_days=0))
    with engine.service():
        first = engine.ended(engine.run("daily"))
        clock[0] += timedelta(minutes=1)
        engine.ended(engine.run("daily"))
        clock[0] += LOOK
        third = engine.run("daily")  # which wakes who looks after things
        eventually(lambda: engine.operations.runs.get(first.id).pruned_at, what="the first run's pruning")
        engine.ended(third)
    assert engine.operations.files.result(first) is None
    assert engine.operations.runs.get(third.id).pruned_at is None
    assert engine.published("daily") == {"a.csv": "1\n"}
