"""The double answers as EC2 was recorded to; what a recording keeps is of no account."""

import json
from pathlib import Path
from typing import Any

import pytest

from scheduler_service.launchers.base import LaunchRefused
from tests.doubles.recorded import FOLDER, differences, recording
from tests.s3_servers import variables
from tests.scheduler_service.launchers.workshops import moto_workshop

#: none has been made in a real account so far
RECORDINGS = sorted(FOLDER.glob("*.json"))


@pytest.fixture(scope="module")
def of_moto(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A recording of moto behind the shim, in the place of an account."""
    path = tmp_path_factory.mktemp("recordings") / "launcher.json"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables().items():
            patch.setenv(name, value)
        with moto_workshop() as cloud, recording(path):
            first = cloud.launched()
            assert cloud.launched().handle == first.handle
            cloud.launcher().launch(cloud.changed(first, "another"))
            large = cloud.attempt(2)
            large.parameters["launch"]["UserData"] = "eHh4" * 6000
            with pytest.raises(LaunchRefused):
                cloud.launcher().launch(large)
            cloud.launcher().terminate(first)
            cloud.launcher().poll(first)
            cloud.launched()
    answers: list[dict[str, Any]] = json.loads(path.read_text())
    return answers


@pytest.mark.parametrize("path", RECORDINGS, ids=[path.stem for path in RECORDINGS])
def test_the_double_answers_as_amazon_did(path: Path) -> None:
    assert differences(json.loads(path.read_text())) == []


def test_the_double_answers_as_moto_behind_the_shim_does(of_moto: list[dict[str, Any]]) -> None:
    errors = [call["error"] for call in of_moto if "error" in call]
    assert errors == ["IdempotentParameterMismatch", "InvalidParameterValue", "IdempotentInstanceTerminated"]
    assert differences(of_moto) == []


def test_what_the_double_does_otherwise_is_told(of_moto: list[dict[str, Any]]) -> None:
    other = json.loads(json.dumps(of_moto))
    other[0]["answer"]["Instances"][0]["LaunchTime"] = 5
    del other[0]["answer"]["Instances"][0]["State"]
    other[1]["answer"]["Instances"][0]["InstanceId"] = "i-99"
    refused = next(call for call in other if "error" in call)
    refused["error"] = "SomethingElse"
    assert differences(other) == [
        "0: RunInstances has RunInstances.Instances.State, which EC2 hasn't",
        "0: RunInstances has RunInstances.Instances.LaunchTime as datetime and EC2 as int",
        "2: RunInstances is refused with IdempotentParameterMismatch and not SomethingElse",
    ]


def test_a_recording_keeps_nothing_of_the_account(of_moto: list[dict[str, Any]]) -> None:
    text = json.dumps(of_moto)
    [call] = [call for call in of_moto if call["operation"] == "RunInstances" and "answer" in call][:1]
    [machine] = call["answer"]["Instances"]
    assert machine["InstanceId"].startswith("i-")
    assert len(machine["InstanceId"]) < 6
    for told in ("123456789012", "10.0.", "172.", ".internal", "amazonaws.com", "arn:aws", "canary", '"worker"'):
        assert told not in text, told
