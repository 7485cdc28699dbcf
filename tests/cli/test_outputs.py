import json
from typing import Any

from jupyter_schedule.api.responses import RunDetails
from jupyter_schedule.core.models import FileEntry, Reason, RunStatus
from tests.cli.conftest import PUBLICATION, Terminal

CSV = FileEntry(path="a.csv", size=2, sha256="0" * 64)
LOG = FileEntry(path="log.txt", size=2048, sha256="1" * 64)


def test_json_has_outputs_report_and_what_lies_elsewhere(terminal: Terminal) -> None:
    run = terminal.end(
        terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily"))), publication=PUBLICATION
    )
    terminal.leave_result(run, files=(CSV,), report=(LOG,), elsewhere=("b.csv",), notes=("x was left out.",))
    report_url = terminal.operations.files.url(run, "report/log.txt")
    told = terminal.json("outputs", "daily")
    assert told == json.loads(RunDetails.model_validate(told).model_dump_json())
    assert (told["run_id"], told["publication"]["url"]) == (run.id, "file:///p/daily/data/")
    (published,) = told["publication"]["files"]
    assert (published["path"], published["url"]) == ("a.csv", "file:///p/daily/runs/1/files/a.csv")
    assert told["report"] == [{"path": "log.txt", "size": 2048, "sha256": "1" * 64, "url": report_url}]
    assert (told["elsewhere"], told["notes"]) == (["b.csv"], ["x was left out."])


def test_of_a_run_whose_files_were_removed_it_says_so_and_leads_nowhere(terminal: Terminal) -> None:
    run = terminal.end(
        terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily"))), publication=PUBLICATION
    )
    terminal.leave_result(run, files=(CSV,), report=(LOG,))
    terminal.operations.store.runs.mark_pruned([run.id], actor="scheduler")

    (said,) = terminal("outputs", "daily").stdout.splitlines()[1:]
    assert said.startswith("Its files were removed")
    shown = terminal.json("outputs", "daily")
    assert (shown["outputs"], shown["report"]) == ([], [])
    (listed,) = terminal.json("runs", "daily")
    assert listed["pruned_at"] is not None
    assert listed["publication"] == {"url": "file:///p/daily/data/", "files": []}
    assert said in terminal("logs", "daily").stderr


def test_unpublished_outputs_are_where_the_run_left_them(terminal: Terminal) -> None:
    run = terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily", "--no-publish")))
    terminal.leave_result(run, files=(CSV,))
    terminal.leave(run, "output/a.csv", b"ab")
    shown = terminal.json("outputs", terminal.end(run).id)
    assert shown["publication"] is None
    (file,) = shown["outputs"]
    path = terminal.operations.objects.url("").removeprefix("file://")
    assert file["url"].startswith(f"file://{path}")
    assert file["url"].endswith("/output/a.csv")


def test_people_are_offered_what_was_written_elsewhere(terminal: Terminal) -> None:
    ended: dict[str, Any] = {"status": RunStatus.FAILED, "reason": Reason.EXIT_CODE, "message": "It ended with code 3."}
    run = terminal.end(terminal.launch(terminal.operations.runs.run_now(terminal.scheduled("daily"))), **ended)
    assert terminal("outputs", "daily").stdout == "✕ It ended with code 3.\nIt left no files yet.\n"
    terminal.leave_result(run, report=(LOG,), elsewhere=("b.csv", "c.csv"), notes=("d was left out: it is a pipe.",))
    assert terminal("outputs", "daily").stdout.splitlines() == [
        "✕ It ended with code 3.",
        "Report:",
        f"  log.txt    2.0 kB    {terminal.operations.files.url(run, 'report/log.txt')}",
        "Nothing was written to output/.",
        "b.csv and c.csv were written outside output/: use --output-dir . or write to output/ to publish.",
        "d was left out: it is a pipe.",
    ]
