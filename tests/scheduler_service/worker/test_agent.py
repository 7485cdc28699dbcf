"""An attempt from gate to result, by real processes."""

import hashlib
import json
import os
import re
import signal
from pathlib import Path

import pytest

from jupyter_schedule.core.models import Reason
from scheduler_service.worker import processes
from scheduler_service.worker.agent import AttemptStorage
from scheduler_service.worker.handle import build_handle
from scheduler_service.worker.task import WorkerTask
from tests.engine import PATIENCE, eventually
from tests.scheduler_service.worker.conftest import PREFIX, RUN, TOKEN, Bench

UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_a_good_run_stores_its_outputs_its_log_and_a_result(bench: Bench) -> None:
    result = bench.run('echo hello; cat data/in.csv > "$OUTPUT_DIR/out.csv"', {"data/in.csv": "1,2\n"})

    file = {"path": "out.csv", "size": 4, "sha256": hashlib.sha256(b"1,2\n").hexdigest()}
    assert (result["outcome"], result["exit_code"], result["reason"]) == ("finished", 0, "ok")
    assert re.fullmatch(r"Succeeded in [\d.]+ s\.", result["sentence"])
    assert result["files"] == [file]
    assert [entry["path"] for entry in result["report"]] == ["log.txt"]
    assert (result["notes"], result["elsewhere"], result["failure"]) == ([], [], None)
    assert UTC.fullmatch(result["started_at"])
    assert UTC.fullmatch(result["ended_at"])
    assert bench.output("out.csv") == b"1,2\n"
    assert bench.log() == "hello\n"
    assert bench.live_log() == b"hello\n"


def test_what_a_link_leads_to_is_in_no_result(bench: Bench) -> None:
    """Of failure.json, executed notebook and log, which the agent reads as whoever it is."""
    secret = bench.folder / "secret"
    secret.write_text(json.dumps({"kind": "x", "message": "opensesame", "cells": [], "metadata": {"a": "opensesame"}}))
    links = "; ".join(f'ln -sf {secret} "$REPORT_DIR/{name}"' for name in ("failure.json", "n.ipynb", "log.txt"))
    result = bench.run(f"{links}; exit 3", {"n.ipynb": "{}"}, notebook="n.ipynb")

    assert result["failure"] is None
    assert [entry["path"] for entry in result["report"]] == ["log.txt"]
    stored = [bench.objects.get(key.key) for key in bench.objects.list(PREFIX)]
    assert not any(b"opensesame" in content for content in stored)


def test_the_schedules_parameters_take_the_place_of_the_bundles(bench: Bench) -> None:
    bench.run('cp params.json "$OUTPUT_DIR"', {"params.json": '{"month": 3}'}, parameters={"month": "ü"})
    assert json.loads(bench.output("params.json")) == {"month": "ü"}

    bench.objects.delete(f"gates/{TOKEN}")
    bench.objects.delete(f"{PREFIX}result")
    bench.run('cp params.json "$OUTPUT_DIR"', {"params.json": '{"month": 3}'})
    assert json.loads(bench.output("params.json")) == {"month": 3}


def test_the_gate_names_the_agents_process_for_ever(bench: Bench) -> None:
    agent = bench.start(bench.task("true"))
    bench.finish(agent)
    gate = json.loads(bench.objects.get(f"gates/{TOKEN}"))
    assert gate["started_by"] == {
        **build_handle(os.getpid()),
        "pid": agent.pid,
        "started": gate["started_by"]["started"],
    }
    assert UTC.fullmatch(gate["at"])


def test_the_first_result_of_an_attempt_is_its_result(bench: Bench) -> None:
    """The agent that ends itself and the one that comes to its end may both say how it ended."""
    storage = AttemptStorage(bench.objects, WorkerTask(**bench.task("true")))
    for sentence in ("first", "second"):
        storage.put_result({"sentence": sentence}, lambda: None)
    assert bench.result() == {"sentence": "first"}


@pytest.mark.promise("P2")
@pytest.mark.parametrize("gate", [b'{"revoked_by": "replica"}', b"", b'{"started_by": {}}'])
def test_an_agent_that_lost_the_gate_executes_nothing_and_stores_nothing(bench: Bench, gate: bytes) -> None:
    bench.objects.put(f"gates/{TOKEN}", gate)
    agent = bench.start(bench.task(f"touch {bench.folder}/executed"))

    assert agent.wait(PATIENCE) == 0
    assert not (bench.folder / "executed").exists()
    assert bench.keys() == []
    assert bench.objects.get(f"gates/{TOKEN}") == gate


def test_a_second_agent_of_an_attempt_leaves_the_first_ones_scratch_folder_alone(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    task = bench.task(f'echo on; read < {bench.folder}/go; cat a.txt > "$OUTPUT_DIR/a"')
    first = bench.start(task)
    eventually(lambda: bench.keys("live/"))

    assert bench.start(task).wait(PATIENCE) == 0
    (bench.folder / "go").write_text("\n")
    assert bench.finish(first)["reason"] == "ok"


def test_a_heartbeat_is_there_while_the_command_runs(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    agent = bench.start(bench.task(f"read < {bench.folder}/go", heartbeat_seconds=0.02))

    first = eventually(lambda: bench.objects.get_or_none(f"{PREFIX}heartbeat"))
    assert json.loads(first)["pid"] == agent.pid
    bench.objects.delete(f"{PREFIX}heartbeat")
    eventually(lambda: bench.objects.get_or_none(f"{PREFIX}heartbeat"))
    (bench.folder / "go").write_text("\n")
    bench.finish(agent)


def test_a_line_is_seen_while_the_command_still_runs(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    agent = bench.start(bench.task(f"echo first; read < {bench.folder}/go; echo second"))

    eventually(lambda: bench.live_log() == b"first\n")
    (bench.folder / "go").write_text("\n")
    bench.finish(agent)
    assert bench.log().startswith("first\nsecond\n")
    assert bench.live_log().decode() == bench.log()


def test_the_notebook_so_far_is_seen_while_the_command_still_runs(bench: Bench) -> None:
    os.mkfifo(bench.folder / "go")
    cell = {"cell_type": "code", "metadata": {"papermill": {"status": "completed"}}, "outputs": [], "source": ""}
    files = {"sub/n.ipynb": json.dumps({"cells": [cell, {"cell_type": "code"}]})}
    command = f'cp sub/n.ipynb "$REPORT_DIR"; read < {bench.folder}/go'
    agent = bench.start(bench.task(command, files, notebook="sub/n.ipynb", heartbeat_seconds=0.02))

    live = eventually(lambda: bench.objects.get_or_none(f"{PREFIX}live/notebook"))
    assert json.loads(live)["cells"][0] == cell
    eventually(lambda: json.loads(bench.objects.get(f"{PREFIX}heartbeat")).get("cells") == [1, 2])
    (bench.folder / "go").write_text("\n")
    assert [entry["path"] for entry in bench.finish(agent)["report"]] == ["log.txt", "n.ipynb"]


def test_outputs_of_a_command_that_fails_are_kept(bench: Bench) -> None:
    result = bench.run("echo half > $OUTPUT_DIR/half; exit 3")
    assert (result["outcome"], result["exit_code"], result["reason"]) == ("finished", 3, "exit_code")
    assert result["sentence"] == "The command ended with exit code 3."
    assert bench.output("half") == b"half\n"
    assert bench.log() == "jupyter-schedule: The command ended with exit code 3.\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("./run.sh", "./run.sh was not found (exit code 127); is it in the bundle, or installed where this runs?"),
        (
            "nosuchtool a",
            "nosuchtool was not found (exit code 127); is it in the bundle, or installed where this runs?",
        ),
        ("./a.txt", "./a.txt can't be executed (exit code 126); mark it with chmod +x."),
        ("kill -KILL $$", "The command was ended by signal 9 (SIGKILL)."),
        ("bash -c 'kill -TERM $$'; exit $?", "The command ended with exit code 143: signal 15 (SIGTERM)."),
    ],
)
def test_a_command_that_cannot_run_says_why(bench: Bench, command: str, sentence: str) -> None:
    result = bench.run(command)
    assert (result["reason"], result["sentence"]) == ("exit_code", sentence)


def test_an_empty_output_folder_is_said(bench: Bench) -> None:
    result = bench.run("mkdir -p $OUTPUT_DIR/sub")
    assert (result["exit_code"], result["reason"]) == (0, "empty_output")
    assert result["sentence"] == "The command finished, but output/ is empty, so nothing was published."


def test_the_wrappers_failure_becomes_reason_and_sentence(bench: Bench) -> None:
    failure = {"kind": "cell_failed", "cell": 4, "cells": 6, "name": "ZeroDivisionError", "message": "division by zero"}
    files = {"n.ipynb": "{}", "failure.json": json.dumps(failure | {"more": []})}
    result = bench.run('cp failure.json "$REPORT_DIR"; exit 1', files, notebook="n.ipynb")
    assert result["reason"] == "cell_failed"
    assert result["sentence"] == "ZeroDivisionError at cell 4 of 6: division by zero."
    assert result["failure"] == failure


@pytest.mark.parametrize("content", ["[]", "nonsense", "[" * 50_000, '{"kind": ["cell_failed"], "cell": {}}'])
def test_a_failure_file_that_makes_no_sense_is_ignored(bench: Bench, content: str) -> None:
    result = bench.run('cp failure.json "$REPORT_DIR"; exit 1', {"failure.json": content})
    assert result["sentence"] == "The command ended with exit code 1."


def test_a_run_sees_what_it_was_given_and_nothing_else(bench: Bench) -> None:
    spec = {"name": "k", "display_name": "K", "language": "python", "argv": ["/bin/sh", "-c"], "env": {"A": "é'\n"}}
    task = bench.task(
        'env -0 > "$OUTPUT_DIR/env"; cp "$KERNEL_SPEC/kernel.json" "$OUTPUT_DIR"; pwd > "$OUTPUT_DIR/cwd"',
        {"sub/n.ipynb": "{}"},
        notebook="sub/n.ipynb",
        output_dir="out put",
        environment={"SCHEDULED_FOR": "2026-11-24T12:00:00Z", "LINES": "a\nb'\"é"},
        kernel=spec,
    )
    bench.finish(bench.start(task, HOME="/home/ana"))

    pairs = (entry.partition("=") for entry in bench.output("env").decode().rstrip("\0").split("\0"))
    seen = {name: value for name, _, value in pairs}
    scratch = bench.work / TOKEN
    assert seen.pop("PATH") == os.environ["PATH"]
    for name in ("PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"):  # Bash's and Python's own
        seen.pop(name, None)
    assert seen == {
        "HOME": "/home/ana",
        "SCHEDULED_FOR": "2026-11-24T12:00:00Z",
        "LINES": "a\nb'\"é",
        "OUTPUT_DIR": str(scratch / "code/sub/out put"),
        "REPORT_DIR": str(scratch / "report"),
        "PREVIOUS_DIR": str(scratch / "previous"),
        "KERNEL_SPEC": str(scratch / "kernel"),
        "JUPYTER_SCHEDULE_ATTEMPT": f"{RUN}.1",
    }
    assert json.loads(bench.output("kernel.json")) == {key: spec[key] for key in spec if key != "name"}
    assert bench.output("cwd").decode() == f"{scratch}/code\n"


def test_a_run_has_no_standard_input(bench: Bench) -> None:
    assert bench.run("cat > $OUTPUT_DIR/a; read line || exit 5")["exit_code"] == 5


def test_a_kernel_that_is_gone_is_said_before_anything_runs(bench: Bench) -> None:
    kernel = {"name": "k", "language": "python", "argv": ["/gone/bin/python", "-m", "ipykernel"], "env": {}}
    result = bench.run("touch $OUTPUT_DIR/a", kernel=kernel)
    assert (result["outcome"], result["exit_code"], result["reason"]) == ("refused", None, "environment_gone")
    assert result["sentence"] == (
        "The kernel's Python /gone/bin/python is gone; schedule the notebook again from an environment that has it."
    )
    assert bench.log() == f"jupyter-schedule: {result['sentence']}\n"


def test_a_bundle_that_is_not_there_is_said(bench: Bench) -> None:
    result = bench.run("true", bundle="0" * 64)
    assert (result["outcome"], result["reason"]) == ("refused", "bundle_unusable")
    assert result["sentence"].startswith("The bundle isn't in the work area any more: save the schedule with the code")


def test_a_bundle_of_another_content_is_never_run(bench: Bench) -> None:
    digest = bench.bundle({"a": "a"})
    other = bench.bundle({"run.sh": f"touch {bench.folder}/executed"})
    bench.objects.put(f"bundles/{digest}.tar.gz", bench.objects.get(f"bundles/{other}.tar.gz"))

    result = bench.run("./run.sh", bundle=digest)
    assert (result["outcome"], result["reason"]) == ("refused", "bundle_unusable")
    assert not (bench.folder / "executed").exists()


def test_a_bundle_that_is_no_archive_is_said(bench: Bench) -> None:
    bench.objects.put(f"bundles/{'a' * 64}.tar.gz", b"\x1f\x8bgarbage")
    assert bench.run("true", bundle="a" * 64)["reason"] == "bundle_unusable"


def test_output_that_came_with_the_bundle_is_removed(bench: Bench) -> None:
    result = bench.run("ls -A $OUTPUT_DIR > list; cp list $OUTPUT_DIR", {"output/old": "", "output/sub/old": ""})
    assert bench.output("list") == b""
    assert [entry["path"] for entry in result["files"]] == ["list"]


@pytest.mark.parametrize("output_dir", [".", "", "..", "../..", "/tmp", "sub/.."])
@pytest.mark.parametrize("notebook", [None, "sub/n.ipynb"])
def test_an_output_folder_that_is_not_one_of_its_own_is_refused(
    bench: Bench, output_dir: str, notebook: str | None
) -> None:
    result = bench.run("true", {"sub/n.ipynb": "{}"}, output_dir=output_dir, notebook=notebook)
    assert (result["outcome"], result["reason"]) == ("refused", "bundle_unusable")
    assert "must be a folder of its own in the bundle" in result["sentence"]


def test_previous_has_the_files_of_the_publication_that_match(bench: Bench) -> None:
    for key in ("p/data/flights1.csv.gz", "p/data/sub/flights2.csv.gz", "p/data/weekly.csv", "q/data/flights3.csv.gz"):
        bench.objects.put(key, key.encode())
    previous = {"objects": bench.task("")["objects"], "prefix": "p/data/", "globs": ["flights*.csv.gz", "sub/*"]}

    result = bench.run('cp -R "$PREVIOUS_DIR"/. "$OUTPUT_DIR"', previous=previous)
    assert [entry["path"] for entry in result["files"]] == ["flights1.csv.gz", "sub/flights2.csv.gz"]
    assert bench.output("flights1.csv.gz") == b"p/data/flights1.csv.gz"


def test_previous_is_an_empty_folder_before_the_first_publication(bench: Bench) -> None:
    previous = {"objects": f"file://{bench.folder}/nothing", "prefix": "p/data/", "globs": ["*"]}
    assert bench.run('[ -d "$PREVIOUS_DIR" ] && ls -A "$PREVIOUS_DIR" > $OUTPUT_DIR/a', previous=previous)
    assert bench.output("a") == b""


def test_files_written_elsewhere_are_named_and_not_collected(bench: Bench) -> None:
    command = (
        "mkdir -p sub report .environment/bin __pycache__ $OUTPUT_DIR; touch sub/new report/x .environment/bin/x "
        "__pycache__/x.pyc $OUTPUT_DIR/out; echo more >> changed; cat kept > /dev/null; printf x > $'odd\\xff'"
    )
    result = bench.run(command, {"changed": "a", "kept": "k"})
    assert result["elsewhere"] == ["changed", "sub/new"]
    assert bench.keys("output/") == ["output/out"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_agent_stops_the_run_and_keeps_what_there_is(bench: Bench, number: signal.Signals) -> None:
    os.mkfifo(bench.folder / "on")
    agent = bench.start(bench.task(f"echo half > $OUTPUT_DIR/half; echo > {bench.folder}/on; sleep 1000"))
    (bench.folder / "on").read_text()

    agent.send_signal(number)
    result = bench.finish(agent)
    assert (result["outcome"], result["exit_code"], result["reason"]) == ("stopped", None, "by_hand")
    assert re.fullmatch(r"Stopped after [\d.]+ s\.", result["sentence"])
    assert bench.output("half") == b"half\n"


def test_a_hangup_changes_nothing(bench: Bench) -> None:
    os.mkfifo(bench.folder / "on")
    os.mkfifo(bench.folder / "go")
    command = f"echo > {bench.folder}/on; read < {bench.folder}/go; touch $OUTPUT_DIR/a"
    agent = bench.start(bench.task(command))
    (bench.folder / "on").read_text()

    agent.send_signal(signal.SIGHUP)
    (bench.folder / "go").write_text("\n")
    assert bench.finish(agent)["reason"] == "ok"


def test_a_command_that_cannot_be_started_is_said_with_the_technical_text_beside(bench: Bench) -> None:
    result = bench.run("true", environment={"A": "nul\0"})
    assert (result["outcome"], result["reason"]) == ("refused", "launch")
    assert result["sentence"].startswith("The worker couldn't prepare the run: ValueError: ")
    assert "Traceback" in result["notes"][0]


def test_a_document_that_is_no_attempt_is_refused(bench: Bench) -> None:
    agent = bench.start({"command": "true"})
    assert agent.wait(PATIENCE) == 2
    assert agent.stderr
    assert "stdin must have an attempt's parameters as JSON" in agent.stderr.read()


def test_every_reason_is_one_that_runs_know() -> None:
    source = "\n".join(path.read_text() for path in Path("scheduler_service/worker").glob("*.py"))
    named = set(re.findall(r'"(?:refused|finished|timed_out|stopped)", "(\w+)"', source))
    assert {"time_limit", "by_hand"} <= named
    assert named <= set(Reason)


def test_an_agent_that_comes_to_no_end_ends_itself_and_says_so(bench: Bench) -> None:
    agent = bench.start(bench.task("echo begun; exec sleep 600", lifetime_seconds=1.0))

    assert agent.wait(60) == 1
    result = bench.result()
    assert (result["outcome"], result["reason"]) == ("timed_out", "time_limit")
    eventually(lambda: processes.find_marked(f"{RUN}.1") == [])


def test_a_result_tells_no_value_of_a_variable_that_the_run_was_given(bench: Bench) -> None:
    """Also where a sentence is cut short within it; the log is the analyst's own, and says what was printed."""
    secret = "opensesame" * 20
    failure = {"kind": "cell_failed", "name": "ValueError", "cell": 2, "cells": 3, "message": f"no {secret}"}
    files = {"n.ipynb": "{}", "failure.json": json.dumps(failure)}
    task = bench.task('cp failure.json "$REPORT_DIR"; echo $DOOR; exit 1', files, pass_environment=["DOOR", "ABSENT"])
    result = bench.finish(bench.start(task | {"notebook": "n.ipynb"}, DOOR=secret))

    assert result["sentence"] == "ValueError at cell 2 of 3: no [left out: DOOR]."
    assert result["failure"]["message"] == "no [left out: DOOR]"
    assert "opensesame" not in json.dumps(result)
    assert "opensesame" in bench.log()
