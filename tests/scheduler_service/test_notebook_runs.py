"""Notebooks from a request to their published outputs, on the kernel that the tests run in."""

import json
import sysconfig
import venv
from pathlib import Path

import pytest

from jupyter_schedule.core.bundles.packaging import PackagingRequest, build_bundle
from jupyter_schedule.core.host import Host
from jupyter_schedule.core.models import (
    EnvironmentSource,
    NotificationEvent,
    QueuedNotification,
    Reason,
    Run,
    RunStatus,
    utc_text,
)
from jupyter_schedule.core.notebooks.kernels import find_kernel
from scheduler_service.notifications.message import MessageComposer
from tests.engine import DAILY, Engine, notebook_of

AWKWARD = 'it\'s "quoted"\nübung 数据'


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def report(engine: Engine, run: Run, name: str) -> str:
    return engine.operations.files.read(run, f"report/{name}").decode()


def test_a_notebook_publishes_what_it_writes_and_keeps_its_report_apart(engine: Engine) -> None:
    engine.notebook("report", "open('output/result.csv', 'w').write('1')")
    with engine.service():
        run = engine.ended(engine.run("report"))

    assert run.status == RunStatus.SUCCEEDED
    assert engine.published("report") == {"result.csv": "1"}
    assert "result.csv" in report(engine, run, "report.ipynb")
    assert "<html" in report(engine, run, "report.html")


def test_parameters_arrive_as_the_notebook_types_them_and_never_as_yaml_or_code(engine: Engine) -> None:
    given = {
        "country": "NO",
        "at": "12:30",
        "zip_code": "01234",
        "text": "'); import os  #",
        "share": "1e-3",
        "big": "1",
    }
    engine.notebook(
        "typed",
        "import json; json.dump([country, at, zip_code, text, share, big], open('output/typed.json', 'w'))",
        parameters="country = 'SE'\nat = '06:00'\nzip_code = '00000'\ntext = ''\nshare = 0.5\nbig = 7",
        parameter_texts=given,
    )
    with engine.service():
        engine.ended(engine.run("typed"))

    typed = json.loads(engine.published("typed")["typed.json"])
    assert typed == ["NO", "12:30", "01234", "'); import os  #", 0.001, 1]


def test_a_notebook_that_names_when_it_is_due_is_told(engine: Engine) -> None:
    engine.notebook(
        "told",
        "print(scheduled_for, data_date); open(output_dir + '/told.txt', 'w').write(scheduled_for)",
        parameters="scheduled_for = ''\ndata_date = ''\noutput_dir = 'output'",
    )
    with engine.service():
        run = engine.ended(engine.run("told"))

    assert engine.published("told") == {"told.txt": utc_text(run.scheduled_for)}


@pytest.mark.promise("P28")
def test_a_failing_cell_is_the_first_thing_that_is_said_and_nothing_is_lost(engine: Engine) -> None:
    engine.notebook("fails", "1", "2", "open('output/partial.csv', 'w').write('half')", "print('so far')", "1 / 0", "6")
    with engine.service():
        run = engine.ended(engine.run("fails"))

    assert (run.status, run.reason, run.publication) == (RunStatus.FAILED, Reason.CELL_FAILED, None)
    assert run.message == "ZeroDivisionError at cell 5 of 6: division by zero."
    assert "so far" in report(engine, run, "fails.ipynb")
    assert "so far" in engine.log(run)
    assert engine.operations.files.read(run, "output/partial.csv") == b"half"


@pytest.mark.promise("P28")
@pytest.mark.parametrize("death", ["import os; os._exit(1)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_kernel_that_dies_ends_the_run(engine: Engine, death: str) -> None:
    engine.notebook("dies", "print('alive')", death)
    with engine.service():
        run = engine.ended(engine.run("dies"))

    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.KERNEL_DIED)
    assert "cell 2 of 2" in (run.message or "")
    assert "alive" in report(engine, run, "dies.ipynb")


def test_a_sentence_and_a_message_have_no_value_of_a_kernels_variables(engine: Engine) -> None:
    """Its notebook may print it, and then its own log has it."""
    kernel = find_kernel("python3").model_copy(update={"env": {"TEAM": "open-sesame", "MODE": "word"}})
    path = engine.root / "told.ipynb"
    path.write_text(json.dumps(notebook_of("import os", "raise OSError(f\"a word of {os.environ['TEAM']}\")")))
    request = PackagingRequest(timing=DAILY, notebook=path)
    made = build_bundle(request, engine.root, engine.objects, host=Host(lambda: {"python3": kernel}))
    engine.operations.schedules.create("told", made.spec)
    with engine.service():
        run = engine.ended(engine.run("told"))

    assert run.message == "OSError at cell 2 of 2: a word of [left out: TEAM]."
    compose = MessageComposer(engine.store, engine.objects, {})
    word = QueuedNotification(
        message_id="1", run_id=run.id, occasion=NotificationEvent.FAILURE, channel="ops", number=1, attempts=1
    )
    assert "sesame" not in compose(word).body


#: starts a kernel here, and lets it know
PROVISIONER = """
from jupyter_client.provisioning import LocalProvisioner
class TeamProvisioner(LocalProvisioner):
    async def pre_launch(self, **options):
        made = await super().pre_launch(**options)
        return {**made, "env": {**made["env"], "STARTED_BY": "team"}}
"""


@pytest.fixture
def python_with_provisioner(tmp_path: Path) -> Path:
    """The Python of a Jupyter server that has a provisioner, and else what we have."""
    folder = tmp_path / "server"
    venv.create(folder)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))
    (packages / "team_provisioner.py").write_text(PROVISIONER)
    described = packages / "team_provisioner-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: team-provisioner\nVersion: 1\n")
    (described / "entry_points.txt").write_text(
        "[jupyter_client.kernel_provisioners]\nteam = team_provisioner:TeamProvisioner\n"
    )
    return folder / "bin" / "python"


@pytest.mark.proof("faults")
def test_a_provisioner_that_is_installed_starts_the_kernel(engine: Engine, python_with_provisioner: Path) -> None:
    """In the Python that has it; once that is gone, runs end with a sentence."""
    path = engine.root / "far.ipynb"
    path.write_text(json.dumps(notebook_of("import os", "open('output/by.txt', 'w').write(os.environ['STARTED_BY'])")))
    spec = build_bundle(PackagingRequest(timing=DAILY, notebook=path), engine.root, engine.objects).spec
    assert spec.kernel is not None
    metadata = {"kernel_provisioner": {"provisioner_name": "team", "config": {}}}
    frozen = {"metadata": metadata, "provisioned_by": str(python_with_provisioner)}
    spec = spec.model_copy(update={"kernel": spec.kernel.model_copy(update=frozen)})
    engine.operations.schedules.create("far", spec)
    with engine.service():
        run = engine.ended(engine.run("far"))
        assert run.status == RunStatus.SUCCEEDED, run.message
        assert engine.published("far") == {"by.txt": "team"}
        python_with_provisioner.unlink()
        gone = engine.ended(engine.run("far"))
    assert (gone.status, gone.reason) == (RunStatus.FAILED, Reason.ENVIRONMENT_GONE)


def test_more_memory_than_there_is_fails_with_that_word(engine: Engine) -> None:
    engine.notebook("greedy", "x = bytearray(1 << 60)")
    with engine.service():
        run = engine.ended(engine.run("greedy"))

    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.OUT_OF_MEMORY)
    assert "cell 1 of 1" in (run.message or "")


def test_a_notebook_that_writes_elsewhere_succeeds_publishes_nothing_and_is_told_where_its_file_is(
    engine: Engine,
) -> None:
    engine.notebook("elsewhere", "open('result' + '.csv', 'w').write('1')")
    with engine.service():
        run = engine.ended(engine.run("elsewhere"))

    result = engine.operations.files.result(run)
    assert (run.status, run.reason, run.publication) == (RunStatus.SUCCEEDED, Reason.EMPTY_OUTPUT, None)
    assert result is not None
    assert result.elsewhere == ("result.csv",)


def test_names_may_have_any_characters(engine: Engine) -> None:
    folder = engine.root / AWKWARD
    folder.mkdir()
    (folder / f"{AWKWARD}.csv").write_text("1")
    notebook = folder / f"{AWKWARD}.ipynb"
    source = f"text = open({AWKWARD + '.csv'!r}).read(); open('output/' + {AWKWARD!r}, 'w').write(text)"
    notebook.write_text(json.dumps(notebook_of(source)))
    request = PackagingRequest(timing=DAILY, notebook=notebook, files=(f"{AWKWARD}/{AWKWARD}.csv",))
    made = build_bundle(request, engine.root, engine.objects)
    engine.operations.schedules.create("awkward", made.spec)
    with engine.service():
        run = engine.ended(engine.run("awkward"))

    assert run.message is not None
    assert run.status == RunStatus.SUCCEEDED, engine.log(run)
    assert engine.published("awkward") == {AWKWARD: "1"}


def test_a_fresh_environment_is_built_from_the_pins(engine: Engine) -> None:
    engine.notebook(
        "fresh",
        "import sys; open('output/where.txt', 'w').write(sys.prefix)",
        environment=EnvironmentSource.FRESH,
    )
    with engine.service():
        run = engine.ended(engine.run("fresh"))

    assert run.status == RunStatus.SUCCEEDED, engine.log(run)
    assert str(engine.places.folder) in engine.published("fresh")["where.txt"]
