"""The wrapper runs a notebook as bare papermill would, and says plainly how it ended."""

import functools
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.bundles.wrapper import uv_settings
from jupyter_schedule.core.bundles.wrapper.failures import diagnose, one_line, shorten
from jupyter_schedule.core.bundles.wrapper.kernel import kernel_environment
from jupyter_schedule.core.bundles.wrapper.progress import CellProgress, ProgressLog
from jupyter_schedule.core.bundles.wrapper.render import RUNNER_REQUIREMENTS, WrapperConfig, render_wrapper
from jupyter_schedule.core.bundles.wrapper.variables import run_variables
from jupyter_schedule.core.notebooks.run_variables import TOLD
from scheduler_service.task import build_task
from tests.core.bundles.wrapped import code, launcher_environment, notebook, run, write_bundle, write_kernel_spec
from tests.engine import PATIENCE
from tests.factories import NOON, make_run, make_schedule, make_spec

#: notebooks as strangers write them; None as kernel means the one of the tests
CORPUS: dict[str, dict[str, Any] | str] = {
    "succeeds": notebook(code("print('hello')"), code("1 + 1")),
    "raises": notebook(code("x = 1"), code("\n1/0"), code("print('never')")),
    "exits with 0": notebook(code("import sys"), code("sys.exit(0)")),
    "exits with 3": notebook(code("import sys"), code("sys.exit(3)")),
    "kernel exits": notebook(code("1"), code("import os; os._exit(0)")),
    "kernel killed": notebook(code("1"), code("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")),
    "no cells": notebook(),
    "large output": notebook(code("print('x' * 5_000_000)")),
    "asks for input": notebook(code("input('name? ')")),
    "syntax error": notebook(code("1"), code("for")),
    "skipped cell": notebook(code("1/0", "skip-execution")),
    "not a notebook": '{"cells": ',
    "interrupted": notebook(code("raise KeyboardInterrupt")),
}
#: one of each way to end
EVERYDAY = {"succeeds", "raises", "kernel killed", "not a notebook"}
proof = pytest.mark.proof("faults")


@dataclass(frozen=True)
class Ended:
    bare: int
    code: int
    log: str
    report: Path
    failure: dict[str, Any] | None


def both_ways(name: str, folder: Path) -> Ended:
    """One notebook of the corpus, by papermill's own command line and by its wrapper."""
    root = write_bundle(folder / "bundle", CORPUS[name])
    environment = launcher_environment(folder)
    write_kernel_spec(folder / "jupyter" / "kernels" / "python3")
    bare = run(
        [sys.executable, "-m", "papermill", "analysis.ipynb", folder / "bare.ipynb"],
        {**environment, "JUPYTER_PATH": str(folder / "jupyter")},
        root,
    )
    ours = run([root / "run.sh"], environment, folder)
    failure = root / "report" / "failure.json"
    found = json.loads(failure.read_text()) if failure.exists() else None
    return Ended(bare.returncode, ours.returncode, ours.stdout, root / "report", found)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ended]:
    """How each of them ended, by its name; each is run once, when it is first asked for."""
    return functools.cache(lambda name: both_ways(name, tmp_path_factory.mktemp("corpus")))


@pytest.mark.promise("P28")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in EVERYDAY else proof, id=name) for name in CORPUS]
)
def test_a_foreign_notebook_succeeds_or_fails_exactly_as_by_bare_papermill(
    corpus: Callable[[str], Ended], name: str
) -> None:
    ended = corpus(name)
    assert (ended.code == 0) == (ended.bare == 0), ended.log
    assert (ended.failure is None) == (ended.code == 0)


@pytest.mark.parametrize(
    ("name", "code", "kind", "sentence"),
    [
        ("raises", 1, "cell_failed", "ZeroDivisionError at cell 2 of 3: division by zero"),
        pytest.param("exits with 3", 1, "cell_failed", "SystemExit at cell 2 of 2: 3", marks=proof),
        (
            "kernel killed",
            138,
            "kernel_died",
            "Kernel died at cell 2 of 2: killed by signal 9, most often for lack of memory",
        ),
        pytest.param(
            "kernel exits",
            138,
            "kernel_died",
            "Kernel died at cell 2 of 2: it ended by itself with code 0",
            marks=proof,
        ),
        pytest.param("syntax error", 1, "cell_failed", "SyntaxError at cell 2 of 2: invalid syntax (*", marks=proof),
        ("not a notebook", 65, "notebook", "The notebook can't be read: *"),
    ],
)
def test_the_last_line_of_the_log_and_failure_json_say_the_cause(
    corpus: Callable[[str], Ended], name: str, code: int, kind: str, sentence: str
) -> None:
    ended = corpus(name)
    last = ended.log.rstrip("\n").splitlines()[-1]
    assert last.startswith(sentence.removesuffix("*"))
    assert len(last) <= 120
    assert ended.failure is not None
    assert (ended.code, ended.failure["kind"], ended.failure["sentence"]) == (code, kind, last)


def test_the_line_within_the_failing_cell_is_named(corpus: Callable[[str], Ended]) -> None:
    failure = corpus("raises").failure
    assert failure is not None
    assert (failure["cell"], failure["cells"], failure["line"], failure["name"]) == (2, 3, 2, "ZeroDivisionError")


@pytest.mark.parametrize("name", ["succeeds", "raises", "kernel killed", pytest.param("kernel exits", marks=proof)])
def test_the_executed_notebook_and_its_page_are_in_the_report_whatever_happened(
    corpus: Callable[[str], Ended], name: str
) -> None:
    report = corpus(name).report
    executed = json.loads((report / "analysis.ipynb").read_text())
    assert any(cell.get("execution_count") == 1 for cell in executed["cells"])
    assert "<html" in (report / "analysis.html").read_text()


def test_the_log_tells_each_cell_and_what_it_printed(corpus: Callable[[str], Ended]) -> None:
    assert corpus("succeeds").log.splitlines() == [
        "kernel ready, 2 cells to run",
        "cell 1 of 2 …",
        "hello",
        "cell 2 of 2 …",
        "done",
    ]


RECORD = """
import json, os
names = ["OUTPUT_DIR", "REPORT_DIR", "PREVIOUS_DIR", "PUBLISHED_DATA_URL", "RUN_ID", "SCHEDULED_FOR", "DATA_DATE",
         "DATA_INTERVAL_START", "DATA_INTERVAL_END", "KERNEL_SPEC", "RUNNER_PYTHON"]
found = {name: os.environ.get(name) for name in names}
found["values"] = {name: value for name, value in globals().items() if name in {WANTED}}
found["cwd"] = os.getcwd()
found["previous"] = os.listdir(os.environ["PREVIOUS_DIR"])
open(os.path.join(os.environ["OUTPUT_DIR"], "seen.json"), "w").write(json.dumps(found))
"""


def record(*wanted: str) -> dict[str, Any]:
    return code(RECORD.replace("WANTED", ", ".join(map(repr, wanted)) or "''"))


def test_parameters_arrive_with_their_types(tmp_path: Path) -> None:
    """What YAML would turn into booleans, numbers or other numbers stays what it was."""
    values = {
        "a": "NO",
        "b": "12:30",
        "c": "01234",
        "d": 1e16,
        "e": None,
        "f": [1, "x"],
        "g": {"k": True},
        "h": "é\n'\"{x}",
    }
    cells = notebook(code("a = b = c = d = e = f = g = h = 0", "parameters"), record(*values))
    root = write_bundle(tmp_path / "b", cells, parameters=values)
    done = run([root / "run.sh"], launcher_environment(tmp_path), tmp_path)
    assert done.returncode == 0, done.stdout
    assert json.loads((root / "output" / "seen.json").read_text())["values"] == values


def test_product_parameters_are_filled_where_the_notebook_declares_them(tmp_path: Path) -> None:
    cells = notebook(code("data_date = ''\nscheduled_for = ''", "parameters"), record("data_date", "run_id"))
    root = write_bundle(tmp_path / "b", cells, product_parameters=("data_date",))
    environment = launcher_environment(tmp_path, SCHEDULED_FOR="2024-03-01T12:00:00Z")
    done = run([root / "run.sh"], environment, tmp_path)
    assert "Passed unknown parameter" not in done.stdout
    assert json.loads((root / "output" / "seen.json").read_text())["values"] == {"data_date": "2024-02-29"}


def test_values_come_after_those_that_an_earlier_run_added(tmp_path: Path) -> None:
    """So that those which nobody gave stay what the form shows, and cells are counted as their author counts them."""
    cells = notebook(
        code("month = 3\nyear = 2000", "parameters"),
        code("# Parameters\nmonth = 99\nyear = 1999", "injected-parameters"),
        record("month", "year"),
    )
    root = write_bundle(tmp_path / "b", cells, parameters={"month": 5})
    done = run([root / "run.sh"], launcher_environment(tmp_path), tmp_path)
    assert json.loads((root / "output" / "seen.json").read_text())["values"] == {"month": 5, "year": 1999}
    assert [line for line in done.stdout.splitlines() if "…" in line] == [
        "cell 1 of 3 …", "cell 2 of 3 …", "parameters …", "cell 3 of 3 …",
    ]  # fmt: skip


def test_the_notebook_sees_what_the_launcher_passed_and_nothing_of_the_machinery(tmp_path: Path) -> None:
    given = {
        "OUTPUT_DIR": str(tmp_path / "out"),
        "REPORT_DIR": str(tmp_path / "rep"),
        "PREVIOUS_DIR": str(tmp_path),
        "PUBLISHED_DATA_URL": "file:///data/",
        "RUN_ID": "r1",
        "SCHEDULED_FOR": "2026-11-24T12:00:00Z",
        "DATA_DATE": "2026-11-23",
        "DATA_INTERVAL_START": "2026-11-23T12:00:00Z",
        "DATA_INTERVAL_END": "2026-11-24T12:00:00Z",
    }
    root = write_bundle(tmp_path / "b", notebook(record()))
    done = run([root / "run.sh"], launcher_environment(tmp_path, **given), tmp_path)
    assert done.returncode == 0, done.stdout
    seen = json.loads((tmp_path / "out" / "seen.json").read_text())
    assert {name: seen[name] for name in given} == given
    assert (seen["KERNEL_SPEC"], seen["RUNNER_PYTHON"]) == (None, None)
    assert sorted(path.name for path in (tmp_path / "rep").iterdir()) == ["analysis.html", "analysis.ipynb"]


def test_any_path_will_do(tmp_path: Path) -> None:
    """Spaces, quotes, braces, a newline and non-ASCII letters, in the folder, the notebook and the output folder."""
    path = "a \"b\" 'c'/$(x) {y}\nné.ipynb"
    root = write_bundle(tmp_path / 'ro ot\n"{z}"\n', notebook(record()), path=path, output_dir="ré sult's")
    done = run([root / "run.sh"], launcher_environment(tmp_path / "k"), tmp_path)
    assert done.returncode == 0, done.stdout
    seen = json.loads(((root / path).parent / "ré sult's" / "seen.json").read_text())
    assert seen["cwd"] == str((root / path).parent)
    assert (seen["RUN_ID"], seen["PUBLISHED_DATA_URL"], seen["previous"]) == ("by-hand", "", [])
    assert (root / "report" / "$(x) {y}\nné.html").exists()


def test_relative_folders_are_those_of_the_caller(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "b", notebook(record()))
    run([root / "run.sh"], launcher_environment(tmp_path, OUTPUT_DIR="here", REPORT_DIR="there"), tmp_path)
    assert json.loads((tmp_path / "here" / "seen.json").read_text())["OUTPUT_DIR"] == str(tmp_path / "here")
    assert (tmp_path / "there" / "analysis.html").exists()


def test_what_a_notebook_leaves_to_its_end_is_written(tmp_path: Path) -> None:
    """A file that was never closed, and an atexit hook."""
    source = (
        "import atexit\natexit.register(open, 'output/hook', 'w')\nf = open('output/open.txt', 'w')\nf.write('all')"
    )
    root = write_bundle(tmp_path / "b", notebook(code(source)))
    assert run([root / "run.sh"], launcher_environment(tmp_path), tmp_path).returncode == 0
    assert (root / "output" / "open.txt").read_text() == "all"
    assert (root / "output" / "hook").exists()


#: knows one Python, which isn't the wanted one, and no package
NO_PACKAGES = """#!/bin/bash
[[ $1 = venv && $* = *'>=3.11'* ]] && mkdir -p "${!#}/bin" && ln -s '{python}' "${!#}/bin/python"
"""


def test_packages_that_cannot_be_had_are_told_with_the_python_they_were_pinned_for_and_the_one_there_is(
    tmp_path: Path,
) -> None:
    root = write_bundle(tmp_path / "b", notebook(), python_version="3.99")
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(NO_PACKAGES.replace("{python}", sys.executable))
    uv.chmod(0o755)
    environment = {"PATH": f"{uv.parent}:{os.environ['PATH']}"}
    assert run([root / "run.sh"], environment, tmp_path).returncode == 69
    failure = json.loads((root / "report" / "failure.json").read_text())
    assert failure["kind"] == "environment"
    assert "pinned for Python 3.99" in failure["sentence"]
    assert f"Python here is {platform.python_version()}" in failure["sentence"]


def test_files_of_an_earlier_run_by_hand_stay_and_are_mentioned(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "b", notebook())
    (root / "output").mkdir()
    (root / "output" / "old.csv").touch()
    done = run([root / "run.sh"], launcher_environment(tmp_path), tmp_path)
    assert "has files already" in done.stdout
    assert (root / "output" / "old.csv").exists()


@pytest.mark.parametrize(
    ("spec", "kind", "sentence"),
    [
        (
            {"argv": ["/gone/bin/python", "-m", "ipykernel_launcher"]},
            "kernel_gone",
            "isn't there any more: /gone/bin/python",
        ),
        ({"argv": []}, "kernel_gone", "There is no usable kernel.json"),
        (
            {"argv": ["/bin/sh", "-c", "exit 3"], "language": "python"},
            "kernel_unavailable",
            "Kernel didn't start: Kernel died before replying",
        ),
        (
            {"argv": ["/bin/sh"], "metadata": {"kernel_provisioner": {"provisioner_name": "yarn-provisioner"}}},
            "kernel_unavailable",
            "Kernel provisioner 'yarn-provisioner' has not been registered",
        ),
    ],
)
def test_a_kernel_that_is_gone_or_broken_ends_with_70(
    tmp_path: Path, spec: dict[str, Any], kind: str, sentence: str
) -> None:
    root = write_bundle(tmp_path / "b", notebook(code("1")))
    folder = write_kernel_spec(tmp_path / "broken", {"display_name": "P", **spec})
    done = run([root / "run.sh"], launcher_environment(tmp_path, KERNEL_SPEC=str(folder)), tmp_path)
    assert sentence in done.stdout.splitlines()[-1]
    assert done.returncode == 70
    assert json.loads((root / "report" / "failure.json").read_text())["kind"] == kind


def test_an_output_folder_that_cannot_be_made_ends_with_74(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "b", notebook(), output_dir="analysis.ipynb/output")
    done = run([root / "run.sh"], launcher_environment(tmp_path), tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1][:20]) == (74, "Can't make the folde")


def test_a_due_time_that_cannot_be_read_ends_with_65(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "b", notebook())
    done = run([root / "run.sh"], launcher_environment(tmp_path, SCHEDULED_FOR="tomorrow"), tmp_path)
    assert done.stdout.splitlines()[-1] == "SCHEDULED_FOR is 'tomorrow'; write it like 2026-11-24T12:00:00Z."
    assert done.returncode == 65


def test_a_stop_saves_the_notebook_so_far(tmp_path: Path) -> None:
    """SIGTERM, as at a time-out, leaves what had been executed and a sentence."""
    root = write_bundle(
        tmp_path / "b", notebook(code("print('one')"), code("import time\nprint('two')\ntime.sleep(99)"))
    )
    process = subprocess.Popen(
        [root / "run.sh"], env=launcher_environment(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line == "two\n":
            process.send_signal(signal.SIGTERM)
            break
    rest = process.stdout.read()
    assert process.wait(PATIENCE) == 143
    process.stdout.close()
    assert rest.splitlines()[-1] == "Stopped at cell 2 of 2"
    executed = json.loads((root / "report" / "analysis.ipynb").read_text())
    assert executed["cells"][0]["outputs"][0]["text"] in ("one\n", ["one\n"])


def test_the_same_config_renders_the_same_bytes_and_nothing_of_it_is_in_the_scripts() -> None:
    hostile = WrapperConfig(notebook='"; touch x #/$(id).ipynb', kernel_name="`id`", output_dir="'")
    plain = WrapperConfig(notebook="a.ipynb", kernel_name="python3")
    assert render_wrapper(hostile) == render_wrapper(hostile)
    differing = {name for name in render_wrapper(plain) if render_wrapper(plain)[name] != render_wrapper(hostile)[name]}
    assert differing == {".wrapper/config.json"}
    assert {render_wrapper(plain)[name][1] for name in ("run.sh", ".wrapper/run.sh")} == {0o755}
    assert all(name == "run.sh" or name.startswith(".wrapper/") for name in render_wrapper(plain))


def test_the_runner_is_pinned_and_lean() -> None:
    lines = [line for line in RUNNER_REQUIREMENTS.splitlines() if line]
    assert all("==" in line for line in lines)
    names = {line.split("==")[0] for line in lines}
    assert {"papermill", "nbclient", "nbconvert"} <= names
    assert not {"ipykernel", "jupyter-server", "rfc3987-syntax"} & names


def test_the_runner_has_the_versions_that_the_product_is_tested_with() -> None:
    constraints = (Path(__file__).parents[3] / "constraints.txt").read_text()
    assert pins(RUNNER_REQUIREMENTS) <= pins(constraints)


def pins(text: str) -> set[str]:
    """The `name==version` of each line, without the conditions that two resolutions may word differently."""
    return {line.partition(";")[0].strip() for line in text.splitlines() if line}


NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", "2026-03-28", "2026-03-28T00:00:00Z"),
        ("America/New_York", "2026-03-27", "2026-03-27T04:00:00Z"),
        ("Asia/Tokyo", "2026-03-28", "2026-03-27T15:00:00Z"),
    ],
)
def test_a_run_by_hand_processes_the_day_before_in_the_zone_of_its_schedule(zone: str, day: str, start: str) -> None:
    config = {"timezone": zone, "notebook": "d/a.ipynb", "output_dir": "out"}
    found = run_variables({}, config, Path("/b"), NOW)
    assert (found["DATA_DATE"], found["DATA_INTERVAL_START"]) == (day, start)
    assert found["SCHEDULED_FOR"] == found["DATA_INTERVAL_END"] == "2026-03-29T00:30:00Z"
    assert (found["RUN_ID"], found["OUTPUT_DIR"], found["REPORT_DIR"]) == ("by-hand", "/b/d/out", "/b/report")


def test_a_sentence_fits_in_120_characters() -> None:
    assert shorten("x" * 120) == "x" * 120
    assert len(shorten("x" * 121)) == 120
    assert one_line("\n \x1b[31mred\x1b[0m  one\ntwo") == "red one"


def test_a_full_disk_is_told_apart() -> None:
    failure = diagnose(OSError(28, "No space left on device"), CellProgress(ProgressLog(sys.stdout)), None)
    assert (failure.kind, failure.code) == ("disk_full", 74)


@pytest.mark.parametrize(
    ("listing", "environ", "added"),
    [
        ("", {}, {}),
        ("global.index-url='https://a/simple'", {}, {"UV_DEFAULT_INDEX": "https://a/simple"}),
        ("global.index-url='https://a/simple'", {"UV_INDEX_URL": "https://b"}, {}),
        ("global.index-url='x'\ninstall.index-url='y'", {}, {"UV_DEFAULT_INDEX": "y"}),
        ("global.index-url='x'", {"PIP_INDEX_URL": "z"}, {"UV_DEFAULT_INDEX": "z"}),
        (
            "global.extra-index-url='https://a\\nhttps://b'",
            {},
            {"UV_INDEX": "https://a https://b", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ("", {"PIP_FIND_LINKS": "/w /v", "PIP_CERT": "/c.pem"}, {"UV_FIND_LINKS": "/w,/v", "SSL_CERT_FILE": "/c.pem"}),
        ("", {"PIP_CERT": "/c.pem", "SSL_CERT_FILE": "/d.pem"}, {}),
        ("", {"PIP_NO_INDEX": "1"}, {"UV_OFFLINE": "1"}),
    ],
)
def test_uv_installs_as_the_pip_of_the_machine_would(
    listing: str, environ: dict[str, str], added: dict[str, str]
) -> None:
    assert uv_settings.uv_settings(uv_settings.pip_settings(listing, environ), environ) == added


def test_without_pip_its_own_files_say_where_packages_come_from(tmp_path: Path) -> None:
    """Images of clouds have Python without pip, and an operator's pip.conf all the same."""
    (tmp_path / ".config/pip").mkdir(parents=True)
    own = "[global]\nindex_url = https://a/simple\n[install]\nextra-index-url =\n    https://b\n    https://c\n"
    (tmp_path / ".config/pip/pip.conf").write_text(own)
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://d/simple%20\n")
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip/pip.conf").write_text("no section = at all")
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    settings = uv_settings.pip_settings(uv_settings.read_pip_files(environ), {})
    assert settings["index-url"] == "https://d/simple%20"
    assert uv_settings.uv_settings(settings, {})["UV_INDEX"] == "https://b https://c"


def test_a_file_of_uv_itself_is_left_to_decide(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PIP_INDEX_URL": "https://a/simple"}
    assert not uv_settings.has_own_file(environ)
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").touch()
    assert uv_settings.collect(environ) == {}


def test_what_a_notebook_is_told_is_what_scheduling_knows_that_it_will_have(tmp_path: Path) -> None:
    """By hand, and by a service: no variable of ours is warned of, and none is passed over that nobody sets."""
    config = {"timezone": "UTC", "notebook": "a.ipynb", "output_dir": "output"}
    by_hand = {**run_variables({}, config, tmp_path, NOON), "PREVIOUS_DIR": "x"}
    assert kernel_environment(["/bin/x"], tmp_path / "a.ipynb", by_hand).keys() - {"PATH"} == TOLD
    run = make_run(make_schedule())
    task = build_task(
        run,
        make_spec(publication_base="file:///p"),
        number=1,
        token="t",
        worker="local",
        work_area="file:///w",
        launcher_environment={},
    )
    by_service = {
        **task.environment,
        "JPY_SESSION_NAME": "x",
        "REPORT_DIR": "x",
        "OUTPUT_DIR": "x",
        "PREVIOUS_DIR": "x",
    }
    assert by_service.keys() == TOLD
    text = (Path(__file__).parents[3] / "docs" / "what-a-run-sees.md").read_text(encoding="utf-8")
    assert [name for name in sorted(TOLD) if f"`{name}`" not in text] == []
