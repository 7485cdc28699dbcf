"""The task is one on both sides: what one freezes the other reads, and nothing else is understood."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from jupyter_schedule.core.costs import HOURLY
from scheduler_service.worker.task import (
    TASK_VERSION,
    ExpectedOutputs,
    LaunchPlan,
    OtherTaskVersion,
    PreviousFiles,
    TaskRefused,
    WorkerTask,
    freeze,
    frozen_task,
)
from tests.factories import make_task

FULL = make_task(
    notebook="a.ipynb",
    parameters={"month": 3, "of": {"any": ["kind", None]}},
    environment={"A": "b"},
    kernel={"name": "python3", "argv": ["/env/bin/python"]},
    previous=PreviousFiles("file:///published", "daily/data/", ["*.csv"]),
    expect=ExpectedOutputs(["a.csv changed"], "2026-11-24", None, "daily/data.json"),
    pass_environment=["DB"],
    limits={"memory": 1024},
)
OTHER = f"The task is of version 2, and this jupyter-schedule understands version {TASK_VERSION}"


@pytest.mark.parametrize("task", [make_task(), FULL])
def test_what_is_frozen_is_read_back(task: WorkerTask) -> None:
    parameters = json.loads(json.dumps(freeze(task, LaunchPlan())))
    assert frozen_task(parameters) == task
    assert LaunchPlan.of(parameters) == LaunchPlan()


def test_a_plan_says_where_a_machine_is_asked_for_and_what_the_task_says_there() -> None:
    plan = LaunchPlan(launch={"MinCount": 1}, region="eu-west-1", paid=True, task_changes={"kernel": None})
    parameters = json.loads(json.dumps(freeze(FULL, plan)))
    assert frozen_task(parameters) == replace(FULL, kernel=None)
    assert LaunchPlan.of(parameters) == replace(plan, task_changes={})


def test_a_machine_without_a_known_price_costs_all_the_same() -> None:
    assert freeze(make_task(), LaunchPlan(paid=True))[HOURLY] is None
    assert HOURLY not in freeze(make_task(), LaunchPlan())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"comand": "true"}, "A WorkerTask has no key comand. Did you mean command?"),
        ({"zzz": 1}, "A WorkerTask has no key zzz."),
        ({"previous": {"objects": "", "prefix": "", "globs": [], "glob": ""}}, "has no key glob. Did you mean globs?"),
        ({"expect": {"lines": []}}, "A ExpectedOutputs lacks a key"),
        ({"expect": []}, "isn't a JSON object"),
    ],
)
def test_what_is_not_understood_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TaskRefused, match=sentence):
        WorkerTask.of(make_task().document() | changes)


def test_a_task_that_lacks_a_key_is_refused() -> None:
    document = make_task().document()
    del document["command"]
    with pytest.raises(TaskRefused, match="command"):
        WorkerTask.of(document)


def test_another_version_is_refused_with_both_named_whatever_it_has_in_it() -> None:
    document = {"version": 2, "steps": []}
    for read in (WorkerTask.of, LaunchPlan.of, frozen_task):
        with pytest.raises(OtherTaskVersion, match=OTHER):
            read(document)
    with pytest.raises(OtherTaskVersion, match="of version unknown"):
        frozen_task({})


def test_an_agent_refuses_another_version_before_it_touches_anything() -> None:
    agent = subprocess.run(
        [sys.executable, "-m", "scheduler_service.worker"],
        input=json.dumps(make_task().document() | {"version": 2}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert agent.returncode == 2
    assert OTHER in agent.stderr
