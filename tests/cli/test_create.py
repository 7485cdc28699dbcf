import json
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.api.requests import Form
from jupyter_schedule.api.responses import ScheduleResponse
from jupyter_schedule.client.client import Client
from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.data_paths import default_data_paths
from tests.cli.conftest import Terminal
from tests.s3_servers import S3Server


def write_notebook(path: Path, *sources: str) -> None:
    """A notebook whose first cell is tagged `parameters`."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": str(number),
            "metadata": {"tags": ["parameters"] if number == 0 else []},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_json_is_the_schedule_as_the_api_answers(terminal: Terminal) -> None:
    terminal.tarball()
    made = terminal.json("create", "--tarball", "x.tar.gz", "--name", "daily")
    assert made == json.loads(ScheduleResponse.model_validate(made).model_dump_json())
    expected = {
        "name": "daily",
        "state": "active",
        "version": 1,
        "timing": {"cron": "0 12 * * *", "once": None, "timezone": "UTC"},
        "next_due": "2026-11-25T12:00:00Z",
        "owner": "local",
        "publication_url": terminal.published("daily"),
        "last_runs": [],
    }
    assert {key: made[key] for key in expected} == expected
    form = {
        "command": "./run.sh",
        "notebook": None,
        "tarball": made["bundle"],
        "output_dir": "output",
        "timeout_minutes": 120,
        "visibility": "private",
        "environment": "kernel",
        "overlap": "queue_one",
        "catch_up": "latest",
        "kernel": None,
    }
    assert {key: made["form"][key] for key in form} == form


def test_every_option_is_recorded(terminal: Terminal) -> None:
    terminal.tarball()
    made = terminal.json(
        *("create", "--tarball", "x.tar.gz", "--name", "all", "--command", "./run.sh --fast", "--once", "2026-12-24"),
        *("--at", "6:00", "--timezone", "Europe/Paris", "--timeout", "5", "--output-dir", "./out/", "--no-publish"),
        *("--previous", "*.csv", "--previous", "b/*", "--env", "TOKEN", "--environment", "fresh"),
        *("--overlap", "skip", "--catch-up", "none"),
    )
    assert made["timing"] == {"cron": None, "once": "2026-12-24T05:00:00Z", "timezone": "Europe/Paris"}
    assert made["publication_url"] is None
    expected = {
        "command": "./run.sh --fast",
        "timeout_minutes": 5,
        "output_dir": "out",
        "visibility": "none",
        "previous": ["*.csv", "b/*"],
        "env": ["TOKEN"],
        "environment": "fresh",
        "overlap": "skip",
        "catch_up": "none",
    }
    assert {key: made["form"][key] for key in expected} == expected


def test_people_are_told_what_when_and_what_to_do_next(terminal: Terminal) -> None:
    terminal.tarball()
    lines = terminal("create", "--tarball", "x.tar.gz", "--name", "daily", "--timezone", "Europe/Paris").output
    for said in (
        "Scheduled “daily”.",
        "Runs every day at 12:00 Paris time",
        " B packed.",
        "Wed 25 Nov 2026 12:00    Wed 25 Nov 2026 11:00",
        "Fri 27 Nov 2026 12:00",
        "jupyter schedule run daily --wait",
        "Nothing is ticking now, so nothing runs by itself: start the service with `python -m scheduler_service run`.",
    ):
        assert said in lines
    assert "Sat 28 Nov" not in lines


def test_a_notebook_comes_with_what_it_reads_and_with_typed_parameters(terminal: Terminal) -> None:
    write_notebook(
        terminal.folder / "a" / "Été.ipynb", "n = 1\nday = 'MO'\nm = []", "open('../data.csv'), open('gone.csv')"
    )
    (terminal.folder / "data.csv").write_text("1")
    (terminal.folder / "more.txt").write_text("1")
    options = (
        "--file",
        "*.txt",
        "--param",
        "day=NO",
        "--param",
        "n=7",
        "--param-json",
        '{"n": 3}',
        "--param-json",
        '{"m": [1]}',
    )
    made = terminal.json("create", "a/Été.ipynb", *options)
    assert made["name"] == "ete"
    assert made["form"]["notebook"] == "a/Été.ipynb"
    assert made["form"]["kernel"] == "python3"
    assert made["form"]["parameters"] == {"n": 7, "day": "NO", "m": [1]}
    said = terminal("bundle", "a/Été.ipynb", *options).stdout
    assert ["3 files, " in said, *(f"  {path} " in said for path in ("a/Été.ipynb", "data.csv", "more.txt"))] == [
        True
    ] * 4
    assert "gone.csv" in said


def test_a_notebook_elsewhere_has_its_own_folder_for_a_root(terminal: Terminal, tmp_path: Path) -> None:
    write_notebook(tmp_path / "there" / "n.ipynb", "")
    (tmp_path / "there" / "b.csv").write_text("1")
    made = terminal.json("create", "../there/n.ipynb", "--file", "../there/*.csv")
    assert (made["form"]["notebook"], made["form"]["files"]) == ("n.ipynb", ["*.csv"])
    assert terminal.json("show", "n")["root"] == str(tmp_path / "there")
    error = terminal.refusal("create", "../there/n.ipynb", "--name", "other", "--file", "c.csv")
    assert (error["code"], error["field"]) == ("outside_root", "files")


def test_a_notebook_named_through_a_link_to_this_folder_is_in_it(terminal: Terminal, tmp_path: Path) -> None:
    write_notebook(terminal.folder / "sub" / "n.ipynb", "")
    (tmp_path / "link").symlink_to(terminal.folder)
    made = terminal.json("create", str(tmp_path / "link" / "sub" / "n.ipynb"))
    assert made["form"]["notebook"] == "sub/n.ipynb"


def test_where_results_go_is_said_and_depends_on_no_folder(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(terminal.folder / "n.ipynb", "")
    terminal.tarball()
    assert f"Results:  {terminal.published('a')}\n" in terminal("create", "n.ipynb", "--name", "a").stdout
    assert f"Results:  {terminal.published('b')}\n" in terminal("create", "--tarball", "x.tar.gz", "--name", "b").stdout
    monkeypatch.chdir(tmp_path)
    assert f"Results:  {terminal.published('c')}\n" in terminal("create", "work/n.ipynb", "--name", "c").stdout
    assert "kept with each run" in terminal("create", "work/n.ipynb", "--name", "d", "--no-publish").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        ((), "one_thing", "notebook"),
        (("n.ipynb", "--tarball", "x.tar.gz"), "one_thing", "notebook"),
        (("n.ipynb", "--command", "true"), "not_with_notebook", "command"),
        (("gone.ipynb",), "notebook_missing", "notebook"),
        (("gone.ipynb", "--name", "Überall"), "bad_name", "name"),
        (("--tarball", "gone.tar.gz"), "tarball_unreadable", "tarball"),
        (("--tarball", "x.tar.gz", "--name", "Überall"), "bad_name", "name"),
        (("--tarball", "x.tar.gz", "--name", "taken"), "name_taken", "name"),
        (("--tarball", "日本.tar.gz"), "bad_name", "name"),
        (("--tarball", "x.tar.gz", "--public"), "no_public_area", "visibility"),
        (("--tarball", "x.tar.gz", "--param", "n=1"), "no_parameters", "parameters"),
        (("--tarball", "x.tar.gz", "--output-dir", "../out"), "bad_output_dir", "output_dir"),
        (("--tarball", "x.tar.gz", "--once", "2020-01-01T00:00"), "in_the_past", "date"),
        (("n.ipynb", "--param", "n"), "bad_parameter", "parameters"),
        (("n.ipynb", "--param", "m=1"), "unknown_parameter", "parameters"),
        (("n.ipynb", "--param-json", "[1]"), "bad_parameter", "parameters"),
        (("n.ipynb", "--param-json", "{"), "bad_parameter", "parameters"),
        (("n.ipynb", "--kernel", "gone"), "kernel_missing", "kernel"),
        (("n.ipynb", "--file", "*.nothing"), "no_match", "files"),
        (("n.ipynb", "--daily", "--hourly"), "two_frequencies", "frequency"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_and_leaves_nothing(
    terminal: Terminal, arguments: tuple[str, ...], code: str, field: str
) -> None:
    terminal.scheduled("taken")
    write_notebook(terminal.folder / "n.ipynb", "n = 1")
    error = terminal.refusal("create", *arguments)
    assert (error["code"], error.get("field")) == (code, field)
    assert [schedule.name for schedule in terminal.operations.schedules.list_page()] == ["taken"]


@pytest.mark.parametrize("option", [("--timeout", "0"), ("--timeout", "1441"), ("--overlap", "never")])
def test_values_that_an_option_does_not_have_are_usage_errors(terminal: Terminal, option: tuple[str, str]) -> None:
    result = terminal("create", "n.ipynb", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_hundreds_of_files_are_summed_up(terminal: Terminal) -> None:
    write_notebook(terminal.folder / "n.ipynb", "")
    for number in range(40):
        (terminal.folder / f"{number:02}.csv").write_text("12345")
    shown = terminal("create", "n.ipynb", "--file", "*.csv").stdout
    assert "29.csv" in shown
    assert "30.csv" not in shown
    assert "and 11 more" in shown


def test_bundle_writes_the_bundle_that_create_records(terminal: Terminal) -> None:
    write_notebook(terminal.folder / "n.ipynb", "n = 1")
    made = terminal.json("bundle", "n.ipynb", "--param", "n=2", "-o", "b.tar.gz")
    assert list(made)[:2] == ["path", "problems"]
    assert made["path"] == "b.tar.gz"
    assert made["size"] == (terminal.folder / "b.tar.gz").stat().st_size
    assert made["bundle"] == terminal.json("create", "n.ipynb", "--param", "n=2")["bundle"]


def test_bundle_replaces_a_file_only_when_told_to(terminal: Terminal) -> None:
    write_notebook(terminal.folder / "n.ipynb", "")
    (terminal.folder / "n.tar.gz").write_text("mine")
    assert terminal.refusal("bundle", "n.ipynb")["code"] == "file_exists"
    assert (terminal.folder / "n.tar.gz").read_text() == "mine"
    assert terminal("bundle", "n.ipynb", "--force").stdout.startswith("n.tar.gz, ")
    assert terminal.refusal("bundle", "n.ipynb", "-o", "no/n.tar.gz")["code"] == "no_such_folder"


def test_names_are_shown_without_their_control_characters(terminal: Terminal) -> None:
    write_notebook(terminal.folder / "n.ipynb", "")
    (terminal.folder / "a\x1b[31m\n.csv").write_text("")
    shown = terminal("bundle", "n.ipynb", "--file", "*.csv").stdout
    assert "a\\x1b[31m\\n.csv" in shown
    assert "\x1b" not in shown


def test_a_data_folder_that_cannot_be_used_is_one_sentence(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.tarball()
    monkeypatch.setenv("JUPYTER_DATA_DIR", os.fspath(terminal.folder / "x.tar.gz"))
    result = terminal("create", "--tarball", "x.tar.gz")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The ledger can't be opened at ")


@pytest.mark.s3
def test_what_publishing_costs_is_said_before_a_run_in_the_same_words_at_every_door(
    terminal: Terminal, seaweedfs: S3Server
) -> None:
    places = default_data_paths()
    area = seaweedfs.address(seaweedfs.bucket())
    (places.folder / "service.toml").write_text(f'[storage]\nprivate = "{area}"\nmost_files = 2\n')
    write_notebook(terminal.folder / "n.ipynb", "1")
    (terminal.folder / "output").mkdir()
    for name in "abc":
        (terminal.folder / "output" / name).touch()

    with Client(InProcessTransport(terminal.folder)) as client:
        seen = client.preview(Form(notebook="n.ipynb"))
    assert seen.publishing_cost == (
        "The folder output holds 3 files, and 2 may be published (publishing 3 files costs less than $0.01 for "
        "requests alone, each time): pack them into one, or have an operator raise storage.most_files."
    )
    assert f"\n{seen.publishing_cost}\n" in terminal("create", "n.ipynb").output
    assert f"Cost:     {seen.publishing_cost}\n" in terminal("show", "n").output
    assert terminal.json("show", "n")["publishing_cost"] == seen.publishing_cost
