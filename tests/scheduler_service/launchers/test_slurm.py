"""Runs on a real Slurm: from a schedule to its published file, and through what a cluster does to jobs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Attempt, Reason, Run, RunStatus
from scheduler_service.launchers.base import LaunchRefused, WorkerState
from scheduler_service.launchers.plugins import LauncherContext
from scheduler_service.launchers.slurm import RunCommand, SlurmAway, SlurmLauncher, SlurmSettings, SlurmSize, check
from scheduler_service.worker.task import freeze
from tests.engine import Engine, eventually
from tests.factories import NOON, make_attempt, make_run, make_schedule, make_spec, make_task
from tests.slurm import Cluster, started

proof = pytest.mark.proof("machines")
RUN = make_run(make_schedule())


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("slurm")) as made:
        yield made


class Site(Engine):
    """A deployment whose runs go to the cluster."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self.shared = folder / "shared"
        (self.places.folder / "service.toml").write_text(
            f'max_running = 1\n[storage]\nwork = "{self.places.folder}/objects"\n'
            f'[slurm]\nfolder = "{self.shared}"\n'
            '[slurm.sizes.small]\npartition = "quick"\ncpus = 1\nmemory = "150 MiB"\n'
            '[slurm.sizes.closed]\npartition = "closed"\n'
            '[slurm.sizes.nowhere]\npartition = "missing"\n'
        )
        self._cluster = cluster

    @contextmanager
    def on_cluster(self) -> Iterator[None]:
        """The service, which finds the cluster as an operator's shell does."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLURM_CONF", self._cluster.environment["SLURM_CONF"])
            with self.service():
                # schedules are recorded when it has said which launchers there are
                eventually(self._offers_slurm, what="the service's launchers")
                yield

    def _offers_slurm(self) -> bool:
        catalog = self.store.read_catalog()
        return catalog is not None and catalog.launcher("slurm") is not None

    def run_now(self, name: str, script: str, **changes: Any) -> Run:
        self.script(name, script, launcher="slurm", **changes)
        return self.run(name)

    def is_queued(self, run: Run) -> bool:
        return "Queued by Slurm" in (self.operations.runs.get(run.id).message or "")


@pytest.fixture
def site(tmp_path: Path, cluster: Cluster) -> Site:
    return Site(tmp_path, cluster)


def test_a_run_goes_to_the_cluster_and_its_file_is_published(site: Site, cluster: Cluster) -> None:
    with site.on_cluster():
        run = site.ended(site.run_now("report", "mkdir output; echo $SLURM_JOB_PARTITION > output/where.txt"))
        assert run.status is RunStatus.SUCCEEDED, run.message
        assert site.published("report") == {"where.txt": "quick\n"}
        eventually(lambda: not cluster.jobs("RUNNING", "PENDING", "COMPLETING"), what="the end of the job")
        left = site.shared / "tasks"
        eventually(lambda: not list(left.iterdir()), what="an empty shared folder")


@proof
def test_more_runs_than_the_cluster_has_cores_wait_in_its_queue_and_all_end(site: Site) -> None:
    """`max_running` bounds this machine's runs; the cluster's bound is the cluster's own."""
    with site.on_cluster():
        runs = [site.run_now(f"many-{number}", "sleep 1; mkdir output; touch output/x") for number in range(20)]
        eventually(lambda: any(site.is_queued(run) for run in runs), what="a run that says that it is queued")
        ended = [site.ended(run) for run in runs]
    assert {run.status for run in ended} == {RunStatus.SUCCEEDED}
    assert {len(site.store.runs.list_attempts(run.id)) for run in ended} == {1}


@proof
def test_a_run_in_the_queue_says_why_and_can_be_cancelled(site: Site, cluster: Cluster) -> None:
    with site.on_cluster():
        # the partition lets nobody have so long
        run = site.run_now("closed", "true", size="closed", timeout=60)
        eventually(lambda: site.is_queued(run), what="its word")
        message = site.operations.runs.get(run.id).message
        # versions of Slurm differ in which of the two they say
        assert message in {
            f"Queued by Slurm: {reason}. It stays there until somebody changes that."
            for reason in ("PartitionConfig", "PartitionTimeLimit")
        }
        site.operations.runs.cancel(run.id)
        ended = site.ended(run)
        assert (ended.status, ended.reason) == (RunStatus.CANCELLED, Reason.BY_HAND)
        eventually(lambda: not cluster.jobs("PENDING"), what="an empty queue")


@proof
def test_what_slurm_refuses_is_told_in_its_own_words_once(site: Site) -> None:
    with site.on_cluster():
        run = site.ended(site.run_now("nowhere", "true", size="nowhere"))
    assert run.status is RunStatus.FAILED
    assert (run.message or "").startswith("Slurm says: ")
    assert (run.message or "").endswith("Batch job submission failed: Invalid partition name specified")
    assert len(site.store.runs.list_attempts(run.id)) == 1


@proof
def test_a_job_that_somebody_else_cancelled_is_said_to_be_that(site: Site, cluster: Cluster) -> None:
    with site.on_cluster():
        run = site.run_now("victim", "trap '' TERM; echo begun; sleep 3601")
        for number in range(1, 4):
            eventually(lambda: len(site.store.runs.list_attempts(run.id)) == number, what="the attempt")  # noqa: B023
            eventually(lambda: cluster.jobs("RUNNING"), what="its job")
            cluster.command("scancel", "--user=root")
            eventually(lambda: not cluster.jobs("RUNNING", "COMPLETING"), what="its end")
        ended = site.ended(run)
    assert ended.status is RunStatus.FAILED
    assert "cancelled" in (ended.message or "") or "stopped from outside" in (ended.message or ""), ended.message


@proof
@pytest.mark.parametrize("saves_first", [False, True])
def test_a_controller_that_is_killed_after_a_start_makes_nothing_run_twice(
    site: Site, cluster: Cluster, saves_first: bool
) -> None:
    """One that hasn't saved its state forgets the job, or starts it once more; one that has knows it still."""
    with site.on_cluster():
        run = site.run_now("twice", f"echo once >> {site.root}/begun; sleep 8; mkdir output; touch output/x")
        eventually(lambda: cluster.jobs("RUNNING"), what="its start")
        if saves_first:
            cluster.wait_for_save()
        cluster.kill_controller()
        cluster.start_controller()
        ended = site.ended(run)
    begun = (site.root / "begun").read_text().split()
    attempts = site.store.runs.list_attempts(run.id)
    assert ended.status is RunStatus.SUCCEEDED, ended.message
    assert len(begun) <= len(attempts), "no attempt's code began twice"


@proof
def test_a_run_whose_node_is_lost_is_tried_again_on_another(tmp_path: Path) -> None:
    with started(tmp_path / "slurm") as cluster, (site := Site(tmp_path, cluster)).on_cluster():
        note = f"echo $SLURMD_NODENAME >> {site.root}/begun"
        run = site.run_now("node", f"{note}; test -e {site.root}/lost || sleep 3601; mkdir output; touch output/x")
        begun = site.root / "begun"
        eventually(lambda: begun.exists() and begun.read_text(), what="its start")
        (site.root / "lost").touch()
        (first,) = begun.read_text().split()
        cluster.lose_node(first)
        ended = site.ended(run)
    assert ended.status is RunStatus.SUCCEEDED, ended.message
    attempts = site.store.runs.list_attempts(run.id)
    assert "NODE_FAIL" in (attempts[0].detail or ""), attempts[0].detail
    nodes = begun.read_text().split()
    assert len(nodes) == len(set(nodes)) == len(attempts) == 2


class Fake:
    """Slurm's commands, answering from a list of jobs: as slow and as half as they come."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.calls: list[Sequence[str]] = []
        self.problem: OSError | LaunchRefused | None = None
        self.loses_answer = False

    def __call__(self, command: str, *arguments: str, refused: type[Exception] = SlurmAway) -> str:
        del refused
        self.calls.append((command, *arguments))
        if self.problem is not None and not (self.loses_answer and command != "sbatch"):
            if self.loses_answer and command == "sbatch":
                self._add(arguments)
            raise self.problem
        if command == "sbatch":
            return self._add(arguments)
        if command == "squeue":
            wanted = next((each.partition("=")[2] for each in arguments if each.startswith("--name=")), "")
            return "".join(f"{line}\n" for line in self.jobs if not wanted or f"|{wanted}|" in line)
        return ""

    def _add(self, arguments: tuple[str, ...]) -> str:
        name = next(each.partition("=")[2] for each in arguments if each.startswith("--job-name="))
        self.jobs.append(f"{len(self.jobs) + 1}|PENDING|{name}|None")
        return str(len(self.jobs))

    def say(self, state: str, reason: str = "None") -> None:
        """Let the newest job be in that state."""
        number, _, name, _ = self.jobs[-1].split("|")
        self.jobs[-1] = f"{number}|{state}|{name}|{reason}"


class Bench:
    """A launcher on a fake."""

    def __init__(self, folder: Path) -> None:
        self.fake = Fake()
        self.settings = SlurmSettings(folder=folder / "shared")
        context = LauncherContext(folder, str(folder), b"secret", clock.now, lambda: None)
        self.launcher = SlurmLauncher(self.settings, context, self.fake)  # type: ignore[arg-type]

    def attempt(self, number: int = 1, **changes: object) -> Attempt:
        plan = self.launcher.plan(RUN, make_spec(timeout=60), number=number, token="t", deadline=NOON)
        task = make_task(run_id=RUN.id, attempt=number, pass_environment=["PASSWORD"])
        return make_attempt(RUN, number, launcher="slurm", parameters=freeze(task, plan), **changes)

    def launched(self) -> Attempt:
        attempt = self.attempt()
        return attempt.model_copy(update={"handle": self.launcher.launch(attempt)})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("state", "reason", "expected", "sentence"),
    [
        ("PENDING", "Priority", WorkerState.QUEUED, "Queued by Slurm: Priority."),
        ("PENDING", "None", WorkerState.QUEUED, "Queued by Slurm."),
        (
            "PENDING",
            "JobHeldUser",
            WorkerState.QUEUED,
            "Queued by Slurm: JobHeldUser. It stays there until somebody changes that.",
        ),
        ("CONFIGURING", "None", WorkerState.ALIVE, ""),
        ("RUNNING", "None", WorkerState.ALIVE, ""),
        ("SUSPENDED", "None", WorkerState.ALIVE, ""),
        ("COMPLETING", "None", WorkerState.ALIVE, ""),
        ("COMPLETED", "None", WorkerState.GONE, "Slurm's job 1 is over: it ended and left no result (COMPLETED)."),
        (
            "NODE_FAIL",
            "NodeDown",
            WorkerState.GONE,
            "Slurm's job 1 is over: its node failed (NODE_FAIL, NodeDown).",
        ),
        ("PREEMPTED", "None", WorkerState.GONE, "Slurm's job 1 is over: another job took its place (PREEMPTED)."),
        (
            "OUT_OF_MEMORY",
            "OutOfMemory",
            WorkerState.GONE,
            "Slurm's job 1 is over: it used more memory than its size has (OUT_OF_MEMORY, OutOfMemory).",
        ),
        (
            "TIMEOUT",
            "TimeLimit",
            WorkerState.GONE,
            "Slurm's job 1 is over: its time limit was reached (TIMEOUT, TimeLimit).",
        ),
        ("FAILED", "NonZeroExitCode", WorkerState.GONE, "Slurm's job 1 is over: it failed (FAILED, NonZeroExitCode)."),
        ("NEW_STATE", "", WorkerState.GONE, "Slurm's job 1 is over: nobody knows why (NEW_STATE)."),
    ],
)
def test_each_state_of_a_job_is_one_of_a_worker(
    bench: Bench, state: str, reason: str, expected: WorkerState, sentence: str
) -> None:
    attempt = bench.launched()
    bench.fake.say(state, reason)
    seen = bench.launcher.poll(attempt)
    assert seen == expected
    assert (seen.end.sentence if seen.end else seen.waits_for) == sentence


def test_a_job_that_slurm_does_not_know_is_in_doubt_until_its_worker_is_given_up(bench: Bench) -> None:
    attempt = bench.launched()
    bench.fake.jobs.clear()
    assert bench.launcher.poll(attempt) == WorkerState.ALIVE
    given_up = attempt.model_copy(update={"outcome": "lost"})
    assert bench.launcher.poll(given_up) == WorkerState.GONE


def test_an_id_that_was_given_away_is_not_taken_for_ours(bench: Bench) -> None:
    attempt = bench.launched()
    assert attempt.handle is not None
    bench.fake.jobs[:] = [f"{attempt.handle['job']}|COMPLETED|somebody-elses|None"]
    assert bench.launcher.poll(attempt) == WorkerState.ALIVE
    bench.launcher.kill(attempt)
    assert "scancel" not in {call[0] for call in bench.fake.calls}


def test_a_lost_answer_costs_no_second_job(bench: Bench) -> None:
    bench.fake.problem, bench.fake.loses_answer = SlurmAway("no answer"), True
    with pytest.raises(SlurmAway):
        bench.launcher.launch(bench.attempt())
    bench.fake.problem = None
    assert bench.launched().handle == bench.launched().handle
    assert len(bench.fake.jobs) == 1


def test_while_nobody_can_be_asked_what_waited_waits_on_and_nothing_is_taken_for_gone(bench: Bench) -> None:
    attempt = bench.launched()
    bench.launcher.poll(attempt)
    bench.fake.problem = SlurmAway("Unable to contact slurm controller")
    assert bench.launcher.poll(attempt) == WorkerState.QUEUED
    bench.fake.problem = None
    bench.fake.say("RUNNING")
    bench.launcher.poll(attempt)
    bench.fake.problem = SlurmAway("Unable to contact slurm controller")
    assert bench.launcher.poll(attempt) == WorkerState.UNREACHABLE


def test_an_attempt_is_over_also_while_nobody_can_be_asked_and_its_job_goes_later(bench: Bench) -> None:
    attempt = bench.launched()
    over = attempt.model_copy(update={"ended_at": NOON})
    bench.fake.problem = SlurmAway("Unable to contact slurm controller")
    assert bench.launcher.explain_end(over) is None
    bench.launcher.discard(over)
    bench.fake.problem = None
    tasks = bench.settings.folder / "tasks"
    assert len(list(tasks.iterdir())) == 3
    bench.launcher.reap(lambda _run, _number: over)
    assert list(bench.fake.calls[-1]) == ["scancel", "1"]
    bench.fake.say("CANCELLED")
    bench.launcher.reap(lambda _run, _number: over)
    assert list(tasks.iterdir()) == []


def test_a_job_that_waits_gets_no_signal_and_one_that_runs_does(bench: Bench) -> None:
    attempt = bench.launched()
    bench.launcher.terminate(attempt)
    assert list(bench.fake.calls[-1]) == ["scancel", "1"]
    bench.fake.say("RUNNING")
    bench.launcher.terminate(attempt)
    assert list(bench.fake.calls[-1]) == ["scancel", "--signal=TERM", "--full", "1"]


def test_nothing_secret_stands_where_others_read_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "s3cret word'")
    attempt = bench.launched()
    (submitted,) = (call for call in bench.fake.calls if call[0] == "sbatch")
    script = Path(submitted[-1])
    assert attempt.token not in " ".join(submitted)
    assert "s3cret" not in " ".join(submitted) + script.read_text()
    shared = bench.settings.folder
    assert {path.stat().st_mode & 0o077 for path in shared.rglob("*")} == {0}
    # what a shell makes of it is the value again
    read = RunCommand(5, {"PATH": "/usr/bin:/bin"})
    assert read("sh", "-c", f'. {script.with_suffix(".env")}; printf %s "$PASSWORD"') == "s3cret word'"


def test_the_size_becomes_options_and_words_for_a_person(bench: Bench) -> None:
    asked = {"partition": "gpu", "cpus": 8, "memory": "16 GiB", "gpus": "a100:2", "account": "lab", "qos": "low"}
    size = SlurmSize.model_validate(asked | {"constraint": "x|y"})
    assert list(size.options) == [
        "--partition=gpu",
        "--cpus-per-task=8",
        "--mem=16384M",
        "--gpus=a100:2",
        "--account=lab",
        "--qos=low",
        "--constraint=x|y",
    ]
    assert size.describe() == "8 cores, 16.0GB, a100:2 GPU, gpu"
    bench.launched()
    (submitted,) = (call for call in bench.fake.calls if call[0] == "sbatch")
    assert "--time=90" in submitted, "the agent ends its run before Slurm does, and saves what it has"


@pytest.mark.parametrize("word", ["gpu; rm", "--uid=0", "two words", "$(id)", ""])
def test_a_setting_is_a_word_and_no_option(word: str) -> None:
    with pytest.raises(ValueError, match="without blanks"):
        SlurmSize(partition=word)


def test_commands_that_hang_or_are_missing_are_said_to(tmp_path: Path) -> None:
    hanging = tmp_path / "squeue"
    hanging.write_text("#!/bin/sh\nexec sleep 3601\n")
    hanging.chmod(0o755)
    call = RunCommand(0.2, {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    with pytest.raises(SlurmAway, match=r"Slurm's squeue gave no answer for 0\.2 s"):
        call("squeue")
    with pytest.raises(LaunchRefused, match="There is no sbatch here"):
        RunCommand(5, {"PATH": str(tmp_path)})("sbatch", refused=LaunchRefused)


def test_the_variables_of_a_job_or_of_a_person_are_no_options_of_ours(tmp_path: Path) -> None:
    """A service that is in a job itself, as a Jupyter server often is, has that job's memory and partition there."""
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\nexec env\n")
    squeue.chmod(0o755)
    place = {"SLURM_CONF": "/etc/slurm.conf", "SLURM_JWT": "word", "SLURM_CLUSTERS": "main"}
    options = {
        "SQUEUE_PARTITION": "debug",
        "SBATCH_MEM_PER_CPU": "1G",
        "SLURM_MEM_PER_NODE": "4096",
        "SCANCEL_USER": "b",
    }
    told = RunCommand(5, {"PATH": f"{tmp_path}:/usr/bin:/bin", **place, **options})("squeue")
    found = dict(line.split("=", 1) for line in told.splitlines())
    assert {name: value for name, value in found.items() if name.startswith("S")} == place


def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("a file")
    with pytest.raises(Refused, match=r"slurm\.folder"):
        Bench(tmp_path)


def test_check_asks_the_controller_and_knows_the_partitions(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
    sizes = {"small": SlurmSize(partition="quick"), "lost": SlurmSize(partition="missing")}
    found = list(check(SlurmSettings(folder=tmp_path, sizes=sizes), tmp_path, clock.now()))
    assert [(each.right, each.text) for each in found] == [
        (True, "slurm: the controller answers, with the partitions closed, quick"),
        (True, "slurm: the partition quick of the size small is up"),
        (False, "slurm: the partition missing of the size lost doesn't exist"),
    ]
